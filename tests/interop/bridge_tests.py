"""What the tests of the relay share: the program around it (MSGKIT_BRIDGE_NODE) and certificates."""
import os
import re
import subprocess
import threading
from pathlib import Path

from brokers import program, wait_until

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def make_certificates(directory):
    program("openssl")
    subprocess.run([SCRIPTS / "test_certificates.sh", directory], check=True, timeout=120)
    return Path(directory)


class Node:
    """A relay; `settings` are those of bridge_node.cpp."""

    def __init__(self, test, links=("mqtt", "writer", "subscriber", "reader"), **settings):
        self.lines = []
        arguments = [f"{key}={value}" for key, value in settings.items()]
        self.process = subprocess.Popen([os.environ["MSGKIT_BRIDGE_NODE"], *arguments], stdout=subprocess.PIPE, text=True)
        test.addCleanup(self.process.stdout.close)
        test.addCleanup(self.process.wait)
        test.addCleanup(self.process.kill)
        self.reader = threading.Thread(target=lambda: self.lines.extend(iter(self.process.stdout.readline, "")), daemon=True)
        self.reader.start()
        self.wait_up(links)

    def is_up(self, link):
        states = [line.split()[1] for line in list(self.lines) if line.split()[0] == link]
        return states[-1:] == ["up"]

    def wait_up(self, links):
        wait_until(lambda: all(self.is_up(link) for link in links), f"{links} are up", 60)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Counters by name."""
        self.process.terminate()
        assert self.process.wait(60) == 0
        self.reader.join(60)
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", self.lines[-1])}
