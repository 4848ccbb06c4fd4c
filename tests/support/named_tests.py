"""Which tests there are, for documents that name them.

    Suite.Name           C++; `*` stands for anything, `Each/Suite.Name` for a parameterised suite
    stem.test_name       Python: tests/**/test_<stem>.py, also a test that a class there has from one of another file that
                         it imports as `import test_other as other`; `*` as above
    kill9                the crash rounds, a program without named parts
"""
import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CPP_TEST = re.compile(r"^TEST(?:_[FP])?\((\w+), (\w+)\)", re.M)


def classes_of(path):
    """{class: (its tests, its bases as they are written)}, and {alias: stem} of the test files it imports."""
    classes, imported = {}, {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef):
            functions = [f.name for f in node.body if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef))]
            classes[node.name] = {f for f in functions if f.startswith("test_")}, [ast.unparse(b) for b in node.bases]
        elif isinstance(node, ast.Import):
            imported |= {a.asname or a.name: a.name.removeprefix("test_") for a in node.names if a.name.startswith("test_")}
    return classes, imported


def tests_of(stem, name, files):
    """Tests of the class `name`, its own and those of its bases in files of tests."""
    found = set()
    for classes, imported in files.get(stem, ()):
        own, bases = classes.get(name, (set(), []))
        found |= own
        for base in bases:
            module, _, inherited = base.rpartition(".")
            found |= tests_of(imported.get(module, "") if module else stem, inherited, files)
    return found


def python_tests(root):
    files = {}  # two directories may have files of one name
    for path in (root / "tests").rglob("test_*.py"):
        files.setdefault(path.stem.removeprefix("test_"), []).append(classes_of(path))
    return {f"{stem}.{test}" for stem, same in files.items() for classes, _ in same for name in classes
            for test in tests_of(stem, name, files)}


def named_tests(root=ROOT):
    names = {"kill9"} if (root / "tests/crash/test_kill9.py").is_file() else set()
    for path in (root / "tests").rglob("*_test.cpp"):
        names |= {f"{suite}.{name}" for suite, name in CPP_TEST.findall(path.read_text())}
    return names | python_tests(root)


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
