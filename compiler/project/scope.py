"""What an adapter's expressions can name, and how values enter the languages of its texts."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.expressions import ExpressionError, Sink
from compiler.expressions.quoting import json_text, shell_word, sql_identifier, sql_literal, xml_text
from compiler.model import Reference
from compiler.project.secrets import database_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

    from compiler.stack.database import Database

NETWORK = "databases"
CA_FILE = "tls/ca.crt"
CA_TARGET = "/etc/stackc/tls/ca.crt"
CA_CONFIG = ("stackc-ca", CA_TARGET, {"file": f"./{CA_FILE}"})
SERVER_TARGET = "/etc/stackc/tls/server.crt"


class Port(NamedTuple):
    """A port for clients: its name, its number inside the network, and the option that publishes it `here`."""

    name: str
    inside: int
    option: str
    here: int | None


def client_ports(database: Database) -> list[Port]:
    """Returns the ports for clients; the first is that of most of them and has no name."""
    container, tls = database.spec["container"], database.spec.get("tls") or {}
    rules = {"": {"port": container["port"], "tls": tls.get("port"), "option": "port"}}
    given = {**database.options, "port": database.port}
    return [
        Port(
            name=name,
            inside=(rule.get("tls") if database.tls.enabled else None) or rule["port"],
            option=rule["option"],
            here=given.get(rule["option"]),
        )
        for name, rule in {**rules, **container.get("ports", {})}.items()
    ]


def published_ports(database: Database) -> list[Port]:
    """Returns the ports that are published on this machine."""
    return [port for port in client_ports(database) if port.here]


def tls_files(container: str) -> dict[str, str]:
    """Returns where a container has its private key, and where certificate and key in one."""
    return {form: f"/run/secrets/{container}-tls-{form}" for form in ("key", "bundle")}


def build_scope(database: Database) -> dict[str, Any]:
    """Returns the names of an adapter's expressions inside the network of the stack."""
    spec, port, *ports = database.spec, *client_ports(database)
    secrets = database_secrets(database)
    return {
        "name": database.key,
        "server": database.key,
        "port": port.inside,
        "ports": {one.name: one.inside for one in ports},
        "version": database.version,
        "image": database.image,
        "database": database.database,
        "user": database.user,
        "admin": (spec.get("credentials") or {}).get("admin", ""),
        "password": Reference(database.password_key),
        "options": dict(database.options),
        "secrets": {name: f"/run/secrets/{secret.file}" for name, secret in secrets.items()},
        "pool": {"size": database.pool_size or 0, "limited": database.pool_size is not None},
        "timeout": _timeout(database.timeout),
        "memory": _memory(database.memory),
        "tls": {
            "mode": database.tls.mode,
            "enabled": database.tls.enabled,
            "verify": database.tls.mode == "verify-full",
            "off": not database.tls.enabled,
            "certificate": SERVER_TARGET,
            **tls_files(database.key),
            "ca": CA_TARGET,
        },
        "vector": _vector(database),
        "init": {"file": f"/etc/stackc/{spec['init']['file']}"} if "init" in spec else {},
        "host": database.key,
    }


def _timeout(milliseconds: int | None) -> dict[str, Any]:
    known = milliseconds or 0
    return {"set": milliseconds is not None, "ms": known, "seconds": -(-known // 1000)}


def _memory(limit: int | None) -> dict[str, Any]:
    mib = (limit or 0) >> 20
    shares = {"quarter_mib": mib // 4, "half_mib": mib // 2, "most_mib": mib * 3 // 4}
    shares["most_bytes"] = shares["most_mib"] << 20
    return {"limited": limit is not None, "bytes": limit or 0, "mib": mib, **shares}


def _vector(database: Database) -> dict[str, Any]:
    vector = database.vector
    if vector is None:
        return {"set": False, "tuned": False}
    rules = database.spec["vector"]
    step = next(step for step in rules["dimensions"] if vector.dimensions <= step["up_to"])
    return {
        "set": True,
        **vector._asdict(),
        "tuned": "parameters" in database.entry["vector"],
        "index": f"{vector.collection}_{vector.field}_{vector.metric}_{vector.method}",
        **step.get("terms", {}),
        **rules["metrics"][vector.metric],
    }


def _only(pattern: str, expected: str) -> Callable[[Any], str]:
    """Returns a filter for values that need no quotes, as they can have no other form than this one."""

    def checked(value: Any) -> str:
        text = str(value)
        if not re.fullmatch(pattern, text):
            raise ExpressionError(f'"{text}" is not {expected}')
        return text

    return checked


_word = _only(r"[A-Za-z0-9_.-]+", "a single word")
_FILTERS = {
    "word": _word,
    "symbol": _only(r"[-<=>#+*/|&!~@^%]+", "an operator"),
    "settings": lambda value: ", ".join(f"{_word(key)} = {_word(item)}" for key, item in value.items()),
}


def _public(value: Any) -> Any:
    if isinstance(value, Reference):
        raise ExpressionError(f"the value of {value.key} is secret and cannot stand in this text")
    return value


def _scalar(value: Any) -> str:
    if isinstance(_public(value), dict | list):
        raise ExpressionError("only a single value can stand in this text", "name one of its parts")
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


@lru_cache(maxsize=32)
def sink(language: str, literal: str = "standard", identifier: str = '"') -> Sink:
    """Returns how values enter a text of one language: `sql`, `shell`, `javascript`, `json`, `xml` or `text`.

    `literal` and `identifier` are how an engine quotes in its SQL.
    """
    if language == "sql":

        def quote_sql(value: Any) -> str:
            plain = isinstance(value, int | float) and not isinstance(value, bool)
            return str(value) if plain else sql_literal(_scalar(value), literal)

        name = {"identifier": lambda value: sql_identifier(_scalar(value), identifier)}
        return Sink(quote_sql, {**_FILTERS, **name})
    if language in ("javascript", "json"):
        return Sink(lambda value: json_text(_public(value)), _FILTERS)
    quote = {"shell": shell_word, "xml": xml_text}.get(language, str)
    return Sink(lambda value: quote(_scalar(value)), _FILTERS)
