"""Findings: what is wrong, where, and what to do about it; and the one collector of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

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

    def add(self, finding: Diagnostic) -> None:
        severity = self._severities.get(finding.id, finding.severity)
        if severity == "off" or finding in self._found:
            return
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
    """Returns the help for an unknown word: the closest known one, else `other` or at most eight that are allowed."""
    from difflib import get_close_matches

    names = [str(name) for name in known]
    close = get_close_matches(str(word), names, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    if other or not names:
        return other or "nothing is defined here"
    shown = ", ".join(names[:8])
    return f"one of: {shown}" + (f", and {len(names) - 8} more" if len(names) > 8 else "")
