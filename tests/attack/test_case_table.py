"""Every test that docs/attack-cases.md names exists, and every case has one."""
import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = {"framing", "pressure", "process", "store"}
CASES = set(range(1, 18)) | set(range(44, 53))


class CaseTable(unittest.TestCase):
    def setUp(self):
        self.text = (ROOT / "docs" / "attack-cases.md").read_text()
        sources = "\n".join(p.read_text() for p in (ROOT / "tests").rglob("*_test.cpp"))
        self.cpp = {f"{suite}.{name}" for suite, name in re.findall(r"^TEST(?:_[FP])?\((\w+), (\w+)\)", sources, re.M)}

    def exists(self, name):
        """`name` without the `Each/` of parameterised suites; `*` stands for several."""
        suite, _, test = name.partition("/")[-1].partition(".") if "/" in name else name.partition(".")
        pattern = re.compile(re.escape(test).replace(r"\*", ".*") + "$")
        if suite == "kill9":
            return (ROOT / "tests/crash/test_kill9.py").is_file()
        if suite in PYTHON:
            source = (ROOT / "tests/attack" / f"test_{suite}.py").read_text()
            return any(pattern.match(n) for n in re.findall(r"def (test_\w+)", source))
        return any(n.startswith(suite + ".") and pattern.match(n.partition(".")[2]) for n in self.cpp)

    def test_every_case_names_tests_that_exist(self):
        seen = set()
        for row in re.findall(r"^\| (\d+) \|(.*)\|$", self.text, re.M):
            number, cells = int(row[0]), row[1].split(" | ")
            names = re.findall(r"`([^`]+)`", cells[-1])
            seen.add(number)
            self.assertTrue(names, f"case {number}")
            for name in names:
                self.assertTrue(self.exists(name), f"case {number}: there is no {name}")
        self.assertEqual(seen, CASES)


if __name__ == "__main__":
    unittest.main(verbosity=2)
