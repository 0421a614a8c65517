"""The rules that an adapter states about its own options, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from compiler.report import Diagnostic, Severity

if TYPE_CHECKING:
    from compiler.project.faults import AdapterTexts
    from compiler.source import Document


def check_adapter_rules(texts: AdapterTexts, document: Document) -> list[Diagnostic]:
    """Returns a finding for each rule of the adapter whose condition holds."""
    found = []
    for index, rule in enumerate(texts.database.spec.get("rules") or ()):
        if not _holds(texts, index, rule["when"]):
            continue
        severity: Severity = rule.get("severity", "error")
        place = document.value((*texts.database.path, *rule.get("at", ())))
        message = str(texts.evaluate(("rules", index, "message")))
        help = texts.evaluate(("rules", index, "help"))
        found.append(
            Diagnostic(
                id="adapter-rule", severity=severity, message=message, span=place, help=help and str(help)
            )
        )
    return found


def _holds(texts: AdapterTexts, index: int, conditions: Any) -> bool:
    """Says whether all conditions hold; the later ones are not evaluated where an earlier one fails."""
    if not isinstance(conditions, list):
        return bool(texts.evaluate(("rules", index, "when")))
    return all(texts.evaluate(("rules", index, "when", number)) for number in range(len(conditions)))
