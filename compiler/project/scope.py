"""What an adapter's expressions can name, and how values enter the languages of its texts."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from compiler.expressions import ExpressionError, Sink
from compiler.expressions.quoting import json_text, shell_word, sql_identifier, sql_literal, xml_text
from compiler.model import Reference
from compiler.project.secrets import secret_name, secret_rules

if TYPE_CHECKING:
    from compiler.stack.database import Database

NETWORK = "databases"
CA_FILE = "tls/ca.crt"
CA_TARGET = "/etc/stackc/tls/ca.crt"
CA_CONFIG = ("stackc-ca", CA_TARGET, f"./{CA_FILE}")
SERVER_TARGET = "/etc/stackc/tls/server.crt"


def client_port(database: Database) -> int:
    """Returns the port on which clients connect inside the network."""
    rules = database.spec.get("tls") if database.tls.enabled else None
    return int((rules or {}).get("port") or database.spec["container"]["port"])


def further_ports(database: Database) -> dict[str, tuple[int, int | None]]:
    """Returns the other ports for clients by name: inside the network, and on this machine where it is published."""
    ports = {}
    for name, rule in (database.spec["container"].get("ports") or {}).items():
        inside = rule["tls"] if database.tls.enabled and "tls" in rule else rule["port"]
        ports[name] = (inside, database.options.get(rule["option"]))
    return ports


def published_ports(database: Database) -> list[tuple[str, int, int]]:
    """Returns what is published on this machine: the option that says so, the port here, and the one inside."""
    rules = database.spec["container"].get("ports") or {}
    ports = [("port", database.port, client_port(database))]
    ports += [
        (rules[name]["option"], here, inside) for name, (inside, here) in further_ports(database).items()
    ]
    return [(option, here, inside) for option, here, inside in ports if here]


def build_scope(database: Database) -> dict[str, Any]:
    """Returns the names of an adapter's expressions inside the network of the stack."""
    credentials = database.spec.get("credentials") or {}
    scope: dict[str, Any] = {
        "name": database.key,
        "server": database.key,
        "port": client_port(database),
        "ports": {name: inside for name, (inside, _) in further_ports(database).items()},
        "version": database.version,
        "image": database.image,
        "database": database.database,
        "user": database.user,
        "admin": credentials.get("admin", ""),
        "password": Reference(database.password_key),
        "options": dict(database.options),
        "secrets": {name: f"/run/secrets/{secret_name(database, name)}" for name in secret_rules(database)},
        "pool": {"size": database.pool_size or 0, "limited": database.pool_size is not None},
        "timeout": _timeout(database.timeout),
        "memory": _memory(database.memory),
        "tls": {
            "mode": database.tls.mode,
            "enabled": database.tls.enabled,
            "verify": database.tls.mode == "verify-full",
            "off": not database.tls.enabled,
            "certificate": SERVER_TARGET,
            "key": f"/run/secrets/{database.key}-tls-key",
            "bundle": f"/run/secrets/{database.key}-tls-bundle",
            "ca": CA_TARGET,
        },
        "vector": _vector(database),
    }
    scope["host"] = database.key
    return scope


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
    step = next(step for step in rules["dimensions"] if vector["dimensions"] <= step["up_to"])
    facts = {
        **vector,
        "set": True,
        "tuned": "parameters" in database.entry["vector"],
        "index": "{collection}_{field}_{metric}_{method}".format_map(vector),
    }
    return {**facts, **step.get("terms", {}), **rules["metrics"][vector["metric"]]}


def _word(value: Any) -> str:
    text = str(value)
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", text):
        raise ExpressionError(f'"{text}" is not a single word')
    return text


def _symbol(value: Any) -> str:
    text = str(value)
    if not re.fullmatch(r"[-<=>#+*/|&!~@^%]+", text):
        raise ExpressionError(f'"{text}" is not an operator')
    return text


def _settings(value: Any) -> str:
    return ", ".join(f"{_word(key)} = {_word(item)}" for key, item in value.items())


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


_FILTERS = {"word": _word, "symbol": _symbol, "settings": _settings}


@lru_cache(maxsize=32)
def sink(language: str, literal: str = "standard", identifier: str = '"') -> Sink:
    """Returns how values enter a text of one language: `sql`, `shell`, `javascript`, `json`, `xml` or `text`."""
    if language == "sql":

        def quote_sql(value: Any) -> str:
            plain = isinstance(value, int | float) and not isinstance(value, bool)
            return str(value) if plain else sql_literal(_scalar(value), literal)

        return Sink(
            quote_sql, {**_FILTERS, "identifier": lambda value: sql_identifier(_scalar(value), identifier)}
        )
    if language in ("javascript", "json"):
        return Sink(lambda value: json_text(_public(value)), _FILTERS)
    quote = {"shell": shell_word, "xml": xml_text}.get(language, str)
    return Sink(lambda value: quote(_scalar(value)), _FILTERS)


def sql_sink(database: Database, language: str) -> Sink:
    """Returns the sink of a language, with the quotes of the database's own SQL."""
    rules = database.spec.get("sql") or {}
    return sink(language, rules.get("literal", "standard"), rules.get("identifier", '"'))
