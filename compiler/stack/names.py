"""The names that a database, its user and its administrator have where a stack gives none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compiler.schema.patterns import is_match

# In place of a key that the engine keeps for itself, as `postgres` and `mysql` are.
_OTHER = "app"


def default_admin(spec: Mapping[str, Any]) -> str:
    """Returns the name of an engine's administrator; empty where it has none."""
    admin = (spec.get("credentials") or {}).get("admin", "")
    return str(admin["default"] if isinstance(admin, dict) else admin)


def default_names(spec: Mapping[str, Any], key: str) -> dict[str, str]:
    """Returns the names of the database and of its user: the key where the engine takes it, never the administrator."""
    own, names = key.replace("-", "_"), {}
    for part, rule in (spec.get("credentials") or {}).items():
        if part in ("database", "user") and rule:
            is_taken = own in rule.get("refuse", ()) or (part == "user" and own == default_admin(spec))
            usable = own if is_match(rule["pattern"], own) and not is_taken else _OTHER
            names[part] = str(rule.get("default", usable))
    return names
