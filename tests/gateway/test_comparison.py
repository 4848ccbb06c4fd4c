"""docs/gateway-comparison.md: every row has a verdict, a "yes" has tests, and tests that are named exist."""
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
