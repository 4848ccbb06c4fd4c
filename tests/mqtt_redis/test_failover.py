"""A master of Redis that dies: the bridge asks the sentinels and goes on with the replica."""
import signal
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

    def test_nothing_acknowledged_is_lost_with_a_master_that_had_no_time_to_replicate(self):
        """Its replica hears nothing while messages come; without wait_replicas they would be acknowledged and lost."""
        replica = self.make("replica", Redis, "--replicaof", "127.0.0.1", str(self.redis.port))
        wait_until(lambda: "master_link_status:up" in replica.call("INFO", "replication"), "the replica follows")
        self.bridge(RULES, redis="wait_replicas = 1\nwait_timeout = \"200ms\"")
        self.publish("up/1", range(500))
        wait_until(lambda: replica.call("XLEN", "up:1") == "500", "the replica has them")
        replica.process.send_signal(signal.SIGSTOP)
        self.publish("up/1", range(500, 1000))
        wait_until(lambda: self.metric("unreplicated_total") > 0, "the replica is missed")
        self.assertEqual(self.metric("acknowledged_total"), 500)
        port = self.redis.port
        self.redis.process.kill()
        self.redis.process.wait()
        replica.process.send_signal(signal.SIGCONT)
        replica.call("REPLICAOF", "NO", "ONE")
        replica.call("CONFIG", "SET", "port", str(port))  # where the bridge looks for its master
        replica.port = port
        second = self.make("second", Redis, "--replicaof", "127.0.0.1", str(port))
        self.redis = replica
        wait_until(lambda: self.is_ready() and len(set(self.payloads("up:1"))) >= 1000, "all at the new master", 120)
        wait_until(lambda: self.metric("acknowledged_total") == 1000, "and acknowledged, as the second one follows")
        self.assert_none_missing(self.payloads("up:1"), 1000, WINDOW)
        self.assertEqual(len(set(self.payloads("up:1"))), int(second.call("XLEN", "up:1")) - self.doubled())

    def doubled(self):
        got = self.payloads("up:1")
        return len(got) - len(set(got))


if __name__ == "__main__":
    unittest.main()
