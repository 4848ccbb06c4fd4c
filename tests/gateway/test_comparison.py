"""docs/gateway-comparison.md, and the like of docs/mmsgw.md: every row has a verdict, a "yes" has tests, and tests that are named exist."""
import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from named_tests import exists, named_in, named_tests, rows  # noqa: E402


class Comparison(unittest.TestCase):
    def test_rows_have_verdicts_and_tests_that_exist(self):
        names, seen = named_tests(), []
        for number, cells in rows((ROOT / "docs/gateway-comparison.md").read_text()):
            seen.append(number)
            verdict, tests = re.match(r"(yes|partly|no)\b", cells[2]), named_in(cells[-1])
            self.assertTrue(verdict, f"row {number}")
            self.assertTrue(tests or verdict[1] == "no", f"row {number} names no test")
            for test in tests:
                self.assertTrue(exists(test, names), f"row {number}: there is no {test}")
            for place in named_in(cells[3]):
                found = [p for base in ("apps", "apps/msggw", "apps/msggw/batch", ".") for p in (ROOT / base).glob(place + "*")]
                self.assertTrue(found or place.startswith("net/"), f"row {number}: there is no {place}")
        self.assertEqual(seen, list(range(1, 41)))

    def test_what_mmsgw_promises_has_tests_that_exist(self):
        section = (ROOT / "docs/mmsgw.md").read_text().split("## What is expected of an MMS gateway")[1].split("\n## ")[0]
        table = [line.strip("| ").split(" | ") for line in section.split("\n") if line.startswith("|")][2:]
        self.assertGreater(len(table), 10)
        names = named_tests()
        for expected, verdict, tests in table:
            self.assertTrue(verdict.startswith("no") or named_in(tests), f"{expected}: no test")
            for test in named_in(tests):
                self.assertTrue(exists(test, names), f"{expected}: there is no {test}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
