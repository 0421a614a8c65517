"""An adapter's own expressions, evaluated for one database; a fault is placed in the adapter's file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.expressions import ExpressionError, Sink, evaluate_tree
from compiler.project.scope import sink
from compiler.report import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from compiler.model import Path
    from compiler.report import Report
    from compiler.source import Document
    from compiler.stack.database import Database


class AdapterTexts(NamedTuple):
    """The sections of an adapter for one database of a stack, with the names that their expressions can use."""

    database: Database
    document: Document
    scope: Mapping[str, Any]
    report: Report

    def within(self, names: Mapping[str, Any]) -> AdapterTexts:
        """Returns the same sections for expressions that can use these names as well."""
        return self._replace(scope={**self.scope, **names})

    def written(self, at: Path) -> Any:
        """Returns the section at this path as the adapter has it; None where there is none."""
        section: Any = self.database.spec
        for step in at:
            if isinstance(section, dict):
                section = section.get(step)
            else:
                section = section[int(step)] if isinstance(section, list) else None
        return section

    def evaluate(self, at: Path, sink: Sink | None = None) -> Any:
        """Returns the section at this path with its expressions evaluated; None where there is none."""
        faults: list[tuple[Path, ExpressionError]] = []
        value = evaluate_tree(self.written(at), self.scope, faults, at, sink)
        for path, fault in faults:
            adapter = self.database.adapter
            place = adapter.within(adapter.written(path, self.database.version), fault.source)
            self.report.error("expression", fault.message, place, fault.help)
        return value

    def holds(self, at: Path) -> bool:
        """Says whether the conditions of a section hold, of which the first that does not ends the question."""
        section, when = self.written(at), (*at, "when")
        if not isinstance(section.get("when"), list):
            return "when" not in section or bool(self.evaluate(when))
        return all(self.evaluate((*when, index)) for index in range(len(section["when"])))

    def mapping(self, at: Path) -> dict[str, Any]:
        """Returns a section that has to be a mapping, which is empty where there is none."""
        value = self.evaluate(at)
        if value is None or isinstance(value, dict):
            return value or {}
        adapter = self.database.adapter
        place = adapter.value(adapter.written(at, self.database.version))
        told = f'"{at[-1]}" has a value of another kind, expected a mapping'
        self.report.error("wrong-branch", told, place, "let every branch make a mapping")
        return {}

    def lines(self, at: Path, language: str) -> list[str]:
        """Returns the lines of a text in a language of its own, in which values are quoted for that language."""
        rules = self.database.spec.get("sql") or {}
        quote = sink(language, rules.get("literal", "standard"), rules.get("identifier", '"'))
        return list(_flat(self.evaluate(at, quote)))

    def check_rules(self) -> None:
        """Finds each rule that the adapter states about its own options and whose conditions hold."""
        for index, rule in enumerate(self.database.spec.get("rules") or ()):
            at: Path = ("rules", index)
            if self.holds(at):
                place = self.document.value((*self.database.path, *rule.get("at", ())))
                message, help = (self.evaluate((*at, part)) for part in ("message", "help"))
                severity = rule.get("severity", "error")
                found = Diagnostic("adapter-rule", severity, str(message), place, help and str(help))
                self.report.add(found)


def _flat(lines: Any) -> Iterator[str]:
    """Yields the lines that guards and `each` have nested."""
    if isinstance(lines, list):
        for line in lines:
            yield from _flat(line)
    elif lines is not None:
        yield str(lines).rstrip("\n")
