"""Where a YAML parser stopped, what stands there, and how a message shows it."""

from __future__ import annotations

import re
from typing import NamedTuple

from compiler.report import Diagnostic, Note, Span, error

Place = tuple[int, int]


class Fault(NamedTuple):
    """Where parsing stopped. Places count from 1; `since` is where the broken token or collection began.

    `bracket` is the innermost open `[` or `{`; `quote` is the last quoted text, if it ran over several lines.
    """

    path: str
    lines: list[str]
    complaint: str
    place: Place
    since: Place
    bracket: Place | None = None
    quote: tuple[int, int, int, int] | None = None

    def rest(self, place: Place) -> str:
        line, column = place
        return self.lines[line - 1][column - 1 :] if line <= len(self.lines) else ""

    def token(self, place: Place) -> str:
        found = re.match(r"\"[^\"]*\"?|'[^']*'?|[\[\]{},|>?]|[^\s,\[\]{}]+", self.rest(place))
        return found.group() if found else ""

    def indent(self, line: int) -> int:
        return len(self.lines[line - 1]) - len(self.lines[line - 1].lstrip(" "))

    def previous(self, line: int) -> int | None:
        """The nearest line above that is neither blank nor a comment."""
        above = (n for n in range(line - 1, 0, -1) if self.lines[n - 1].strip()[:1] not in ("", "#"))
        return next(above, None)

    @property
    def is_first_on_line(self) -> bool:
        return not self.lines[self.place[0] - 1][: self.place[1] - 1].strip(" -?")

    @property
    def is_at_end(self) -> bool:
        line = self.place[0]
        return not self.rest(self.place).strip() and not any(text.strip() for text in self.lines[line:])


def quoted(text: str, limit: int = 40) -> str:
    """Returns what a person wrote, in quotes, on one line and short enough for a message."""
    short = text if len(text) <= limit else text[: limit - 3] + "..."
    mark = "'" if '"' in short and "'" not in short else '"'
    return mark + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in short) + mark


def build_error(
    fault: Fault,
    message: str,
    help: str,
    place: Place | None = None,
    width: int = 0,
    code: str = "yaml-syntax",
    notes: tuple[Note, ...] = (),
) -> Diagnostic:
    at = place or fault.place
    span = build_span(fault.path, at, width or len(fault.token(at)) or 1)
    return error(code, message, span, help, notes)


def build_span(path: str, place: Place, width: int) -> Span:
    line, column = place
    return Span(path=path, line=line, column=column, end_line=line, end_column=column + width)
