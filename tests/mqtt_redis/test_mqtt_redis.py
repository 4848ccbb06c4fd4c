"""mqtt_redis between mosquitto and redis-server, each killed in turn. MSGKIT_BIN_DIR is the directory apps/ of the build
tree, MSGKIT_BRIDGE_ROUNDS how often each of the three is killed (1)."""
import collections
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
from brokers import BrokersTest, free_port, wait_until  # noqa: E402
from gateway import binary  # noqa: E402

ROUNDS = int(os.environ.get("MSGKIT_BRIDGE_ROUNDS", "1"))
WINDOW = 1000
RULES = """
[[rule]]
name = "up"
from = { mqtt = "up/{q}", qos = 2 }
to = { stream = "up:{q}" }
[[rule]]
name = "down"
from = { stream = "down" }
to = { mqtt = "down/{field:k}", qos = 1 }
[[rule]]
name = "news"
from = { pattern = "news.*" }
to = { mqtt = "news/{1}", qos = 1 }
"""


class StallingProxy:
    """Relays to a port. stall() leaves the connections of the moment open and silent; later ones are relayed."""

    def __init__(self, target):
        self.target, self.generation = target, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets = [self.listener]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self.sockets += [near, far]
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self.relay, args=(a, b, self.generation), daemon=True).start()

    def relay(self, source, sink, generation):
        try:
            while octets := source.recv(65536):
                if generation != self.generation:
                    return
                sink.sendall(octets)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stall(self):
        self.generation += 1

    def close(self):
        for s in self.sockets:
            s.close()


class MqttRedisTest(BrokersTest):
    def bridge(self, rules=RULES, mqtt="", redis=""):
        self.http = free_port()
        self.mqtt_keys, self.redis_keys = mqtt, redis
        self.config = self.directory / "mqtt_redis.toml"
        self.write(rules)
        self.run_bridge()

    def write(self, rules):
        self.config.write_text(f'http.listen = "127.0.0.1:{self.http}"\n[mqtt]\nport = {self.mqtt_port()}\n'
                               f'client_id = "bridge"\n{self.mqtt_keys}\n[redis]\nport = {self.redis_port()}\n'
                               f'{self.redis_keys}\n{rules}')

    def mqtt_port(self):
        return self.mqtt.port

    def redis_port(self):
        return self.redis.port

    def run_bridge(self):
        log = open(self.directory / "log", "ab")
        self.addCleanup(log.close)
        self.process = subprocess.Popen([binary("mqtt_redis"), "--config", self.config], stderr=log)
        process = self.process
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(self.is_ready, "the bridge is ready")

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            with e:
                return e.code, e.read().decode()
        except OSError:
            return 0, ""

    def is_ready(self):
        return self.get("/ready")[0] == 200

    def payloads(self, stream):
        lines = self.redis.call("XRANGE", stream, "-", "+").split("\n")
        return [lines[i + 1] for i, f in enumerate(lines[:-1]) if f == "p"]

    def assert_none_missing(self, got, count, spare):
        seen = collections.Counter(got)
        self.assertEqual({str(i) for i in range(count)} - set(seen), set())
        self.assertLessEqual(sum(seen.values()) - len(seen), spare)

    def kill_and_start(self, which):
        if which == "bridge":
            self.process.kill()
            self.process.wait()
            return self.run_bridge()
        server = getattr(self, which)
        server.process.kill()
        server.process.wait()
        server.start()


class BothWays(MqttRedisTest):
    def test_every_quality_of_service(self):
        self.bridge()
        for qos in "012":
            self.publish(f"up/{qos}", range(100), qos=qos)
            wait_until(lambda: self.redis.call("XLEN", f"up:{qos}") == "100", "100 entries")
            self.assertEqual(self.payloads(f"up:{qos}"), [str(i) for i in range(100)])

    def test_streams_and_channels_reach_the_broker(self):
        self.bridge()
        down, news = self.subscribe("down/#", 50), self.subscribe("news/#", 20)
        for i in range(50):
            self.redis.call("XADD", "down", "*", "k", "a", "p", str(i))
        for i in range(20):
            self.assertEqual(self.redis.call("PUBLISH", "news.b", str(i)), "1")
        self.assertEqual([l for l in down.communicate(timeout=60)[0].split("\n") if l.startswith("down/")],
                         [f"down/a {i}" for i in range(50)])
        self.assertEqual([l for l in news.communicate(timeout=60)[0].split("\n") if l.startswith("news/")],
                         [f"news/b {i}" for i in range(20)])

    def test_metrics_count_and_readiness_follows_each_side(self):
        self.bridge()
        self.publish("up/1", range(10))
        wait_until(lambda: 'mqtt_redis_to_redis_total{link="main"} 10' in self.get("/metrics")[1], "10 deliveries")
        for server in (self.mqtt, self.redis):
            server.stop()
            wait_until(lambda: self.get("/ready")[0] == 503, "not ready")
            self.assertEqual(self.get("/health")[0], 200)
            server.start()
            wait_until(self.is_ready, "ready again")

    def test_hangup_applies_good_rules_and_refuses_bad_ones(self):
        self.bridge()
        self.write("[[rule]]\nname = \"bad\"\n")
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "exactly one of" in (self.directory / "log").read_text(), "the file is refused")
        self.publish("up/1", range(5))
        wait_until(lambda: self.redis.call("XLEN", "up:1") == "5", "the old rules work")
        self.write(RULES.replace('"up:{q}"', '"fresh:{q}"'))
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "links_started=1" in (self.directory / "log").read_text(), "the file is applied")
        wait_until(self.is_ready, "ready with the new rules")
        self.publish("up/1", range(5))
        wait_until(lambda: self.redis.call("XLEN", "fresh:1") == "5", "the new rules work")

    def test_terminate_finishes_and_doubles_nothing(self):
        self.bridge()
        self.publish("up/1", range(500))
        self.process.terminate()
        self.assertEqual(self.process.wait(60), 0)
        self.run_bridge()
        wait_until(lambda: int(self.redis.call("XLEN", "up:1")) >= 500, "500 entries")
        self.assert_none_missing(self.payloads("up:1"), 500, 0)


