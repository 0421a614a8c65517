"""Regular expressions that files bring along, run so that none of them takes for ever."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from time import monotonic
from typing import Any

_MOST_STEPS = 100_000
_LONGEST = 2000
_LARGEST = 100_000
# What one pattern may take in all of a run; only matches that take a while count.
_MOST_SECONDS = 0.2
_SOON = 0.005
_spent: ContextVar[dict[str, float] | None] = ContextVar("spent", default=None)
_PLAIN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_REPEAT = re.compile(r"(?<!\()[*+]|\{\d*,\d*\}|\{\d{3,}\}")
_TOKEN = re.compile(r"\{(\d+)[\d,]*\}|.", re.DOTALL)
_GROUP_REPEAT = re.compile(r"\)(?:[*+]|\{\d*,?\d*\})")


class Shipped(str):
    """A pattern of the compiler's own, of which the suite knows that it does not backtrack for ever."""

    __slots__ = ()


class SlowPattern(Exception):
    """A pattern that takes too long with some text; `path` is where that stands, from the value that is checked."""

    def __init__(self, pattern: str) -> None:
        super().__init__(pattern)
        self.pattern = pattern
        self.path: tuple[str | int, ...] = ()


@contextmanager
def timed_patterns() -> Iterator[None]:
    """Counts together what each pattern takes inside; elsewhere each match is counted alone."""
    token = _spent.set({})
    try:
        yield
    finally:
        _spent.reset(token)


def is_match(pattern: str, text: str) -> bool:
    """Says whether a pattern is found in a text; SlowPattern where that cannot be said in time.

    `$` is the very end, as in JSON Schema.
    """
    is_own = isinstance(pattern, Shipped)
    is_quick = len(text) <= _LONGEST if is_own else _steps(pattern, len(text)) <= _MOST_STEPS
    return bool(_compiled(pattern).search(text)) if is_quick else _in_time(pattern, text)


def is_pattern(text: str) -> bool:
    """Says whether a text is a regular expression that can be used."""
    try:
        _compiled(text)
    except (re.error, OverflowError, RecursionError):
        return False
    return len(text) <= _LONGEST and _size(text) <= _LARGEST


def _size(pattern: str) -> int:
    """Returns how many places a pattern has when its counts are written out, as `regex` does to search with it."""
    open_groups, last = [0], 0
    for token in _TOKEN.finditer(_PLAIN.sub("x", pattern)):
        if token[0] == "(":
            open_groups.append(0)
            continue
        count = int(token[1] or 1)
        if token[0] == ")":
            last = open_groups.pop() if len(open_groups) > 1 else 0
        # What is counted stands there once already.
        added = last * (count - 1) if token[1] else last if token[0] == ")" else 1
        last = last * count if token[1] else last if token[0] == ")" else 1
        open_groups[-1] += added
    return sum(open_groups)


def _steps(pattern: str, length: int) -> float:
    """Returns about how many steps a pattern takes at worst: a repeated group doubles them with each character."""
    repeats, branches = _shape(pattern)
    return min(
        float(branches) ** min(length, 60) if branches else float(length + 1) ** min(repeats + 1, 9), 1e18
    )


@lru_cache(maxsize=1024)
def _shape(pattern: str) -> tuple[int, int]:
    """Returns how many repeats a pattern has, and in how many ways a repeated group can take one character."""
    plain = _PLAIN.sub("x", pattern)
    return len(_REPEAT.findall(plain)), plain.count("|") + 2 if _GROUP_REPEAT.search(plain) else 0


def _in_time(pattern: str, text: str) -> bool:
    import regex

    spent = _spent.get()
    before = spent.get(pattern, 0.0) if spent else 0.0
    start, left = monotonic(), _MOST_SECONDS - before
    try:
        if left <= 0:
            raise TimeoutError
        return bool(_timed(pattern).search(text, timeout=left))
    except (TimeoutError, regex.error, RecursionError, MemoryError) as fault:
        raise SlowPattern(pattern) from fault
    finally:
        if spent is not None and (took := monotonic() - start) > _SOON:
            spent[pattern] = before + took


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    with warnings.catch_warnings():
        # Of what a later Python may read in another way.
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile(with_end(pattern, r"\Z"))


@lru_cache(maxsize=256)
def _timed(pattern: str) -> Any:
    import regex

    return regex.compile(with_end(pattern, r"\Z"))


def with_end(form: str, end: str) -> str:
    """Returns a pattern with another word for its `$`, before which Python lets a last line break stand."""
    return re.sub(r"(\\.|\[(?:\\.|[^\]\\])*\])|\$", lambda match: match[1] or end, form, flags=re.DOTALL)
