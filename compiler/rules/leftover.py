"""What no schema can say of a service or a section: texts with a syntax of their own, and values that are compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from compiler.project.entries import items, number, pairs, plain
from compiler.project.variables import iter_raw, scan_variables
from compiler.rules.limit_rules import check_limits
from compiler.rules.shell_rules import check_command, check_test

if TYPE_CHECKING:
    from compiler.model import Path
    from compiler.rules.findings import Findings


def check_entry(found: Findings, entry: Mapping[str, Any], at: Path) -> None:
    """Finds what is wrong with one service, whose expressions are evaluated."""
    for key in ("command", "entrypoint"):
        check_command(found, entry.get(key), (*at, key))
    health = entry.get("healthcheck")
    if isinstance(health, Mapping):
        check_test(found, health.get("test"), (*at, "healthcheck", "test"))
    check_labels(found, entry, at)
    for key in ("build", "deploy"):
        if isinstance(entry.get(key), Mapping):
            check_labels(found, entry[key], (*at, key))
    check_ulimits(found, entry, at)
    check_env_file(found, entry, at)
    check_limits(found, entry, at)
    check_variables(found, entry, at)


def check_section(found: Findings, kind: str, entries: Mapping[str, Any]) -> None:
    """Finds what is wrong with the entries of one section, whose expressions are evaluated."""
    for key, entry in entries.items():
        check_variables(found, entry, (kind, key))


def check_variables(found: Findings, tree: Any, at: Path) -> None:
    """Finds each use of a variable that Compose cannot read."""
    for path, text in iter_raw(tree):
        try:
            list(scan_variables(text))
        except ValueError as fault:
            told = f'Compose cannot read the variable "{fault}"'
            help = 'write "${NAME}", or "$$" for the character itself'
            found.error("wrong-format", told, (*at, *path), help)


def check_labels(found: Findings, entry: Mapping[str, Any], at: Path) -> None:
    """Finds a label without a value, which Compose takes for an empty one."""
    labels = entry.get("labels")
    for step, name, text in pairs(labels if isinstance(labels, list) else None):
        if text is None:
            told, help = f'the label "{name}" has no value', f'write "{name}=" if it is meant to be empty'
            found.warning("empty-label", told, (*at, "labels", step), help)


def check_ulimits(found: Findings, entry: Mapping[str, Any], at: Path) -> None:
    """Finds a soft limit above its hard limit."""
    for name, pair in (entry.get("ulimits") or {}).items():
        group = pair if isinstance(pair, Mapping) else {}
        soft, hard = number(group.get("soft")), number(group.get("hard"))
        if soft is not None and hard is not None and hard != -1 and (soft > hard or soft == -1):
            told = f'the soft limit of "{name}" is above its hard limit'
            found.error("out-of-range", told, (*at, "ulimits", name, "soft"), f"write at most {hard:g}")


def check_env_file(found: Findings, entry: Mapping[str, Any], at: Path) -> None:
    """Finds a container that gets every password of the stack."""
    for step, item in items(entry.get("env_file")):
        path = plain(item.get("path") if isinstance(item, Mapping) else item)
        if path in (".env", "./.env") and {"databases", "secrets"} & found.document.data.keys():
            told = "`.env` holds the passwords of every database, and this puts all of them into the container"
            help = "name the variables that it needs under `environment:`"
            found.warning("env-file-with-secrets", told, (*at, "env_file", step), help)
