"""A stack as a person would have written it: services with their own text where that still says all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from compiler.model import Path
from compiler.project.build import read_project
from compiler.project.project import Project
from compiler.project.values import as_text, mapped, raw
from compiler.report import Report, Span
from compiler.source import Document, parse_yaml
from compiler.targets.compose import dump, written

Edits = Mapping[Span, str]
"""The new text of a value, by its place."""


def services_text(
    project: Project, names: Iterable[str], edits: Edits, added: Mapping[str, Sequence[str]], before: str
) -> str:
    """Returns the services of a stack, whose text begins with `before`; to each its `added` lines belong.

    The text of a file is taken over where it then says what the project says; others are written anew.
    """
    text = before
    for name in names:
        pasted = _pasted(project, name, edits)
        if pasted is not None:
            pasted += "".join(f"    {line}\n" for line in added.get(name, ()))
        if pasted is None or not _says(text + pasted, project, name):
            pasted = _indented(dump({name: written(project, project.services[name], ("services", name))}))
        text += pasted + "\n"
    return text[len(before) :].rstrip("\n") + "\n"


def pasted_sections(documents: Iterable[Document], edits: Edits) -> dict[str, str]:
    """Returns what files have at their top besides what Compose knows, such as anchors for their services."""
    own = {key: one for one in documents for key in one.data if key.startswith("x-")}
    return {key: "\n".join([*_lines(one, (key,), edits, 0), "", ""]) for key, one in own.items()}


def _pasted(project: Project, name: str, edits: Edits) -> str | None:
    """Returns the text of a service with its edits; None where it is written in several files."""
    at, places = ("services", name), project.places
    origin = places.origin(at)
    if any(known[:2] == at and one.file is not origin.file for known, one in places.known.items()):
        return None
    return "\n".join([*_lines(origin.file, origin.path, edits, 2), ""])


def _lines(document: Document, path: Path, edits: Edits, indent: int) -> list[str]:
    """Returns the lines of an entry of a block, with the comments above it, as far in as it is to stand."""
    key, lines = document.spans[path].key, list(document.spans[path].lines)
    for span, text in sorted(edits.items(), reverse=True):
        if span.path == key.path:
            line = lines[span.line - 1]
            lines[span.line - 1] = line[: span.column - 1] + text + line[span.end_column - 1 :]
    first, column = key.line - 1, key.column - 1
    last = first + 1
    while last < len(lines) and (_is_open(lines[last]) or _depth(lines[last]) > column):
        last += 1
    while last > first + 1 and _is_open(lines[last - 1]) and _depth(lines[last - 1]) <= column:
        last -= 1
    while first > 0 and lines[first - 1].startswith(f"{' ' * column}#"):
        first -= 1
    return [_shifted(line, indent - column) for line in lines[first:last]]


def _is_open(line: str) -> bool:
    """Says whether a line is empty or a comment, so that it may belong to what stands above or below it."""
    return not line.strip() or line.lstrip(" ").startswith("#")


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _shifted(line: str, by: int) -> str:
    return (" " * by + line if by > 0 else line[min(-by, _depth(line)) :]) if line.strip() else ""


def _says(text: str, project: Project, name: str) -> bool:
    """Says whether a text has a service as the project has it."""
    document = parse_yaml(text.encode(), "stack.yaml", Report())
    services = document.data.get("services") if document else None
    if not document or not isinstance(services, dict) or not isinstance(services.get(name), dict):
        return False
    said, meant = read_project(document, "").services[name], project.services[name]
    return bool(mapped(said, _as_text) == mapped(meant, _as_text))


def _as_text(value: Any, at: Path) -> Any:
    return as_text(value)


def quoted(text: str) -> str:
    """Returns a text in double quotes, as it may stand anywhere in YAML."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def section_text(name: str, entries: Mapping[str, Any], notes: Mapping[str, str] | None = None) -> str:
    """Returns a section of a stack with a note above each entry that has one; nothing where it has no entries."""
    text = ""
    for key, entry in entries.items():
        text += f"  # {notes[key]}\n" if notes and key in notes else ""
        text += _indented(dump({key: mapped(entry, raw)}))
    return f"\n{name}:\n{text}" if text else ""


def _indented(text: str, by: int = 2) -> str:
    return "".join(" " * by + line if line.strip() else line for line in text.splitlines(keepends=True))
