"""The version line that a stack means, and what to write where an adapter has none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from compiler.report import suggest

if TYPE_CHECKING:
    from collections.abc import Iterable

_NUMBERS = re.compile(r"\d{1,6}(\.\d{1,6})*")


def find_line(wanted: str, lines: Iterable[str]) -> str | None:
    """Returns the line of that name; of a whole number the newest line of that major version."""
    known = [*lines]
    if wanted in known:
        return wanted
    newest = max((_numbers(line) for line in known if _numbers(line)[:1] == _numbers(wanted)), default=())
    return next((line for line in known if newest and _numbers(line) == newest), None)


def suggest_line(wanted: str, lines: Iterable[str], upgrade: str = "") -> str:
    """Returns the help for a line that is not there: the one that it is in, or the next of the same major version.

    No older one is offered, nor one of another major version: it would not read the data, or not run the application.
    For one before all lines, `upgrade` is the page that says how its data come to a later one.
    """
    known, asked = [*lines], _numbers(wanted)
    if not asked:
        return suggest(wanted, known)
    same = [line for line in known if _numbers(line)[:1] == asked[:1]]
    within = [line for line in same if asked[: len(_numbers(line))] == _numbers(line)]
    near = within or sorted((line for line in same if _numbers(line) > asked), key=_numbers)
    first = min((line for line in known if _numbers(line)), key=_numbers, default="")
    if upgrade and not near and asked < _numbers(first):
        return f'bring its data to "{first}" or later, as {upgrade} says'
    return f'did you mean "{near[0]}"?' if near else suggest("", known)


def _numbers(line: str) -> tuple[int, ...]:
    """Returns the numbers of a version; nothing where it is no row of numbers."""
    return tuple(map(int, line.split("."))) if _NUMBERS.fullmatch(line) else ()
