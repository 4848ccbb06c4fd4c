"""A master of Redis that dies: the bridge asks the sentinels and goes on with the replica."""
import unittest

from bridge_case import RULES, WINDOW, BridgeCase, wait_until
from brokers import Redis, Sentinel


class Failover(BridgeCase):
    def make(self, name, kind, *arguments):
        (self.directory / name).mkdir()
        server = kind(self.directory / name, *arguments)
        server.start()
        self.addCleanup(server.stop)
        return server

    def test_what_was_acknowledged_by_both_is_there_and_the_rest_comes_again(self):
        replica = self.make("replica", Redis, "--replicaof", "127.0.0.1", str(self.redis.port))
        wait_until(lambda: "master_link_status:up" in replica.call("INFO", "replication"), "the replica follows")
        sentinels = [self.make(f"sentinel{i}", Sentinel, self.redis.port) for i in range(3)]
        wait_until(lambda: all("slaves=1,sentinels=3" in s.call("INFO", "sentinel") for s in sentinels),
                   "the sentinels know each other")
        addresses = ", ".join(f'"127.0.0.1:{s.port}"' for s in sentinels)
        self.bridge(RULES, redis=f"sentinels = [{addresses}]")
        down = self.watch_mqtt("down/#")
        self.publish("up/1", range(500))
        self.add("down", "a", range(500))
        wait_until(lambda: replica.call("XLEN", "up:1") == "500" and len(down()) >= 500, "all ways")
        wait_until(lambda: replica.call("XPENDING", "down", "msgkit").startswith("0"), "the replica knows it")
        self.redis.process.kill()
        self.redis.process.wait()
        self.publish("up/1", range(500, 1000))
        self.redis = replica
        wait_until(lambda: self.is_ready() and len(set(self.payloads("up:1"))) >= 1000, "all at the new master", 120)
        self.add("down", "a", range(500, 1000))
        wait_until(lambda: len(set(down())) >= 1000, "all downwards")
        self.assert_none_missing(self.payloads("up:1"), 1000, WINDOW)
        self.assert_none_missing(down(), 1000, WINDOW)


if __name__ == "__main__":
    unittest.main()
