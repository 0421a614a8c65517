"""What can be rendered but should not be run: ended or moving versions, and more connections than a server takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from compiler.expressions import ExpressionError, evaluate_tree
from compiler.project.project import replicas
from compiler.rules.rule import rule

if TYPE_CHECKING:
    from compiler.model import Path
    from compiler.project.project import Project
    from compiler.rules.rule import Tell
    from compiler.stack.database import Database


def _version_at(database: Database) -> Path:
    written = next((name for name in ("version", "adapter") if name in database.entry), "adapter")
    return (*database.path, written)


@rule("end-of-life", "warning")
def end_of_life(project: Project, tell: Tell) -> None:
    for database in project.databases.values():
        ended = str(database.adapter.versions[database.version].get("eol", "9999"))
        if ended <= project.today:
            told = f"{database.adapter.name} {database.version} has had no fixes since {ended}"
            tell(told, _version_at(database), _newer(database, project.today))


@rule("moving-image", "warning")
def moving_image(project: Project, tell: Tell) -> None:
    for database in project.databases.values():
        line = database.adapter.versions[database.version]
        ended = str(line.get("eol", "9999")) <= project.today
        if line.get("moving") and "image" not in database.entry and not ended:
            told = f'the image "{line["image"]}" is not pinned: it changes under the same name'
            tell(told, _version_at(database), _newer(database, project.today))


def _newer(database: Database, today: str) -> str:
    living = [
        name
        for name, line in database.adapter.versions.items()
        if str(line.get("eol", "9999")) > today and not line.get("moving")
    ]
    return f'write `version: "{living[0]}"`' if living else "write `image:` with a full tag"


@rule("too-many-connections")
def too_many_connections(project: Project, tell: Tell) -> None:
    for key, database in project.databases.items():
        rules: dict[str, Any] = database.spec.get("pool") or {}
        faults: list[tuple[Path, ExpressionError]] = []
        limit = evaluate_tree(rules.get("limit"), {"options": database.options}, faults)
        if not isinstance(limit, int) or database.pool_size is None:
            continue
        terms, total = [], 0
        for name, used in project.uses.items():
            if key in used:
                count, size = replicas(project.services[name]), used[key] or database.pool_size
                total += count * size
                terms.append(f"{name} {count} x {size}")
        reserved = rules.get("reserved", 0)
        if terms and total + reserved > limit:
            shown = terms if len(terms) <= 12 else [*terms[:11], f"{len(terms) - 11} more services"]
            told = (
                f'database "{key}" takes {limit} connections, and the stack may open {total + reserved}: '
                f"{' + '.join(shown)} + {reserved} reserved"
            )
            tell(told, (*database.path, "pool", "size"), rules.get("help", "make the pools smaller"))
