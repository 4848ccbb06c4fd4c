"""The first steps of docs/mqtt_redis.md as they stand: plain and with mutual TLS, both ways."""
import os
import re
import signal
import subprocess
import unittest
from pathlib import Path

import bridge_case  # noqa: F401
from brokers import program
from gateway import binary

SOURCE = Path(__file__).resolve().parents[2]


class Newcomer(unittest.TestCase):
    def follow(self, number):
        """What the commands print. Only the directory of the build is another one."""
        for name in ("mosquitto", "mosquitto_pub", "redis-server", "redis-cli", "curl", "openssl"):
            program(name)
        text = re.findall(r"^```sh\n(.*?)^```", (SOURCE / "docs/mqtt_redis.md").read_text(), re.M | re.S)[number]
        text = text.replace("build/dev/apps/mqtt_redis/mqtt_redis", str(binary("mqtt_redis")))
        process = subprocess.Popen(["bash", "-c", text], cwd=SOURCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, start_new_session=True,
                                   env=os.environ | {"PATH": os.environ["PATH"] + ":/usr/sbin"})
        try:
            return process.communicate(timeout=100)[0]
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)  # what a step that failed has left
            except ProcessLookupError:
                pass

    def test_plain(self):
        printed = self.follow(0)
        self.assertRegex(printed, r"telemetry:7(.|\n)*site/7/up\n(.|\n)*\n42\n")
        self.assertIn("site/7/cmd open\n", printed)

    def test_mutual_tls(self):
        printed = self.follow(1)
        self.assertRegex(printed, r"telemetry:7(.|\n)*site/7/up\n(.|\n)*\n43\n")
        self.assertIn("site/7/cmd close\n", printed)


if __name__ == "__main__":
    unittest.main()
