"""A rule: one function that finds one thing in a project, with an id and a severity of its own.

It needs nothing but the project, so it works on a file that stackc did not make. What is only the form of a value is
JSON Schema and no rule. The page of each rule stands in schemas/findings.yaml.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from compiler.report import Diagnostic, Note

if TYPE_CHECKING:
    from collections.abc import Callable

    from compiler.model import Path
    from compiler.project.project import Project
    from compiler.report import Report, Severity

    Check = Callable[[Project, "Tell"], None]


class Rule(NamedTuple):
    """The id of a rule, what it counts as unless a policy says otherwise, and its function."""

    id: str
    severity: Severity
    check: Check


class Tell(NamedTuple):
    """Adds findings of one rule to a report, each at its place in the tree of a project."""

    project: Project
    report: Report
    rule: Rule

    def __call__(
        self, message: str, at: Path, help: str, *, key: bool = False, first: Path | None = None
    ) -> None:
        """Tells of a value, or of a `key`; `first` is where the same thing stands already."""
        places = self.project.places
        notes = () if first is None else (Note("the first is here", places.key(first)),)
        span = places.key(at) if key else places.value(at)
        self.report.add(Diagnostic(self.rule.id, self.rule.severity, message, span, help, notes))


RULES: list[Rule] = []


def rule(id: str, severity: Severity = "error") -> Callable[[Check], Check]:
    """Makes a function a rule."""

    def register(check: Check) -> Check:
        RULES.append(Rule(id, severity, check))
        return check

    return register
