"""Collects what goes wrong while a plan is built, each fault at its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from compiler.expressions import ExpressionError, Sink, evaluate_tree
from compiler.report import Diagnostic, error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compiler.model import Path
    from compiler.stack.database import Database


@dataclass(slots=True)
class AdapterTexts:
    """Evaluates an adapter's own expressions; a fault is placed in the adapter's file."""

    database: Database
    scope: Mapping[str, Any]
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def evaluate(self, at: Path, sink: Sink | None = None, scope: Mapping[str, Any] | None = None) -> Any:
        """Returns the section of the adapter at this path with its expressions evaluated; None where it has none."""
        section: Any = self.database.spec
        for step in at:
            section = _inside(section, step)
        faults: list[tuple[Path, ExpressionError]] = []
        value = evaluate_tree(section, self.scope if scope is None else scope, faults, at, sink)
        for path, fault in faults:
            adapter = self.database.adapter
            place = adapter.within(adapter.written(path, self.database.version), fault.source)
            self._add(error("expression", fault.message, place, fault.help))
        return value

    def _add(self, finding: Diagnostic) -> None:
        """Keeps a finding once: some sections are read for more than one container."""
        if finding not in self.diagnostics:
            self.diagnostics.append(finding)

    def mapping(self, at: Path, scope: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Returns a section that has to be a mapping, which is empty where there is none."""
        value = self.evaluate(at, scope=scope)
        if value is not None and not isinstance(value, dict):
            self._unexpected(at, "a mapping")
        return value if isinstance(value, dict) else {}

    def lines(self, at: Path, sink: Sink, scope: Mapping[str, Any] | None = None) -> list[Any]:
        """Returns a section that has to be a list, which is empty where there is none."""
        value = self.evaluate(at, sink, scope)
        if value is not None and not isinstance(value, list):
            self._unexpected(at, "a list")
        return [item for item in value if item is not None] if isinstance(value, list) else []

    def _unexpected(self, at: Path, expected: str) -> None:
        adapter = self.database.adapter
        place = adapter.value(adapter.written(at, self.database.version))
        told = f'"{at[-1]}" has a value of another kind, expected {expected}'
        self._add(error("wrong-type", told, place, f"let every branch make {expected}"))

    def section(self, at: Path, skip: tuple[str, ...] = ("files", "start", "health")) -> dict[str, Any]:
        """Returns the plain values of a section, without the parts that are texts in a language of their own."""
        section: Any = self.database.spec
        for step in at:
            section = section[step]
        return {key: self.evaluate((*at, key)) for key in section if key not in skip}


def _inside(section: Any, step: str | int) -> Any:
    if isinstance(section, dict):
        return section.get(str(step))
    return section[step] if isinstance(section, list) and isinstance(step, int) else None
