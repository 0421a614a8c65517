"""Reads text as a document, or as everything that is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.report import Diagnostic, Report, Span
from compiler.source import Document, parse_yaml
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

INVALID = ROOT / "fixtures" / "invalid"
FIXTURES: list[Path] = [
    *(INVALID / f"{code}.yaml" for code in ("alias-expansion", "duplicate-key", "empty-file", "merge-key")),
    *(INVALID / f"{code}.yaml" for code in ("multiple-documents", "nested-too-deep", "non-string-key")),
    *(INVALID / f"{code}.yaml" for code in ("not-a-mapping", "not-utf-8", "unknown-anchor", "unknown-tag")),
    *(INVALID / f"{code}.yaml" for code in ("unprintable-character", "yaml-syntax", "yaml-tab")),
]


def parse(text: str | bytes) -> tuple[Document | None, list[Diagnostic]]:
    report = Report()
    document = parse_yaml(text.encode() if isinstance(text, str) else text, "stack.yaml", report)
    return document, list(report)


def read(text: str | bytes) -> Document:
    document, found = parse(text)
    assert document is not None, found
    assert found == []
    return document


def faults(text: str | bytes) -> list[Diagnostic]:
    document, found = parse(text)
    assert document is None
    return found


def fault(text: str | bytes) -> Diagnostic:
    (one,) = faults(text)
    return one


def at(span: Span) -> tuple[int, int, int]:
    assert span.end_line == span.line
    return (span.line, span.column, span.end_column)


def shown(text: str, span: Span) -> str:
    return text.splitlines()[span.line - 1][span.column - 1 : span.end_column - 1]


def paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for step, item in inside for found in paths(item, (*path, step)))]
