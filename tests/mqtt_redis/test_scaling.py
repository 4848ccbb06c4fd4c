"""Two processes share the work: shared subscriptions and a consumer group, also when one of them is killed."""
import signal
import unittest

from bridge_case import RULES, WINDOW, BridgeCase, wait_until
from brokers import free_port

COUNT = 4000


class Scaling(BridgeCase):
    def setUp(self):
        super().setUp()
        self.ports, self.processes = [], []
        for name in ("one", "two"):
            self.http = free_port()
            self.ports.append(self.http)
            self.config = self.directory / f"{name}.toml"
            self.top, self.mqtt_keys, self.redis_keys = "", f'client_id = "{name}"', ""
            self.write(RULES.replace("qos = 2 }", 'qos = 1, share = "gw" }').replace('"tell/{q}", qos = 1',
                                                                                  '"tell/{q}", qos = 1, share = "gw"'))
            self.run_bridge()
            self.processes.append(self.process)

    def shares(self, name):
        return [self.metric(name, port=port) for port in self.ports]

    def test_each_message_goes_through_one_of_them(self):
        down = self.watch_mqtt("down/#")
        self.publish("up/1", range(COUNT))
        self.add("down", "a", range(COUNT))
        wait_until(lambda: len(self.payloads("up:1")) >= COUNT and len(down()) >= COUNT, "all ways")
        self.assert_none_missing(self.payloads("up:1"), COUNT, 0)
        self.assert_none_missing(down(), COUNT, 0)
        for name in ("from_mqtt_total", "to_mqtt_total"):
            # Counted when the other side acknowledges it, which may be after the subscriber has it.
            wait_until(lambda: sum(self.shares(name)) >= COUNT, f"{name} of all")
            self.assertGreater(min(self.shares(name)), 0, name)
            self.assertEqual(sum(self.shares(name)), COUNT)

    def test_one_goes_on_when_the_other_is_killed_and_comes_back(self):
        down = self.watch_mqtt("down/#")
        self.add("down", "a", range(COUNT))
        self.publish("up/1", range(COUNT // 2))
        self.processes[0].kill()
        self.processes[0].wait()
        self.publish("up/1", range(COUNT // 2, COUNT))
        # Its entries and its session are its own; it takes them up when it is back.
        self.http = self.ports[0]
        self.config = self.directory / "one.toml"
        self.run_bridge()
        wait_until(lambda: len(set(self.payloads("up:1"))) >= COUNT and len(set(down())) >= COUNT, "all ways")
        self.assert_none_missing(self.payloads("up:1"), COUNT, WINDOW)
        self.assert_none_missing(down(), COUNT, WINDOW)

    def test_a_rule_that_is_single_is_served_by_one_of_them_and_then_by_the_other(self):
        news = self.watch_mqtt("news/#")
        for name in ("one", "two"):
            config = self.directory / f"{name}.toml"
            config.write_text(config.read_text().replace('name = "news"', 'name = "news"\nsingle = true'))
        for process in self.processes:
            process.send_signal(signal.SIGHUP)
        serving = lambda: [p for p in self.ports if self.metric("single_held", port=p) == 1]
        wait_until(lambda: len(serving()) == 1 and self.log().count("rules_changed=1") == 2, "one serves")
        # The other has given up its subscription when it has heard of the new rules.
        wait_until(lambda: self.redis.call("PUBSUB", "NUMPAT") == "1", "one is subscribed")
        self.feed_redis(f"PUBLISH news.a {i}\n" for i in range(100))
        wait_until(lambda: len(news()) >= 100, "news")
        self.assert_none_missing(news(), 100, 0)
        first = self.ports.index(serving()[0])
        self.processes[first].kill()
        self.processes[first].wait()
        self.http = self.ports[1 - first]
        wait_until(lambda: serving() == [self.http] and self.redis.call("PUBSUB", "NUMPAT") == "1", "the other serves")
        self.feed_redis(f"PUBLISH news.a {i}\n" for i in range(100, 200))
        wait_until(lambda: len(news()) >= 200, "news by the other")
        self.assert_none_missing(news(), 200, 0)


if __name__ == "__main__":
    unittest.main()
