"""Writes a rendered tree as YAML that Compose and any other reader takes for the same strings.

PyYAML's emitter in C cannot indent a list below its key, and the one in Python takes twenty times as long.
"""

from __future__ import annotations

import re

from compiler.expressions.quoting import compose_escape, refuse_unrepresentable
from compiler.model import Raw, Reference, Text

_PLAIN = re.compile(r"(?:[A-Za-z/]|\.{1,2}/)(?:[A-Za-z0-9_./@:-]*[A-Za-z0-9_./@-])?")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_ASCII = re.compile(r"[\x20-\x7e]*")
_SHOWN = r"\x21-\x7e\u00a1-\u1fff"
_BLOCK = re.compile(rf"[{_SHOWN}](?:[\n {_SHOWN}]*[{_SHOWN}])?\n?")
_LONGEST_SIMPLE_KEY = 128


def dump(tree: object) -> str:
    """Returns the tree as a block-style document.

    A `str` is literal text, `Raw` is in Compose's own syntax, a `Reference` becomes an interpolation. Mapping
    keys are written as they are. TypeError or ValueError for what YAML cannot hold, which they do not show.
    https://docs.docker.com/reference/compose-file/interpolation/
    """
    return _node(tree, "").lstrip() + "\n"


def _node(node: object, indent: str) -> str:
    """Returns what stands behind the colon of a key or the dash of an item, with the blank before it."""
    inner = indent + "  "
    match node:
        case str() | Reference() | Text():
            return " " + _scalar(_interpolated(node), indent)
        case dict() if node:
            return "".join(
                f"\n{indent}{_key(key, indent)}{_node(value, inner)}" for key, value in node.items()
            )
        case list() | tuple() if node:
            return "".join(f"\n{indent}- {_node(item, inner).lstrip()}" for item in node)
    import json

    text = json.dumps(node, allow_nan=False)
    if isinstance(node, float) and "." not in text:
        text = text.replace("e", ".0e")  # YAML 1.1 reads 1e+16 as a string.
    return f" {text}"


def _key(key: str, indent: str) -> str:
    text = _scalar(key)
    return f"{text}:" if len(text) <= _LONGEST_SIMPLE_KEY else f"? {text}\n{indent}:"


def _interpolated(node: str | Reference | Text) -> str:
    if isinstance(node, Text):
        return "".join(map(_interpolated, node.parts))
    if isinstance(node, Reference):
        return f"${{{node.key}:?set it in .env}}"
    return str(node) if isinstance(node, Raw) else compose_escape(node)


def _scalar(text: str, indent: str | None = None) -> str:
    """Returns the text in the plainest style that every reader takes for a string; a block needs `indent`."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    if _ASCII.fullmatch(text):
        return "'" + text.replace("'", "''") + "'"
    if indent is not None and "\n" in text and " \n" not in text and _BLOCK.fullmatch(text):
        body = text.removesuffix("\n")
        return ("|-\n" if body == text else "|\n") + re.sub("(?m)^(?=.)", indent, body)
    refuse_unrepresentable(text, "a YAML file")
    import yaml

    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=float("inf")).rstrip()
