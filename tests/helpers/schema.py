"""Reads reports/SCHEMA.md and holds JSON against it: its tables are the schema, so they cannot fall behind."""

import re

from support import CHECKOUT

_KINDS = {"number": (int, float), "text": (str,), "list": (list,), "truth": (bool,)}


def read_schema() -> dict[str, dict]:
    """By heading, its keys as a tree: {"models": {"*": "[model](#model)"}}."""
    text = (CHECKOUT / "reports" / "SCHEMA.md").read_text(encoding="utf-8")
    sections = {}
    for heading, body in re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL):
        tree = sections[heading] = {}
        for key, kind in re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", body, re.MULTILINE):
            *parents, last = key.replace("[]", ".[]").split(".")
            branch = tree
            for parent in parents:
                branch = branch.setdefault(parent, {})
            branch[last] = kind
    return sections


def find_mismatches(content, schema: dict, expected, where: str = "") -> list[str]:
    """What in some JSON content is not as the schema has it.

    Args:
        schema: from `read_schema`.
        expected: a branch of it, or a kind such as "figure or null".
        where: the keys above, for the messages.
    """
    if isinstance(expected, str):
        return _compare_kind(content, schema, expected, where)
    if content is None and str(expected.get("*", "")).endswith("or null"):
        return []
    if not isinstance(content, list if "[]" in expected else dict):
        return [f"{where}: expected {expected}, found {content!r}"]
    if "[]" in expected:
        parts = {f"{where}[{i}]": (item, expected["[]"]) for i, item in enumerate(content)}
    elif "*" in expected:
        parts = {f"{where}.{name}": (item, expected["*"]) for name, item in content.items()}
    elif set(content) != set(expected):
        return [f"{where}: only there {set(content) - set(expected)}, only documented {set(expected) - set(content)}"]
    else:
        parts = {f"{where}.{name}": (content[name], expected[name]) for name in expected}
    return [found for at, (item, kind) in parts.items() for found in find_mismatches(item, schema, kind, at)]


def _compare_kind(content, schema: dict, kind: str, where: str) -> list[str]:
    if content is None and kind.endswith(" or null"):
        return []
    kind = kind.removesuffix(" or null")
    if link := re.fullmatch(r"\[.*\]\(#(.*)\)", kind):
        return find_mismatches(content, schema, schema[link[1]], where)
    if kind == "figure":
        numbers = content if isinstance(content, dict) else {}
        fits = set(numbers) == {"value", "low", "high"} and all(
            number is None or isinstance(number, float) for number in numbers.values()
        )
    else:
        fits = isinstance(content, _KINDS[kind]) and isinstance(content, bool) == (kind == "truth")
    return [] if fits else [f"{where}: expected {kind}, found {content!r}"]
