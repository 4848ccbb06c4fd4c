"""Rules that are acknowledged from the spool, a disk that is full, dedupe, MQTT over WebSocket."""
import resource
import signal
import subprocess
import unittest

from bridge_case import RULES, WINDOW, BridgeCase, wait_until
from brokers import free_port

SPOOLED = RULES.replace('to = { stream = "up:{q}" }', 'to = { stream = "up:{q}" }\nspool = true').replace(
    'to = { mqtt = "news/{1}", qos = 1 }', 'to = { mqtt = "news/{1}", qos = 1 }\nspool = true')
FULL = 256 * 1024  # a file cannot grow beyond, as on a full disk


class Spool(BridgeCase):
    def spooled_bridge(self):
        self.bridge(SPOOLED, top=f'spool.directory = "{self.directory}/spool"')

    def test_what_is_in_the_spool_survives_a_kill(self):
        self.spooled_bridge()
        news = self.watch_mqtt("news/#")
        self.redis.stop()
        self.publish("up/1", range(2000))
        wait_until(lambda: self.metric("spooled_total") >= 2000 and self.metric("open_messages", 'side="mqtt"') == 0,
                   "the broker has been acknowledged")
        self.process.kill()
        self.process.wait()
        self.process = self.spawn()
        self.redis.start()
        wait_until(lambda: self.is_ready() and len(set(self.payloads("up:1"))) >= 2000, "all from the spool")
        self.assert_none_missing(self.payloads("up:1"), 2000, WINDOW)
        # The other way: from channels, with the broker away.
        self.mqtt.stop()
        wait_until(lambda: self.get("/ready")[0] == 503, "the broker is missed")
        self.feed_redis(f"PUBLISH news.b {i}\n" for i in range(500))
        wait_until(lambda: self.metric("spooled_total") >= 500 and self.metric("open_messages", 'side="redis"') == 0,
                   "in the spool")
        self.process.kill()
        self.process.wait()
        self.process = self.spawn()
        self.mqtt.start()
        wait_until(lambda: len(set(news())) >= 500, "all news from the spool")
        self.assert_none_missing(news(), 500, WINDOW)

    def test_full_disk_withholds_acknowledgements(self):
        self.spooled_bridge()
        self.redis.stop()
        _, hard = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (FULL, hard))
        self.publish("up/1", [f"{i} {'x' * 1000}" for i in range(2000)])
        wait_until(lambda: self.metric("spool_refused_total") > 0, "the spool is full")
        self.assertGreater(self.metric("open_messages", 'side="mqtt"'), 0)
        self.assertEqual(self.get("/ready")[0], 503)
        self.assertEqual(self.get("/health")[0], 200)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        self.redis.start()
        wait_until(lambda: len({p.split()[0] for p in self.payloads("up:1")}) >= 2000, "all after all")
        self.assert_none_missing([p.split()[0] for p in self.payloads("up:1")], 2000, WINDOW)
        wait_until(self.is_ready, "ready")

    def test_full_disk_drops_news_and_counts(self):
        self.spooled_bridge()
        news = self.watch_mqtt("news/#")
        self.mqtt.stop()
        wait_until(lambda: self.get("/ready")[0] == 503, "the broker is missed")
        _, hard = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (FULL, hard))
        self.feed_redis(f"PUBLISH news.b {i:02000}\n" for i in range(500))
        wait_until(lambda: self.metric("from_redis_total") >= 500 and self.metric("open_messages", 'side="redis"') == 0,
                   "taken or dropped")
        dropped = self.metric("dropped_full_total")
        self.assertGreater(dropped, 0)
        self.assertIn("spool", self.get("/ready")[1])
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        self.mqtt.start()
        wait_until(lambda: len(news()) >= 500 - dropped, "what was taken")
        self.assertEqual(len(set(news())), 500 - dropped)

    def test_hangup_hands_the_spool_to_the_new_rules(self):
        self.spooled_bridge()
        self.redis.stop()
        self.publish("up/1", range(100))
        wait_until(lambda: self.metric("spooled_total") >= 100, "spooled")
        self.top += "\nqueue_max = 5000"  # more than rules, so the link is made anew
        self.write(SPOOLED.replace("down/{field:k}", "below/{field:k}"))
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "links_started=1" in self.log(), "applied")
        self.redis.start()
        wait_until(lambda: self.is_ready() and len(set(self.payloads("up:1"))) >= 100, "all from the spool")
        self.publish("up/1", range(100, 200))
        wait_until(lambda: len(set(self.payloads("up:1"))) >= 200, "and new ones")


class Dedupe(BridgeCase):
    def test_the_same_identifier_passes_once(self):
        self.bridge(RULES.replace('to = { stream = "up:{q}" }', 'to = { stream = "up:{q}" }\ndedupe = "{prop:id}"'))
        for identifier in ("a", "b", "a", "c", "b"):
            subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.mqtt.port), "-V", "5", "-q", "1", "-t",
                            "up/1", "-m", identifier, "-D", "publish", "user-property", "id", identifier], check=True,
                           timeout=60)
        wait_until(lambda: self.metric("duplicates_total") == 2, "two are known already")
        self.assertEqual(self.payloads("up:1"), ["a", "b", "c"])


class WebSocket(BridgeCase):
    def test_both_ways(self):
        port = free_port()
        config = self.directory / "mqtt" / "mosquitto.conf"
        config.write_text(config.read_text() + f"\nlistener {port} 127.0.0.1\nprotocol websockets\nsocket_domain ipv4\n")
        self.mqtt.stop()
        self.mqtt.start()
        self.mqtt_port = lambda: port
        for version in ("5", "3.1.1"):
            self.bridge(mqtt=f'websocket_path = "/mqtt"\nversion = "{version}"\nclient_id = "ws{version}"')
            self.publish(f"up/{version}", range(500))
            wait_until(lambda: len(self.payloads(f"up:{version}")) == 500, "upwards")
            down = self.subscribe("down/#", 1)
            self.add("down", "a", [version])
            self.assertIn(f"down/a {version}", down.communicate(timeout=60)[0])
            self.terminate()


if __name__ == "__main__":
    unittest.main()
