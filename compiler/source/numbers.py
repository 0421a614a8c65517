"""Numbers as Compose reads them: its YAML knows more of them than YAML 1.2, such as 022, 0b11, 1_000 and 1e3."""

from __future__ import annotations

import re
from decimal import Decimal
from math import inf, isfinite
from typing import Any

from compiler.model import Unquoted

_INTEGER = re.compile(r"([-+]?)(?:0x([0-9a-f]+)|0b([01]+)|0o?([0-7]+)|([0-9]{1,20}))", re.IGNORECASE)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASES = (16, 2, 8, 10)


def as_compose_reads(tree: Any) -> Any:
    """Returns data in which unquoted text is a number where it is one to Compose.

    https://pkg.go.dev/gopkg.in/yaml.v3 says which those are.
    """
    if isinstance(tree, dict):
        return {key: as_compose_reads(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [as_compose_reads(item) for item in tree]
    return _number(tree) if isinstance(tree, Unquoted) else tree


def number_text(number: float) -> str:
    """Returns the text that a container sees of a number with a point: https://pkg.go.dev/strconv#FormatFloat."""
    decimal = Decimal(repr(number)).normalize()
    if -5 < decimal.adjusted() < 6:
        return f"{decimal:f}"
    sign, digits, _ = decimal.as_tuple()
    first, *rest = map(str, digits)
    point = "." if rest else ""
    return f"{'-' * sign}{first}{point}{''.join(rest)}e{decimal.adjusted():+03d}"


def _number(text: str) -> Any:
    bare = text if text.startswith(".") else text.replace("_", "")
    whole = _INTEGER.fullmatch(bare)
    if whole and not (whole[5] or "").startswith("0"):
        digits, base = next(
            (part, base) for part, base in zip(whole.groups()[1:], _BASES, strict=True) if part
        )
        number = int(whole[1] + digits, base)
        if -(1 << 63) <= number < 1 << 64:
            return number
    value = float(bare) if _FLOAT.fullmatch(bare) else inf
    return value if isfinite(value) else str(text)
