"""The failure matrix without kills: servers that are away, slow, silent or forgetful, and messages nobody can take."""
import signal
import unittest

from bridge_case import WINDOW, BridgeCase, StallingProxy, wait_until

COUNT = 10_000


class Away(BridgeCase):
    """Four kinds of rules while servers are stopped and started, as a restart for an upgrade does."""

    def setUp(self):
        super().setUp()
        self.bridge()
        self.down, self.news = self.watch_mqtt("down/#"), self.watch_mqtt("news/#", "reader")

    def everything(self, first, last, mqtt=True, redis=True):
        if mqtt:
            self.publish("up/1", range(first, last))
            self.publish("tell/1", range(first, last))
        if redis:
            self.add("down", "a", range(first, last))
            self.feed_redis(f"PUBLISH news.b {i}\n" for i in range(first, min(first + 100, last)))

    def assert_all_of_streams(self, count, outages=1):
        wait_until(lambda: len(set(self.payloads("up:1"))) >= count, "all upwards")
        wait_until(lambda: len(set(self.down())) >= count, "all downwards")
        self.assert_none_missing(self.payloads("up:1"), count, WINDOW * outages)
        self.assert_none_missing(self.down(), count, WINDOW * outages)
        wait_until(lambda: self.metric("to_redis_total") >= 2 * count, "Redis has taken all that was to be published")

    def test_broker_away(self):
        self.everything(0, COUNT // 2)
        self.mqtt.stop()
        wait_until(lambda: self.get("/ready")[0] == 503, "not ready")
        self.everything(COUNT // 2, COUNT, mqtt=False)
        self.mqtt.start()
        self.everything(COUNT // 2, COUNT, redis=False)
        self.assert_all_of_streams(COUNT)
        # Below queue_max what came from channels has waited in memory.
        wait_until(lambda: len(self.news()) >= 200, "all news")
        self.assertEqual(len(set(self.news())), 200)

    def test_redis_away(self):
        listener = self.watch_redis("tell:1")
        self.everything(0, COUNT // 2)
        wait_until(lambda: len(listener()) >= COUNT // 2, "all to the subscriber")
        self.redis.stop()
        wait_until(lambda: self.get("/ready")[0] == 503, "not ready")
        self.everything(COUNT // 2, COUNT, redis=False)
        wait_until(lambda: self.metric("open_messages") > 0, "messages wait for Redis")
        self.redis.start()
        self.everything(COUNT // 2, COUNT, mqtt=False)
        self.assert_all_of_streams(COUNT)
        wait_until(self.is_ready, "ready")
        self.assertEqual(self.redis.call("PUBLISH", "news.b", "7"), "1")
        wait_until(lambda: self.news()[-1] == "7", "news after all")

    def test_both_away(self):
        self.everything(0, COUNT)
        self.mqtt.stop()
        self.redis.stop()
        wait_until(lambda: 'side="mqtt"} 0' in self.get("/metrics")[1] and 'side="writer"} 0' in self.get("/metrics")[1],
                   "both are missed")
        self.assertEqual(self.get("/health")[0], 200)
        self.redis.start()
        self.mqtt.start()
        # Each has its own window, and the broker may go without having read the last acknowledgements.
        self.assert_all_of_streams(COUNT, outages=3)
        wait_until(self.is_ready, "ready")

    def test_bridge_terminated_doubles_nothing(self):
        listener = self.watch_redis("tell:1")
        for turn in range(4):
            self.everything(500 * turn, 500 * turn + 500)
            if turn < 3:
                self.terminate()
                self.run_bridge()
        wait_until(lambda: len(listener()) >= 2000 and len(self.payloads("up:1")) >= 2000 and len(self.down()) >= 2000,
                   "everything")
        for got in (listener(), self.payloads("up:1"), self.down()):
            self.assert_none_missing(got, 2000, 0)
        # News that arrived before SIGTERM is delivered, the rest had no subscriber; none is doubled.
        self.assertEqual(len(set(self.news())), len(self.news()))


class Forgetful(BridgeCase):
    def test_broker_that_lost_its_sessions_is_subscribed_to_again_and_the_loss_is_told(self):
        self.bridge()
        self.assertEqual(self.metric("sessions_lost_total"), 0)
        self.mqtt.stop()
        (self.directory / "mqtt" / "mosquitto.db").unlink()
        self.mqtt.start()
        wait_until(lambda: self.metric("sessions_lost_total") == 1 and self.is_ready(), "ready again")
        self.assertIn("has forgotten the session", self.log())
        self.publish("up/1", range(100))
        wait_until(lambda: len(self.payloads("up:1")) == 100, "all after the loss")


class Slow(BridgeCase):
    def test_redis_that_does_not_answer_fills_the_window_only(self):
        self.bridge(mqtt="receive_maximum = 50")
        self.redis.call("CLIENT", "PAUSE", "2000")
        self.publish("up/1", range(3000))
        self.assertGreater(self.metric("open_messages"), 0)
        self.assertTrue(self.is_ready())
        wait_until(lambda: int(self.redis.call("XLEN", "up:1")) >= 3000, "all when Redis is back")
        self.assert_none_missing(self.payloads("up:1"), 3000, 0)

    def test_broker_that_does_not_answer_stops_the_reading(self):
        self.bridge(top="queue_max = 100", mqtt="send_window = 50")
        down, news = self.watch_mqtt("down/#"), self.watch_mqtt("news/#", "reader")
        self.mqtt.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.mqtt.process.send_signal, signal.SIGCONT)
        self.feed_redis(f"PUBLISH news.b {i}\n" for i in range(500))
        self.add("down", "a", range(3000))
        wait_until(lambda: self.metric("from_redis_total") >= 1000, "entries wait in the bridge")
        wait_until(lambda: self.metric("dropped_full_total") > 0, "a full queue drops what is at most once")
        self.assertLessEqual(int(self.redis.call("XPENDING", "down", "msgkit").split("\n")[0]), 1000)
        self.mqtt.process.send_signal(signal.SIGCONT)
        wait_until(lambda: len(set(down())) >= 3000, "all when the broker is back")
        self.assert_none_missing(down(), 3000, 0)
        wait_until(lambda: len(news()) + self.metric("dropped_full_total") >= 500, "the rest of the news")
        self.assertEqual(len(news()) + self.metric("dropped_full_total"), 500)


class Silent(BridgeCase):
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

    def test_nothing_is_missing(self):
        self.bridge(mqtt='keep_alive = "2s"')
        listener = self.watch_redis("tell:1")
        down, news = self.watch_mqtt("down/#"), self.watch_mqtt("news/#", "reader")
        for turn in range(2):
            self.publish("up/1", range(1000 * turn, 1000 * turn + 500))
            self.add("down", "a", range(1000 * turn, 1000 * turn + 500))
            if turn == 0:
                self.redis_proxy.stall()
                self.mqtt_proxy.stall()
            self.publish("up/1", range(1000 * turn + 500, 1000 * turn + 1000))
            self.publish("tell/1", range(1000 * turn, 1000 * turn + 1000))
            self.add("down", "a", range(1000 * turn + 500, 1000 * turn + 1000))
        wait_until(lambda: len(set(self.payloads("up:1"))) >= 2000 and len(set(down())) >= 2000 and
                   len(set(listener())) >= 2000, "all ways")
        for got in (self.payloads("up:1"), listener(), down()):
            self.assert_none_missing(got, 2000, 2 * WINDOW)
        # A subscriber has nothing to send but a PING after 10 s of silence, answered within 5 s.
        wait_until(lambda: self.metric("disconnects_total", "subscriber") > 0 and self.is_ready(), "silence is noticed")
        self.redis.call("PUBLISH", "news.b", "7")
        wait_until(lambda: news()[-1:] == ["7"], "news after all")


POISON = """
[[rule]]
name = "up"
from = { mqtt = "up/{q}", qos = 1 }
to = { stream = "up:{q}" }
[[rule]]
name = "down"
from = { stream = "down" }
to = { mqtt = "{field:k}", qos = 1 }
[[rule]]
name = "news"
from = { pattern = "news.*" }
to = { mqtt = "bad/{1}", qos = 1 }
raw = true
[[rule]]
name = "tell"
from = { mqtt = "tell/{q}", qos = 1 }
to = { channel = "{payload}" }
"""


class Poison(BridgeCase):
    def dead(self):
        return self.redis.call("XRANGE", "bridge:dead", "-", "+")

    def test_what_nobody_can_take_is_put_aside_and_the_rest_goes_on(self):
        self.bridge(POISON)
        good = self.watch_mqtt("good/#")
        self.redis.call("SET", "up:text", "not a stream")
        self.publish("up/text", ["poisoned-up"])
        self.add("down", "bad/#", ["poisoned-down"])
        self.redis.call("PUBLISH", "news.bad/+", "poisoned-news")
        self.publish("up/1", range(10))
        self.add("down", "good/a", range(10))
        wait_until(lambda: len(self.payloads("up:1")) == 10 and len(good()) == 10, "the others pass")
        wait_until(lambda: self.metric("dead_total") >= 3, "dead letters")
        for text in ("poisoned-up", "poisoned-down", "poisoned-news", "WRONGTYPE"):
            self.assertIn(text, self.dead())
        wait_until(lambda: self.redis.call("XPENDING", "down", "msgkit").startswith("0"), "poison is acknowledged")
        self.terminate()
        self.run_bridge()
        self.publish("up/1", range(10, 20))
        wait_until(lambda: len(self.payloads("up:1")) == 20, "the others pass again")
        self.assertEqual(self.metric("dead_total"), 0)  # none of it came again


if __name__ == "__main__":
    unittest.main()
