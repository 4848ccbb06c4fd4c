"""Each of the three is killed again and again while messages go all ways: none missing that was promised, and at most a
window of duplicates for each kill. MSGKIT_BRIDGE_ROUNDS is how often (20)."""
import os
import random
import subprocess
import time
import unittest

from bridge_case import WINDOW, BridgeCase, wait_until

ROUNDS = int(os.environ.get("MSGKIT_BRIDGE_ROUNDS", "20"))
COUNT = 10_000


class Kills(BridgeCase):
    def publisher(self, topic):
        process = subprocess.Popen(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.mqtt.port), "-V", "5", "-q", "1",
                                    "-t", topic, "-l"], stdin=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdin.close)
        return process

    def all_ways_through(self, victim):
        self.bridge()
        down = self.watch_mqtt("down/#")
        up, tell = self.publisher("up/1"), self.publisher("tell/1")
        # Acknowledged by Redis before anything is killed, so that none of it may go missing.
        self.add("down", "a", range(COUNT))
        # A part before each kill, so that every kill meets messages on their way.
        bounds = [COUNT * i // (ROUNDS + 1) for i in range(ROUNDS + 2)]
        for turn, (first, last) in enumerate(zip(bounds, bounds[1:])):
            for process in (up, tell):
                process.stdin.write("".join(f"{i}\n" for i in range(first, last)).encode())
                process.stdin.flush()
            if turn == ROUNDS:
                break
            wait_until(lambda: int(self.redis.call("XLEN", "up:1")) > first, "some of this part has passed")
            time.sleep(random.uniform(0, 0.02))  # a moment of its own choice, not a wait
            self.kill_and_start(victim)
        for process in (up, tell):
            process.stdin.close()
            self.assertEqual(process.wait(60), 0)
        wait_until(lambda: int(self.redis.call("XLEN", "up:1")) >= COUNT and
                   len(set(self.payloads("up:1"))) >= COUNT, "all upwards")
        self.assert_none_missing(self.payloads("up:1"), COUNT, WINDOW * ROUNDS)
        wait_until(lambda: len(set(down())) >= COUNT, "all downwards")
        self.assert_none_missing(down(), COUNT, WINDOW * ROUNDS)
        # From channels nothing is promised for the gap; afterwards all is well.
        news = self.watch_mqtt("news/#", "reader")
        wait_until(self.is_ready, "ready")
        self.assertEqual(self.redis.call("PUBLISH", "news.b", "7"), "1")
        wait_until(lambda: news() == ["7"], "news after all")


class BridgeKilled(Kills):
    def bridge(self, **keys):
        super().bridge(**keys)
        self.tell = self.watch_redis("tell:1")

    def test_nothing_is_missing(self):
        self.all_ways_through("bridge")
        wait_until(lambda: len(set(self.tell())) >= COUNT, "all to the subscriber")
        self.assert_none_missing(self.tell(), COUNT, WINDOW * ROUNDS)


class RedisKilled(Kills):
    def test_nothing_is_missing(self):
        self.all_ways_through("redis")
        # Its subscribers are gone with it, but it has been given everything.
        wait_until(lambda: self.metric("to_redis_total") >= 2 * COUNT, "all answered by Redis")


class BrokerKilled(Kills):
    def test_what_it_was_given_since_is_delivered(self):
        """What a killed mosquitto had in memory is its own loss. It restarts with the sessions it has saved, so nothing
        that comes after the kill may be missing."""
        self.bridge()
        down = self.watch_mqtt("down/#")
        self.mqtt.stop()
        self.mqtt.start()
        wait_until(self.is_ready, "ready again")
        for turn in range(ROUNDS):
            on_its_way = self.publisher("up/lost")
            on_its_way.stdin.write(b"x\n" * 1000)
            on_its_way.stdin.flush()
            self.add("down", "a", ["lost"] * 100)
            time.sleep(random.uniform(0, 0.02))  # a moment of its own choice, not a wait
            self.mqtt.process.kill()
            self.mqtt.process.wait()
            on_its_way.kill()
            self.add("down", "a", range(100 * turn, 100 * turn + 100))
            self.mqtt.start()
            self.publish("up/1", range(100 * turn, 100 * turn + 100))
            wait_until(lambda: len(set(self.payloads("up:1"))) >= 100 * turn + 100, "all upwards")
            wait_until(lambda: len(set(down())) >= 100 * turn + 100, "all downwards")
        self.assert_none_missing(self.payloads("up:1"), 100 * ROUNDS, WINDOW * ROUNDS)
        self.assert_none_missing(down(), 100 * ROUNDS, WINDOW * ROUNDS)
        wait_until(lambda: self.redis.call("XPENDING", "down", "msgkit").startswith("0"), "all is acknowledged")


if __name__ == "__main__":
    unittest.main()
