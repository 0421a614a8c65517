"""One YAML text: what its scalars mean, and where a parser's events stand."""

from __future__ import annotations

import re
from typing import Any

from compiler.report import Span

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
# Python refuses to read an integer of thousands of digits; 64 bits have at most 19.
_NUMBER = re.compile(r"-?[0-9]{1,19}|-?[0-9]{1,20}\.[0-9]{1,20}")
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*[ \t]+)+(?=[^\s#])")
_TAG = re.compile(r"!<[^>]*>|![^\s,\[\]{}]*")
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*")
Scalar = str | int | float | bool | None


def resolve(text: str) -> Scalar:
    """Returns the value of unquoted text; a number prints as it was written, so `3.10` stays text."""
    if text in _WORDS:
        return _WORDS[text]
    if not _NUMBER.fullmatch(text):
        return text
    number = float(text) if "." in text else int(text)
    return number if str(number) == text else text


class Text:
    """The lines of one text, and the places of a parser's events: each on one line."""

    def __init__(self, text: str, path: str) -> None:
        self.path, self.lines = path, text.splitlines() or [""]
        # Where the last value of each line ends, among those placed so far.
        self.ends: dict[int, int] = {}

    def mark(self, mark: Any) -> tuple[int, int]:
        """Returns the place of a mark; libyaml puts the end of the file on a line of its own."""
        if mark is None or mark.line >= len(self.lines):
            return (len(self.lines), len(self.lines[-1]) + 1) if mark else (1, 1)
        return (mark.line + 1, mark.column + 1)

    def on(self, line: int, column: int, end: int) -> Span:
        return Span(self.path, line, column, line, max(column, end))

    def written(self, place: Span) -> str:
        return self.lines[place.line - 1][place.column - 1 : place.end_column - 1]

    def start(self, mark: Any) -> tuple[int, int]:
        """Returns where a value starts after its anchor and tag."""
        line, column = self.mark(mark)
        found = _PROPERTIES.match(self.lines[line - 1], column - 1)
        return line, found.end() + 1 if found else column

    def scalar(self, event: Any) -> Span:
        """Returns the first line of a scalar or an alias."""
        (line, column), (end_line, end) = self.start(event.start_mark), self.mark(event.end_mark)
        header = _BLOCK_HEADER.match(self.lines[line - 1], column - 1)
        if header and getattr(event, "style", None) in ("|", ">"):
            end = header.end() + 1
        elif end_line != line:
            end = len(self.lines[line - 1].rstrip()) + 1
        return self._placed(line, column, end)

    def collection(self, start: tuple[int, int], event: Any) -> Span:
        """Returns the first line of a collection whose last event this is, once all in it is placed."""
        (line, column), (end_line, end) = start, self.mark(event.end_mark)
        if not (self.lines[line - 1][column - 1 : column] in ("[", "{") and end_line == line):
            end = max(self.ends.get(line, 0), column + 1)
        return self._placed(line, column, end)

    def _placed(self, line: int, column: int, end: int) -> Span:
        if end > column:
            self.ends[line] = max(end, self.ends.get(line, 0))
        return self.on(line, column, end)

    def tag(self, mark: Any) -> Span:
        """Returns the place of the tag of a value that starts here."""
        line, column = self.mark(mark)
        found = _TAG.search(self.lines[line - 1], column - 1)
        start, end = found.span() if found else (column - 1, column)
        return self.on(line, start + 1, end + 1)
