"""The rules that an adapter states about its own options, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from compiler.report import Diagnostic

if TYPE_CHECKING:
    from compiler.project.adapter_texts import AdapterTexts


def check_adapter_rules(texts: AdapterTexts) -> None:
    """Finds each rule of the adapter whose condition holds."""
    for index, rule in enumerate(texts.database.spec.get("rules") or ()):
        if _holds(texts, index, rule["when"]):
            place = texts.document.value((*texts.database.path, *rule.get("at", ())))
            message = str(texts.evaluate(("rules", index, "message")))
            help = texts.evaluate(("rules", index, "help"))
            severity = rule.get("severity", "error")
            texts.report.add(Diagnostic("adapter-rule", severity, message, place, help and str(help)))


def _holds(texts: AdapterTexts, index: int, conditions: Any) -> bool:
    """Says whether all conditions hold; the later ones are not evaluated where an earlier one fails."""
    if not isinstance(conditions, list):
        return bool(texts.evaluate(("rules", index, "when")))
    return all(texts.evaluate(("rules", index, "when", number)) for number in range(len(conditions)))
