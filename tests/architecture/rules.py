#!/usr/bin/env python3
"""Holds the tree to the rules of docs/architecture.md that a compiler does not check.

    rules.py <source root>     prints one line per violation, exits 1 if there is any
    rules.py --self-test       every rule must fire on its bad samples and stay silent on its good ones

A rule is a function (path, text) -> iterable of (line number, message). `path` is relative, with '/'.
"""
import re
import subprocess
import sys
from pathlib import Path

MAIN_LINES_MAX = 200
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.M)
SOURCE_SUFFIXES = (".cpp", ".hpp", ".h", ".cc")

# Directories that exist on one person's machine only. Written so that the expression does not match itself.
MACHINE_PATH = re.compile(r"(?<![\w.\-*])[/](?:root|work|workspace|farm|mnt|Users|home/\w+)/")
# Where packages were fetched from says nothing about the product and differs from site to site.
REGISTRY_HOST = re.compile(r"[r]egistry\.npmjs\.org|[r]egistry\.yarnpkg\.com|[\"']resolved[\"']\s*:")

CO_AWAIT = re.compile(r"\bco_await\b[^;]*")
DESIGNATED_TEMPORARY = re.compile(r"[({,]\s*\{\s*\.")
LAMBDA = re.compile(r"(?:[({,]|^co_await)\s*\[([^\]]+)\]\s*[({]")
# For a temporary of plain durations, numbers and views, which the compiler handles correctly.
CO_AWAIT_EXEMPTION = "owns nothing"


def is_source(path):
    return path.endswith(SOURCE_SUFFIXES)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def includes(text):
    return ((line_of(text, m.start()), m.group(1)) for m in INCLUDE.finditer(text))


def library_of(path):
    """'smpp' for libsmpp/..., None outside the libraries."""
    match = re.match(r"lib(\w+)/", path)
    return match.group(1) if match and is_source(path) else None


def no_sibling_library(path, text):
    library = library_of(path)
    if library is None:
        return
    for line, name in includes(text):
        match = re.match(r"msgkit/(\w+)/", name)
        if match and match.group(1) not in ("core", library):
            yield line, f"lib{library} includes {name}; a library knows libcore and itself only"


def no_io_outside_net(path, text):
    if library_of(path) is None or "/net/" in path:
        return
    for line, name in includes(text):
        if re.match(r"(asio|boost/asio|openssl)[/.]", name):
            yield line, f"{name} outside net/"
        elif re.match(r"msgkit/\w+/net/", name):
            yield line, f"{name} included outside net/"


def apps_point_downwards(path, text):
    forbidden = {
        "apps/common/": r"(engine|connectors)/",
        "apps/engine/": r"(connectors/|msgkit/(?!core/))",
        "apps/connectors/": r"(msggw|smppd|smppc|mmsgw|goip_xmpp)/",
    }
    for directory, pattern in forbidden.items():
        if path.startswith(directory) and is_source(path):
            for line, name in includes(text):
                if re.match(pattern, name):
                    yield line, f"{directory} must not include {name}"


def main_is_short(path, text):
    lines = text.count("\n")
    if re.match(r"apps/.*\bmain\.cpp$", path) and lines >= MAIN_LINES_MAX:
        yield lines, f"main.cpp has {lines} lines; the limit is below {MAIN_LINES_MAX}"


def without_comments(text):
    """Blanks comments, keeping every offset."""
    blank = lambda m: re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r"//[^\n]*|/\*.*?\*/", blank, text, flags=re.S)


def captures_by_value(captures):
    items = [item.strip() for item in captures.split(",")]
    return any(item and not item.startswith("&") and item != "this" for item in items)


def no_owning_temporary_in_co_await(path, text):
    """GCC 12 destroys an aggregate temporary, or a lambda capturing by value, twice when it stands inside co_await."""
    if not is_source(path):
        return
    lines = text.split("\n")
    for match in CO_AWAIT.finditer(without_comments(text)):
        first = line_of(text, match.start())
        last = line_of(text, match.end())
        if any(CO_AWAIT_EXEMPTION in line for line in lines[first - 1:last]):
            continue
        if DESIGNATED_TEMPORARY.search(match.group(0)):
            yield first, f"braced temporary inside co_await: name it first (or comment: {CO_AWAIT_EXEMPTION})"
        if any(captures_by_value(m.group(1)) for m in LAMBDA.finditer(match.group(0))):
            yield first, "lambda capturing by value inside co_await: name it first"


def no_machine_paths(path, text):
    if "/corpus/" in path:
        return
    for match in MACHINE_PATH.finditer(text):
        yield line_of(text, match.start()), f"names a directory of one machine: {match.group(0)}"
    for match in REGISTRY_HOST.finditer(text):
        yield line_of(text, match.start()), "names a package registry"


RULES = (
    no_sibling_library,
    no_io_outside_net,
    apps_point_downwards,
    main_is_short,
    no_owning_temporary_in_co_await,
    no_machine_paths,
)

