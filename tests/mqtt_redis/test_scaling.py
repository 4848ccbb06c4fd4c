"""Two processes share the work: shared subscriptions and a consumer group, also when one of them is killed."""
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


if __name__ == "__main__":
    unittest.main()
