#!/usr/bin/env python3
"""Keeps documents true: code they show is code that is built, and files they link to exist.

    documents.py <source root>
    documents.py --self-test

A fenced block that follows the comment <!-- from PATH --> must stand in PATH, line for line and in one piece.
"""
import re
import sys
import tempfile
from pathlib import Path

SNIPPET = re.compile(r"<!-- from (\S+) -->\n+```\w*\n(.*?)^```$", re.S | re.M)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def problems_of(document):
    text = document.read_text(encoding="utf-8")
    root = document.parent
    for source, snippet in SNIPPET.findall(text):
        path = root / source
        if not path.is_file():
            yield f"{document}: there is no {source}"
        elif f"\n{snippet}" not in f"\n{path.read_text(encoding='utf-8')}":
            yield f"{document}: the code shown is not in {source}"
    for target in LINK.findall(text):
        if not re.match(r"[a-z]+:", target) and not (root / target).exists():
            yield f"{document}: broken link {target}"


def check(root):
    documents = sorted(root.glob("*.md")) + sorted(root.glob("lib*/*.md")) + sorted((root / "docs").rglob("*.md"))
    problems = [problem for document in documents for problem in problems_of(document)]
    if not SNIPPET.search((root / "README.md").read_text(encoding="utf-8")):
        problems.append("README.md: shows no code from a compiled example")
    print("\n".join(problems))
    print(f"{len(documents)} documents, {len(problems)} problems")
    return len(problems)


def self_test():
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "a.cpp").write_text("one\ntwo\nthree\n")
        good = root / "good.md"
        good.write_text("<!-- from a.cpp -->\n```cpp\none\ntwo\n```\n[x](a.cpp) [y](https://example.org/z)\n")
        changed = root / "changed.md"
        changed.write_text("<!-- from a.cpp -->\n```cpp\none\nthree\n```\n")
        missing = root / "missing.md"
        missing.write_text("<!-- from b.cpp -->\n```cpp\none\n```\n[x](no/such.md)\n")
        counts = [len(list(problems_of(d))) for d in (good, changed, missing)]
    print(f"problems found: {counts}, expected [0, 1, 2]")
    return counts != [0, 1, 2]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(1 if (self_test() if sys.argv[1] == "--self-test" else check(Path(sys.argv[1]))) else 0)
