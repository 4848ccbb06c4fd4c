"""What mqtt_redis carries when nothing fails, what it tells about it, and a new configuration while it runs."""
import signal
import unittest

from bridge_case import RULES, BridgeCase, wait_until


class BothWays(BridgeCase):
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
        wait_until(lambda: self.metric("to_redis_total") == 10, "10 deliveries")
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
        wait_until(lambda: "exactly one of" in self.log(), "the file is refused")
        self.publish("up/1", range(5))
        wait_until(lambda: self.redis.call("XLEN", "up:1") == "5", "the old rules work")
        self.write(RULES.replace('"up:{q}"', '"fresh:{q}"'))
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "rules_changed=1" in self.log(), "the file is applied")
        wait_until(self.is_ready, "ready with the new rules")
        self.publish("up/1", range(5))
        wait_until(lambda: self.redis.call("XLEN", "fresh:1") == "5", "the new rules work")
        self.assertEqual(self.metric("disconnects_total"), 0)  # all links stayed
        self.assertEqual(self.metric("rule_forwarded_total", 'rule="up"'), 10)

    def test_rules_change_while_messages_flow(self):
        self.bridge()
        down = self.watch_mqtt("down/#")
        listener = self.watch_redis("tell:1")
        for turn in range(10):
            part = range(turn * 300, turn * 300 + 300)
            self.publish("up/1", part)
            self.add("down", "a", part)
            extra = f'[[rule]]\nname = "extra"\nfrom = {{ mqtt = "extra/{turn}" }}\nto = {{ stream = "extra" }}\n'
            more = f'[[rule]]\nname = "more"\nfrom = {{ stream = "more{turn}" }}\nto = {{ mqtt = "more/a" }}\n'
            self.write(RULES + extra + (more if turn % 2 else ""))
            self.process.send_signal(signal.SIGHUP)
            self.publish("tell/1", part)
            wait_until(lambda: self.log().count("rules_changed=1") > turn, "applied")
        wait_until(lambda: min(map(len, map(set, (self.payloads("up:1"), down(), listener())))) >= 3000, "all ways")
        for got in (self.payloads("up:1"), down(), listener()):
            self.assert_none_missing(got, 3000, 0)
        self.publish("extra/3", ["old"])
        self.publish("extra/9", ["new"])
        wait_until(lambda: self.payloads("extra") == ["new"], "the last rules alone")


if __name__ == "__main__":
    unittest.main()
