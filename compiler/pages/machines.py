"""Findings for machines: JSON, GitHub annotations and SARIF 2.1.0; pure."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from compiler import __version__
from compiler.pages.findings import Page, end_of, load_pages, render_explanation, visible
from compiler.report import Diagnostic, Span

_SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _DATA | str.maketrans({":": "%3A", ",": "%2C"})


def moved(finding: Diagnostic, here: str, root: str) -> Diagnostic:
    """Returns a finding whose paths, which count from a folder `here`, count from the `root` around it."""

    def there(span: Span) -> Span:
        path = posixpath.normpath(posixpath.join(here, span.path))
        return span._replace(path=path.removeprefix(f"{root}/")) if path.startswith(f"{root}/") else span

    notes = tuple(note._replace(span=there(note.span)) for note in finding.notes)
    return finding._replace(span=there(finding.span), notes=notes)


def render_json(findings: Sequence[Diagnostic], changes: Sequence[Mapping[str, Any]]) -> str:
    """Returns one document with the findings, and with what was or would be done to each rendered file."""
    rows = []
    for finding in findings:
        notes = [{"message": note.message, "span": note.span._asdict()} for note in finding.notes]
        rows.append({**finding._asdict(), "span": finding.span._asdict(), "notes": notes})
    return json.dumps({"findings": rows, "changes": changes}, indent=2)


def render_github(findings: Sequence[Diagnostic]) -> str:
    """Returns a workflow command for each finding.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    return "\n".join(map(_annotation, findings))


def _annotation(finding: Diagnostic) -> str:
    span = finding.span
    end_line, end_column = end_of(span)
    places = {"line": span.line, "col": span.column, "endLine": end_line, "endColumn": end_column}
    if end_line != span.line:  # GitHub takes no columns for an annotation of several lines.
        del places["col"], places["endColumn"]
    properties = {"file": span.path, **places, "title": finding.id}
    joined = ",".join(f"{name}={visible(str(v).translate(_PROPERTY))}" for name, v in properties.items())
    notes = (f"\n{n.span.path}:{n.span.line}:{n.span.column}: note: {n.message}" for n in finding.notes)
    told = _with_help(finding) + "".join(notes)
    return f"::{finding.severity} {joined}::{visible(told.translate(_DATA))}"


def _with_help(finding: Diagnostic) -> str:
    return f"{finding.message}\nhelp: {finding.help}" if finding.help else finding.message


def render_sarif(findings: Sequence[Diagnostic]) -> str:
    """Returns a SARIF 2.1.0 log whose rules carry the pages of the findings."""
    ids, pages = sorted({finding.id for finding in findings}), load_pages() if findings else {}
    rules = [{"id": id} | (_rule(pages[id]) if id in pages else {}) for id in ids]
    run = {
        "tool": {"driver": {"name": "stackc", "version": __version__, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, ids.index(finding.id)) for finding in findings],
    }
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(page: Page) -> dict[str, Any]:
    return {
        "shortDescription": {"text": page.what},
        "fullDescription": {"text": page.why},
        "help": {"text": render_explanation(page)},
        "defaultConfiguration": {"level": page.severity},
    }


def _result(finding: Diagnostic, rule_index: int) -> dict[str, Any]:
    result = {
        "ruleId": finding.id,
        "ruleIndex": rule_index,
        "level": finding.severity,
        "message": {"text": _with_help(finding)},
        "locations": [_location(finding.span)],
    }
    related = [
        {"id": number, "message": {"text": note.message}, **_location(note.span)}
        for number, note in enumerate(finding.notes, 1)
    ]
    return {**result, "relatedLocations": related} if related else result


def _location(span: Span) -> dict[str, Any]:
    from urllib.parse import quote

    uri = quote(span.path.encode("utf-8", "surrogateescape"))
    uri = f"file://{uri}" if uri.startswith("/") else uri
    end_line, end_column = end_of(span)
    start = {"startLine": span.line, "startColumn": span.column}
    region = {**start, "endLine": end_line, "endColumn": end_column}
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
