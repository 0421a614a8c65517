"""YAML's events to data with places, and every fault that a tree can have; the only user of PyYAML.

Events, not PyYAML's own nodes: those forget where an alias stands, and deep ones can end the process.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from compiler.report import Diagnostic, Note, Report, Span, suggest
from compiler.source import OVERRIDE, RESET, Document, Node, build_document
from compiler.source.text import Text, explain, quoted, resolve

DEEPEST = 100
MOST_FINDINGS = 100
# What all aliases together may add: characters, and 16 for each value.
MOST_EXPANSION = 2 * 1024 * 1024
# Keys, items and values of a file: some twenty times what the largest stacks have.
MOST_VALUES = 30_000
# libyaml compares each %TAG line with all before it.
MOST_TAG_LINES = 50

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_COMPOSE = (RESET, OVERRIDE)
_TAG = re.compile(r"!<[^>]*>|![^\s,\[\]{}]*")
_TYPES = {_CORE + "int": int, _CORE + "float": float, _CORE + "bool": bool, _CORE + "null": type(None)}
# Stands where an alias leads nowhere, so that nothing else is said about it.
_LOST = Node(Span(""), Span("", end_column=2), [], (1, 1), "", 0)


class _Stop(Exception):
    """Nothing after the last finding is worth reading."""


def read_tree(text: str, path: str, report: Report) -> Document | None:
    """Returns the one document in `text` if, and only if, nothing is wrong with it."""
    if text.count("%TAG") > MOST_TAG_LINES:
        report.error("unknown-tag", "the file has too many %TAG lines", Span(path), "remove them")
        return None
    reader = _Reader(text, path)
    try:
        root = reader.document()
        if not reader.found:
            return build_document(root)
    except (yaml.YAMLError, UnicodeError) as fault:
        brackets = [place for place in reader.open if reader.text.written(place) in ("[", "{")]
        reader.found.append(explain(fault, reader.text, brackets[-1] if brackets else None))
    except _Stop:
        pass
    report.extend(reader.found)
    return None


class _Reader:
    def __init__(self, text: str, path: str) -> None:
        self.text = Text(text, path)
        self.found: list[Diagnostic] = []
        self.events: Any = _LOADER(text)
        self.next: Any = self.events.get_event
        # An anchor whose node is still open has no node yet: an alias to it would hold itself.
        self.anchors: dict[str, Node | None] = {}
        # The first character of each collection that is still open.
        self.open: list[Span] = []
        self.expanded = self.values = 0

    def report(self, id: str, message: str, place: Span, help: str, *notes: Note) -> None:
        self.found.append(Diagnostic(id, "error", message, place, help, notes))
        if len(self.found) >= MOST_FINDINGS:
            raise _Stop

    def document(self) -> Node:
        root = Node(Span(self.text.path), Span(self.text.path), self.text.lines, (1, 1), None, 0)
        self.next()
        if not isinstance(self.next(), yaml.StreamEndEvent):
            root = self.node(self.next())
            self.next()
            if not isinstance(event := self.next(), yaml.StreamEndEvent):
                place = self.text.place(event.start_mark, event.end_mark)
                help = "move what follows to a file of its own"
                self.report("multiple-documents", "a second document starts here", place, help)
        if not self.found and not isinstance(root.value, dict):
            told, help = "the file has no keys at its top level", 'write some, such as "name: demo"'
            self.report("empty-file" if root.value is None else "not-a-mapping", told, root.place, help)
        return root

    def node(self, event: Any) -> Node:
        self.values += 1
        if self.values > MOST_VALUES:
            told, place = f"more than {MOST_VALUES:,} values stand in this file", Span(self.text.path)
            self.report("file-too-large", told, place, "move some to a file of their own")
            raise _Stop
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        if event.anchor:
            self.anchors[event.anchor] = None
        node = self.scalar(event) if isinstance(event, yaml.ScalarEvent) else self.collection(event)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def alias(self, event: Any) -> Node:
        place = self.text.place(event.start_mark, event.end_mark)
        name, target = quoted(event.anchor), self.anchors.get(event.anchor)
        if target is None:
            if event.anchor in self.anchors:
                told = f"the value of the anchor {name} stands inside itself"
                self.report("alias-expansion", told, place, "write out the value that is meant")
            else:
                other = "define it above, or put the value in quotes"
                help = suggest(event.anchor, list(self.anchors)[-200:], other)
                self.report("unknown-anchor", f"no anchor above is named {name}", place, help)
            return _LOST
        self.expanded += target.size
        if self.expanded > MOST_EXPANSION:
            told = f"up to {quoted(f'*{event.anchor}')} the aliases add more than 2 MiB to this file"
            self.report("alias-expansion", told, place, "use fewer aliases")
            raise _Stop
        self.check_depth(target.height, place)
        return target._replace(key=place, place=place, end=self.text.mark(event.end_mark))

    def check_depth(self, height: int, place: Span) -> None:
        if len(self.open) + height > DEEPEST:
            told = f"values are nested more than {DEEPEST} levels deep"
            self.report("nested-too-deep", told, place, "use fewer levels")
            raise _Stop

    def scalar(self, event: Any) -> Node:
        text, place = event.value, self.text.place(event.start_mark, event.end_mark)
        if event.style == '"' and re.search("[\0\ud800-\udfff]", text):
            told = "the text has an escape for U+0000 or for half a character"
            self.report("unprintable-character", told, place, "leave that escape out")
        tag = "" if event.tag in _COMPOSE else event.tag
        is_text = tag in ("!", _CORE + "str") or (event.style and not tag)
        value = text if is_text else resolve(text)
        is_merge = tag == _CORE + "merge" and value == "<<"
        if tag and not (is_text or is_merge) and _TYPES.get(tag) is not type(value):
            self.wrong_tag(event)
        end, own = self.text.mark(event.end_mark), event.tag if event.tag in _COMPOSE else ""
        return Node(place, place, self.text.lines, end, value, 16 + len(text), tag=own)

    def wrong_tag(self, event: Any) -> None:
        line, column = self.text.mark(event.start_mark)
        found = _TAG.search(self.text.lines[line - 1], column - 1)
        start, end = found.span() if found else (column - 1, column)
        place = self.text.on(line, start + 1, end + 1)
        told = f"the tag {quoted(self.text.written(place))} has no meaning for this value"
        self.report("unknown-tag", told, place, "remove the tag")

    def collection(self, event: Any) -> Node:
        start, first = event.start_mark, self.text.place(event.start_mark, event.end_mark)
        self.open.append(first._replace(end_column=first.column + 1))
        self.check_depth(0, self.open[-1])
        is_list = isinstance(event, yaml.SequenceStartEvent)
        if event.tag not in (None, "!", *_COMPOSE, _CORE + ("seq" if is_list else "map")):
            self.wrong_tag(event)
        # Behind an anchor or a tag that has a line of its own.
        if self.text.written(self.open[-1]) in ("&", "!"):
            start = self.events.peek_event().start_mark
        value = self.items() if is_list else self.entries()
        parts = value if isinstance(value, list) else value.values()
        end = self.next().end_mark
        place = self.text.place(start, end, is_block=not event.flow_style)
        self.open.pop()
        size, height = sum(part.size for part in parts), max((part.height for part in parts), default=0)
        own = event.tag if event.tag in _COMPOSE else ""
        return Node(place, place, self.text.lines, self.text.mark(end), value, 16 + size, 1 + height, own)

    def items(self) -> list[Node]:
        items: list[Node] = []
        while not self.events.check_event(yaml.SequenceEndEvent):
            item = self.node(self.next())
            # An empty one has the place of its dash.
            if 1 < item.place.column == item.place.end_column:
                dash = item.place._replace(column=item.place.column - 1)
                item = item._replace(key=dash, place=dash)
            items.append(item)
        return items

    def entries(self) -> dict[str, Node]:
        own: dict[str, Node] = {}
        merged: list[dict[str, Node]] | None = None
        while not self.events.check_event(yaml.MappingEndEvent):
            key = self.node(event := self.next())
            name = self.name(key, own)
            value = self.node(self.next())
            if value.place.column == value.place.end_column:
                value = value._replace(place=key.place)
            if name == "<<" and isinstance(event, yaml.ScalarEvent) and not event.style:
                merged = self.merged(value)
            if name is not None:
                own[name] = value._replace(key=key.place, size=key.size + value.size)
        if merged is not None:
            del own["<<"]
            for name, entry in (one for source in merged for one in source.items()):
                own.setdefault(name, entry)
        return own

    def name(self, key: Node, before: dict[str, Node]) -> str | None:
        """Returns the text of a key, or None for one that is no text."""
        if not isinstance(key.value, str):
            told = f"the key {quoted(self.text.written(key.place))} is not a string"
            self.report("non-string-key", told, key.place, "write it in quotes")
            return None
        if key.value in before and key is not _LOST:
            first = before[key.value].key
            told = f"the key {quoted(key.value)} is already set on line {first.line}"
            help = 'write "<<: [*a, *b]"' if key.value == "<<" else "remove or rename one of the two"
            self.report("duplicate-key", told, key.place, help, Note("the first is here", first))
        return key.value

    def merged(self, value: Node) -> list[dict[str, Node]]:
        """Returns the mappings that `<<` brings in, the strongest first."""
        found = value.value if isinstance(value.value, list) else [value]
        mappings = [item.value for item in found if isinstance(item.value, dict)]
        if len(mappings) < len(found) and _LOST not in found:
            told = 'the value of "<<" is not a mapping or a list of mappings'
            self.report("merge-key", told, value.place, "write the alias of a mapping after it")
        return mappings
