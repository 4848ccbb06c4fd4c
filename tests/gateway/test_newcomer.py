"""Runs the first section of docs/operations.md as it stands there; only the ports are changed."""
import os
import re
import signal
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "interop"))
from gateway import binary, free_port  # noqa: E402
from peers import PeerTest  # noqa: E402


class NewcomerTest(PeerTest):
    def test_every_line_works(self):
        text = (HERE.parents[1] / "docs" / "operations.md").read_text()
        section = text.split("## From nothing to a message that arrives")[1].split("\n## ")[0]
        script = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.S))
        for port in ("2775", "2776", "2777", "3000", "2550"):
            script = script.replace(port, str(free_port()))
        path = ":".join(str(binary(name).parent) for name in ("msggw", "smppd", "smppc"))
        shell = subprocess.Popen(["bash", "-e", "-c", "trap 'kill $(jobs -p); wait' EXIT\n" + script], cwd=self.scratch, text=True,
                                 env={**os.environ, "PATH": path + ":" + os.environ["PATH"]}, start_new_session=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            output, _ = shell.communicate(timeout=60)
        finally:
            try:
                os.killpg(shell.pid, signal.SIGKILL)  # the session that was started above, and nothing else
            except ProcessLookupError:
                pass
        logs = output + (self.scratch / "gateway.log").read_text()
        self.assertIn('"state":"delivered"', output, logs)
        self.assertIn("DELIVRD", output, logs)
        self.assertIn("hello from outside", output, logs)
        self.assertEqual(shell.returncode, 0, logs)


if __name__ == "__main__":
    unittest.main()
