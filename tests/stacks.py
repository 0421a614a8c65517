"""Small stacks as text: what they compile to, and what is found wrong with them and where."""

from __future__ import annotations

import json
from functools import cache
from textwrap import dedent, indent
from typing import TYPE_CHECKING, Any

from compiler.registry.registry import Registry
from compiler.report import Report
from compiler.run.passes import Compiled, compile_document
from compiler.run.workspace import Project as Folder
from compiler.source import Document, parse_yaml
from compiler.source.shipped import SCHEMAS
from compiler.targets.compose import written_service
from tests.compose import config
from tests.findings import has_errors

if TYPE_CHECKING:
    from pathlib import Path

    from compiler.project.project import Project
    from compiler.report import Diagnostic

TODAY = "2026-01-01"
DATABASE = "databases: {main: {adapter: postgresql}}\n"


@cache
def registry() -> Registry:
    return Registry()


@cache
def load_schema(name: str) -> dict[str, Any]:
    """Returns one of the shipped JSON Schemas; callers do not change it."""
    schema: dict[str, Any] = json.loads(SCHEMAS.joinpath(name).read_bytes())
    return schema


def load_document(file: Path) -> Document:
    """Returns a file with which nothing is wrong."""
    report = Report()
    document = parse_yaml(file.read_bytes(), file.name, report)
    assert document, list(report)
    return document


def compile_text(text: str, base: str = "") -> tuple[Compiled | None, list[Diagnostic]]:
    document = parse_yaml(text.encode(), "stack.yaml", Report())
    assert document is not None
    report = Report()
    compiled = compile_document(
        document, registry(), report, environment="local", today=TODAY, source="stack.yaml", base=base
    )
    return compiled, list(report)


def stack(services: str, rest: str = "") -> str:
    return f"name: demo\nservices:\n{indent(dedent(services).strip(), '  ')}\n{dedent(rest)}"


def entry(options: str, rest: str = "") -> str:
    """Returns a stack with the one service `app`, which has an image unless it says otherwise."""
    own = dedent(options).strip()
    image = "" if own.startswith(("image:", "build:", "extends:")) else "image: app:1\n"
    return stack(f"app:\n{indent(image + own, '  ')}", rest)


def project_of(text: str) -> Project:
    compiled, diagnostics = compile_text(text)
    assert compiled is not None, [one.message for one in diagnostics]
    return compiled.project


def spec_of(text: str, service: str = "app") -> dict[str, Any]:
    """Returns a service as it is written into the Compose file, before its values are quoted."""
    return written_service(project_of(text), service)


def findings(text: str) -> list[tuple[str, str]]:
    """Returns the code of each finding, with the text at which it points."""
    lines = text.splitlines()
    shown = []
    for one in compile_text(text)[1]:
        span = one.span
        end = span.end_column - 1 if span.end_line == span.line else None
        shown.append((one.id, lines[span.line - 1][span.column - 1 : end]))
    return shown


def resolve(text: str, folder: Path, dotenv: str = "") -> dict[str, Any]:
    """Returns the project that the real Compose reads from the rendered files."""
    (folder / "stack.yaml").write_text(text)
    (folder / ".env").write_text(dotenv)
    outcome = Folder(folder / "stack.yaml", folder, today=TODAY).compile()
    assert not has_errors(outcome.diagnostics), [one.message for one in outcome.diagnostics]
    return config(folder)


def only(text: str) -> Diagnostic:
    """Returns the one finding that a stack has."""
    (one,) = compile_text(text)[1]
    return one