# (rule, path, text, whether it must fire)
SAMPLES = (
    (no_sibling_library, "libsmpp/src/a.cpp", '#include "msgkit/mm4/mail.hpp"\n', True),
    (no_sibling_library, "libcore/src/a.cpp", "#  include <msgkit/smpp/pdu.hpp>\n", True),
    (no_sibling_library, "libsmpp/src/a.cpp", '#include "msgkit/core/hex.hpp"\n#include "msgkit/smpp/tlv.hpp"\n', False),
    (no_io_outside_net, "libsmpp/include/msgkit/smpp/session.hpp", "#include <asio/ip/tcp.hpp>\n", True),
    (no_io_outside_net, "libcore/src/secure.cpp", "int x;\n#include <openssl/crypto.h>\n", True),
    (no_io_outside_net, "libsmpp/src/session.cpp", '#include "msgkit/core/net/stream.hpp"\n', True),
    (no_io_outside_net, "libcore/src/net/tls.cpp", "#include <openssl/ssl.h>\n", False),
    (no_io_outside_net, "apps/msggw/main.cpp", "#include <asio/io_context.hpp>\n", False),
    (apps_point_downwards, "apps/engine/core.cpp", '#include "msgkit/smpp/pdu.hpp"\n', True),
    (apps_point_downwards, "apps/engine/core.hpp", '#include "connectors/smpp_server.hpp"\n', True),
    (apps_point_downwards, "apps/common/log.cpp", '#include "engine/message.hpp"\n', True),
    (apps_point_downwards, "apps/engine/core.cpp", '#include "msgkit/core/time.hpp"\n', False),
    (main_is_short, "apps/msggw/main.cpp", "x\n" * 200, True),
    (main_is_short, "apps/msggw/main.cpp", "x\n" * 199, False),
    (no_owning_temporary_in_co_await, "a.cpp", 'co_await f({.name = "x"}, as_tuple);', True),
    (no_owning_temporary_in_co_await, "a.cpp", "co_await f(one,\n  {\n  .name = s});", True),
    (no_owning_temporary_in_co_await, "a.cpp", "co_await g([s] { use(s); });", True),
    (no_owning_temporary_in_co_await, "a.cpp", "co_await g(x, [&a, s = std::move(s)]() { use(s); });", True),
    (no_owning_temporary_in_co_await, "a.cpp", "co_await [s]() -> task { co_return; }();", True),
    (no_owning_temporary_in_co_await, "a.cpp", "co_await g([&s] { use(s); });", False),
    (no_owning_temporary_in_co_await, "a.cpp", "co_await g(table[i](x), [this] { stop(); });", False),
    (no_owning_temporary_in_co_await, "a.cpp", "// co_await f({.name = x});\nauto o = f({.name = x}); co_await std::move(o);", False),
    (no_owning_temporary_in_co_await, "a.cpp", "co_await f(m, {.timeout = 5s}, as_tuple);  // owns nothing", False),
    (no_machine_paths, "docs/a.md", "see /wo" + "rk/main/README\n", True),
    (no_machine_paths, "scripts/a.sh", "cd /ho" + "me/jo/src\n", True),
    (no_machine_paths, "tests/interop/package-lock.json", '"resol' + 'ved": "https://x"\n', True),
    (no_machine_paths, "docs/a.md", "state is in /var/lib/msggw, work/around, ~/home/x\n", False),
)


def self_test():
    failures = 0
    for rule, path, text, must_fire in SAMPLES:
        fired = bool(list(rule(path, text)))
        if fired != must_fire:
            failures += 1
            print(f"{rule.__name__} {'missed' if must_fire else 'wrongly reported'}: {path}: {text!r}")
    for rule in RULES:
        if not any(sample[0] is rule and sample[3] for sample in SAMPLES):
            failures += 1
            print(f"{rule.__name__} has no sample it must fire on")
    print(f"{len(SAMPLES)} samples, {failures} failures")
    return failures


def tracked_files(root):
    """What git would commit; without git (a source archive) everything outside build directories."""
    try:
        listing = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"],
                                 check=True, capture_output=True).stdout.decode()
        return [name for name in listing.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        skipped = re.compile(r"^(build[^/]*|var|\.git)/|(^|/)(node_modules|__pycache__)/")
        names = (p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())
        return [name for name in names if not skipped.search(name)]


def check_tree(root):
    violations = checked = 0
    for name in sorted(tracked_files(root)):
        path = root / name
        if not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # binary: corpora and images
        checked += 1
        for rule in RULES:
            for line, message in rule(name, text):
                violations += 1
                print(f"{name}:{line}: {message}")
    print(f"{checked} files, {violations} violations")
    return violations if checked else 1


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(1 if self_test() else 0)
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(1 if check_tree(Path(sys.argv[1])) else 0)
