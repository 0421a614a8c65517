"""YAML text to data in which every key and value knows its place, or to every reason why it cannot be read."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.report import Report, Span, suggest

if TYPE_CHECKING:
    from compiler.model import Path

_LARGEST = 1024 * 1024
# https://docs.docker.com/reference/compose-file/merge/#reset-value
RESET, OVERRIDE = "!reset", "!override"
# YAML 1.1 takes three of them for line breaks, YAML 1.2 does not.
_UNPRINTABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\u2028\u2029]")


class Node(NamedTuple):
    """A scalar, or a list or mapping of nodes, with the lines of its file and where its text ends in them.

    Its place and that of its key are on one line each; an item of a list is its own key. `size` and `height` are what
    an alias to it repeats. `tag` is one of Compose's own, RESET or OVERRIDE, or empty.
    """

    key: Span
    place: Span
    lines: list[str]
    end: tuple[int, int]
    value: Any
    size: int
    height: int = 0
    tag: str = ""


class Document:
    """One file as data, or several on top of one another, with its places by path; neither is ever changed."""

    def __init__(self, data: Any, spans: Mapping[Path, Node]) -> None:
        self.data, self.spans = data, spans

    def value(self, path: Path) -> Span:
        """Returns the place of the value at `path`, or of the nearest value around it."""
        return self._nearest(path).place

    def key(self, path: Path) -> Span:
        """Returns the place of the key at `path`, or of the nearest key around it."""
        return self._nearest(path).key

    def within(self, path: Path, text: str, before: int = 0) -> Span:
        """Returns the place of a text in the value at `path`, or of the whole value where it is written otherwise.

        `before` is how often the same text stands in front of the one that is meant.
        """
        _, whole, lines, end, *_ = self._nearest(path)
        for line in range(whole.line, end[0] + 1) if text else ():
            first = whole.column - 1 if line == whole.line else 0
            last = end[1] - 1 if line == end[0] else None
            column = lines[line - 1].find(text, first, last)
            while column >= 0:
                # A dollar before an expression makes it a text.
                if not text.startswith("${{") or lines[line - 1][column - 1 : column] != "$":
                    if before == 0:
                        return Span(whole.path, line, column + 1, line, column + len(text) + 1)
                    before -= 1
                column = lines[line - 1].find(text, column + len(text), last)
        return whole

    def _nearest(self, path: Path) -> Node:
        while path not in self.spans:
            path = path[:-1]
        return self.spans[path]


def read_file(file: FilePath, shown: str, report: Report) -> bytes | None:
    """Returns the bytes of a regular file of at most 1 MiB; of any other file nothing is read."""
    try:
        if stat.S_ISREG(file.stat().st_mode):
            with file.open("rb") as stream:
                content = stream.read(_LARGEST + 1)
            return content if _is_small(content, shown, report) else None
        told = f'"{shown}" is a folder, a device or a pipe, expected a file'
        report.error("not-a-file", told, Span(shown), "name the file itself")
    except (FileNotFoundError, NotADirectoryError, ValueError):
        help = "write a first one with `stackc init`" if file.name == "stack.yaml" else "check the path"
        help = suggest(file.name, [one.name for one in file.parent.glob("*.y*ml")], help)
        report.error("missing-file", f'there is no file "{shown}"', Span(shown), help)
    except OSError as fault:
        told = f'the file "{shown}" cannot be read: {(fault.strerror or "unknown reason").lower()}'
        report.error("unreadable-file", told, Span(shown), "give yourself the right to read it")
    return None


def parse_yaml(content: bytes, path: str, report: Report) -> Document | None:
    """Returns bytes as a document if, and only if, nothing is wrong with them."""
    if not _is_small(content, path, report):
        return None
    try:
        text = content.decode().lstrip("\ufeff")
    except UnicodeDecodeError as fault:
        told = f"the byte 0x{content[fault.start]:02X} is not UTF-8"
        place = _after(content[: fault.start].decode().lstrip("\ufeff"), path)
        report.error("not-utf-8", told, place, "save the file as UTF-8, not as UTF-16 or Latin-1")
        return None
    unprintable = dict.fromkeys(_UNPRINTABLE.findall(text))
    for character in unprintable:
        told = f"the character U+{ord(character):04X} is not allowed here"
        help = "delete it, or write it as an escape in double quotes"
        report.error("unprintable-character", told, _after(text[: text.index(character)], path), help)
    if unprintable:
        return None
    from compiler.source.tree import read_tree

    found = Report()
    document = read_tree(text, path, found)
    if found.errors:
        from compiler.source.masking import masked_lines, redact, split_lines

        report.extend(redact(found, {path: masked_lines(split_lines(text))}))
    return document


def _is_small(content: bytes, path: str, report: Report) -> bool:
    if len(content) > _LARGEST:
        help = "move certificates, SQL and other data to files of their own"
        report.error("file-too-large", "the file is larger than 1 MiB", Span(path), help)
    return len(content) <= _LARGEST


def _after(before: str, path: str) -> Span:
    """Returns the place of the character that follows a text."""
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", before)
    line, column = len(lines), len(lines[-1]) + 1
    return Span(path, line, column, line, column + 1)


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


def merge_patch(document: Document, at: Path, *, moves: bool = False) -> Document:
    """Returns the document with the mapping at `at` merged onto its root; one with no mapping there stays as it is."""
    root, change = document.spans[()], document.spans.get(at)
    if change is None or not isinstance(change.value, dict):
        return document
    return build_document(patch_nodes(root, change, moves=moves))


def patch_nodes(base: Node | None, change: Node, *, moves: bool) -> Node:
    """Does what `patch` does; what stays of a node keeps its place.

    A mapping that is merged into does so too, unless it `moves` to the place of the change.
    """
    if not isinstance(change.value, dict):
        return change
    merged = base if base and isinstance(base.value, dict) else change._replace(value={})
    entries = dict(merged.value)
    for name, node in change.value.items():
        if node.value is None or node.tag == RESET:
            entries.pop(name, None)
        elif node.tag == OVERRIDE:
            entries[name] = node
        else:
            entries[name] = patch_nodes(entries.get(name), node, moves=moves)
    return (change if moves else merged)._replace(value=entries)


def build_document(root: Node) -> Document:
    """Returns a node as plain data, with it and all inside of it by their paths; what is reset is not there.

    In what is merged into something that nobody wrote, it is null.
    """
    spans: dict[Path, Node] = {}

    def plain(node: Node, path: Path) -> Any:
        spans[path] = node
        if isinstance(node.value, list):
            items = (item for item in node.value if item.tag != RESET)
            return [plain(item, (*path, index)) for index, item in enumerate(items)]
        if isinstance(node.value, dict):
            kept = [name for name, item in node.value.items() if item.tag != RESET or "x-compose" in path]
            return {name: plain(node.value[name], (*path, name)) for name in kept}
        return None if node.tag == RESET else node.value

    return Document(plain(root, ()), spans)
