"""Runs the sections for newcomers of docs/operations.md as they stand there; only the ports are changed."""
import os
import re
import shutil
import signal
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "interop"))
from gateway import binary  # noqa: E402
from peers import PeerTest, require, with_free_ports  # noqa: E402
from postgres import Postgres  # noqa: E402


class NewcomerTest(PeerTest):
    def run_section(self, title, ports, environment=None):
        """Output and logs of the section's commands, which must all succeed."""
        text = (HERE.parents[1] / "docs" / "operations.md").read_text()
        section = text.split(f"## {title}\n")[1].split("\n## ")[0]
        script = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.S))
        script = with_free_ports(script, ports)
        path = ":".join(str(binary(name).parent) for name in ("msggw", "smppd", "smppc"))
        shell = subprocess.Popen(["bash", "-e", "-c", "trap 'kill $(jobs -p); wait' EXIT\n" + script], cwd=self.scratch, text=True,
                                 env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}:/usr/sbin", **(environment or {})},
                                 start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            output, _ = shell.communicate(timeout=90)
        finally:
            try:
                os.killpg(shell.pid, signal.SIGKILL)  # the session that was started above, and nothing else
            except ProcessLookupError:
                pass
        logs = output + "".join(p.read_text() for p in self.scratch.glob("*.log"))
        self.assertIn("DELIVRD", output, logs)
        self.assertIn("hello from outside", output, logs)
        self.assertEqual(shell.returncode, 0, logs)
        return output, logs

    def test_every_line_works(self):
        output, logs = self.run_section("From nothing to a message that arrives", ("2775", "2776", "2777", "3000", "2550"))
        self.assertIn('"state":"delivered"', output, logs)

    def test_every_line_works_with_two_gateways(self):
        require(shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin"), "the package haproxy")
        output, logs = self.run_section("Two gateways on one database",
                                        ("2775", "2776", "2781", "2782", "3000", "3001", "3002"),
                                        {"database": Postgres(self).dsn})
        self.assertEqual(output.count("DELIVRD"), 2, logs)


if __name__ == "__main__":
    unittest.main()
