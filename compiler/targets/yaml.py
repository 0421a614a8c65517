"""Writes a rendered tree as YAML that Compose and any other reader takes for the same strings.

PyYAML's emitter in C cannot indent a list below its key, and the one in Python takes twenty times as long.
"""

from __future__ import annotations

import math
import re
from typing import Any

from compiler.expressions.quoting import compose_escape, refuse_unrepresentable
from compiler.model import Raw, Reference, Text

_PLAIN = re.compile(r"(?:[A-Za-z/]|\.{1,2}/)(?:[A-Za-z0-9_./@:-]*[A-Za-z0-9_./@-])?")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_ASCII = re.compile(r"[\x20-\x7e]*")
_BLOCK = re.compile(r"[\x21-\x7e\u00a1-\u1fff][\n\x20-\x7e\u00a1-\u1fff]*")
_NO_BLOCK = re.compile(r" (?:\n|\Z)|\n\n\Z")
_ESCAPED = r'["\\]|[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]'
_SHORT_ESCAPES = dict(zip('"\\\a\b\t\n\v\f\r\x1b\x85\u2028\u2029', '"\\abtnvfreNLP', strict=True))
_LONGEST_SIMPLE_KEY = 128


def dump(tree: object) -> str:
    """Returns the tree as a block-style document.

    A `str` is literal text, `Raw` is in Compose's own syntax, a `Reference` becomes an interpolation. Mapping
    keys are written as they are. https://docs.docker.com/reference/compose-file/interpolation/
    """
    lines: list[str] = []
    if not _is_branch(tree):
        return _leaf(tree, "") + "\n"
    _write(tree, "", lines)
    return "\n".join(lines) + "\n"


def _is_branch(node: object) -> bool:
    return isinstance(node, dict | list | tuple) and len(node) > 0


def _write(branch: Any, indent: str, lines: list[str]) -> None:
    inner = indent + "  "
    is_mapping = isinstance(branch, dict)
    for key, node in branch.items() if isinstance(branch, dict) else enumerate(branch):
        head = _key(key, indent) if is_mapping else f"{indent}-"
        if not _is_branch(node):
            lines.append(f"{head} {_leaf(node, inner)}")
        elif is_mapping:
            lines.append(head)
            _write(node, inner, lines)
        else:
            first = len(lines)
            _write(node, inner, lines)
            lines[first] = f"{head} {lines[first][len(inner) :]}"


def _key(key: object, indent: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a mapping key is a {type(key).__name__}, not text")
    text = _scalar(key)
    return f"{indent}{text}:" if len(text) <= _LONGEST_SIMPLE_KEY else f"{indent}? {text}\n{indent}:"


def _leaf(node: object, indent: str) -> str:
    match node:
        case str() | Reference() | Text():
            return _scalar(_interpolated(node), indent)
        case None:
            return "null"
        case bool():
            return "true" if node else "false"
        case int():
            return str(node)
        case float() if math.isfinite(node):
            text = repr(node)
            return text if "." in text else text.replace("e", ".0e")
        case dict():
            return "{}"
        case list() | tuple():
            return "[]"
    raise TypeError(f"a {type(node).__name__} cannot be rendered")


def _interpolated(node: str | Reference | Text) -> str:
    match node:
        case Raw():
            return str(node)
        case str():
            return compose_escape(node)
        case Reference(key):
            return f"${{{key}:?set it in .env}}"
        case Text(parts):
            return "".join(map(_interpolated, parts))


def _scalar(text: str, indent: str | None = None) -> str:
    """Returns the text in the plainest style that every reader takes for a string; a block needs `indent`."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    if _ASCII.fullmatch(text):
        return "'" + text.replace("'", "''") + "'"
    if indent is not None and "\n" in text and _BLOCK.fullmatch(text) and not _NO_BLOCK.search(text):
        body = text.removesuffix("\n")
        lines = [indent + line if line else "" for line in body.split("\n")]
        return "\n".join(["|" if body != text else "|-", *lines])
    refuse_unrepresentable(text, "a YAML file")
    return '"' + re.sub(_ESCAPED, _escape, text) + '"'


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    if short := _SHORT_ESCAPES.get(character):
        return "\\" + short
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
