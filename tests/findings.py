"""Findings as tests make them and ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.report import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from compiler.report import Note, Span


def error(
    id: str, message: str, span: Span, help: str | None = None, notes: Iterable[Note] = ()
) -> Diagnostic:
    return Diagnostic(id, "error", message, span, help, tuple(notes))


def warning(
    id: str, message: str, span: Span, help: str | None = None, notes: Iterable[Note] = ()
) -> Diagnostic:
    return Diagnostic(id, "warning", message, span, help, tuple(notes))


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(one.severity == "error" for one in diagnostics)
