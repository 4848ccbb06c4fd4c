"""Rules that keep their messages in the relay's spool while a side is away or the relay is killed."""
import os
import subprocess
import unittest
from collections import Counter

from bridge_tests import Node
from brokers import BrokersTest, program, wait_until


class Spool(BrokersTest):
    def node(self, links=("mqtt", "writer", "subscriber", "reader")):
        return Node(self, links, mqtt=self.mqtt.port, redis=self.redis.port, spool=self.directory / "spool")

    def payloads(self, stream):
        fields = self.redis.call("XRANGE", stream, "-", "+").split("\n")
        return [fields[i + 1] for i, f in enumerate(fields) if f == "p"]

    def is_spooled(self, text):
        return any(text in f.read_bytes() for f in (self.directory / "spool").glob("*.spool"))

    def test_messages_wait_for_redis_on_disk_and_survive_kill_9(self):
        node = self.node()
        self.redis.stop()
        wait_until(lambda: not node.is_up("writer"), "the relay notices")
        self.publish("kept/a", (f"line {i}" for i in range(5_000)))
        wait_until(lambda: self.is_spooled(b"line 4999"), "they are on disk")
        node.kill()
        self.redis.start()
        self.node()
        wait_until(lambda: len(set(self.payloads("kept:a"))) == 5_000, "all arrive", 120)
        seen = list(dict.fromkeys(self.payloads("kept:a")))
        self.assertEqual(seen, [f"line {i}" for i in range(5_000)])
        # Once from the spool, once more where the broker saw no PUBACK before the kill.
        self.assertLessEqual(max(Counter(self.payloads("kept:a")).values()), 2)

    def test_channel_messages_wait_for_the_broker(self):
        node = self.node()
        self.mqtt.stop()
        wait_until(lambda: not node.is_up("mqtt"), "the relay notices")
        for i in range(50):
            self.assertEqual(self.redis.call("PUBLISH", "say.x", f"message {i}"), "1")
        wait_until(lambda: self.is_spooled(b"message 49"), "they are on disk")
        node.kill()
        self.mqtt.start()
        subscriber = self.subscribe("said/x", 50)
        self.node()
        out = subscriber.communicate(timeout=60)[0]
        self.assertEqual([line for line in out.split("\n") if line.startswith("said/")], [f"said/x message {i}" for i in range(50)])

    def test_a_second_relay_cannot_use_the_same_spool(self):
        self.node()
        second = subprocess.run([os.environ["MSGKIT_BRIDGE_NODE"], f"spool={self.directory / 'spool'}"], timeout=60)
        self.assertEqual(second.returncode, 3)

    def test_a_message_sent_twice_is_written_once(self):
        node = self.node()
        for _ in range(3):
            for name in ("m1", "m2"):
                subprocess.run([program("mosquitto_pub"), "-h", "127.0.0.1", "-p", str(self.mqtt.port), "-V", "5", "-q", "1",
                                "-t", "kept/d", "-m", name, "-D", "publish", "user-property", "msg-id", name],
                               check=True, timeout=60)
        self.publish("kept/d", ["end"])
        wait_until(lambda: "end" in self.payloads("kept:d"), "the last one is there")
        self.assertEqual(self.payloads("kept:d"), ["m1", "m2", "end"])
        self.assertEqual(node.stop()["duplicates"], 4)


if __name__ == "__main__":
    unittest.main(verbosity=2)
