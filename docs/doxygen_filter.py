"""Marks a header's plain comments for Doxygen:  doxygen_filter.py HEADER

The comment that opens a file describes the file, a comment on lines of its own what follows it, one at the end of a line
what stands before it. Lines indented by three or more in a comment are code or a table and kept as they are.
Characters that mean something to Doxygen are escaped. Lines stay lines, so that its messages name the right ones.
"""
import re
import sys

OWN_LINE = re.compile(r"^(\s*)//(.*)$")
AT_END = re.compile(r"^(.*\S.*?)(\s)// (.*)$")
DIVIDER = re.compile(r"\s*-{3,}")  # headings between members describe nothing
SPECIAL = re.compile(r"[\\@<>#%&]")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def escaped(text):
    return SPECIAL.sub(lambda m: "\\" + m.group(0), text)


def in_string(line, at):
    return any(m.start() < at < m.end() for m in STRING.finditer(line))


def comment(indent, text, mark, was_code):
    """The marked line, and whether it is within a block kept as it is."""
    is_code = text.startswith("   ")
    body = text.replace("*/", "* /") if is_code else escaped(text.strip())
    if is_code and not was_code:
        return f"{indent}{mark} @code{{.cpp}} {body}", True
    if was_code and not is_code:
        return f"{indent}{mark} @endcode {body}", False
    return f"{indent}{mark} {body}", is_code


def main(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    # Doxygen does not know where to put what is added to namespace std.
    text = re.sub(r"^template <>\nstruct std::.*$", "\n", text, flags=re.M)
    out, code, opening = [], False, True
    for line in text.split("\n"):
        own = OWN_LINE.match(line)
        if own and DIVIDER.match(own.group(2)):
            own = None
        if own:
            made, code = comment(own.group(1), own.group(2), "///", code)
            out.append(made)
            continue
        if code:  # a block that ends with its comment
            out[-1] += " @endcode"
            code = False
        if opening and out:
            out[-1] += " @file"
        opening = False
        end = AT_END.match(line)
        if end and not line.startswith(("#", "}")) and not in_string(line, end.end(2)):
            out.append(f"{end.group(1)}{end.group(2)}///< {escaped(end.group(3))}")
        else:
            out.append(line)
    sys.stdout.write("\n".join(out))


if __name__ == "__main__":
    main(sys.argv[1])
