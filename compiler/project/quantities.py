"""Durations, sizes and counts as Compose writes them: https://docs.docker.com/reference/compose-file/extension/"""

from __future__ import annotations

import re

_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d|w)")
_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86_400,
    "w": 604_800,
}
_SIZE = re.compile(r"(\d{1,18}(?:\.\d{1,9})?) ?(?:([kmgtp])(?:i?b)?|b)?", re.IGNORECASE)
_POWERS = "kmgtp"


def parse_duration(text: str) -> float | None:
    """Returns a duration in seconds; None where the text is not one, such as a number without a unit."""
    parts = _DURATION.findall(text)
    if text == "0":
        return 0.0
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def parse_size(text: str) -> int | None:
    """Returns a size in bytes; None where the text is not one."""
    match = _SIZE.fullmatch(text)
    if not match:
        return None
    unit = (match[2] or "").lower()
    return int(float(match[1]) * 1024 ** (_POWERS.index(unit) + 1 if unit else 0))