class Access(MqttRedisTest):
    def test_what_check_prints_for_redis_is_enough(self):
        self.bridge()
        self.process.terminate()
        self.assertEqual(self.process.wait(60), 0)
        self.redis_keys = 'user = "bridge"\npassword = "hidden"'
        self.write(RULES)
        text = subprocess.run([binary("mqtt_redis"), "--check", "--config", self.config], capture_output=True, text=True,
                              timeout=60, check=True).stdout
        self.assertNotIn("hidden", text)
        line = next(l for l in text.split("\n") if "ACL SETUSER" in l)
        self.assertEqual(self.redis.call(*line.split(), ">hidden"), "OK")
        self.run_bridge()
        down, news = self.subscribe("down/#", 1), self.subscribe("news/#", 1)
        self.publish("up/1", ["x"])
        wait_until(lambda: self.redis.call("XLEN", "up:1") == "1", "an entry")
        self.redis.call("XADD", "down", "*", "k", "a", "p", "1")
        self.redis.call("PUBLISH", "news.b", "2")
        self.assertIn("down/a 1", down.communicate(timeout=60)[0])
        self.assertIn("news/b 2", news.communicate(timeout=60)[0])
        wait_until(lambda: self.redis.call("XPENDING", "down", "msgkit").startswith("0"), "the entry is acknowledged")
        self.assertNotIn("hidden", (self.directory / "log").read_text())

    def test_wrong_password_is_not_ready_and_not_fatal(self):
        self.redis.call("ACL", "SETUSER", "bridge", "on", ">right", "~*", "&*", "+@all")
        self.http = free_port()
        self.config = self.directory / "mqtt_redis.toml"
        self.mqtt_keys, self.redis_keys = "", 'user = "bridge"\npassword = "wrong"'
        self.write(RULES)
        log = open(self.directory / "log", "ab")
        self.addCleanup(log.close)
        process = subprocess.Popen([binary("mqtt_redis"), "--config", self.config], stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: "WRONGPASS" in (self.directory / "log").read_text() or self.get("/ready")[0] == 503, "503")
        self.assertEqual(self.get("/health")[0], 200)
        self.assertEqual(self.get("/ready")[0], 503)
        self.assertIsNone(process.poll())
        self.redis.call("ACL", "SETUSER", "bridge", ">wrong")
        wait_until(self.is_ready, "ready when the password is right")


class Stalled(MqttRedisTest):
    """Connections that stay open and fall silent: the bridge finds out and connects anew."""

    def setUp(self):
        super().setUp()
        self.mqtt_proxy, self.redis_proxy = StallingProxy(self.mqtt.port), StallingProxy(self.redis.port)
        self.addCleanup(self.mqtt_proxy.close)
        self.addCleanup(self.redis_proxy.close)

    def mqtt_port(self):
        return self.mqtt_proxy.port

    def redis_port(self):
        return self.redis_proxy.port

    def test_nothing_is_missing_after_each_side_falls_silent(self):
        self.bridge(mqtt='keep_alive = "2s"')
        self.publish("up/1", range(0, 500))
        self.redis_proxy.stall()
        self.publish("up/1", range(500, 1000))
        wait_until(lambda: len(set(self.payloads("up:1"))) >= 1000, "all after Redis fell silent")
        self.mqtt_proxy.stall()
        self.publish("up/1", range(1000, 1500))
        wait_until(lambda: len(set(self.payloads("up:1"))) >= 1500, "all after the broker fell silent")
        self.assert_none_missing(self.payloads("up:1"), 1500, 2 * WINDOW)


