"""What a service waits for: https://docs.docker.com/reference/compose-file/services/#depends_on"""

from __future__ import annotations

from typing import Any

from compiler.model import Path
from compiler.project.long_form import STARTED
from compiler.project.project import Project, has_health
from compiler.project.values import fallback
from compiler.report import Report
from compiler.stack.stack import Stack


def add_waits(
    project: Project, stack: Stack, spec: dict[str, Any], databases: list[str], services: list[str]
) -> None:
    """Lets a service wait for the databases and the other services that it names."""
    waits: dict[str, Any] = {name: dict(rule or {}) for name, rule in (spec.get("depends_on") or {}).items()}
    for database in databases:
        for container, condition in project.ready.get(database, {}).items():
            waits[container] = {**waits.get(container, {}), "condition": condition}
    profiles = set(spec.get("profiles") or ())
    for name in (name for name in services if name not in waits):
        other = stack.services[name] or {}
        waits[name] = {"condition": "service_healthy" if has_health(other) else "service_started"}
        # Compose refuses a dependency that no active profile starts.
        if other.get("profiles") and not profiles & set(other["profiles"]):
            waits[name]["required"] = False
    if waits:
        spec["depends_on"] = waits


def name_waits(project: Project, at: Path, spec: dict[str, Any], report: Report) -> None:
    """Writes out the variables of `depends_on`, which may stand in its list alone, beside no condition."""
    waits = spec.get("depends_on") or {}
    variables = [name for name in waits if "$" in name]
    if not variables or all(rule == STARTED for rule in waits.values()):
        return
    for name in variables:
        known, rule = fallback(name), waits.pop(name)
        done = f'"{name}" is taken as "{known}"' if known else f'"{name}" is left out'
        if known:
            waits.setdefault(known, rule)
        told = f"{done}: `depends_on` can hold no variable beside a wait for a database"
        place = project.places.value((*at, "depends_on", name))
        report.warning("variable-dependency", told, place, "write the name of the service itself")
