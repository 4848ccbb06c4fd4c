"""One more client of each side: Debian's paho-mqtt and redis-py, which run in Debian's own interpreter."""
import subprocess
import unittest
from pathlib import Path

from bridge_case import BridgeCase
from peers import require

PYTHON = "/usr/bin/python3"


class Clients(BridgeCase):
    def test_paho_and_redis_py(self):
        found = subprocess.run([PYTHON, "-c", "import paho.mqtt.client, redis"], capture_output=True, timeout=60)
        require(found.returncode == 0, "python3-paho-mqtt or python3-redis")
        self.bridge()
        done = subprocess.run([PYTHON, "-B", Path(__file__).parent / "other_clients.py", str(self.mqtt.port),
                               str(self.redis.port)], capture_output=True, text=True, timeout=120)
        self.assertEqual((done.returncode, done.stdout), (0, "all is well\n"), done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
