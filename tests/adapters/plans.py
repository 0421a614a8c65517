"""The plan of a stack with one database, `db`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.registry.registry import Registry
from compiler.report import Report
from compiler.run.passes import compile_document
from compiler.source import parse_yaml
from compiler.targets.compose import written_service

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from compiler.model import Access, Secret
    from compiler.project.project import Project

TODAY = "2026-11-23"


class File(NamedTuple):
    """A text that a container mounts."""

    name: str
    target: str
    content: Any


class Container(NamedTuple):
    """A service as it is written into the Compose file, and the texts that it mounts."""

    name: str
    spec: Mapping[str, Any]
    files: Sequence[File]


class Plan:
    """What one database compiles to."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.containers = [self._container(name) for name in project.services]
        self.access: Mapping[str, Access] = project.access
        self.secrets: Sequence[Secret] = project.secrets

    def _container(self, name: str) -> Container:
        spec = written_service(self.project, name)
        configs = self.project.tree["configs"]
        files = [
            File(one["source"], one["target"], configs[one["source"]].get("content"))
            for one in self.project.services[name].get("configs", ())
        ]
        return Container(name, spec, files)


def build_database(entry: str) -> tuple[Plan | None, list[str]]:
    """Returns the plan for a database entry in flow style, without its braces, and every finding with its help."""
    document = parse_yaml(f"name: trial\ndatabases:\n  db: {{{entry}}}\n".encode(), "stack.yaml", Report())
    assert document
    report = Report()
    compiled = compile_document(
        document, Registry(), report, environment="local", today=TODAY, source="stack.yaml"
    )
    plan = Plan(compiled.project) if compiled else None
    return plan, [f"{one.message}; {one.help}" for one in report]


@cache
def plan_database(entry: str) -> Plan:
    """Returns the plan for a database entry that compiles."""
    made, found = build_database(entry)
    assert made, found
    return made
