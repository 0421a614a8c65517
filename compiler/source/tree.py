"""YAML's events to data with places, and every fault that a tree can have; the only user of PyYAML.

Events, not PyYAML's own nodes: those forget where an alias stands, and deep ones can end the process.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from compiler.report import Diagnostic, Note, Report, Span, suggest
from compiler.source.document import Document, Location
from compiler.source.text import TAGGED, Scalar, Text, convert, quoted, resolve

if TYPE_CHECKING:
    from compiler.model import Path

DEEPEST = 100
MOST_FINDINGS = 100
# What all aliases together may add: characters, and 16 for each value.
MOST_EXPANSION = 2 * 1024 * 1024
# libyaml compares each %TAG line with all before it.
MOST_TAG_LINES = 50

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Node(NamedTuple):
    """A value with its place; `size` and `height` are what an alias repeats."""

    place: Span
    value: Scalar | list[Node] | dict[str, tuple[Span, Node]]
    size: int
    height: int = 0


class _Stop(Exception):
    """Nothing after the last finding is worth reading."""


def read_tree(text: str, path: str, report: Report) -> Document | None:
    """Returns the one document in `text` if, and only if, nothing is wrong with it."""
    reader, root = _Reader(text, path), None
    try:
        root = reader.document(text)
    except (yaml.YAMLError, UnicodeError) as fault:
        reader.found.append(reader.text.explain(fault, reader.bracket))
    except _Stop:
        pass
    report.extend(reader.found)
    if root is None or reader.found:
        return None
    spans: dict[Path, Location] = {}
    return Document(path=path, text=text, data=_expand(root, (), root.place, spans), spans=spans)


def _expand(node: Node, path: Path, key: Span, spans: dict[Path, Location]) -> Any:
    spans[path] = Location(key, node.place)
    if isinstance(node.value, list):
        return [_expand(item, (*path, n), item.place, spans) for n, item in enumerate(node.value)]
    if isinstance(node.value, dict):
        return {name: _expand(item, (*path, name), at, spans) for name, (at, item) in node.value.items()}
    return node.value


class _Reader:
    """One run over the events of one text."""

    def __init__(self, text: str, path: str) -> None:
        self.text = Text(text, path)
        self.found: list[Diagnostic] = []
        self.next: Any = _LOADER(text).get_event
        # An anchor whose node is still open has no node yet: an alias to it would hold itself.
        self.anchors: dict[str, Node | None] = {}
        # Stands where an alias leads nowhere, so that nothing else is said about it.
        self.lost = Node(Span(path, end_column=2), "", 0)
        self.bracket: Span | None = None
        self.expanded = 0

    def report(self, id: str, message: str, place: Span, help: str, first: Span | None = None) -> None:
        notes = (Note("the first is here", first),) if first else ()
        self.found.append(Diagnostic(id, "error", message, place, help, notes))
        if len(self.found) >= MOST_FINDINGS:
            raise _Stop

    def document(self, text: str) -> Node | None:
        root = Node(Span(self.text.path), None, 0)
        if text.count("%TAG") > MOST_TAG_LINES:
            self.report("unknown-tag", "the file has too many %TAG lines", root.place, "remove them")
            return None
        self.next()
        if not isinstance(self.next(), yaml.StreamEndEvent):
            root = self.node(self.next(), 0)
            self.next()
            if not isinstance(event := self.next(), yaml.StreamEndEvent):
                line, column = self.text.mark(event.start_mark)
                told, place = "a second document starts here", self.text.on(line, column, column + 3)
                self.report("multiple-documents", told, place, "move what follows to a file of its own")
        if not self.found and not isinstance(root.value, dict):
            id = "empty-file" if root.value is None else "not-a-mapping"
            kind = {list: "a list", type(None): "nothing"}.get(type(root.value), "a single value")
            told, help = f"the file holds {kind}, expected keys with values", "write keys at the top level"
            self.report(id, told, root.place, f'{help}, such as "name: demo"')
        return root

    def node(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, depth)
        if event.anchor:
            self.anchors[event.anchor] = None
        node = self.scalar(event) if isinstance(event, yaml.ScalarEvent) else self.collection(event, depth)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def alias(self, event: Any, depth: int) -> Node:
        place, shown = self.text.place(event, event), quoted(f"*{event.anchor}")
        target = self.anchors.get(event.anchor)
        if target is None:
            likely = suggest(event.anchor, list(self.anchors)[-200:])
            id, told = "unknown-anchor", f"no anchor above is named {quoted(event.anchor)}"
            help = likely if likely.startswith("did") else "define it above, or put the value in quotes"
            if event.anchor in self.anchors:
                id, told = "alias-expansion", f"{shown} stands inside the value that it repeats"
                help = "write out the value that is meant"
            self.report(id, told, place, help)
            return self.lost
        self.expanded += target.size
        if self.expanded > MOST_EXPANSION:
            told = f"up to {shown} the aliases add more than 2 MiB to this file"
            self.report("alias-expansion", told, place, "use fewer aliases")
            raise _Stop
        self.check_depth(depth + target.height, place)
        return target._replace(place=place)

    def check_depth(self, depth: int, place: Span) -> None:
        if depth > DEEPEST:
            told = f"values are nested more than {DEEPEST} levels deep"
            self.report("nested-too-deep", told, place, "use fewer levels")
            raise _Stop

    def scalar(self, event: Any) -> Node:
        text, place = event.value, self.text.place(event, event)
        if event.style == '"' and re.search("[\0\ud800-\udfff]", text):
            told = "the text has an escape for U+0000 or for half a character"
            self.report("unprintable-character", told, place, "leave that escape out")
        value = text if event.style or event.tag else resolve(text)
        if event.tag not in (None, "!"):
            kind = event.tag.removeprefix("tag:yaml.org,2002:")
            if kind in TAGGED and re.fullmatch(TAGGED[kind], text):
                value = convert(kind, text)
            else:
                self.wrong_tag(event, "does not fit this value" if kind in TAGGED else "is not known here")
        return Node(place, value, 16 + len(text))

    def wrong_tag(self, event: Any, why: str) -> None:
        place = self.text.tag(event)
        told = f"the tag {quoted(self.text.written(place))} {why}"
        self.report("unknown-tag", told, place, "remove the tag")

    def collection(self, event: Any, depth: int) -> Node:
        place = self.text.place(event, event)
        self.check_depth(depth + 1, place)
        is_list = isinstance(event, yaml.SequenceStartEvent)
        if event.tag not in (None, "!", "tag:yaml.org,2002:" + ("seq" if is_list else "map")):
            self.wrong_tag(event, "is not known here")
        outer = self.bracket
        # A pair in a list, as in `[a: b]`, is a mapping without a bracket.
        if event.flow_style and self.text.written(place)[:1] in ("[", "{"):
            self.bracket = place
        node = self.items(event, depth + 1) if is_list else self.entries(event, depth + 1)
        self.bracket = outer
        return node

    def items(self, start: Any, depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(event := self.next(), yaml.SequenceEndEvent):
            item = self.node(event, depth)
            if _is_empty(item.place) and item.place.column > 1:
                item = item._replace(place=item.place._replace(column=item.place.column - 1))
            items.append(item)
        size, height = sum(item.size for item in items), max((item.height for item in items), default=0)
        place = self.text.place(start, event, items[0].place if items else None)
        return Node(place, items, 16 + size, 1 + height)

    def entries(self, start: Any, depth: int) -> Node:
        own: dict[str, tuple[Span, Node]] = {}
        seen: dict[tuple[str | None, bool], Span] = {}
        merged: list[dict[str, tuple[Span, Node]]] = []
        first: Span | None = None
        while not isinstance(event := self.next(), yaml.MappingEndEvent):
            key = self.node(event, depth)
            name, place = self.key_name(key), key.place
            is_merge = isinstance(event, yaml.ScalarEvent) and name == "<<" and not event.style
            if name is not None and (before := seen.setdefault((name, is_merge), place)) is not place:
                told = f"the key {quoted(name)} is already set on line {before.line}"
                help = 'write "<<: [*a, *b]"' if is_merge else "remove or rename one of the two"
                self.report("duplicate-key", told, place, help, before)
            value = self.node(self.next(), depth)
            value = value._replace(place=place) if _is_empty(value.place) else value
            end = value.place.end_column if value.place.line == place.line else place.end_column
            first = first or place._replace(end_column=end)
            if is_merge:
                merged += self.merged(value)
            elif name is not None:
                own[name] = (place, value)
        for source in merged:
            own |= {name: entry for name, entry in source.items() if name not in own}
        size = sum(16 + len(name) + value.size for name, (_, value) in own.items())
        height = max((value.height for _, value in own.values()), default=0)
        return Node(self.text.place(start, event, first), own, 16 + size, 1 + height)

    def merged(self, value: Node) -> list[dict[str, tuple[Span, Node]]]:
        """Returns the mappings that `<<` brings in, the strongest first."""
        found = value.value if isinstance(value.value, list) else [value]
        mappings = [item.value for item in found if isinstance(item.value, dict)]
        if len(mappings) < len(found) and self.lost not in found:
            told = 'the value of "<<" is not a mapping or a list of mappings'
            self.report("merge-key", told, value.place, "write the alias of a mapping after it")
        return mappings

    def key_name(self, key: Node) -> str | None:
        if isinstance(key.value, str):
            return key.value
        shown = quoted(self.text.written(key.place))
        kind = {bool: "a boolean", type(None): "null"}.get(type(key.value), "a number")
        told, help = f"the key {shown} is {kind}, expected a string", f"write it as {shown}, in quotes"
        if _is_empty(key.place):
            told, help = 'there is no key before ":"', "write a key there"
        elif isinstance(key.value, list | dict):
            told, help = "the key is a list or a mapping, expected a string", "put it in quotes if it is text"
        self.report("non-string-key", told, key.place, help)
        return None


def _is_empty(place: Span) -> bool:
    return place.column == place.end_column
