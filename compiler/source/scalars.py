"""What unquoted and tagged text means, by the core schema of YAML 1.2 and as the person wrote it."""

from __future__ import annotations

import math
import re

Value = str | int | float | bool | None

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
# Python refuses to read an integer of thousands of digits; 64 bits have at most 19.
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_DECIMAL = re.compile(r"-?[0-9]{1,20}\.[0-9]{1,20}")
_TAGGED_INTEGER = re.compile(r"[-+]?[0-9]{1,19}|0o[0-7]{1,21}|0x[0-9a-fA-F]{1,16}")
_TAGGED_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


def resolve_scalar(text: str) -> Value:
    """Returns the value of unquoted text; a number prints as it was written, so `3.10` stays text."""
    if text in _WORDS:
        return _WORDS[text]
    value: int | float
    if _INTEGER.fullmatch(text):
        value = int(text)
    elif _DECIMAL.fullmatch(text):
        value = float(text)
    else:
        return text
    return value if str(value) == text else text


def resolve_tagged(kind: str, text: str) -> Value:
    """Returns the value of text under a core tag such as `!!int`; ValueError if it does not fit."""
    if kind == "str":
        return text
    if kind == "int" and _TAGGED_INTEGER.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text, base)
    if kind == "float" and _TAGGED_FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    if kind in ("bool", "null") and text in _WORDS and (_WORDS[text] is None) == (kind == "null"):
        return _WORDS[text]
    raise ValueError(kind)
