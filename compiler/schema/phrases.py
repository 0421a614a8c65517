"""How a fault names things: what is checked, what was written, and what may be secret, which is never quoted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from compiler.schema.faults import types_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from compiler.model import Path
    from compiler.schema.faults import Fault

LONGEST = 60
_DEEPEST = 8
TYPES = {
    "string": "a string",
    "number": "a number",
    "integer": "an integer",
    "array": "a list",
    "object": "a mapping",
    "boolean": "true or false",
    "null": "nothing",
}
_SECRET = re.compile(
    r"pass(word|wd|phrase|code)?(?![a-z])|pwd|secret(?!s$)|token|credential|private|(^|[_-]|api|access)key$",
    re.IGNORECASE,
)


def escaped(text: str, longest: int = LONGEST) -> str:
    """Returns the text on one line, without control characters, cut to a length that fits in a message."""
    shown = "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in text[: longest + 1]
    )
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."


def hidden(fault: Fault) -> bool:
    """Says whether a value is better not shown: by the key that it stands under, or by its own form."""
    path, value = (*fault.at, *fault.path), fault.data
    if _SECRET.search(next((part for part in reversed(path) if isinstance(part, str)), "")):
        return True
    assignment = re.match(r"\s*([\w.-]+)\s*[=:]", value) if isinstance(value, str) else None
    is_login = isinstance(value, str) and re.search(r"://[^/\s]*@", value)
    return bool(is_login or (assignment and _SECRET.search(assignment[1])))


def scalar(value: Any) -> str:
    """Returns a scalar as YAML has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def quoted(value: Any) -> str:
    if isinstance(value, str):
        return f'"{escaped(value)}"'
    return TYPES[next(iter(types_of(value)))] if isinstance(value, dict | list) else scalar(value)


def shown(fault: Fault) -> str:
    return "the given value" if hidden(fault) else quoted(fault.data)


def listed(words: Sequence[str], last: str = "or") -> str:
    *head, tail = words or ["nothing"]
    return f"{', '.join(head)} {last} {tail}" if head else tail


def options(names: Iterable[str]) -> str:
    return listed([f'"{escaped(name)}"' for name in names], "and")


def thing(fault: Fault) -> str:
    """Returns the name of a value: "port" of database "vectors"."""
    return chain(fault.path, fault.noun, '"{}"')


def owner(fault: Fault) -> str:
    """Returns the name of an owner of options: the vector of database "vectors"."""
    return chain(fault.path, fault.noun, "the {}")


def parent(fault: Fault) -> str:
    return chain(fault.path[:-1], fault.noun, "the {}")


def chain(path: Path, noun: str, form: str) -> str:
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


def advice(schema: Any, brief: bool = False) -> str | None:
    """Returns what a schema itself says about its values; if brief, its first sentence."""
    text = isinstance(schema, dict) and (schema.get("x-help") or schema.get("description"))
    if not isinstance(text, str):
        return None
    text = (text.split(". ")[0] if brief else text).rstrip(".")
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
