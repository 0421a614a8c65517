"""Databases that can be rendered but should not be run: ended or moving versions, too many clients, own overlays."""

from __future__ import annotations

from typing import Any

from compiler.expressions import evaluate_tree
from compiler.project.project import replicas
from compiler.report import Report
from compiler.rules import Place
from compiler.stack.database import Database

# Keys that stackc's promises rest on.
_OWNED = (
    *("image", "environment", "secrets", "configs", "healthcheck", "networks", "volumes", "entrypoint"),
    *("command", "depends_on"),
)


def check_version(database: Database, at: Place, report: Report) -> None:
    """Tells of a version that has ended or moves, with the first one that lives and is pinned."""
    versions, today = database.adapter.versions, at.project.today
    living = {name: line for name, line in versions.items() if str(line.get("eol", "9999")) > today}
    pinned = next((name for name, line in living.items() if not line.get("moving")), None)
    help = f'write `version: "{pinned}"`' if pinned else "write `image:` with a full tag"
    line, place = (
        versions[database.version],
        at.value("version" if "version" in database.entry else "adapter"),
    )
    if database.version not in living:
        told = f"{database.adapter.name} {database.version} has had no fixes since {line['eol']}"
        report.warning("end-of-life", told, place, help)
    elif line.get("moving") and "image" not in database.entry:
        told = f'the image "{line["image"]}" is not pinned: it changes under the same name'
        report.warning("moving-image", told, place, help)


def check_connections(database: Database, at: Place, report: Report) -> None:
    rules: dict[str, Any] = database.spec.get("pool") or {}
    limit = evaluate_tree(rules.get("limit"), {"options": database.options}, [])
    if not isinstance(limit, int) or database.pool_size is None:
        return
    total = reserved = rules.get("reserved", 0)
    terms = []
    for name, used in at.project.uses.items():
        if database.key in used:
            count = replicas(at.project.services[name])
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
        help = rules.get("help", "make the pools smaller")
        report.error("too-many-connections", told, at.value("pool", "size"), help)


def check_overlay(database: Database, at: Place, report: Report) -> None:
    service = at.project.services.get(database.key, {})
    for name in database.entry.get("x-compose") or {}:
        if name in _OWNED and name in service:
            told = f'`x-compose` changes `{name}` of "{database.key}", which stackc sets'
            help = "use an option of the database where there is one"
            report.warning("owned-key", told, at.key("x-compose", name), help)
