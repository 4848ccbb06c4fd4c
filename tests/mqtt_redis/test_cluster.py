"""A Redis Cluster of three nodes: slots that move and masters that change while messages flow both ways."""
import subprocess
import threading
import time
import unittest

from bridge_case import WINDOW, BridgeCase, wait_until
from brokers import Redis, free_port, program

RULES = """
[[rule]]
name = "up"
from = { mqtt = "up/{q}", qos = 1 }
to = { stream = "up:{q}" }
[[rule]]
name = "tell"
from = { mqtt = "tell/{q}", qos = 1 }
to = { sharded = "tell:{q}" }
[[rule]]
name = "down"
from = { stream = "down" }
to = { mqtt = "down/{field:k}", qos = 1 }
[[rule]]
name = "below"
from = { stream = "below" }
to = { mqtt = "below/{field:k}", qos = 1 }
[[rule]]
name = "shard"
from = { sharded = "shard" }
to = { mqtt = "shard/a", qos = 1 }
[[rule]]
name = "news"
from = { pattern = "news.*" }
to = { mqtt = "news/{1}", qos = 1 }
"""
COUNT = 3000
STREAMS = ("up:1", "down", "below")


class Node(Redis):
    def __init__(self, directory):
        super().__init__(directory, "--cluster-enabled", "yes", "--cluster-node-timeout", "1500")
        self.bus = free_port()
        self.command += ["--cluster-port", str(self.bus)]

    def call(self, *arguments):
        """By the nodes it is sent on to."""
        return super().call("-c", *arguments)

    def own(self, *arguments):
        return super().call(*arguments)

    def knows(self, text):
        return text in self.own("CLUSTER", "INFO")


