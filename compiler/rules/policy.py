"""What can be rendered but should not be run: ended or moving versions, and more connections than a server takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from compiler.project.entries import replicas
from compiler.project.faults import AdapterTexts
from compiler.report import Diagnostic, error, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compiler.project.services import ServiceBuilder
    from compiler.stack.database import Database
    from compiler.stack.stack import Stack


def check_policy(stack: Stack, builder: ServiceBuilder, today: str) -> list[Diagnostic]:
    """Returns the findings on versions and connections; `today` is an ISO date."""
    found: list[Diagnostic] = []
    for database in stack.databases.values():
        found += _version(stack, database, today)
        found += _budget(stack, builder, database)
    return found


def _version(stack: Stack, database: Database, today: str) -> Iterator[Diagnostic]:
    adapter, line = database.adapter, database.adapter.versions[database.version]
    written = next((name for name in ("version", "adapter") if name in database.entry), "adapter")
    place = stack.document.value((*database.path, written))
    ended = str(line.get("eol", "9999"))
    if ended <= today:
        told = f"{adapter.name} {database.version} has had no fixes since {ended}"
        yield warning("end-of-life", told, place, _newer(database, today))
    elif line.get("moving") and "image" not in database.entry:
        told = f'the image "{line["image"]}" is not pinned: it changes under the same name'
        yield warning("moving-image", told, place, _newer(database, today))


def _newer(database: Database, today: str) -> str:
    living = [
        name
        for name, line in database.adapter.versions.items()
        if str(line.get("eol", "9999")) > today and not line.get("moving")
    ]
    return f'write `version: "{living[0]}"`' if living else "write `image:` with a full tag"


def _budget(stack: Stack, builder: ServiceBuilder, database: Database) -> Iterator[Diagnostic]:
    rules: dict[str, Any] = database.spec.get("pool") or {}
    texts = AdapterTexts(database, {"options": database.options})
    limit = texts.evaluate(("pool", "limit"))
    yield from texts.diagnostics
    if not isinstance(limit, int) or database.pool_size is None:
        return
    terms, total = [], 0
    for key, used in builder.uses.items():
        if database.key in used:
            count = replicas(builder.entries[key])
            size = used[database.key] or database.pool_size
            total += count * size
            terms.append(f"{key} {count} x {size}")
    reserved = rules.get("reserved", 0)
    if terms and total + reserved > limit:
        told = (
            f'database "{database.key}" takes {limit} connections, and the stack may open {total + reserved}: '
            f"{' + '.join(_shown(terms))} + {reserved} reserved"
        )
        place = stack.document.value((*database.path, "pool", "size"))
        yield error("too-many-connections", told, place, rules.get("help", "make the pools smaller"))


def _shown(terms: list[str]) -> list[str]:
    return terms if len(terms) <= 12 else [*terms[:11], f"{len(terms) - 11} more services"]
