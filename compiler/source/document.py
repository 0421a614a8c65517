"""A read YAML file: plain data, and beside it the place of each key and value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from compiler.model import Path
from compiler.report import Span


class Location(NamedTuple):
    """Where one key and its value stand, each on one line, and the line and column where the value's text ends.

    An item of a list has its value's place as its key's.
    """

    key: Span
    value: Span
    end: tuple[int, int]


class Document(NamedTuple):
    """One file as data, with its places by path; neither is ever changed."""

    path: str
    text: str
    lines: list[str]
    data: Any
    spans: Mapping[Path, Location]

    def value(self, path: Path) -> Span:
        """Returns the place of the value at `path`, or of the nearest value around it."""
        return self._nearest(path).value

    def key(self, path: Path) -> Span:
        """Returns the place of the key at `path`, or of the nearest key around it."""
        return self._nearest(path).key

    def within(self, path: Path, text: str) -> Span:
        """Returns the place of a text in the value at `path`, or of the whole value where it is written otherwise."""
        _, whole, end = self._nearest(path)
        for line in range(whole.line, end[0] + 1) if text else ():
            first = whole.column - 1 if line == whole.line else 0
            last = end[1] - 1 if line == end[0] else None
            if (column := self.lines[line - 1].find(text, first, last)) >= 0:
                return Span(self.path, line, column + 1, line, column + len(text) + 1)
        return whole

    def _nearest(self, path: Path) -> Location:
        while path not in self.spans:
            path = path[:-1]
        return self.spans[path]


def patch(base: Any, change: Any) -> Any:
    """Returns data with a JSON merge patch applied: https://www.rfc-editor.org/rfc/rfc7396."""
    if not isinstance(change, dict):
        return change
    result = dict(base) if isinstance(base, dict) else {}
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = patch(result.get(key), value)
    return result


def merge_patch(document: Document, at: Path) -> Document:
    """Returns the document with the mapping at `at` merged onto its root; one with no mapping there stays as it is."""
    base, change, old = document.data, _mapping(document.data, at), document.spans
    if change is None:
        return document
    data = patch(base, change)
    spans: dict[Path, Location] = {}
    for path in _iter_paths(data):
        is_joined = _mapping(base, path) is not None and _mapping(change, path) is not None
        spans[path] = old[path if is_joined or at + path not in old else at + path]
    return document._replace(data=data, spans=spans)


def _mapping(data: Any, path: Path) -> Mapping[str, Any] | None:
    """Returns the mapping that only mappings lead to."""
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else None


def _iter_paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yields the path of `value` and of everything inside it."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in inside:
        yield from _iter_paths(item, (*path, step))
