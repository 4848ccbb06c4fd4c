"""Runs the first section of docs/goip_xmpp.md as it stands there; only the ports are changed."""
import os
import re
import shutil
import signal
import subprocess
import unittest
from pathlib import Path

from bridge import BINARY, DEVICE, PeerTest, prosody_available, require
from peers import with_free_ports

HERE = Path(__file__).resolve().parent


class NewcomerTest(PeerTest):
    def test_every_line_works(self):
        require(prosody_available(), "prosody")
        for program in ("go-sendxmpp", "curl"):
            require(shutil.which(program), program)
        text = (HERE.parents[1] / "docs" / "goip_xmpp.md").read_text()
        section = text.split("## From nothing to a chat that arrives")[1].split("\n## ")[0]
        script = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.S))
        script = with_free_ports(script, ("5222", "5347", "44444", "2790"))
        path = ":".join((str(BINARY.parent), str(DEVICE.parent), os.environ["PATH"], "/usr/sbin"))
        shell = subprocess.Popen(["bash", "-e", "-c", "trap 'kill $(jobs -p); wait' EXIT\n" + script], cwd=self.scratch,
                                 text=True, env={**os.environ, "PATH": path, "HOME": str(self.scratch)},
                                 start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            output, _ = shell.communicate(timeout=100)
        finally:
            try:
                os.killpg(shell.pid, signal.SIGKILL)  # the session that was started above, and nothing else
            except ProcessLookupError:
                pass
        logs = output + "".join(f.read_text() for f in sorted(self.scratch.glob("*.log")))
        for expected in ("sent goippy_alice +3725552 1 tere from a chat", "hello from the network", "answer to *100#", "online"):
            self.assertIn(expected, output, logs)
        self.assertEqual(shell.returncode, 0, logs)


if __name__ == "__main__":
    unittest.main(verbosity=2)
