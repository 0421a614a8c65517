"""Findings: what is wrong, where, and what to do about it; and the one collector of them."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

# Up to how many names all are compared with a word, and of more how many of each length.
_FEW = 100
_NEAR = 4
_LONGEST = 100
# How many findings a report takes: nobody reads more, and each takes time.
_MOST_FINDINGS = 1000
# How many comparisons a run makes at most: less than a second.
_MOST = 20_000
_comparisons: ContextVar[list[int] | None] = ContextVar("comparisons", default=None)

Severity = Literal["error", "warning"]


class Span(NamedTuple):
    """A stretch of a file; lines and columns count from 1, and the end is exclusive."""

    path: str
    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 1


class Note(NamedTuple):
    """A second place that explains a finding."""

    message: str
    span: Span


class Diagnostic(NamedTuple):
    """One finding with its one primary place; `id` names the rule, and `help` is one thing to do."""

    id: str
    severity: Severity
    message: str
    span: Span
    help: str | None = None
    notes: tuple[Note, ...] = ()

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        return (self.span.path, self.span.line, self.span.column, self.id, self.message)


class Report:
    """Collects the findings of a run, each once; every pass takes it and adds what it finds.

    `severities` changes what a finding with this id counts as; `off` drops it.
    """

    def __init__(self, severities: Mapping[str, Severity | Literal["off"]] | None = None) -> None:
        self.errors = 0
        self._severities = severities or {}
        self._found: dict[Diagnostic, None] = {}
        self._left_out: set[Severity] = set()

    @property
    def is_full(self) -> bool:
        """Says whether errors are left out already, so that it is of no use to look for more."""
        return "error" in self._left_out

    def add(self, finding: Diagnostic) -> None:
        severity = self._severities.get(finding.id, finding.severity)
        if severity == "off" or finding in self._found or severity in self._left_out:
            return
        if len(self._found) >= _MOST_FINDINGS:
            self._left_out.add(severity)
            told = f"there are more than these {_MOST_FINDINGS} findings"
            finding = Diagnostic(
                "too-many-findings", severity, told, finding.span, "mend these, and check again"
            )
        self._found[finding._replace(severity=severity)] = None
        self.errors += severity == "error"

    def extend(self, findings: Iterable[Diagnostic]) -> None:
        for finding in findings:
            self.add(finding)

    def error(
        self, id: str, message: str, span: Span, help: str | None = None, notes: Iterable[Note] = ()
    ) -> None:
        self.add(Diagnostic(id, "error", message, span, help, tuple(notes)))

    def warning(
        self, id: str, message: str, span: Span, help: str | None = None, notes: Iterable[Note] = ()
    ) -> None:
        self.add(Diagnostic(id, "warning", message, span, help, tuple(notes)))

    def __iter__(self) -> Iterator[Diagnostic]:
        """Yields the findings by file and place."""
        return iter(sorted(self._found, key=lambda finding: finding.sort_key))

    def __len__(self) -> int:
        return len(self._found)


def suggest(word: object, known: Iterable[str], other: str = "") -> str:
    """Returns the help for an unknown word: the closest known one, else `other` or about eight that are allowed."""
    names = tuple(known)
    if close := closest(str(word), names):
        return f'did you mean "{close}"?'
    if other or not names:
        return other or "nothing is defined here"
    # "and 1 more" is no shorter than the one.
    most = 8 if len(names) > 9 else 9
    shown = ", ".join(str(name) for name in names[:most])
    return f"one of: {shown}" + (f", and {len(names) - most} more" if len(names) > most else "")


def closest(word: str, names: Sequence[str], cutoff: float = 0.6) -> str | None:
    """Returns the name that is most like a word, if any is.

    Of many names only some are compared: those with its first letter, and of about its length. A run in which very
    many words are unknown has no more to say of the last ones.
    """
    from difflib import get_close_matches

    chosen = list(map(str, names)) if len(names) <= _FEW else _near(word, names)
    left = _comparisons.get()
    if left is not None:
        left[0] -= len(chosen)
    if len(word) > _LONGEST or (left is not None and left[0] < 0):
        return None
    return next(iter(get_close_matches(word, chosen, n=1, cutoff=cutoff)), None)


@contextmanager
def limited_comparisons() -> Iterator[None]:
    """Lets what runs inside compare no more than so many words."""
    token = _comparisons.set([_MOST])
    try:
        yield
    finally:
        _comparisons.reset(token)


def _near(word: str, names: Sequence[str]) -> list[str]:
    groups, first = _by_shape(tuple(names)), word[:1].lower()
    lengths = (len(word) + change for change in (0, 1, -1, 2, -2))
    return [name for length in lengths for name in groups.get((first, length), ())[:_NEAR]]


@lru_cache(maxsize=8)
def _by_shape(names: tuple[str, ...]) -> dict[tuple[str, int], list[str]]:
    groups: dict[tuple[str, int], list[str]] = {}
    for name in map(str, names):
        groups.setdefault((name[:1].lower(), len(name)), []).append(name)
    return groups
