"""Databases that asked nobody for a password: each client is given the one that the first compile makes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from compiler.importing.reaching import variables_of
from compiler.importing.reading import Compose
from compiler.importing.recognising import Engine, Unusual
from compiler.project.hand_written import iter_named
from compiler.project.project import neighbours
from compiler.project.values import written_text

Clients = Mapping[tuple[str, str], str]
"""The new text of a variable, by the service and its name."""

_TOLD = "it asks for no password"


def find_clients(compose: Compose, name: str, engine: Engine) -> Clients:
    """Returns what clients of a database say in place of a URL without a password.

    Raises Unusual where one of them connects in another way, or none is seen.
    """
    made: dict[tuple[str, str], str] = {}
    others = {one: spec for one, spec in compose.project.services.items() if one != name}
    for other, service in others.items():
        values, own = variables_of(compose, compose.values, service), service.get("environment") or {}
        found = {one.variable: one for one in iter_named({"environment": values}, [name])}
        for key, one in found.items():
            text = _url(name, engine, values[key], written_text(own.get(key)))
            if not text or one.password or own.get(key) is None:
                raise Unusual(f'{_TOLD}, and {key} of "{other}" is no URL into which one could be written')
            made[other, key] = text
        near = {*(service.get("depends_on") or {}), *(one for one, _ in neighbours(service))}
        if name in near and not found:
            raise Unusual(
                f'{_TOLD}, and nothing in "{other}" says how that connects, so that it could be given one'
            )
        if _mentions(name, [service.get(key) for key in ("command", "entrypoint", "healthcheck", "configs")]):
            raise Unusual(f'{_TOLD}, and "{other}" names it outside of its variables')
    if not made:
        raise Unusual(f"{_TOLD}, and no service names it, so that it could be given one")
    return made


def _url(name: str, engine: Engine, text: str, written: str) -> str:
    """Returns a URL with a reference to the password in it; nothing for what is no such URL."""
    schemes = "|".join(map(re.escape, engine.adapter.data["detect"].get("schemes", ())))
    host = rf"{re.escape(name)}(?::{engine.server['port']})?"
    match = re.fullmatch(rf"({schemes})://(?::?@)?({host}((?:[/?].*)?))", text)
    if match and match[3] in ("", "/", "/0"):
        return f"${{{{ databases.{name}.url }}}}"
    if not match or "$" in written:
        return ""
    return f"{match[1]}://:${{{{ databases.{name}.password }}}}@{match[2]}"


def _mentions(name: str, tree: Any) -> bool:
    """Says whether a text of a tree has a database as a host."""
    if isinstance(tree, Mapping):
        return _mentions(name, [*tree.values()])
    if isinstance(tree, list):
        return any(_mentions(name, one) for one in tree)
    host = re.escape(name)
    return bool(re.search(rf"(?<![\w.-]){host}:\d|//(?:[^\s/@]*@)?{host}(?![\w.-])", written_text(tree)))
