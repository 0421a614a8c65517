"""The plan of a stack with one database, `db`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from compiler.registry.registry import Registry
from compiler.run.passes import compile_document
from compiler.source import parse_yaml

if TYPE_CHECKING:
    from compiler.model import Plan

TODAY = "2026-11-23"


def build_database(entry: str) -> tuple[Plan | None, list[str]]:
    """Returns the plan for a database entry in flow style, without its braces, and every finding with its help."""
    document, _ = parse_yaml(f"name: trial\ndatabases:\n  db: {{{entry}}}\n".encode(), "stack.yaml")
    assert document
    compiled, found = compile_document(
        document, Registry(), environment="local", today=TODAY, source="stack.yaml"
    )
    return (compiled.plan if compiled else None), [f"{one.message}; {one.help}" for one in found]


@cache
def plan_database(entry: str) -> Plan:
    """Returns the plan for a database entry that compiles."""
    made, found = build_database(entry)
    assert made, found
    return made
