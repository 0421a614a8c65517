"""Names that must differ or may not be used: of containers, and of keys in `.env`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.project.containers import GATE, iter_containers
from compiler.project.secrets import database_keys, stack_secret_key
from compiler.report import Note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compiler.model import Path
    from compiler.report import Report
    from compiler.stack.stack import Stack

# Compose and the docker command read these from the environment and from .env:
# https://docs.docker.com/compose/how-tos/environment-variables/envvars/
_RESERVED = ("COMPOSE_", "DOCKER_")


def check_names(stack: Stack, report: Report) -> None:
    """Finds each name that is taken twice, or that belongs to Compose or to stackc itself."""
    for name, path in _differing(stack, report, "name-collision", "container", _containers(stack)):
        if name == GATE:
            told = f'the name "{name}" is used by stackc itself'
            report.error("reserved-service", told, stack.document.key(path), "choose another name")
    for name, path in _differing(stack, report, "key-collision", "key of .env", _keys(stack)):
        if name.startswith(_RESERVED):
            told = f'"{name}" is a variable that Compose itself reads'
            help = "choose a name that does not start with COMPOSE_ or DOCKER_"
            report.error("reserved-variable", told, stack.document.key(path), help)


def _containers(stack: Stack) -> Iterator[tuple[str, Path]]:
    for database in stack.databases.values():
        yield from ((name, database.path) for name, _ in iter_containers(database))
    yield from ((key, ("services", key)) for key in stack.services)


def _keys(stack: Stack) -> Iterator[tuple[str, Path]]:
    for name, rule in stack.secrets.items():
        if "file" not in rule:
            yield stack_secret_key(name, rule), ("secrets", name)
    for database in stack.databases.values():
        yield from ((key, database.path) for key in database_keys(database))


def _differing(
    stack: Stack, report: Report, id: str, kind: str, names: Iterator[tuple[str, Path]]
) -> Iterator[tuple[str, Path]]:
    """Yields all names, and finds those that another thing has as well."""
    first: dict[str, Path] = {}
    for name, path in names:
        other = first.setdefault(name, path)
        if other != path:
            note = Note("the other is here", stack.document.key(other))
            told = f'two things make a {kind} named "{name}"'
            report.error(id, told, stack.document.key(path), "rename one of them", (note,))
        yield name, path
