"""What kinds of values the sections of an adapter may have once their expressions are evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from compiler.model import Path, Reference, Text
from compiler.registry.bundle import adapter_schema, definition
from compiler.report import Report
from compiler.schema import check_schema
from compiler.source import Document, Node

Schema = Mapping[str, Any]

_PLAIN: Schema = {"type": ["string", "number", "boolean", "null"]}
_TEXT: Schema = {"type": ["string", "null"]}
# `when` and `each` may nest lists, which become one.
_LINE: Schema = {"type": ["string", "number", "array", "null"], "items": {"$ref": "#/$defs/line"}}
_LINES: Schema = {**_LINE, "$defs": {"line": _LINE}}
_SCRIPT: Schema = {**_LINES, "type": ["string", "number", "object", "null"], "additionalProperties": _LINE}
_KINDS: Mapping[str, Schema] = {
    "environment": {"additionalProperties": _PLAIN},
    "sysctls": {"additionalProperties": _PLAIN},
    "endpoint": {"properties": {"host": _TEXT, "port": {"type": ["string", "integer", "null"]}}},
    "secrets": {"type": ["array", "null"], "items": {"type": "string"}},
    **dict.fromkeys(("lines", "statements", "query", "code"), _LINES),
    **dict.fromkeys(("shell", "message", "help"), _TEXT),
    **dict.fromkeys(("run", "start"), _SCRIPT),
    "test": {"type": ["string", "array", "null"], "items": {"type": "string"}},
}
# What Compose says itself: the key of a service for the section of an adapter.
_OF_COMPOSE: Mapping[str, str] = {
    **{name: name for name in ("hostname", "user", "shm_size", "stop_grace_period", "tmpfs", "cap_add")},
    **{name: name for name in ("working_dir", "expose", "entrypoint", "command", "ulimits")},
    "read_only": "tmpfs",
}


def check_kind(value: Any, at: Path, written: Document, place: Path, report: Report) -> bool:
    """Says whether the value of a section is of a kind that it may have, and reports what is not.

    `at` is the section, `place` where it stands in `written`. A secret may only be in connections.
    """
    name = str(at[-1])
    if value is None or (at[0] == "connections" and name != "code"):
        return True
    for path, reference in _references(value, place):
        told = f"the value of {reference.key} is secret and cannot stand here"
        report.error(
            "expression", told, written.value(path), "name its file, as in `${{ secrets.password }}`"
        )
        return False
    schema = _schema(name)
    # Nearly every value is text, or a list of lines of it.
    texts = value if schema is _LINES and isinstance(value, list) else [value]
    is_text = (schema is _TEXT or schema is _LINES) and all(isinstance(one, str) for one in texts)
    if is_text or check_schema(value, schema, Report(), noun=name, locate=written, at=place):
        return True
    if isinstance(value, list):
        # An item that a guard or a loop has made is not where its number says.
        spans = {path: node for path, node in written.spans.items() if path[: len(place)] != place}
        written = Document(written.data, {**spans, **_only(written, place)})
    return check_schema(value, schema, report, noun=name, locate=written, at=place)


def _only(written: Document, place: Path) -> Mapping[Path, Node]:
    return {place: written.spans[place]} if place in written.spans else {}


@lru_cache(maxsize=64)
def _schema(name: str) -> Schema:
    if name in _OF_COMPOSE:
        service = definition("service")
        return {"$defs": service["$defs"], **service["$defs"]["service"]["properties"][_OF_COMPOSE[name]]}
    if name == "volumes":
        written: Schema = adapter_schema()["$defs"]["container"]["properties"][name]
        return written
    return _KINDS.get(name, {})


def _references(value: Any, at: Path) -> Iterator[tuple[Path, Reference]]:
    """Yields each secret in a value with its place."""
    if isinstance(value, Reference):
        yield at, value
    elif isinstance(value, Text):
        for part in value.parts:
            yield from _references(part, at)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _references(one, (*at, key))
    elif isinstance(value, list | tuple):
        for index, one in enumerate(value):
            yield from _references(one, (*at, index))
