"""The relay and redis-server with TLS, mutual TLS, ACL users."""
import tempfile
import unittest

from bridge_tests import Node, make_certificates
from brokers import BrokersTest, Redis, free_port, wait_until


class SecuredRedis(BrokersTest):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="msgkit-certificates-")
        cls.addClassCleanup(directory.cleanup)
        cls.certificates = make_certificates(directory.name)

    def make_redis(self, directory):
        self.tls_port = free_port()
        return Redis(directory, "--tls-port", str(self.tls_port), "--tls-cert-file", f"{self.certificates}/server.crt",
                     "--tls-key-file", f"{self.certificates}/server.key", "--tls-ca-cert-file",
                     f"{self.certificates}/ca.crt", "--tls-auth-clients", "optional")

    def exchange(self, site, **settings):
        node = Node(self, mqtt=self.mqtt.port, **settings)
        subscriber = self.subscribe("said/x", 1)
        self.publish(f"site/{site}/up", range(100))
        wait_until(lambda: self.redis.call("XLEN", f"telemetry:{site}") == "100", "100 entries")
        self.assertEqual(self.redis.call("PUBLISH", "say.x", "hello"), "1")
        self.assertIn("said/x hello", subscriber.communicate(timeout=60)[0])
        node.stop()

    def test_tls(self):
        self.exchange("tls", redis=self.tls_port, redis_ca=self.certificates / "ca.crt")

    def test_mutual_tls(self):
        self.redis.call("CONFIG", "SET", "tls-auth-clients", "yes")
        pair = {"redis_cert": self.certificates / "client.crt", "redis_key": self.certificates / "client.key"}
        self.exchange("mtls", redis=self.tls_port, redis_ca=self.certificates / "ca.crt", **pair)
        without = Node(self, ("mqtt",), mqtt=self.mqtt.port, redis=self.tls_port, redis_ca=self.certificates / "ca.crt")
        wait_until(lambda: any(line.startswith("writer down") for line in without.lines), "it is refused")
        self.assertFalse(without.is_up("writer"))

    def test_a_server_of_another_authority_is_refused(self):
        other = make_certificates(self.directory / "other")
        node = Node(self, ("mqtt",), mqtt=self.mqtt.port, redis=self.tls_port, redis_ca=other / "ca.crt")
        wait_until(lambda: any(line.startswith("writer down") for line in node.lines), "it is refused")
        self.assertFalse(node.is_up("writer"))

    def test_an_acl_user_with_just_what_the_rules_need(self):
        self.redis.call("ACL", "SETUSER", "bridge", "on", ">secret", "resetkeys", "~telemetry:*", "~commands", "~kept:*",
                        "~bridge:dead", "resetchannels", "&note:*", "&say.*", "-@all", "+hello", "+auth", "+client|setname",
                        "+ping", "+xadd", "+xack", "+xgroup|create", "+xreadgroup", "+xautoclaim", "+xpending", "+publish",
                        "+psubscribe")
        self.exchange("acl", redis=self.redis.port, redis_user="bridge", redis_password="secret")

    def test_wrong_credentials_are_told_and_tried_again(self):
        self.redis.call("ACL", "SETUSER", "bridge", "on", ">secret", "~*", "&*", "+@all")
        node = Node(self, ("mqtt",), mqtt=self.mqtt.port, redis=self.redis.port, redis_user="bridge", redis_password="no")
        wait_until(lambda: any("WRONGPASS" in line for line in node.lines), "the reason is told")
        self.redis.call("ACL", "SETUSER", "bridge", ">no")
        node.wait_up(("writer", "reader", "subscriber"))

    def test_what_the_user_may_not_write_becomes_a_dead_letter(self):
        self.redis.call("ACL", "SETUSER", "bridge", "on", ">secret", "~commands", "~bridge:dead", "&*", "+@all")
        node = Node(self, mqtt=self.mqtt.port, redis=self.redis.port, redis_user="bridge", redis_password="secret")
        self.publish("site/x/up", ["forbidden"])
        wait_until(lambda: self.redis.call("XLEN", "bridge:dead") == "1", "one dead letter")
        fields = self.redis.call("XRANGE", "bridge:dead", "-", "+").split("\n")[1:]
        letter = dict(zip(fields[::2], fields[1::2]))
        self.assertEqual((letter["origin"], letter["p"], letter["reason"].split()[0]), ("site/x/up", "forbidden", "NOPERM"))
        self.assertEqual(node.stop()["dead"], 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
