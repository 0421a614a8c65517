"""Names that must differ or may not be used: of containers, and of keys in `.env`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.model import env_key
from compiler.project.certificates import tls_kinds
from compiler.project.entries import pairs
from compiler.project.scope import secret_key, secret_rules
from compiler.report import Diagnostic, Note, Span, error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compiler.model import Path
    from compiler.stack.stack import Stack

# Compose and the docker command read these from the environment and from .env:
# https://docs.docker.com/compose/how-tos/environment-variables/envvars/
RESERVED_PREFIXES = ("COMPOSE_", "DOCKER_")
GATE = "stackc-ready"


def check_names(stack: Stack) -> list[Diagnostic]:
    """Returns a finding for each name that is taken twice or that belongs to Compose."""
    return [
        *_twice(stack, "container", _containers(stack)),
        *_twice(stack, "key of .env", _keys(stack)),
        *_reserved(stack),
    ]


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
            yield str(rule.get("environment") or env_key(name)), ("secrets", name)
    for key, database in stack.databases.items():
        words = [
            "url",
            "host_url",
            "secrets_sha256",
            *(f"tls_{kind}" for kind in sorted(tls_kinds(database)) if database.tls.enabled),
        ]
        keys = [env_key(key, word) for word in words]
        keys += [
            secret_key(database, secret)
            for secret in secret_rules(database)
            if secret != "password" or database.own_password
        ]
        yield from ((name, ("databases", key)) for name in keys)


def _twice(stack: Stack, kind: str, names: Iterator[tuple[str, Path]]) -> Iterator[Diagnostic]:
    first: dict[str, Path] = {}
    for name, path in names:
        place = stack.document.key(path)
        if kind == "container" and name == GATE:
            yield error(
                "reserved-name", f'the name "{name}" is used by stackc itself', place, "choose another name"
            )
        elif name in first:
            note = Note(message="the other is here", span=stack.document.key(first[name]))
            told = f'two things make a {kind} named "{name}"'
            yield error("name-collision", told, place, "rename one of them", (note,))
        else:
            first[name] = path


def _reserved(stack: Stack) -> Iterator[Diagnostic]:
    for name, path in _keys(stack):
        if name.startswith(RESERVED_PREFIXES):
            yield _belongs(name, stack.document.key(path))
    for key, entry in stack.services.items():
        for step, name, _ in pairs((entry or {}).get("environment")):
            if name.startswith("COMPOSE_"):
                yield _belongs(name, stack.document.key(("services", key, "environment", step)))


def _belongs(name: str, place: Span) -> Diagnostic:
    told = f'"{name}" is a variable that Compose itself reads'
    return error("reserved-name", told, place, "choose a name that does not start with COMPOSE_ or DOCKER_")
