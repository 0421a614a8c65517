"""What is checked between and inside the containers of a project: what a rule is, and how it tells what it finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from compiler.model import Path
from compiler.project.project import Project
from compiler.report import Diagnostic, Note, Report, Severity

Service = Mapping[str, Any]


class Rule(NamedTuple):
    """The id of a rule, its function, and what it counts as unless a policy says otherwise."""

    id: str
    check: Callable[[Any, Tell], None]
    severity: Severity = "error"


class Tell(NamedTuple):
    """Adds findings of one rule to a report, each at its place in the tree of a project, below `around`."""

    project: Project
    report: Report
    rule: Rule
    around: Path = ()

    def __call__(
        self,
        message: str,
        at: Path,
        help: str,
        *,
        key: bool = False,
        first: Path | None = None,
        severity: Severity | None = None,
    ) -> None:
        """Tells of a value, or of a `key`; `first` is where the same thing stands already."""
        places, path = self.project.places, (*self.around, *at)
        notes = () if first is None else (Note("the first is here", places.key(first)),)
        span = places.key(path) if key else places.value(path)
        counts_as = severity or self.rule.severity
        self.report.add(Diagnostic(self.rule.id, counts_as, message, span, help, notes))
