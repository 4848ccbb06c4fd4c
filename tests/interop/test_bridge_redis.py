"""The relay and redis-server with TLS, mutual TLS, ACL users, and behind Sentinel."""
import tempfile
import unittest

from bridge_tests import Node, make_certificates
from brokers import BrokersTest, Redis, Sentinel, free_port, wait_until


class Failover(BrokersTest):
    """A master, a replica and three sentinels."""

    def setUp(self):
        super().setUp()
        self.replica = self.make("replica", Redis, "--replicaof", "127.0.0.1", str(self.redis.port))
        wait_until(lambda: "master_link_status:up" in self.replica.call("INFO", "replication"), "the replica follows")
        self.sentinels = [self.make(f"sentinel{i}", Sentinel, self.redis.port) for i in range(3)]
        wait_until(lambda: all("sentinels=3,slaves=1" in s.call("INFO", "sentinel").replace("slaves=1,sentinels=3",
                   "sentinels=3,slaves=1") for s in self.sentinels), "the sentinels know each other")

    def make(self, name, kind, *arguments):
        (self.directory / name).mkdir()
        server = kind(self.directory / name, *arguments)
        server.start()
        self.addCleanup(server.stop)
        return server

    def test_the_relay_follows_the_master(self):
        ports = {f"sentinel{i + 2}": s.port for i, s in enumerate(self.sentinels)}
        node = Node(self, mqtt=self.mqtt.port, redis=1, sentinel1=free_port(), **ports)  # nobody listens at the first
        self.publish("site/s/up", range(100))
        wait_until(lambda: self.redis.call("XLEN", "telemetry:s") == "100", "100 entries at the master")
        wait_until(lambda: self.replica.call("XLEN", "telemetry:s") == "100", "and at the replica")
        self.redis.process.kill()
        self.redis.process.wait()
        self.publish("site/s/up", range(100, 200))
        wait_until(lambda: self.replica.call("XLEN", "telemetry:s") == "200", "all entries at the new master", 120)
        fields = self.replica.call("XRANGE", "telemetry:s", "-", "+").split("\n")
        self.assertEqual([fields[i + 1] for i, f in enumerate(fields) if f == "p"], [str(i) for i in range(200)])
        node.wait_up(("reader", "subscriber"))
        subscriber = self.subscribe("site/f/cmd", 1)
        self.replica.call("XADD", "commands", "*", "site", "f", "p", "after")
        self.assertIn("site/f/cmd after", subscriber.communicate(timeout=60)[0])


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
