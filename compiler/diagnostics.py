"""Findings: what is wrong, where, and what to do about it; and the one table of their codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of a file; lines and columns count from 1, and the end is exclusive."""

    path: str
    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A second place that explains a finding."""

    message: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding with its one primary place; `help` is one thing to do."""

    code: str
    severity: Severity
    message: str
    span: Span
    help: str | None = None
    notes: tuple[Note, ...] = ()

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        return (self.span.path, self.span.line, self.span.column, self.code, self.message)


def error(
    code: str, message: str, span: Span, help: str | None = None, notes: Iterable[Note] = ()
) -> Diagnostic:
    return Diagnostic(code=code, severity="error", message=message, span=span, help=help, notes=tuple(notes))


def warning(
    code: str, message: str, span: Span, help: str | None = None, notes: Iterable[Note] = ()
) -> Diagnostic:
    return Diagnostic(
        code=code, severity="warning", message=message, span=span, help=help, notes=tuple(notes)
    )


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(d.severity == "error" for d in diagnostics)


def suggest(word: object, known: Iterable[str]) -> str:
    """Returns the help for an unknown word: the closest known one, else at most eight that are allowed."""
    from difflib import get_close_matches

    names = [str(name) for name in known]
    close = get_close_matches(str(word), names, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    if not names:
        return "nothing is defined here"
    shown = ", ".join(names[:8])
    return f"one of: {shown}" + (f", and {len(names) - 8} more" if len(names) > 8 else "")
