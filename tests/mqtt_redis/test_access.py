"""Who may do what: TLS and mutual TLS with certificates that change, users of both servers, secrets, and the file of the
earlier gateway as it is."""
import os
import re
import signal
import subprocess
import unittest
from pathlib import Path

from bridge_case import RULES, BridgeCase, wait_until
from brokers import Mosquitto, Redis, free_port, program

SOURCE = Path(__file__).resolve().parents[2]


def make_certificates(directory):
    subprocess.run([SOURCE / "scripts/test_certificates.sh", directory], check=True, timeout=60)
    return directory


class Encrypted(BridgeCase):
    """Both servers speak TLS and, when `mutual`, ask for a certificate."""

    def servers(self, mutual):
        self.certificates = c = make_certificates(self.directory / "certificates")
        self.tls = {"mqtt": free_port(), "redis": free_port()}
        self.mqtt.stop()
        self.redis.stop()
        (self.directory / "tls").mkdir()
        self.mqtt = Mosquitto(self.directory / "tls",
                              f"listener {self.tls['mqtt']} 127.0.0.1\ncafile {c}/ca.crt\ncertfile {c}/server.crt\n"
                              f"keyfile {c}/server.key\nrequire_certificate {'true' if mutual else 'false'}\n")
        self.redis = Redis(self.directory / "tls", "--tls-port", str(self.tls["redis"]), "--tls-ca-cert-file",
                           f"{c}/ca.crt", "--tls-cert-file", f"{c}/server.crt", "--tls-key-file", f"{c}/server.key",
                           "--tls-auth-clients", "yes" if mutual else "no")
        for server in (self.mqtt, self.redis):
            server.start()
            self.addCleanup(server.stop)
        keys = f'host = "localhost"\ntls = true\nca_file = "{c}/ca.crt"\n'
        if mutual:
            keys += f'certificate_file = "{c}/client.crt"\nprivate_key_file = "{c}/client.key"\n'
        return keys

    def mqtt_port(self):
        return self.tls["mqtt"]

    def redis_port(self):
        return self.tls["redis"]

    def assert_passes_both_ways(self, number):
        down = self.subscribe("down/#", 1)
        self.publish("up/1", [number])
        wait_until(lambda: str(number) in self.payloads("up:1"), "upwards")
        self.add("down", "a", [number])
        self.assertIn(f"down/a {number}", down.communicate(timeout=60)[0])

    def test_tls(self):
        keys = self.servers(mutual=False)
        self.bridge(mqtt=keys, redis=keys)
        self.assert_passes_both_ways(1)

    def test_mutual_tls_and_certificates_that_change(self):
        keys = self.servers(mutual=True)
        self.bridge(mqtt=keys, redis=keys)
        self.assert_passes_both_ways(1)
        soon = self.metric("cert_expiry_seconds", 'side="mqtt"')
        self.assertTrue(360 * 86400 < soon <= 365 * 86400, soon)
        # A damaged file leaves the running certificate in use.
        certificate = self.certificates / "client.crt"
        good = certificate.read_text()
        certificate.write_text("no certificate")
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "certificates stay as they were" in self.log(), "the damaged file is refused")
        self.assert_passes_both_ways(2)
        # A new authority on all sides: the bridge takes it with the next connection, without a restart.
        certificate.write_text(good)
        make_certificates(self.certificates)
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "links_kept=1" in self.log().split("certificates stay as they were")[-1], "read again")
        for server in (self.mqtt, self.redis):
            server.stop()
            server.start()
        wait_until(self.is_ready, "ready with the new certificates")
        self.assert_passes_both_ways(3)
        self.assertIsNone(self.process.poll())

    def test_a_server_that_others_vouch_for_is_refused(self):
        keys = self.servers(mutual=False)
        other = make_certificates(self.directory / "other")
        keys = keys.replace(str(self.certificates), str(other))
        self.http = free_port()
        self.top, self.mqtt_keys, self.redis_keys = "", keys, keys
        self.config = self.directory / "mqtt_redis.toml"
        self.write()
        self.process = self.spawn()
        wait_until(lambda: self.log().count("certificate verify failed") >= 2, "the chain is judged")
        self.assertEqual(self.get("/health")[0], 200)
        self.assertEqual(self.get("/ready")[0], 503)

    def test_file_of_the_earlier_gateway_works_as_it_is(self):
        self.servers(mutual=True)
        for side in ("mqtt", "redis"):
            (self.directory / "certs").mkdir(exist_ok=True)
            (self.directory / "certs" / side).symlink_to(self.certificates)
        self.redis.call("ACL", "SETUSER", "user", "on", ">hidden-password", "~*", "&*", "+@all")
        text = (Path(__file__).parent / "earlier_gateway.toml").read_text()
        for old, new in (('broker = "mqtt"', 'broker = "localhost"'), ('broker = "redis"', 'broker = "localhost"'),
                         ("8883", str(self.tls["mqtt"])), ("8379", str(self.tls["redis"]))):
            text = text.replace(old, new)  # there is no mqtt or redis in this machine's hosts file
        self.config = self.directory / "config.toml"
        self.config.write_text(text)
        self.http = free_port()
        status, printed = self.command("--check", "--config", str(self.config))
        self.assertEqual(status, 0, printed)
        self.assertIn("echo of one hop", printed)
        self.assertNotIn("hidden-password", printed)
        environment = os.environ | {"MQTT_REDIS_HTTP_LISTEN": f"127.0.0.1:{self.http}"}
        here = os.getcwd()
        os.chdir(self.directory)  # its paths are relative to the working directory
        try:
            self.run_bridge(environment)
        finally:
            os.chdir(here)
        echo = self.subscribe("cloud/test-topic", 1)
        listener = self.watch_redis("cloud/test-topic")
        self.publish("cloud/into-edge/test-topic", ["42"])
        wait_until(lambda: listener() == ["42"], "the message arrives")
        self.assertIn("cloud/test-topic 42", echo.communicate(timeout=60)[0])  # the echo that was reported
        self.assertIn("echo of one hop", self.log())
        self.assertNotIn("hidden-password", self.log())


