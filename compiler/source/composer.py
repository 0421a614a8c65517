"""YAML text to nodes, and every fault that the tree itself can have; the only user of PyYAML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from compiler.report import suggest
from compiler.source.areas import Areas, is_empty, join
from compiler.source.fault import Fault, quoted
from compiler.source.findings import Findings, Stop
from compiler.source.keys import check_repeated, key_name, merge_sources
from compiler.source.nodes import LOST, Alias, Entries, Items, Node, Scalar, measure
from compiler.source.scalars import resolve_scalar, resolve_tagged

if TYPE_CHECKING:
    from compiler.report import Diagnostic
    from compiler.source.document import Area
    from compiler.source.scalars import Value

DEEPEST = 100
# What all aliases together may add: characters, and 16 for each value.
MOST_EXPANSION = 2 * 1024 * 1024
# libyaml compares each %TAG line with all before it.
MOST_TAG_LINES = 50

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"


def compose(text: str, path: str) -> tuple[Node | None, list[Diagnostic]]:
    """Returns the root of the one document in `text`, None for an empty one, and every fault on the way."""
    composer = _Composer(text, path)
    diagnostics = composer.findings.diagnostics
    try:
        return composer.document(text), diagnostics
    except Stop:
        pass
    except yaml.MarkedYAMLError as fault:
        diagnostics.append(composer.syntax_error(fault))
    except (yaml.YAMLError, UnicodeError):
        diagnostics.append(composer.syntax_error(yaml.MarkedYAMLError(problem="unreadable")))
    return None, diagnostics


class _Composer:
    """One run over the events of one text."""

    def __init__(self, text: str, path: str) -> None:
        self.areas = Areas(text, path)
        self.findings = Findings(self.areas)
        self.next: Any = _LOADER(text).get_event
        # An anchor whose node is still open has no node yet: an alias to it would hold itself.
        self.anchors: dict[str, Node | None] = {}
        self.brackets: list[tuple[int, int]] = []
        self.quote: Area | None = None
        self.expanded = 0

    def syntax_error(self, fault: yaml.MarkedYAMLError) -> Diagnostic:
        from compiler.source.syntax import build_syntax_error

        place = self.areas.place(fault.problem_mark) if fault.problem_mark else (1, 1)
        return build_syntax_error(
            Fault(
                path=self.areas.path,
                lines=self.areas.lines,
                complaint=f"{fault.context or ''}: {fault.problem}",
                place=place,
                since=self.areas.place(fault.context_mark) if fault.context_mark else place,
                bracket=self.brackets[-1] if self.brackets else None,
                quote=self.quote,
            )
        )

    def document(self, text: str) -> Node | None:
        if text.count("%TAG") > MOST_TAG_LINES:
            self.findings.stop("unknown-tag", "the file has too many %TAG lines", (1, 1, 1, 1), "remove them")
        self.next()
        if isinstance(self.next(), StreamEndEvent):
            return None
        root = self.node(self.next(), 0)
        self.next()
        another = self.next()
        if not isinstance(another, StreamEndEvent):
            line, column = self.areas.place(another.start_mark)
            help = "move what follows to a file of its own"
            area = (line, column, line, column + 3)
            self.findings.report("multiple-documents", "a second document starts here", area, help)
        return root

    def node(self, event: Any, depth: int) -> Node:
        if isinstance(event, AliasEvent):
            return self.alias(event, depth)
        if event.anchor:
            self.anchors[event.anchor] = None
        node = self.scalar(event) if isinstance(event, ScalarEvent) else self.collection(event, depth)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def alias(self, event: Any, depth: int) -> Node:
        area = self.areas.token(event)
        target = self.anchors.get(event.anchor)
        if target is None:
            self.lost_alias(event.anchor, area)
            return LOST
        self.expanded += target.size
        if self.expanded > MOST_EXPANSION:
            message = f"up to {quoted(f'*{event.anchor}')} the aliases add more than 2 MiB to this file"
            self.findings.stop("alias-expansion", message, area, "use fewer aliases")
        if depth + target.height > DEEPEST:
            self.too_deep(area)
        return Alias(area, target.size, target.height, target)

    def lost_alias(self, name: str, area: Area) -> None:
        if name in self.anchors:
            message = f"{quoted(f'*{name}')} stands inside the value that it repeats"
            self.findings.report("alias-expansion", message, area, "write out the value that is meant")
            return
        likely = suggest(name, list(self.anchors)[-200:])
        help = likely if likely.startswith("did") else "define the anchor above, or put the value in quotes"
        self.findings.report("unknown-anchor", f"no anchor above is named {quoted(name)}", area, help)

    def too_deep(self, area: Area) -> None:
        message = f"values are nested more than {DEEPEST} levels deep"
        self.findings.stop("nested-too-deep", message, area, "use fewer levels")

    def scalar(self, event: Any) -> Scalar:
        text, area = event.value, self.areas.token(event)
        if event.style == '"' and re.search("[\0\ud800-\udfff]", text):
            message = "the text has an escape for U+0000 or for half a character"
            self.findings.report("unprintable-character", message, area, "leave that escape out")
        if event.style in ("'", '"') and event.end_mark.line > event.start_mark.line:
            self.quote = (*area[:2], event.end_mark.line + 1, 0)
        value: Value = text
        if event.tag is not None and event.tag != "!":
            value = self.tagged_value(event)
        elif not event.style:
            value = resolve_scalar(text)
        return Scalar(area, measure(text), 0, value)

    def tagged_value(self, event: Any) -> Value:
        text: str = event.value
        if not self.has_known_tag(event, ("str", "int", "float", "bool", "null")):
            return text
        kind = event.tag.removeprefix(_CORE)
        try:
            return resolve_tagged(kind, text)
        except ValueError:
            message = f'{quoted(text)} does not fit the tag "!!{kind}"'
            self.findings.report("unknown-tag", message, self.areas.tag(event), "remove the tag")
            return text

    def has_known_tag(self, event: Any, kinds: tuple[str, ...]) -> bool:
        if event.tag in (None, "!", *(_CORE + kind for kind in kinds)):
            return True
        area = self.areas.tag(event)
        message = f"the tag {quoted(self.areas.text(area))} is not known here"
        self.findings.report("unknown-tag", message, area, "remove the tag")
        return False

    def collection(self, event: Any, depth: int) -> Node:
        if depth >= DEEPEST:
            self.too_deep(self.areas.token(event))
        line, column = place = self.areas.start(event)
        is_bracket = self.areas.text((line, column, line, column + 1)) in ("[", "{")
        if is_bracket:
            self.brackets.append(place)
        is_list = isinstance(event, SequenceStartEvent)
        self.has_known_tag(event, ("seq" if is_list else "map",))
        node = self.items(event, depth) if is_list else self.entries(event, depth)
        if is_bracket:
            self.brackets.pop()
        return node

    def items(self, start: Any, depth: int) -> Items:
        items: list[Node] = []
        while not isinstance(event := self.next(), SequenceEndEvent):
            item = self.node(event, depth + 1)
            line, column = item.area[:2]
            if is_empty(item.area) and column > 1:
                item = item._replace(area=(line, column - 1, line, column))
            items.append(item)
        area = self.areas.collection(start, event, items[0].area if items else None)
        size = measure("") + sum(item.size for item in items)
        return Items(area, size, 1 + max((item.height for item in items), default=0), items)

    def entries(self, start: Any, depth: int) -> Entries:
        own: dict[str, tuple[Area, Node]] = {}
        seen: dict[tuple[str, bool], Area] = {}
        merged: list[Entries] = []
        first: Area | None = None
        while not isinstance(event := self.next(), MappingEndEvent):
            key = self.node(event, depth + 1)
            name = key_name(key, self.findings)
            is_merge = isinstance(event, ScalarEvent) and name == "<<" and not event.style
            check_repeated(name, is_merge, key.area, seen, self.findings)
            value = self.node(self.next(), depth + 1)
            value = value._replace(area=key.area) if is_empty(value.area) else value
            first = first or join(key.area, value.area)
            if is_merge:
                merged += merge_sources(value, self.findings)
            elif name is not None:
                own[name] = (key.area, value)
        for source in merged:
            for inherited, entry in source.entries.items():
                own.setdefault(inherited, entry)
        size = measure("") + sum(measure(name) + value.size for name, (_, value) in own.items())
        height = 1 + max((value.height for _, value in own.values()), default=0)
        return Entries(self.areas.collection(start, event, first), size, height, own)
