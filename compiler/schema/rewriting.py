"""How a value of the wrong type or spelling would be written right."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from compiler.report import suggest
from compiler.schema.naming import quoted, scalar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_YES = ("true", "yes", "on", "y")
_NO = ("false", "no", "off", "n")


def rewritten(data: Any, types: Sequence[str], schema: Mapping[str, Any], hidden: bool) -> str | None:
    """Returns how to write the same value as one of these types, unless the schema itself says more."""
    if "x-help" in schema or re.search(r"e\.g\.|such as", str(schema.get("description", ""))):
        return None
    if data is None:
        return "give it a value, or leave it out"
    if isinstance(data, (bool, int, float)) and "string" in types:
        return _in_quotes(data, hidden) if re.search(schema.get("pattern", ""), scalar(data)) else None
    if {*types} <= {"object", "null"}:
        return "write its options below it, each as `name: value`"
    if isinstance(data, str):
        return _without_quotes(data, types, hidden)
    return "write it as a list, in [ ]" if "array" in types and not isinstance(data, dict) else None


def closest(data: Any, allowed: Sequence[Any], hidden: bool) -> str:
    """Returns the choice that was meant, or all of them."""
    choices = [scalar(choice) for choice in allowed]
    if hidden or isinstance(data, (dict, list)):
        return suggest("", choices)
    text = scalar(data)
    if text in choices:
        return f"write it without quotes: {text}" if isinstance(data, str) else _in_quotes(data, hidden=False)
    same = next((choice for choice in choices if choice.lower() == text.lower()), None)
    return f'did you mean "{same}"?' if same else suggest(text, choices)


def _in_quotes(data: Any, hidden: bool) -> str:
    # A number with a fraction may have lost digits in reading: 3.10 is 3.1.
    return (
        "write it in quotes" if hidden or isinstance(data, float) else f'write it in quotes: "{scalar(data)}"'
    )


def _without_quotes(text: str, types: Sequence[str], hidden: bool) -> str | None:
    if re.fullmatch(r"-?\d+", text) and {"integer", "number"} & {*types}:
        return "write it without quotes" if hidden else f"write it without quotes: {text}"
    if re.fullmatch(r"-?\d+\.\d+", text) and "number" in types:
        return "write it without quotes" if hidden else f"write it without quotes: {text}"
    if "boolean" in types and text.lower() in _YES + _NO:
        return f"write {'true' if text.lower() in _YES else 'false'}"
    if "array" in types:
        return "write it as a list, in [ ]" if hidden else f"write it as a list: [{quoted(text)}]"
    return None
