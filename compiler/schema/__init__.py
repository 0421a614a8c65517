"""Data against a JSON Schema, to diagnostics in stack words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from compiler.report import Diagnostic, Note, error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from compiler.model import Path
    from compiler.report import Span
    from compiler.schema.fault import Fault, Finding


class Locate(Protocol):
    """Where values and their keys stand in a file."""

    def value(self, path: Path) -> Span: ...

    def key(self, path: Path) -> Span: ...


def check_schema(
    data: Any,
    schema: Mapping[str, Any],
    *,
    noun: str,
    locate: Locate,
    at: Path = (),
    pointer: str = "",
) -> list[Diagnostic]:
    """Returns what is wrong with `data`, which stands at `at` in its document, each fault once.

    `schema` has passed `schema_errors`; its `$ref`s stay within it, and `pointer` selects a definition in it.
    """
    from compiler.schema.validation import find_errors, validator_for

    errors = find_errors(validator_for(schema, pointer), data)
    if errors == []:
        return []
    from compiler.schema.faults import find_faults

    faults = find_faults(errors, data, noun=noun, at=at)
    return [_diagnostic(finding, locate, at) for finding in _findings(faults)]


def schema_errors(schema: Any, noun: str = "the schema") -> list[tuple[Path, str]]:
    """Returns what is wrong with a schema itself, as places in it and sentences."""
    from compiler.schema.metaschema import iter_traps, schema_faults

    found = [(finding.path, finding.message) for finding in _findings(schema_faults(schema, noun))]
    return found or list(iter_traps(schema, noun))


def _findings(faults: Iterable[Fault]) -> list[Finding]:
    from compiler.schema.wording import word

    found: dict[tuple[Path, str], Finding] = {}
    for finding in map(word, faults):
        found.setdefault((finding.path, finding.message), finding)
    return list(found.values())


def _diagnostic(finding: Finding, locate: Locate, at: Path) -> Diagnostic:
    path = (*at, *finding.path)
    has_key = bool(path) and isinstance(path[-1], str)
    span = locate.key(path) if finding.on_key and has_key else locate.value(path)
    notes = []
    if finding.first is not None:
        notes.append(Note(message="the first is here", span=locate.value((*path[:-1], finding.first))))
    return error(finding.code, finding.message, span, finding.help, notes)
