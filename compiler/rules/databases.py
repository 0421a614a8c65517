"""Databases that can be rendered but should not be run: ended or moving versions, too many clients, own overlays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compiler.expressions.tree import evaluate_tree
from compiler.project.project import replicas
from compiler.project.values import inside, plain
from compiler.rules import Tell
from compiler.stack.database import Database

# Keys that stackc's promises rest on.
_OWNED = (
    *("image", "environment", "secrets", "configs", "healthcheck", "networks", "volumes", "entrypoint"),
    *("command", "depends_on", "cap_drop", "security_opt"),
)


def end_of_life(database: Database, tell: Tell) -> None:
    line = database.adapter.versions[database.version]
    if _has_ended(line, tell):
        told = f"{database.adapter.name} {database.version} has had no fixes since {line['eol']}"
        _tell_version(database, tell, told)


def moving_image(database: Database, tell: Tell) -> None:
    line = database.adapter.versions[database.version]
    if line.get("moving") and "image" not in database.entry and not _has_ended(line, tell):
        told = f'the image "{line["image"]}" is not pinned: it changes under the same name'
        _tell_version(database, tell, told)


def _has_ended(line: Mapping[str, Any], tell: Tell) -> bool:
    return str(line.get("eol", "9999")) <= tell.project.today


def _tell_version(database: Database, tell: Tell, told: str) -> None:
    """Tells of the version where it is chosen, with the first one that lives and is pinned."""
    lines = database.adapter.versions.items()
    newest = next((name for name, line in lines if not (line.get("moving") or _has_ended(line, tell))), None)
    help = f'write `version: "{newest}"`' if newest else "write `image:` with a full tag"
    tell(told, ("version" if "version" in database.entry else "adapter",), help)


def too_many_connections(database: Database, tell: Tell) -> None:
    rules: dict[str, Any] = database.spec.get("pool") or {}
    limit = evaluate_tree(rules.get("limit"), {"options": database.options}, {})
    if not isinstance(limit, int) or database.pool_size is None:
        return
    total = reserved = rules.get("reserved", 0)
    terms = []
    for name, used in tell.project.uses.items():
        if database.key in used:
            count = replicas(tell.project.services[name])
            size = used[database.key] or database.pool_size
            total += count * size
            terms.append(f"{name} {count} x {size}")
    if terms and total > limit:
        if len(terms) > 12:
            terms[11:] = [f"{len(terms) - 11} more services"]
        told = (
            f'database "{database.key}" takes {limit} connections, and the stack may open {total}: '
            f"{' + '.join(terms)} + {reserved} reserved"
        )
        tell(told, ("pool", "size"), rules.get("help", "make the pools smaller"))


def owned_key(database: Database, tell: Tell) -> None:
    for name, value in (database.entry.get("x-compose") or {}).items():
        if name in _OWNED and (value is None or name in tell.project.services.get(database.key, {})):
            told = f'`x-compose` changes `{name}` of "{database.key}", which stackc sets'
            tell(told, ("x-compose", name), "use an option of the database where there is one", key=True)


def privileged_database(database: Database, tell: Tell) -> None:
    if plain(inside(database.entry, "x-compose", "privileged")) == "true":
        told = f'`x-compose` makes "{database.key}" privileged, so that it can do everything on this machine'
        tell(told, ("x-compose", "privileged"), "remove `privileged`; no shipped engine needs it", key=True)
