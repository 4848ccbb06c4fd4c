"""docs/openapi.yaml, and whether an answer is what it says."""
from pathlib import Path

import jsonschema
import yaml

DOCUMENT = yaml.safe_load((Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml").read_text())


def resolved(node):
    while "$ref" in node:
        target = DOCUMENT
        for name in node["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        node = target
    return node


def operations():
    """(method, path pattern) of everything documented."""
    return [(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item
            if method in ("get", "put", "post", "patch", "delete")]


def pattern_of(path):
    """The documented path that this one is meant by: literal segments before parameters."""
    segments = path.split("?")[0].split("/")
    found = []
    for pattern in DOCUMENT["paths"]:
        parts = pattern.split("/")
        if len(parts) == len(segments) and all(p == s or p.startswith("{") for p, s in zip(parts, segments)):
            found.append((sum(p.startswith("{") for p in parts), pattern))
    return min(found)[1] if found else None


def check(method, path, status, content_type, body):
    """Raises AssertionError when the document does not foresee this answer."""
    where = f"{method} {path} -> {status}"
    pattern = pattern_of(path)
    operation = DOCUMENT["paths"].get(pattern, {}).get(method.lower())
    if operation is None:
        raise AssertionError(f"{where}: not in docs/openapi.yaml")
    response = operation["responses"].get(str(status)) or (operation["responses"].get("default") if status >= 400
                                                           or "sendsms" in path else None)
    if response is None:
        raise AssertionError(f"{where}: this status is not documented")
    content = resolved(response).get("content", {})
    kind = content_type.split(";")[0]
    if not content:
        if body:
            raise AssertionError(f"{where}: a body is not documented")
        return
    if kind not in content:
        raise AssertionError(f"{where}: {kind} is not documented")
    # References are looked up in the whole document.
    schema = {**content[kind]["schema"], "components": DOCUMENT["components"]}
    problems = list(jsonschema.Draft202012Validator(schema).iter_errors(body))
    if problems:
        raise AssertionError(f"{where}: {problems[0].message} at {list(problems[0].absolute_path)} in {body}")
