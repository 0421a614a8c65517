"""The rules that an adapter states about its own options, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from compiler.resolve.faults import AdapterTexts
    from compiler.source import Document


def check_adapter_rules(texts: AdapterTexts, document: Document) -> list[Diagnostic]:
    """Returns a finding for each rule of the adapter whose condition holds."""
    found = []
    for index, rule in enumerate(texts.database.spec.get("rules") or ()):
        if not texts.evaluate(("rules", index, "when")):
            continue
        severity: Severity = rule.get("severity", "error")
        place = document.value((*texts.database.path, *rule.get("at", ())))
        message = str(texts.evaluate(("rules", index, "message")))
        help = texts.evaluate(("rules", index, "help"))
        found.append(
            Diagnostic(code="adapter-rule", severity=severity, message=message, span=place, help=help and str(help))
        )
    return found
