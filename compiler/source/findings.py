"""What is wrong with one text, collected while it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from compiler.report import Diagnostic, Note, error

if TYPE_CHECKING:
    from compiler.source.areas import Areas
    from compiler.source.document import Area

MOST = 100


class Stop(Exception):
    """Nothing after the last diagnostic is worth reading."""


class Findings:
    """The diagnostics of one text; more than 100 help nobody."""

    def __init__(self, areas: Areas) -> None:
        self.areas = areas
        self.diagnostics: list[Diagnostic] = []

    def report(self, code: str, message: str, area: Area, help: str, first: Area | None = None) -> None:
        notes = (Note(message="the first is here", span=self.areas.span(first)),) if first else ()
        self.diagnostics.append(error(code, message, self.areas.span(area), help, notes))
        if len(self.diagnostics) >= MOST:
            raise Stop

    def stop(self, code: str, message: str, area: Area, help: str) -> NoReturn:
        self.report(code, message, area, help)
        raise Stop
