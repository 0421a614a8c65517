"""A stack: one document in one environment, checked and typed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from compiler.registry.bundle import bundle
from compiler.report import Diagnostic, error, has_errors, suggest
from compiler.schema import check_schema
from compiler.source import Document, merge_patch
from compiler.stack.database import Database, Typing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compiler.registry.registry import Registry
    from compiler.report import Report

LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A checked stack in one environment; services and secrets keep the shape in which they were written."""

    name: str
    environment: str
    document: Document
    services: Mapping[str, Any]
    databases: Mapping[str, Database]
    secrets: Mapping[str, Any]
    extra: Mapping[str, Any] = field(default_factory=dict)


def build_stack(document: Document, registry: Registry, environment: str, report: Report) -> Stack | None:
    stack, found = _build_stack(document, registry, environment)
    report.extend(found)
    return stack


def _build_stack(
    document: Document, registry: Registry, environment: str, trusted: bool = False
) -> tuple[Stack | None, list[Diagnostic]]:
    """Checks and types a stack. `trusted` skips the schemas: the same texts have passed them before."""
    document, diagnostics = _overlay(document, environment)
    if not (has_errors(diagnostics) or trusted):
        diagnostics += _check_shape(document)
    if has_errors(diagnostics):
        return None, diagnostics
    databases: dict[str, Database] = {}
    for key, entry in document.data.get("databases", {}).items():
        database, faults = Typing(document, registry, key, entry, trusted).database()
        diagnostics += faults
        if database:
            databases[key] = database
    if has_errors(diagnostics):
        return None, diagnostics
    data = document.data
    stack = Stack(
        name=data["name"],
        environment=environment,
        document=document,
        services=data.get("services") or {},
        databases=databases,
        secrets=data.get("secrets") or {},
        extra={key: data[key] for key in ("volumes", "networks", "configs") if data.get(key)},
    )
    return stack, diagnostics


def _overlay(document: Document, environment: str) -> tuple[Document, list[Diagnostic]]:
    environments = document.data.get("environments")
    if isinstance(environments, dict) and isinstance(environments.get(environment), dict):
        return merge_patch(document, ("environments", environment)), []
    if environment == LOCAL:
        return document, []
    known = [LOCAL, *(environments if isinstance(environments, dict) else ())]
    told = f'the stack has no environment "{environment}"'
    return document, [
        error("unknown-environment", told, document.key(("environments",)), suggest(environment, known))
    ]


# What stands for an entry while the stack around the entries is checked.
_ENTRIES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "services": ("service", {}),
    "databases": ("database", {"adapter": "x"}),
}


def _check_shape(document: Document) -> list[Diagnostic]:
    schema, data = bundle(), document.data
    outer = dict(data)
    for plural, (_, stand_in) in _ENTRIES.items():
        if isinstance(data.get(plural), dict):
            outer[plural] = dict.fromkeys(data[plural], stand_in)
    diagnostics = check_schema(outer, schema, noun="the stack", locate=document)
    for plural, (singular, _) in _ENTRIES.items():
        entries = data.get(plural)
        for key, entry in entries.items() if isinstance(entries, dict) else ():
            if plural == "services" or not _has_adapter(entry):
                diagnostics += check_schema(
                    entry,
                    schema,
                    noun=f'{singular} "{key}"',
                    locate=document,
                    at=(plural, key),
                    pointer=f"/$defs/{singular}",
                )
    if not any(data.get(plural) for plural in _ENTRIES) and not has_errors(diagnostics):
        told = "the stack has neither services nor databases"
        help = "add a service under `services:` or a database under `databases:`"
        diagnostics.append(error("empty-stack", told, document.key(("name",)), help))
    return diagnostics


def _has_adapter(entry: Any) -> bool:
    """Says whether an entry is a database whose own adapter has the schema for it."""
    return isinstance(entry, dict) and isinstance(entry.get("adapter"), str)
