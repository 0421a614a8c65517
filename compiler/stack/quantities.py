"""Times and amounts of memory as a stack writes them."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_letters

_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
_BYTES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def milliseconds(text: str | None) -> int | None:
    """Returns a time, such as 30s or 2m, in milliseconds."""
    return _quantity(text, _MILLISECONDS)


def bytes_of(text: str | None) -> int | None:
    """Returns an amount of memory, such as 512M or 1GB, in bytes."""
    return _quantity(text, _BYTES)


def _quantity(text: str | None, units: Mapping[str, int]) -> int | None:
    """Returns a number with its unit, such as 30s or 512MB, in the smallest unit."""
    number = (text or "").rstrip(ascii_letters)
    unit = (text or "").removeprefix(number).lower().removesuffix("b").removesuffix("i")
    return int(float(number) * units[unit]) if text else None
