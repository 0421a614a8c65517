"""What is checked between and inside the containers of a project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from compiler.model import Path
from compiler.project.project import Project
from compiler.report import Span

Service = Mapping[str, Any]


class Place(NamedTuple):
    """Where a service or a database stands in a project; `value` and `key` find what is inside of it."""

    project: Project
    path: Path

    def value(self, *steps: str | int) -> Span:
        return self.project.places.value((*self.path, *steps))

    def key(self, *steps: str | int) -> Span:
        return self.project.places.key((*self.path, *steps))
