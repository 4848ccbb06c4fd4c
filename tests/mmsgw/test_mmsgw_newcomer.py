"""Runs the first section of docs/mmsgw.md as it stands there; only the ports are changed."""
import os
import re
import signal
import subprocess
import unittest

from mmsgw import HERE, MmsgwTest, binary
from peers import with_free_ports


class NewcomerTest(MmsgwTest):
    def test_every_line_works(self):
        text = (HERE.parents[1] / "docs" / "mmsgw.md").read_text()
        section = text.split("## A picture from one instance to another")[1].split("\n## ")[0]
        script = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.S))
        script = with_free_ports(script, ("3010", "3011", "2566", "2567"))
        path = f"{binary('mmsgw').parent}:{os.environ['PATH']}"
        shell = subprocess.Popen(["bash", "-e", "-c", "trap 'kill $(jobs -p); wait' EXIT\n" + script], cwd=self.scratch, text=True,
                                 env={**os.environ, "PATH": path}, start_new_session=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            output, _ = shell.communicate(timeout=90)
        finally:
            try:
                os.killpg(shell.pid, signal.SIGKILL)  # the session that was started above, and nothing else
            except ProcessLookupError:
                pass
        logs = output + (self.scratch / "a.log").read_text() + (self.scratch / "b.log").read_text()
        for way in ("b-mail", "b-http"):
            self.assertIn(f"{way}: the picture is the same", output, logs)
        self.assertEqual(output.count('"state":"DELIVERED"'), 2, logs)
        self.assertEqual(shell.returncode, 0, logs)


if __name__ == "__main__":
    unittest.main()
