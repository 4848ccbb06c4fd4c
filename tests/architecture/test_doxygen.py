"""The reference pages build from the public headers without a warning:  test_doxygen.py <source root>"""
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(sys.argv.pop(1)).resolve()


def run_doxygen(scratch, *more):
    """Exit status and messages of doxygen with our configuration and `more` lines behind it."""
    configuration = (ROOT / "docs/Doxyfile").read_text() + "\n".join((f"OUTPUT_DIRECTORY = {scratch}", *more, ""))
    done = subprocess.run(["doxygen", "-"], input=configuration, text=True, cwd=ROOT, capture_output=True, timeout=300)
    return done.returncode, done.stderr


class Doxygen(unittest.TestCase):
    def test_public_headers_give_no_warning(self):
        with tempfile.TemporaryDirectory() as scratch:
            status, messages = run_doxygen(scratch)
            self.assertEqual((status, messages), (0, ""))
            pages = Path(scratch, "html")
            profile = (pages / "structmsgkit_1_1smpp_1_1peer__profile.html").read_text()
            self.assertIn("Kannel takes 7424", profile)
            self.assertIn("One SMPP session as a state machine", (pages / "session_8hpp.html").read_text())

    def test_a_warning_is_an_error(self):
        with tempfile.TemporaryDirectory() as scratch:
            Path(scratch, "bad.hpp").write_text("#pragma once\n/// @param nobody is there\nint f(int x);\n")
            status, messages = run_doxygen(scratch, f"INPUT = {scratch}", "FILTER_PATTERNS =")
            self.assertNotEqual(status, 0)
            self.assertIn("nobody", messages)


if __name__ == "__main__":
    unittest.main(verbosity=2)
