"""Names that must differ or may not be used: of containers, and of keys in `.env`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.model import env_key
from compiler.project.certificates import tls_kinds
from compiler.project.secrets import secret_key, secret_rules, stack_secret_key
from compiler.report import Note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compiler.model import Path
    from compiler.report import Report
    from compiler.stack.stack import Stack

# Compose and the docker command read these from the environment and from .env:
# https://docs.docker.com/compose/how-tos/environment-variables/envvars/
RESERVED_PREFIXES = ("COMPOSE_", "DOCKER_")
GATE = "stackc-ready"


def check_names(stack: Stack, report: Report) -> None:
    """Finds each name that is taken twice, or that belongs to Compose or to stackc itself."""
    for name, path in _containers(stack):
        if name == GATE:
            told = f'the name "{name}" is used by stackc itself'
            report.error("reserved-service", told, stack.document.key(path), "choose another name")
    keys = list(_keys(stack))
    _twice(stack, report, "name-collision", "container", _containers(stack))
    _twice(stack, report, "key-collision", "key of .env", iter(keys))
    for name, path in keys:
        if name.startswith(RESERVED_PREFIXES):
            told = f'"{name}" is a variable that Compose itself reads'
            help = "choose a name that does not start with COMPOSE_ or DOCKER_"
            report.error("reserved-variable", told, stack.document.key(path), help)


def _containers(stack: Stack) -> Iterator[tuple[str, Path]]:
    for key, database in stack.databases.items():
        yield key, ("databases", key)
        if database.spec.get("init"):
            yield f"{key}-init", ("databases", key)
        for companion in database.spec.get("companions") or {}:
            yield f"{key}-{companion}", ("databases", key)
    for key in stack.services:
        yield key, ("services", key)


def _keys(stack: Stack) -> Iterator[tuple[str, Path]]:
    for name, rule in stack.secrets.items():
        if "file" not in rule:
            yield stack_secret_key(name, rule), ("secrets", name)
    for key, database in stack.databases.items():
        words = ["url", "host_url", "secrets_sha256"]
        words += [f"tls_{kind}" for kind in tls_kinds(database)] if database.tls.enabled else []
        for word in words:
            yield env_key(key, word), ("databases", key)
        for secret in secret_rules(database):
            if secret != "password" or database.own_password:
                yield secret_key(database, secret), ("databases", key)


def _twice(stack: Stack, report: Report, id: str, kind: str, names: Iterator[tuple[str, Path]]) -> None:
    first: dict[str, Path] = {}
    for name, path in names:
        other = first.setdefault(name, path)
        if other != path:
            note = Note("the other is here", stack.document.key(other))
            told = f'two things make a {kind} named "{name}"'
            report.error(id, told, stack.document.key(path), "rename one of them", (note,))
