"""mosquitto and redis-server with throw-away configuration on free loopback ports, stopped by pid."""
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from peers import free_port

BIN = os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin"


def program(name):
    found = shutil.which(name, path=BIN)
    if found is None:
        if "CI" in os.environ:
            raise AssertionError(f"{name} is missing")
        raise unittest.SkipTest(f"{name} is missing")
    return found


def wait_until(condition, what, limit=60):
    """A command that fails counts as "not yet": Sentinel cuts every connection while it moves the master."""
    def holds():
        try:
            return condition()
        except subprocess.CalledProcessError:
            return False

    deadline = time.monotonic() + limit
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {limit} s: {what}")
        time.sleep(0.02)


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Server:
    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: accepts(self.port), f"{self.command[0]} listens")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


class Mosquitto(Server):
    """Keeps sessions over a restart; its own limits are off, because they lose messages without a word."""

    def __init__(self, directory, extra=""):
        self.port = free_port()
        config = Path(directory) / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
                          f"max_inflight_messages 0\npersistence true\npersistence_location {directory}/\n"
                          f"user root\n{extra}")
        self.command = [program("mosquitto"), "-c", str(config)]


class Redis(Server):
    """Answers when it is on disk: by default (everysec) it answers up to two seconds before it has even written."""

    def __init__(self, directory, *extra):
        self.port = free_port()
        self.command = [program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--dir",
                        str(directory), "--appendonly", "yes", "--appendfsync", "always", "--save", "", *extra]

    def start(self):
        super().start()
        wait_until(lambda: self.call("PING") == "PONG", "redis-server has loaded its data")

    def call(self, *arguments):
        done = subprocess.run([program("redis-cli"), "-p", str(self.port), *arguments], capture_output=True,
                              timeout=30, check=True)
        return done.stdout.decode().strip()


class Sentinel(Redis):
    """Watches "mymaster" at `master_port`."""

    def __init__(self, directory, master_port):
        self.port = free_port()
        config = Path(directory) / "sentinel.conf"
        config.write_text(f"port {self.port}\nbind 127.0.0.1\ndir {directory}\n"
                          f"sentinel monitor mymaster 127.0.0.1 {master_port} 2\n"
                          "sentinel down-after-milliseconds mymaster 1000\nsentinel failover-timeout mymaster 5000\n")
        self.command = [program("redis-server"), str(config), "--sentinel"]


class BrokersTest(unittest.TestCase):
    """One pair of brokers per test."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="msgkit-brokers-")
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        for name, made in (("mqtt", self.make_mosquitto), ("redis", self.make_redis)):
            (self.directory / name).mkdir()
            server = made(self.directory / name)
            server.start()
            self.addCleanup(server.stop)
            setattr(self, name, server)

    def make_mosquitto(self, directory):
        return Mosquitto(directory)

    def make_redis(self, directory):
        return Redis(directory)

    def publish(self, topic, lines, version="5", qos="1"):
        subprocess.run([program("mosquitto_pub"), "-h", "127.0.0.1", "-p", str(self.mqtt.port), "-V", version, "-q", qos,
                        "-t", topic, "-l"], input="".join(f"{line}\n" for line in lines).encode(), timeout=60, check=True)

    def subscribe(self, topic, count):
        """A subscriber that ends after `count` messages; give it a moment by asking the broker first."""
        process = subprocess.Popen(["stdbuf", "-oL", program("mosquitto_sub"), "-h", "127.0.0.1", "-p", str(self.mqtt.port), "-q", "1",
                                    "-t", topic, "-C", str(count), "-W", "60", "-F", "%t %p", "-d"],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        while "SUBACK" not in process.stdout.readline():
            self.assertIsNone(process.poll())
        return process
