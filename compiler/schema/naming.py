"""How values and their places are called in messages; what may be secret is never quoted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from compiler.model import Path

LONGEST = 60
_DEEPEST = 8
_SECRET = re.compile(
    r"pass(word|wd|phrase|code)?(?![a-z])|pwd|secret(?!s$)|token|credential|private|(^|[_-]|api|access)key$",
    re.IGNORECASE,
)
_ASSIGNMENT = re.compile(r"\s*([\w.-]+)\s*[=:]")
_LOGIN = re.compile(r"://[^/\s]*@")
_TYPES = {
    "string": ("a string",),
    "number": ("a number",),
    "integer": ("an integer",),
    "array": ("a list",),
    "object": ("a mapping",),
    "boolean": ("true", "false"),
    "null": ("nothing",),
}


def escaped(text: str) -> str:
    """Returns the text on one line, without control characters, cut to a length that fits in a message."""
    shown = "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in text[: LONGEST + 1]
    )
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 3] + "..."


def is_secret(path: Path, value: object) -> bool:
    """Answers whether a value is better not shown: by the key that it stands under, or by its own form."""
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    if _SECRET.search(key):
        return True
    if not isinstance(value, str):
        return False
    assignment = _ASSIGNMENT.match(value)
    return bool(_LOGIN.search(value) or (assignment and _SECRET.search(assignment[1])))


def scalar(value: object) -> str:
    """Returns a scalar as YAML has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and value.bit_length() > 200:
        return escaped(hex(value))
    return str(value)


def quoted(value: object) -> str:
    if isinstance(value, str):
        return f'"{escaped(value)}"'
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return scalar(value)


def described(value: object, hidden: bool) -> str:
    if value is None:
        return "empty"
    if isinstance(value, str):
        return "a string" if hidden else f"the string {quoted(value)}"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "a number" if hidden else f"the number {scalar(value)}"
    return quoted(value)


def types_of(value: object) -> frozenset[str]:
    """Returns the JSON Schema types that a value has."""
    if value is None or isinstance(value, bool):
        return frozenset(("null",) if value is None else ("boolean",))
    if isinstance(value, (int, float)):
        return frozenset(("number", "integer") if value == value // 1 else ("number",))
    if isinstance(value, str):
        return frozenset(("string",))
    return frozenset(("array",) if isinstance(value, list) else ("object",))


def listed(words: Sequence[str], last: str = "or") -> str:
    *head, tail = words or ["nothing"]
    return f"{', '.join(head)} {last} {tail}" if head else tail


def type_names(types: Iterable[str]) -> str:
    """Returns the accepted types in words, without `null` where something else is accepted."""
    found = set(types)
    found -= {"integer"} if "number" in found else set()
    found -= {"null"} if len(found) > 1 else set()
    return listed([word for name, words in _TYPES.items() if name in found for word in words])


def owner(path: Path, noun: str) -> str:
    """Returns the name of what stands at `path` as the owner of options: the vector of database "vectors"."""
    return _chain(path, noun, "the {}")


def thing(path: Path, noun: str) -> str:
    """Returns the name of what stands at `path` as a value: "port" of database "vectors"."""
    return _chain(path, noun, '"{}"')


def _chain(path: Path, noun: str, form: str) -> str:
    words: list[str] = []
    keys: list[str] = []
    for part in (*path[-_DEEPEST:], 0):
        if isinstance(part, str):
            keys.append(escaped(part))
        else:
            words += [form.format(".".join(keys))] if keys else []
            words.append(f"item {part + 1}")
            keys.clear()
    cut = ["..."] if len(path) > _DEEPEST else []
    return " of ".join([*reversed(words[:-1]), *cut, noun])
