"""A read YAML file: plain data, and beside it the place of each key and value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.report import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from compiler.model import Path

Area = tuple[int, int, int, int]
"""Line, column, end line and end column, as in a Span but without the file."""


class Location(NamedTuple):
    """Where one key and its value stand; an item of a list has its value's area as its key."""

    key: Area
    value: Area


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file as data, with its places by path; neither is ever changed."""

    path: str
    text: str
    data: Any
    spans: Mapping[Path, Location]

    def value(self, path: Path) -> Span:
        """Returns the place of the value at `path`, or of the nearest value around it."""
        return self._span(self._nearest(path).value)

    def key(self, path: Path) -> Span:
        """Returns the place of the key at `path`, or of the nearest key around it."""
        return self._span(self._nearest(path).key)

    def within(self, path: Path, text: str) -> Span:
        """Returns the place of a text in the value at `path`, or of the whole value where it is written otherwise."""
        area = self._nearest(path).value
        if not text:
            return self._span(area)
        start = area[:2]
        end = min((one.key[:2] for one in self.spans.values() if one.key[:2] > start), default=None)
        lines = self.text.splitlines()
        for line in range(area[0], (end[0] if end else len(lines)) + 1):
            low = area[1] - 1 if line == area[0] else 0
            high = end[1] - 1 if end and line == end[0] else None
            if (column := lines[line - 1].find(text, low, high)) >= 0:
                return self._span((line, column + 1, line, column + len(text) + 1))
        return self._span(area)

    def _nearest(self, path: Path) -> Location:
        while path not in self.spans:
            path = path[:-1]
        return self.spans[path]

    def _span(self, area: Area) -> Span:
        line, column, end_line, end_column = area
        return Span(path=self.path, line=line, column=column, end_line=end_line, end_column=end_column)


def merge_patch(document: Document, at: Path) -> Document:
    """Returns the document with the mapping at `at` merged onto its root by RFC 7396."""
    patch = document.data
    for step in at:
        patch = patch.get(step) if isinstance(patch, dict) else None
    if not isinstance(patch, dict):
        return document
    spans = dict(document.spans)
    data = _Patch(document.spans, spans).merge(document.data, patch, (), at)
    return replace(document, data=data, spans=spans)


class _Patch:
    """One merge: where places are read and where they are written."""

    def __init__(self, source: Mapping[Path, Location], spans: dict[Path, Location]) -> None:
        self.source = source
        self.spans = spans

    def merge(self, base: Any, patch: Any, path: Path, origin: Path) -> Any:
        if not isinstance(patch, dict) or not isinstance(base, dict):
            self._forget(base, path)
            self.spans[path] = self.source[origin]
        if not isinstance(patch, dict):
            for inner in _iter_paths(patch):
                self.spans[path + inner] = self.source[origin + inner]
            return patch
        result = dict(base) if isinstance(base, dict) else {}
        for key, value in patch.items():
            if value is not None:
                result[key] = self.merge(result.get(key), value, (*path, key), (*origin, key))
            elif key in result:
                self._forget(result.pop(key), (*path, key))
        return result

    def _forget(self, value: Any, path: Path) -> None:
        self.spans.pop(path, None)
        for inner in _iter_paths(value):
            self.spans.pop(path + inner, None)


def _iter_paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yields the path of everything inside `value`."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in inside:
        yield (*path, step)
        yield from _iter_paths(item, (*path, step))
