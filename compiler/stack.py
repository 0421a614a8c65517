"""A stack: one document in one environment, checked and typed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from compiler.bundle import bundle
from compiler.database import Database, Typing
from compiler.diagnostics import Diagnostic, error, has_errors, suggest
from compiler.schema import check_schema
from compiler.source import Document, merge_patch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compiler.registry import Registry

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


def build_stack(
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


def _check_shape(document: Document) -> list[Diagnostic]:
    schema, data = bundle(), document.data
    outer = {key: value for key, value in data.items() if key not in ("services", "databases")}
    for key in ("services", "databases"):
        if key in data:
            value = data[key]
            outer[key] = (
                dict.fromkeys(value, {"adapter": "x"} if key == "databases" else {})
                if isinstance(value, dict)
                else value
            )
    diagnostics = check_schema(outer, schema, noun="the stack", locate=document)
    services = data.get("services")
    for key, entry in services.items() if isinstance(services, dict) else ():
        diagnostics += check_schema(
            entry,
            schema,
            noun=f'service "{key}"',
            locate=document,
            at=("services", key),
            pointer="/$defs/service",
        )
    databases = data.get("databases")
    for key, entry in databases.items() if isinstance(databases, dict) else ():
        if not isinstance(entry, dict) or not isinstance(entry.get("adapter"), str):
            diagnostics += check_schema(
                entry,
                schema,
                noun=f'database "{key}"',
                locate=document,
                at=("databases", key),
                pointer="/$defs/database",
            )
    if isinstance(data, dict) and not services and not databases and not has_errors(diagnostics):
        help = "add a service under `services:` or a database under `databases:`"
        diagnostics.append(
            error(
                "empty-stack", "the stack has neither services nor databases", document.key(("name",)), help
            )
        )
    return diagnostics
