"""Every test that docs/smpp-features.md names exists, and no row of its tables is without one."""
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from named_tests import exists, named_in, named_tests, rows  # noqa: E402

# Heading of a table -> how many rows it has.
TABLES = {"Features": 35, "What users of other implementations ask for": 24, "Deviations of peers": 14}


class Features(unittest.TestCase):
    def setUp(self):
        text = (ROOT / "docs/smpp-features.md").read_text()
        self.sections = {s.split("\n", 1)[0]: s for s in text.split("\n## ")[1:]}

    def test_every_row_names_tests_that_exist(self):
        names = named_tests()
        for heading, count in TABLES.items():
            numbers = []
            for number, cells in rows(self.sections[heading]):
                numbers.append(number)
                tests = named_in(cells[-1])
                self.assertTrue(tests, f"{heading} {number} has no test")
                for test in tests:
                    self.assertTrue(exists(test, names), f"{heading} {number}: there is no {test}")
            self.assertEqual(numbers, list(range(1, count + 1)), heading)

    def test_headers_it_points_to_exist(self):
        include = ROOT / "libsmpp/include/msgkit/smpp"
        for _, cells in rows(self.sections["Features"]):
            for name in named_in(cells[1]):
                if name.endswith((".hpp", "/")) and name != "tests/":
                    self.assertTrue((include / name).exists(), name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
