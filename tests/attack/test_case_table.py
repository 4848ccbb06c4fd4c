"""Every test that docs/attack-cases.md names exists, and every case has one."""
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from named_tests import exists, named_in, named_tests, rows  # noqa: E402

CASES = set(range(1, 21)) | set(range(21, 36)) | set(range(38, 53))


class CaseTable(unittest.TestCase):
    def test_every_case_names_tests_that_exist(self):
        names = named_tests()
        seen = set()
        for number, cells in rows((ROOT / "docs/attack-cases.md").read_text()):
            seen.add(number)
            tests = named_in(cells[-1])
            self.assertTrue(tests, f"case {number}")
            for test in tests:
                self.assertTrue(exists(test, names), f"case {number}: there is no {test}")
        self.assertEqual(seen, CASES)

    def test_a_name_that_is_none_is_noticed(self):
        names = named_tests()
        self.assertTrue(exists("Codec.RoundTripsEveryPdu", names))
        self.assertTrue(exists("framing.test_01_*", names))
        self.assertFalse(exists("Codec.RoundTripsEveryPd", names))
        self.assertFalse(exists("framing.test_99_*", names))


if __name__ == "__main__":
    unittest.main(verbosity=2)
