"""Every defect of docs/gateway-defects.md has tests that exist, a reason why not, or says that it is open."""
import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from named_tests import exists, named_tests, rows  # noqa: E402

TEST_NAME = re.compile(r"`((?:[A-Z]\w+|[a-z]\w*)\.\w+|kill9)`")


def faults(text, names):
    """What is wrong with the table."""
    seen = []
    for number, cells in rows(text):
        seen.append(number)
        tests = TEST_NAME.findall(cells[-1])
        if not tests and not re.match(r"(n/a|open): \w", cells[-1]):
            yield f"X{number}: neither a test nor a reason"
        yield from (f"X{number}: there is no {test}" for test in tests if not exists(test, names))
    if seen != list(range(1, 53)):
        yield f"rows are {seen}"


class DefectTable(unittest.TestCase):
    def test_every_defect_is_accounted_for(self):
        self.assertEqual(list(faults((ROOT / "docs/gateway-defects.md").read_text(), named_tests())), [])

    def test_a_fault_is_noticed(self):
        text = "".join(f"| {n} | d | `Suite.Name` |\n" for n in range(1, 53))
        self.assertEqual(list(faults(text, {"Suite.Name"})), [])
        self.assertEqual(len(list(faults(text, {"Suite.Other"}))), 52)
        self.assertEqual(list(faults(text.replace("| 7 | d | `Suite.Name` |", "| 7 | d | later |"), {"Suite.Name"})),
                         ["X7: neither a test nor a reason"])
        self.assertEqual(len(list(faults(text.replace("| 52 |", "| 51 |"), {"Suite.Name"}))), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