class Failures(MqttRedisTest):
    """Messages both ways while one of the three is killed: none missing, duplicates at most a window for each kill."""

    def both_ways_through(self, victims, count=3000):
        self.bridge()
        received = self.subscribe_for_ever("down/#")
        # Acknowledged by Redis before anything is killed, so that none of it may go missing.
        subprocess.run(["redis-cli", "-p", str(self.redis.port)], stdout=subprocess.DEVNULL, timeout=60, check=True,
                       input="".join(f"XADD down * k a p {i}\n" for i in range(count)).encode())
        up = subprocess.Popen(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.mqtt.port), "-V", "5", "-q", "1",
                               "-t", "up/1", "-l"], stdin=subprocess.PIPE)
        self.addCleanup(up.wait)
        self.addCleanup(up.kill)
        self.addCleanup(up.stdin.close)
        # A part before each kill and right behind it, so that every kill meets messages on their way.
        parts = len(victims) + 1
        bounds = [count * i // parts for i in range(parts + 1)]
        for first, last, victim in zip(bounds, bounds[1:], victims + [None]):
            up.stdin.write("".join(f"{i}\n" for i in range(first, last)).encode())
            up.stdin.flush()
            if victim is None:
                break
            wait_until(lambda: len(self.payloads("up:1")) > first, "some of this part has passed")
            time.sleep(random.uniform(0, 0.02))  # a moment of its own choice, not a wait
            self.kill_and_start(victim)
        up.stdin.close()
        self.assertEqual(up.wait(60), 0)
        wait_until(lambda: len(set(self.payloads("up:1"))) >= count, "all upwards")
        self.assert_none_missing(self.payloads("up:1"), count, WINDOW * len(victims))
        wait_until(lambda: len(set(received())) >= count, "all downwards")
        self.assert_none_missing(received(), count, WINDOW * len(victims))

    def subscribe_for_ever(self, topic):
        path = self.directory / "received"
        out = open(path, "wb")
        self.addCleanup(out.close)
        process = subprocess.Popen(["stdbuf", "-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.mqtt.port), "-V", "5", "-q",
                                    "1", "-i", "watcher", "-c", "-x", "3600", "-t", topic, "-F", "%p", "-d"], stdout=out,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: "SUBACK" in path.read_text(), "the watcher subscribes")
        return lambda: [l for l in path.read_text().split("\n")[:-1] if l.isdigit()]

    def test_bridge_killed(self):
        self.both_ways_through(["bridge"] * ROUNDS)

    def test_redis_killed(self):
        self.both_ways_through(["redis"] * ROUNDS)

    def test_broker_killed_is_found_again(self):
        """What mosquitto had in memory only is its own loss; what comes afterwards is not."""
        self.bridge()
        for _ in range(ROUNDS):
            self.kill_and_start("mqtt")
            wait_until(lambda: 'side="mqtt"} 1' in self.get("/metrics")[1] and self.is_ready(), "ready again")
            before = int(self.redis.call("XLEN", "up:1"))
            # Until the first passes the new broker may not know our subscription.
            wait_until(lambda: self.publish("up/probe", ["x"]) or int(self.redis.call("XLEN", "up:probe")) > 0, "a probe")
            self.publish("up/1", range(100))
            wait_until(lambda: int(self.redis.call("XLEN", "up:1")) == before + 100, "all after the kill")
            self.redis.call("DEL", "up:probe")

    def test_both_down(self):
        self.bridge()
        received = self.subscribe_for_ever("down/#")
        for i in range(100):
            self.redis.call("XADD", "down", "*", "k", "a", "p", str(i))
        self.publish("up/1", range(500))
        self.mqtt.stop()
        self.redis.stop()
        wait_until(lambda: self.get("/ready")[0] == 503, "not ready")
        self.redis.start()
        self.mqtt.start()
        wait_until(lambda: len(set(received())) >= 100 and len(set(self.payloads("up:1"))) >= 500, "all both ways")
        self.assert_none_missing(received(), 100, WINDOW)
        self.assert_none_missing(self.payloads("up:1"), 500, WINDOW)

    def test_redis_down_withholds_acknowledgements(self):
        self.bridge()
        self.redis.stop()
        self.publish("up/1", range(2000))
        self.redis.start()
        wait_until(lambda: int(self.redis.call("XLEN", "up:1")) >= 2000, "all after the outage")
        self.assert_none_missing(self.payloads("up:1"), 2000, WINDOW)

    def test_broker_down_leaves_entries_pending(self):
        self.bridge()
        received = self.subscribe_for_ever("down/#")
        self.mqtt.stop()
        for i in range(200):
            self.redis.call("XADD", "down", "*", "k", "a", "p", str(i))
        self.mqtt.start()
        wait_until(lambda: len(set(received())) >= 200, "all after the outage")
        self.assert_none_missing(received(), 200, WINDOW)


if __name__ == "__main__":
    unittest.main()
