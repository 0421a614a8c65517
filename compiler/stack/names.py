"""The names that a database, its user and its administrator have where a stack gives none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from compiler.schema.patterns import SlowPattern, is_match


def default_admin(spec: Mapping[str, Any]) -> str:
    """Returns the name of an engine's administrator; empty where it has none."""
    admin = (spec.get("credentials") or {}).get("admin", "")
    return str(admin["default"] if isinstance(admin, dict) else admin)


def default_names(spec: Mapping[str, Any], key: str) -> dict[str, str]:
    """Returns the names of the database and of its user: the key where the engine takes it, never the administrator."""
    own, admin, names = key.replace("-", "_"), [default_admin(spec)], {}
    for part, rule in (spec.get("credentials") or {}).items():
        if part in ("database", "user") and rule:
            kept = [*rule.get("refuse", ()), *rule.get("not_default", ()), *(admin if part == "user" else [])]
            names[part] = str(rule.get("default") or _first_fit(rule, kept, own, key))
    return names


def _first_fit(rule: Mapping[str, Any], kept: Sequence[str], *names: str) -> str:
    """Returns the first name that the engine takes, or what the adapter says in place of them."""
    try:
        fits = (one for one in names if one not in kept and is_match(rule["pattern"], one))
        return next(fits, str(rule["instead"]))
    except SlowPattern:
        return names[0]