class Users(BridgeCase):
    def test_what_check_prints_is_enough(self):
        """Users at both servers that may do what --check lists and nothing else."""
        self.bridge()
        self.terminate()
        (self.directory / "secret").write_text("hidden-redis\n")
        self.mqtt_keys = 'user = "bridge"\npassword = "${BRIDGE_SECRET}"'
        self.redis_keys = f'user = "bridge"\npassword_file = "{self.directory}/secret"'
        self.write()
        os.environ["BRIDGE_SECRET"] = "hidden-mqtt"
        self.addCleanup(os.environ.pop, "BRIDGE_SECRET")
        status, text = self.command("--check", "--config", str(self.config))
        self.assertEqual(status, 0, text)
        self.assertNotIn("hidden", text)
        setuser = next(l for l in text.split("\n") if "ACL SETUSER" in l)
        self.assertEqual(self.redis.call(*setuser.split(), ">hidden-redis"), "OK")
        lines = text[text.index("user bridge"):text.index("access at Redis")].split("\n")
        (self.directory / "acl").write_text("topic readwrite #\n" + "\n".join(l.strip() for l in lines) + "\n")
        (self.directory / "passwords").touch()
        subprocess.run([program("mosquitto_passwd"), "-b", self.directory / "passwords", "bridge", "hidden-mqtt"],
                       check=True, timeout=60)
        config = self.directory / "mqtt" / "mosquitto.conf"
        config.write_text(config.read_text() + f"\nacl_file {self.directory}/acl\npassword_file {self.directory}/passwords\n")
        self.mqtt.stop()
        self.mqtt.start()
        self.run_bridge()
        down, news = self.subscribe("down/#", 1), self.subscribe("news/#", 1)
        self.publish("up/1", ["x"])
        wait_until(lambda: self.redis.call("XLEN", "up:1") == "1", "an entry")
        self.publish("tell/1", ["x"])
        wait_until(lambda: self.metric("to_redis_total") == 2, "published")
        self.redis.call("XADD", "down", "*", "k", "a", "p", "1")
        self.redis.call("PUBLISH", "news.b", "2")
        self.assertIn("down/a 1", down.communicate(timeout=60)[0])
        self.assertIn("news/b 2", news.communicate(timeout=60)[0])
        wait_until(lambda: self.redis.call("XPENDING", "down", "msgkit").startswith("0"), "the entry is acknowledged")
        self.assertEqual(self.metric("dead_total"), 0)
        self.assertNotIn("hidden", self.log() + self.get("/metrics")[1] + self.get("/ready")[1])
        self.assertNotIn("NOPERM", self.log())

    def test_wrong_credentials_are_not_ready_and_not_fatal(self):
        self.redis.call("ACL", "SETUSER", "bridge", "on", ">right", "~*", "&*", "+@all")
        (self.directory / "passwords").touch()
        passwords = [program("mosquitto_passwd"), "-b", self.directory / "passwords", "bridge"]
        subprocess.run([*passwords, "right"], check=True, timeout=60)
        config = self.directory / "mqtt" / "mosquitto.conf"
        config.write_text(config.read_text() + f"\npassword_file {self.directory}/passwords\n")
        self.mqtt.stop()
        self.mqtt.start()
        self.http = free_port()
        self.config = self.directory / "mqtt_redis.toml"
        self.top, self.mqtt_keys, self.redis_keys = "", *['user = "bridge"\npassword = "wrong"'] * 2
        self.write()
        self.process = self.spawn()
        wait_until(lambda: "WRONGPASS" in self.log() and re.search("side=mqtt .*(authori|password)", self.log()),
                   "both servers' reasons")
        self.assertEqual(self.get("/health")[0], 200)
        self.assertEqual(self.get("/ready")[0], 503)
        self.assertIsNone(self.process.poll())
        self.redis.call("ACL", "SETUSER", "bridge", ">wrong")
        subprocess.run([*passwords, "wrong"], check=True, timeout=60)
        self.mqtt.process.send_signal(signal.SIGHUP)
        wait_until(self.is_ready, "ready when the passwords are right")


class Told(BridgeCase):
    def test_explain_and_check(self):
        self.bridge()
        self.terminate()
        status, text = self.command("--explain", "up/7", "--config", str(self.config))
        self.assertEqual((status, text), (0, "mqtt up/7 -> stream up:7  payload 42 -> 42  (link main, rule up)\n"))
        status, text = self.command("--check", "--config", str(self.config))
        self.assertEqual(status, 0)
        for name in ("up", "tell", "down", "news"):
            self.assertRegex(text, rf"rule {name}: .*\n    guarantee: at (least|most) once")
        self.assertIn("loops: none", text)
        loop = '[[rule]]\nname = "back"\nfrom = { channel = "tell:1" }\nto = { mqtt = "tell/1" }\n'
        self.write(RULES + loop)
        status, text = self.command("--check", "--config", str(self.config))
        self.assertNotEqual(status, 0)
        self.assertIn("rule back", text)


if __name__ == "__main__":
    unittest.main()
