"""Collects what is wrong with a stack, each finding at the place of what was written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compiler.report import Diagnostic, Note, error, warning

if TYPE_CHECKING:
    from collections.abc import Callable

    from compiler.model import Path
    from compiler.source import Document


@dataclass(slots=True)
class Findings:
    """The findings on one document; `first` is a second place, where the same thing stands already.

    `part` is the part of a text that is wrong.
    """

    document: Document
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def error(
        self,
        code: str,
        message: str,
        at: Path,
        help: str | None = None,
        *,
        key: bool = False,
        first: Path | None = None,
        part: str = "",
    ) -> None:
        self._add(error, code, message, at, help, key, first, part)

    def warning(
        self,
        code: str,
        message: str,
        at: Path,
        help: str | None = None,
        *,
        key: bool = False,
        first: Path | None = None,
    ) -> None:
        self._add(warning, code, message, at, help, key, first)

    def _add(
        self,
        build: Callable[..., Diagnostic],
        code: str,
        message: str,
        at: Path,
        help: str | None,
        key: bool,
        first: Path | None,
        part: str = "",
    ) -> None:
        named = key and bool(at) and isinstance(at[-1], str)
        span = self.document.key(at) if named else self.document.within(at, part)
        notes = [] if first is None else [Note(message="the first is here", span=self.document.key(first))]
        self.diagnostics.append(build(code, message, span, help, notes))
