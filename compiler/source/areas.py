"""Marks of a YAML parser to areas: one line each, that of the token or of the first thing in a collection."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from compiler.report import Span

if TYPE_CHECKING:
    from compiler.source.document import Area

_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*")
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*[ \t]+)+(?=[^\s#])")
_TAG = re.compile(r"(?:&\S+\s+)?(!<[^>]*>|![^\s,\[\]{}]*)")


class Areas:
    """Where the events of one text stand."""

    def __init__(self, text: str, path: str) -> None:
        self.path = path
        self.lines = text.splitlines() or [""]

    def span(self, area: Area) -> Span:
        line, column, end_line, end_column = area
        return Span(path=self.path, line=line, column=column, end_line=end_line, end_column=end_column)

    def place(self, mark: Any) -> tuple[int, int]:
        """The place of a mark; libyaml puts the end of the file on a line of its own."""
        if mark.line < len(self.lines):
            return (mark.line + 1, mark.column + 1)
        return (len(self.lines), len(self.lines[-1]) + 1)

    def text(self, area: Area) -> str:
        line, column, _, end_column = area
        return self.lines[line - 1][column - 1 : end_column - 1]

    def start(self, event: Any) -> tuple[int, int]:
        """The place of an event without its anchor and tag, unless these stand alone on their line."""
        line, column = self.place(event.start_mark)
        if event.anchor is None and getattr(event, "tag", None) is None:
            return (line, column)
        found = _PROPERTIES.match(self.lines[line - 1], column - 1)
        return (line, found.end() + 1 if found else column)

    def token(self, event: Any) -> Area:
        """The area of a scalar or alias, without its anchor and tag."""
        line, column = self.start(event)
        end_line, end_column = self.place(event.end_mark)
        text = self.lines[line - 1]
        style = getattr(event, "style", None)
        if style in ("|", ">") and (header := _BLOCK_HEADER.match(text, column - 1)):
            end_column = header.end() + 1
        elif end_line != line:
            end_column = len(text.rstrip()) + 1
        return (line, column, line, max(column, end_column))

    def tag(self, event: Any) -> Area:
        line, column = self.place(event.start_mark)
        found = _TAG.match(self.lines[line - 1], column - 1)
        start, end = found.span(1) if found else (column - 1, column)
        return (line, start + 1, line, end + 1)

    def collection(self, start: Any, end: Any, first: Area | None) -> Area:
        """The area of a whole collection if it is on one line, else that of its first line."""
        line, column = self.start(start)
        end_line, end_column = self.place(end.end_mark)
        if start.flow_style and end_line == line:
            return (line, column, line, end_column)
        if first and first[0] == line:
            return (line, column, line, first[3])
        has_properties = start.anchor is not None or start.tag is not None
        return first if first and has_properties else (line, column, line, column + 1)


def is_empty(area: Area) -> bool:
    return area[:2] == area[2:]


def join(first: Area, second: Area) -> Area:
    """The stretch from one area to another, if that is on the same line."""
    return (*first[:3], second[3]) if second[0] == first[0] else first
