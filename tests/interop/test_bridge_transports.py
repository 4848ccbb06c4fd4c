"""The relay over every transport that mosquitto and redis-server offer, both protocol versions."""
import json
import subprocess
import tempfile
import unittest

from bridge_tests import Node, make_certificates
from brokers import BrokersTest, Mosquitto, free_port, program, wait_until


class Transports(BrokersTest):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="msgkit-certificates-")
        cls.addClassCleanup(directory.cleanup)
        cls.certificates = make_certificates(directory.name)

    def make_mosquitto(self, directory):
        self.ports = {name: free_port() for name in ("tls", "mtls", "ws", "wss", "wss_mtls")}
        pair = f"certfile {self.certificates}/server.crt\nkeyfile {self.certificates}/server.key\n"
        demand = f"cafile {self.certificates}/ca.crt\nrequire_certificate true\n"
        # Without socket_domain a WebSocket listener of this mosquitto ignores its address.
        web = "protocol websockets\nsocket_domain ipv4\n"
        extra = ""
        for name, what in (("tls", pair), ("mtls", pair + demand), ("ws", web), ("wss", web + pair),
                           ("wss_mtls", web + pair + demand)):
            extra += f"listener {self.ports[name]} 127.0.0.1\n{what}"
        return Mosquitto(directory, extra)

    def settings(self, transport):
        if transport == "tcp":
            return {"mqtt": self.mqtt.port}
        made = {"mqtt": self.ports[transport]}
        if "ws" in transport:
            made["websocket"] = "/mqtt"
        if "tls" in transport or "wss" in transport:
            made["mqtt_ca"] = self.certificates / "ca.crt"
        if "mtls" in transport:
            made["mqtt_cert"] = self.certificates / "client.crt"
            made["mqtt_key"] = self.certificates / "client.key"
        return made

    def exchange(self, site, **settings):
        """A hundred messages each way, in sequence and of growing size, and one of 300 000 octets."""
        node = Node(self, redis=self.redis.port, **settings)
        subscriber = self.subscribe("site/+/cmd", 100)
        self.publish(f"site/{site}/up", (str(i) * (1 + i * 20) for i in range(100)))
        large = self.directory / "large"
        large.write_bytes(bytes(range(256)) * 1172)
        subprocess.run([program("mosquitto_pub"), "-h", "127.0.0.1", "-p", str(self.mqtt.port), "-q", "2",
                        "-t", f"site/{site}/up", "-f", str(large)], check=True, timeout=60)
        for i in range(100):
            self.redis.call("XADD", "commands", "*", "site", site, "p", f"do {i}")
        out = subscriber.communicate(timeout=60)[0]
        self.assertEqual([line for line in out.split("\n") if line.startswith("site/")],
                         [f"site/{site}/cmd do {i}" for i in range(100)])
        wait_until(lambda: self.redis.call("XLEN", f"telemetry:{site}") == "101", "101 entries")
        self.assertEqual(self.payloads(f"telemetry:{site}"), [str(i) * (1 + i * 20) for i in range(100)] + ["large"])
        counters = node.stop()
        self.assertEqual({name: counters[name] for name in ("to_redis", "to_mqtt", "dead")},
                         {"to_redis": 101, "to_mqtt": 100, "dead": 0})

    def payloads(self, stream):
        """Redis prints what is no text with escapes, so the large one is judged by its length."""
        entries = json.loads(self.redis.call("--json", "XRANGE", stream, "-", "+", "COUNT", "100"))
        texts = [dict(zip(fields[::2], fields[1::2]))["p"] for _, fields in entries]
        script = f"local e = redis.call('XREVRANGE', '{stream}', '+', '-', 'COUNT', 1)[1][2] return string.len(e[4])"
        return texts + (["large"] if self.redis.call("EVAL", script, "0") == str(256 * 1172) else [])

    def test_every_transport_in_both_versions(self):
        for transport in ("tcp", *self.ports):
            for version in (4, 5):
                with self.subTest(transport=transport, version=version):
                    self.exchange(f"{transport}{version}", name=f"n-{transport}-{version}", version=version,
                                  **self.settings(transport))

    def test_a_broker_of_another_authority_is_refused(self):
        other = make_certificates(self.directory / "other")
        for transport in ("tls", "wss"):
            with self.subTest(transport=transport):
                node = Node(self, links=("writer",), redis=self.redis.port,
                            **self.settings(transport) | {"mqtt_ca": other / "ca.crt"})
                wait_until(lambda: any(line.startswith("mqtt down") for line in node.lines), "it is refused")
                self.assertFalse(node.is_up("mqtt"))
                node.kill()

    def test_a_client_without_certificate_is_refused(self):
        settings = self.settings("tls") | {"mqtt": self.ports["mtls"]}
        node = Node(self, links=("writer",), redis=self.redis.port, **settings)
        wait_until(lambda: any(line.startswith("mqtt down") for line in node.lines), "it is refused")
        self.assertFalse(node.is_up("mqtt"))

    def test_a_server_that_is_no_websocket_is_refused(self):
        node = Node(self, links=("writer",), redis=self.redis.port, mqtt=self.redis.port, websocket="/mqtt")
        wait_until(lambda: any(line.startswith("mqtt down") for line in node.lines), "it is refused")
        self.assertFalse(node.is_up("mqtt"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
