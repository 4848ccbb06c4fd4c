"""Which tests there are, for documents that name them.

    Suite.Name           C++; `*` stands for anything, `Each/Suite.Name` for a parameterised suite
    stem.test_name       Python: tests/**/test_<stem>.py; `*` as above
    kill9                the crash rounds, a program without named parts
"""
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CPP_TEST = re.compile(r"^TEST(?:_[FP])?\((\w+), (\w+)\)", re.M)
PYTHON_TEST = re.compile(r"^    def (test_\w+)", re.M)


def named_tests(root=ROOT):
    names = {"kill9"} if (root / "tests/crash/test_kill9.py").is_file() else set()
    for path in (root / "tests").rglob("*_test.cpp"):
        names |= {f"{suite}.{name}" for suite, name in CPP_TEST.findall(path.read_text())}
    for path in (root / "tests").rglob("test_*.py"):
        stem = path.stem.removeprefix("test_")
        names |= {f"{stem}.{name}" for name in PYTHON_TEST.findall(path.read_text())}
    return names


def exists(name, names):
    pattern = re.compile(re.escape(name.rpartition("/")[-1]).replace(r"\*", ".*"))
    return any(pattern.fullmatch(each) for each in names)


def named_in(cell):
    """What stands in backquotes in a table cell."""
    return re.findall(r"`([^`]+)`", cell)


def rows(text):
    """The cells of every table row whose first cell is a number."""
    for line in text.split("\n"):
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("|") and re.fullmatch(r"\|?\s*\d+", cells[0]):
            yield int(cells[0].strip("| ")), cells[1:]