class Cluster(BridgeCase):
    def make_redis(self, directory):
        return Node(directory)

    def setUp(self):
        super().setUp()
        self.nodes = [self.redis] + [self.add_node(f"node{i}") for i in (2, 3)]
        self.meet(self.nodes)
        wait_until(lambda: all(n.knows("cluster_state:ok") and n.knows("cluster_known_nodes:3") for n in self.nodes),
                   "the nodes are a cluster")
        addresses = ", ".join(f'"127.0.0.1:{n.port}"' for n in self.nodes[:2])
        self.bridge(RULES, redis=f"cluster = [{addresses}]")

    def add_node(self, name):
        (self.directory / name).mkdir()
        node = Node(self.directory / name)
        node.start()
        self.addCleanup(node.stop)
        return node

    def meet(self, nodes):
        subprocess.run([program("redis-cli"), "--cluster", "create", *(f"127.0.0.1:{n.port}@{n.bus}" for n in nodes),
                        "--cluster-yes"], stdout=subprocess.DEVNULL, timeout=60, check=True)

    def owner(self, key):
        slot = int(self.redis.own("CLUSTER", "KEYSLOT", key))
        for row in self.redis.own("CLUSTER", "NODES").split("\n"):
            words = row.split(" ")
            for part in words[8:]:
                ends = part.split("-")
                if not part.startswith("[") and int(ends[0]) <= slot <= int(ends[-1]):
                    return slot, next(n for n in self.nodes if f":{n.port}@" in words[1])
        raise AssertionError(f"nobody owns {key}")

    def feed_redis(self, commands):
        """A client that follows redirects, unlike redis-cli --pipe."""
        subprocess.run([program("redis-cli"), "-c", "-p", str(self.redis.port)], stdout=subprocess.DEVNULL, timeout=60,
                       check=True, input="".join(commands).encode())

    def flow(self):
        """Messages all ways, some each moment, until they are all sent."""
        step = 100

        def send():
            for first in range(0, COUNT, step):
                part = range(first, first + step)
                self.publish("up/1", part)
                self.publish("tell/1", part)
                self.add("down", "a", part)
                self.add("below", "a", part)
                time.sleep(0.02)

        thread = threading.Thread(target=send)
        thread.start()
        self.addCleanup(thread.join)
        return thread

    def move(self, key, pause):
        """The slot of a key to the next node, step by step as a resharding does it."""
        slot, source = self.owner(key)
        target = self.nodes[(self.nodes.index(source) + 1) % len(self.nodes)]
        ids = {n: n.own("CLUSTER", "MYID") for n in (source, target)}
        target.own("CLUSTER", "SETSLOT", str(slot), "IMPORTING", ids[source])
        source.own("CLUSTER", "SETSLOT", str(slot), "MIGRATING", ids[target])
        time.sleep(pause)
        source.own("MIGRATE", "127.0.0.1", str(target.port), "", "0", "10000", "KEYS", key)
        time.sleep(pause)  # keys of the slot are asked for at the target now
        for node in (target, source, *self.nodes):
            node.own("CLUSTER", "SETSLOT", str(slot), "NODE", ids[target])
        self.assertIs(self.owner(key)[1], target)

    def watch_all(self):
        """Functions that give what arrived at the end of each way that promises at least once."""
        down, below = self.watch_mqtt("down/#"), self.watch_mqtt("below/#", "below")
        return {"up": lambda: self.payloads("up:1"), "down": down, "below": below}

    def assert_all_arrive(self, ways):
        wait_until(lambda: all(len(set(got())) >= COUNT for got in ways.values()), "all ways", 120)
        for got in ways.values():
            self.assert_none_missing(got(), COUNT, WINDOW)
        wait_until(lambda: all(self.redis.call("XPENDING", s, "msgkit").startswith("0") for s in ("down", "below")),
                   "all entries are acknowledged")
        wait_until(self.is_ready, "ready")

    def assert_channels_pass(self, number):
        shard, news = self.subscribe("shard/a", 1), self.subscribe("news/b", 1)
        self.assertEqual(self.redis.call("SPUBLISH", "shard", str(number)), "1")
        self.redis.call("PUBLISH", "news.b", str(number))
        self.assertIn(f"shard/a {number}", shard.communicate(timeout=60)[0])
        self.assertIn(f"news/b {number}", news.communicate(timeout=60)[0])

    def test_nothing_is_missing_while_slots_move(self):
        self.assertGreater(len({self.owner(s)[1] for s in STREAMS}), 1)
        self.assert_channels_pass(1)
        ways = self.watch_all()
        sender = self.flow()
        for key in (*STREAMS, "tell:1", "shard"):
            if key in STREAMS:
                wait_until(lambda: int(self.redis.call("XLEN", key)) > 100, f"{key} flows")
            self.move(key, 0.2)
        sender.join()
        self.assert_all_arrive(ways)
        wait_until(lambda: self.metric("to_redis_total") >= 2 * COUNT, "what went to the sharded channel")
        self.assert_channels_pass(2)

    def test_nothing_is_missing_when_a_replica_takes_over(self):
        _, master = self.owner("up:1")
        replica = self.add_node("replica")
        self.redis.own("CLUSTER", "MEET", "127.0.0.1", str(replica.port), str(replica.bus))
        wait_until(lambda: all(n.knows("cluster_known_nodes:4") for n in (*self.nodes, replica)), "all know it")
        self.nodes.append(replica)
        replica.own("CLUSTER", "REPLICATE", master.own("CLUSTER", "MYID"))
        wait_until(lambda: "master_link_status:up" in replica.own("INFO", "replication"), "it follows")
        ways = self.watch_all()
        sender = self.flow()
        wait_until(lambda: int(self.redis.call("XLEN", "up:1")) > 500, "messages flow")
        replica.own("CLUSTER", "FAILOVER")
        wait_until(lambda: "role:master" in replica.own("INFO", "replication"), "roles are changed")
        sender.join()
        self.assert_all_arrive(ways)
        # And back, this time because the master dies. What it had acknowledged is at the replica first.
        wait_until(lambda: "master_link_status:up" in master.own("INFO", "replication"), "the old one follows")
        wait_until(lambda: master.own("READONLY") and self.same_length(master, replica), "and has it all")
        self.redis = next(n for n in self.nodes if n not in (master, replica))
        replica.process.kill()
        replica.process.wait()
        self.publish("up/1", range(COUNT, COUNT + 500))
        wait_until(lambda: self.is_ready() and len(set(self.payloads("up:1"))) >= COUNT + 500, "all at the other", 120)
        self.assert_none_missing(self.payloads("up:1"), COUNT + 500, 2 * WINDOW)

    def same_length(self, *nodes):
        return len({n.own("INFO", "replication").split("master_repl_offset:")[1].split()[0] for n in nodes}) == 1


if __name__ == "__main__":
    unittest.main()
