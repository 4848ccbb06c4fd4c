"""Sums gcovr's figures per storey of a library:  coverage_report.py SUMMARY.json MINIMUM

A file below net/ belongs to net, one below text/ to text, one named after the session to session, the rest to wire.
"""
import json
import sys
from collections import defaultdict

STOREYS_HELD = ("wire", "session")


def storey(path):
    library, rest = path.split("/", 1)
    if library == "libcore":
        return library, "net" if "/net/" in rest else "core"
    if "/net/" in rest:
        return library, "net"
    if "/text/" in rest:
        return library, "text"
    name = rest.rsplit("/", 1)[1]
    return library, "session" if name.startswith(("session", "sequence_map", "congestion")) else "wire"


def percent(covered, total):
    return 100.0 * covered / total if total else 100.0


def main(path, minimum):
    groups = defaultdict(list)
    with open(path, encoding="utf-8") as f:
        for each in json.load(f)["files"]:
            if each["line_total"]:
                groups[storey(each["filename"])].append((each["filename"], each["line_covered"], each["line_total"]))
    short = []
    for (library, name), files in sorted(groups.items()):
        if name == "net":
            continue  # needs sockets; its tests are not part of this
        covered, total = sum(f[1] for f in files), sum(f[2] for f in files)
        print(f"{library} {name}: {percent(covered, total):.1f} % of {total} lines")
        for file, file_covered, file_total in sorted(files):
            if file_covered < file_total:
                missing = file_total - file_covered
                print(f"    {percent(file_covered, file_total):5.1f} %  {missing:4d} uncovered  {file}")
        if name in STOREYS_HELD and percent(covered, total) < minimum:
            short.append(f"{library} {name}")
    if short:
        print(f"below {minimum} %: {', '.join(short)}")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2])))
