"""mqtt_redis between mosquitto and redis-server. MSGKIT_BIN_DIR is the directory apps/ of the build tree."""
import collections
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
from brokers import BrokersTest, free_port, wait_until  # noqa: E402
from gateway import binary  # noqa: E402

WINDOW = 1001  # receive_maximum, and the one that shows that this mosquitto oversteps it
# One rule of each kind: to a stream, to a channel, from a stream, from channels.
RULES = """
[[rule]]
name = "up"
from = { mqtt = "up/{q}", qos = 2 }
to = { stream = "up:{q}" }
[[rule]]
name = "tell"
from = { mqtt = "tell/{q}", qos = 1 }
to = { channel = "tell:{q}" }
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


class BridgeCase(BrokersTest):
    """One pair of brokers and one bridge per test; the bridge connects again within 200 ms."""
    def bridge(self, rules=RULES, top="", mqtt="", redis=""):
        self.http = free_port()
        self.top, self.mqtt_keys, self.redis_keys = top, mqtt, redis
        self.config = self.directory / "mqtt_redis.toml"
        self.write(rules)
        self.run_bridge()

    def write(self, rules=RULES):
        client = "" if "client_id" in self.mqtt_keys else 'client_id = "bridge"'
        self.config.write_text(f'http.listen = "127.0.0.1:{self.http}"\nreconnect_max = "200ms"\n{self.top}\n'
                               f'[mqtt]\nport = {self.mqtt_port()}\n{client}\n{self.mqtt_keys}\n'
                               f'[redis]\nport = {self.redis_port()}\n{self.redis_keys}\n{rules}')

    def mqtt_port(self):
        return self.mqtt.port

    def redis_port(self):
        return self.redis.port

    def spawn(self, config=None, environment=None):
        log = open(self.directory / "log", "ab")
        self.addCleanup(log.close)
        process = subprocess.Popen([binary("mqtt_redis"), "--config", config or self.config], stderr=log, env=environment)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def run_bridge(self, environment=None):
        self.process = self.spawn(environment=environment)
        wait_until(self.is_ready, "the bridge is ready")

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(60), 0)

    def log(self):
        return (self.directory / "log").read_text()

    def command(self, *arguments):
        """What the program prints and how it ends."""
        done = subprocess.run([binary("mqtt_redis"), *arguments], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def get(self, path, port=None):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port or self.http}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            with e:
                return e.code, e.read().decode()
        except OSError:
            return 0, ""

    def is_ready(self, port=None):
        return self.get("/ready", port)[0] == 200

    def metric(self, name, labels="", port=None):
        """The sum of a metric's series whose labels contain `labels`."""
        rows = re.findall(rf"^mqtt_redis_{name}{{([^}}]*)}} (\S+)$", self.get("/metrics", port)[1], re.M)
        return sum(float(value) for found, value in rows if labels in found)

    def payloads(self, stream):
        lines = self.redis.call("XRANGE", stream, "-", "+").split("\n")
        return [lines[i + 1] for i, f in enumerate(lines[:-1]) if f == "p"]

    def add(self, stream, key, lines):
        self.feed_redis(f"XADD {stream} * k {key} p {line}\n" for line in lines)

    def feed_redis(self, commands):
        subprocess.run(["redis-cli", "-p", str(self.redis.port), "--pipe"], stdout=subprocess.DEVNULL, timeout=60, check=True,
                       input="".join(commands).encode())

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

    def record(self, name, command, ready):
        """Runs a program whose lines are to be looked at while it runs; gives a function that returns them."""
        path = self.directory / name
        out = open(path, "wb")
        self.addCleanup(out.close)
        process = subprocess.Popen(["stdbuf", "-oL", *command], stdout=out, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: ready in path.read_text(), f"{name} listens")
        return lambda: path.read_text().split("\n")[:-1]

    def watch_mqtt(self, topic, name="watcher"):
        """The numbers that a subscriber with a session receives; it connects again by itself."""
        lines = self.record(name, ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.mqtt.port), "-V", "5", "-q", "1",
                                   "-i", name, "-c", "-x", "3600", "-t", topic, "-F", "%p", "-d"], "SUBACK")
        return lambda: [l for l in lines() if l.isdigit()]

    def watch_redis(self, channel):
        """The numbers that a subscriber of Redis receives, as long as Redis runs."""
        lines = self.record("listener", ["redis-cli", "-p", str(self.redis.port), "SUBSCRIBE", channel], "subscribe")
        return lambda: [l for l in lines()[3:] if l.isdigit()]
