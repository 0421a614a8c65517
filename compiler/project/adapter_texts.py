"""An adapter's own expressions, evaluated for one database; a fault is placed in the adapter's file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.expressions import ExpressionError, Sink, evaluate_tree

if TYPE_CHECKING:
    from collections.abc import Mapping

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
                section = section.get(str(step))
            else:
                section = section[step] if isinstance(section, list) and isinstance(step, int) else None
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

    def mapping(self, at: Path) -> dict[str, Any]:
        """Returns a section that has to be a mapping, which is empty where there is none."""
        value = self.evaluate(at)
        if value is not None and not isinstance(value, dict):
            self._unexpected(at, "a mapping")
        return value if isinstance(value, dict) else {}

    def lines(self, at: Path, sink: Sink) -> list[Any]:
        """Returns a section that has to be a list, which is empty where there is none."""
        value = self.evaluate(at, sink)
        if value is not None and not isinstance(value, list):
            self._unexpected(at, "a list")
        return [item for item in value if item is not None] if isinstance(value, list) else []

    def section(self, at: Path, skip: tuple[str, ...] = ("files", "start", "health")) -> dict[str, Any]:
        """Returns the plain values of a section, without the parts that are texts in a language of their own."""
        return {key: self.evaluate((*at, key)) for key in self.written(at) if key not in skip}

    def _unexpected(self, at: Path, expected: str) -> None:
        adapter = self.database.adapter
        place = adapter.value(adapter.written(at, self.database.version))
        told = f'"{at[-1]}" has a value of another kind, expected {expected}'
        self.report.error("wrong-branch", told, place, f"let every branch make {expected}")
