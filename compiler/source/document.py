"""A read YAML file: plain data, and beside it the place of each key and value."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.report import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from compiler.model import Path


class Location(NamedTuple):
    """Where one key and its value stand, each on one line; an item of a list has its value's place as its key's."""

    key: Span
    value: Span


# Without slots, so that what `within` looks up is made once.
@dataclass(frozen=True, kw_only=True)
class Document:
    """One file as data, with its places by path; neither is ever changed."""

    path: str
    text: str
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
        whole = self.value(path)
        start = (whole.line, whole.column)
        following = bisect_right(self._starts, start)
        end = self._starts[following] if following < len(self._starts) else (len(self._lines), None)
        for line in range(whole.line, end[0] + 1) if text else ():
            low = whole.column - 1 if line == whole.line else 0
            high = end[1] - 1 if end[1] and line == end[0] else None
            if (column := self._lines[line - 1].find(text, low, high)) >= 0:
                return Span(self.path, line, column + 1, line, column + len(text) + 1)
        return whole

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def _starts(self) -> list[tuple[int, int]]:
        """Where each key and item starts, in order: there the text of the value before it ends."""
        return sorted({(one.key.line, one.key.column) for one in self.spans.values()})

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
    base, change = document.data, _mapping(document.data, at)
    if change is None:
        return document
    data, old = patch(base, change), document.spans
    spans: dict[Path, Location] = {}
    for path in _iter_paths(data):
        is_joined = _mapping(base, path) is not None and _mapping(change, path) is not None
        spans[path] = old[path if is_joined or at + path not in old else at + path]
    return replace(document, data=data, spans=spans)


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
