"""How clients reach a database: the connection of each driver, and the text that it reads, in its own grammar."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from compiler.expressions.quoting import json_text, pair_value, refuse_unrepresentable, url_part
from compiler.model import Access, Connection, Reference, Text
from compiler.project.adapter_texts import AdapterTexts
from compiler.project.scope import CA_FILE, client_ports
from compiler.report import suggest

_PARTS = ("user", "password", "host", "port")
_MASK = "***"
_OWN_PORT = re.compile(r"(?:[^:]+|\[.*\]):[0-9]+")


def build_access(texts: AdapterTexts, host: str = "") -> Access:
    """Returns the ways to reach a database: from the network of the stack, and where published, from this machine.

    `host` is the name of its server for clients, where that is another.
    """
    database = texts.database
    network = texts.within(texts.mapping(("endpoint",)) | ({"host": host} if host else {}))
    port, *ports = client_ports(database)
    outside = network.within(
        {
            "host": host or "127.0.0.1",
            "port": port.here,
            "ports": {one.name: one.here for one in ports},
            "tls": {**network.scope["tls"], "ca": CA_FILE},
        }
    )
    query: list[str] = []
    if database.vector:
        language = database.spec.get("init", {}).get("language", "json")
        query = network.lines(("vector", "query"), language)
    return Access(
        database=database.key,
        adapter=database.adapter.name,
        network=_connections(network),
        host=_connections(outside),
        parts={
            **{name: network.scope[name] for name in (*_PARTS, "database")},
            "ca": network.scope["tls"]["ca"] if database.tls.enabled else "",
        },
        query="\n".join(query),
    )


def _connections(texts: AdapterTexts) -> dict[str, Connection]:
    """Returns the connections by driver, without those whose port is not published."""
    connections, adapter = {}, texts.database.adapter
    ports = {"": texts.scope["port"], **texts.scope["ports"]}
    for driver, rule in texts.database.spec["connections"].items():
        at, via, form = ("connections", driver), rule.get("via", ""), rule.get("form", "url")
        if via not in ports:
            told, place = f'the container has no port "{via}"', adapter.value((*at, "via"))
            texts.report.error("unknown-reference", told, place, suggest(via, texts.scope["ports"]))
        elif ports[via] is not None:
            inner = texts.within({"port": ports[via]})
            parts = inner.mapping((*at, "parts"))
            if form in ("url", "dsn"):
                usual = {name: inner.scope[name] for name in _PARTS}
                parts = {**usual, "path": texts.database.database, **parts}
            if form == "url" and not parts.get("scheme"):
                told, place = f'the URL of driver "{driver}" has no scheme', adapter.key(at)
                texts.report.error("missing-scheme", told, place, "write `parts: {scheme: NAME}`")
            connections[driver] = Connection(
                driver=driver,
                form=form,
                parts={name: value for name, value in parts.items() if value is not None and value != ""},
                query=inner.mapping((*at, "query")),
                code=tuple(inner.lines((*at, "code"), "text")),
                title=rule["title"],
                documentation=rule.get("documentation", ""),
            )
    return connections


def render_connection(connection: Connection, values: Mapping[str, str]) -> str:
    """Returns the finished connection string, with each Reference replaced by its value in `values`.

    Forms: `url`, `dsn` (`user:password@tcp(host:port)/path?query`), `pairs` (`Key=Value;Key=Value`) and
    `arguments` (a JSON object, for clients that take no connection string). Parts that are None are left out.
    A `path` is split at its slashes; a list of segments or a Reference is not. ValueError where a grammar
    cannot carry a value, which the message does not show. https://www.rfc-editor.org/rfc/rfc3986
    """
    parts = dict(connection.parts)
    if isinstance(parts.get("path"), str):
        parts["path"] = parts["path"].removeprefix("/").split("/")
    return _FORMS[connection.form](_fill(parts, values), _fill(connection.query, values))


def mask(connection: Connection) -> str:
    """Returns the connection string as it may be shown: each Reference is `***`."""
    shown = render_connection(connection, defaultdict(lambda: _MASK))
    return shown.replace(url_part(_MASK), _MASK)


def iter_keys(connection: Connection) -> Iterator[str]:
    """Yields the keys of `.env` whose values a connection holds."""
    asked: dict[str, str] = defaultdict(str)
    _fill([connection.parts, connection.query], asked)
    return iter(asked)


def _fill(tree: Any, values: Mapping[str, str]) -> Any:
    """Returns a tree with the value of each Reference in it, and without what is None in its mappings."""
    match tree:
        case Reference(key):
            return values[key]
        case Text(parts):
            return "".join(str(_fill(part, values)) for part in parts)
        case dict():
            return {name: _fill(value, values) for name, value in tree.items() if value is not None}
        case list() | tuple():
            return [_fill(item, values) for item in tree]
        case _:
            return tree


def _scalar(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _url(parts: dict[str, Any], query: dict[str, Any]) -> str:
    login: dict[str, Any] = {name: parts[name] for name in ("user", "password") if name in parts}
    if parts.get("userinfo") == "query":
        query = {parts.get(f"{name}_key", name): value for name, value in login.items()} | query
        login = {}
    return f"{parts['scheme']}://{_userinfo(login, url_part)}{_address(parts)}{_path(parts)}{_query(query)}"


# https://github.com/go-sql-driver/mysql#dsn-data-source-name
def _dsn(parts: dict[str, Any], query: dict[str, Any]) -> str:
    if ":" in _scalar(parts.get("user", "")):
        raise ValueError('a user name with ":" cannot stand in this connection string')
    userinfo = _userinfo(parts, str)
    refuse_unrepresentable(userinfo, "a connection string")
    # Some parameters are read undecoded, and lists among them hold commas.
    return f"{userinfo}tcp({_address(parts)}){_path(parts) or '/'}{_query(query, safe=',')}"


def _userinfo(login: dict[str, Any], encode: Callable[[str], str]) -> str:
    user = encode(_scalar(login.get("user", "")))
    if "password" in login:
        return f"{user}:{encode(_scalar(login['password']))}@"
    return user and f"{user}@"


def _pairs(parts: dict[str, Any], query: dict[str, Any]) -> str:
    separator = _scalar(parts.get("separator", ";"))
    if "head" in parts:
        items = [f"{key}={_unquoted(key, _scalar(value), separator)}" for key, value in query.items()]
        return separator.join([_scalar(parts["head"]), *items])
    return separator.join(f"{key}={pair_value(_scalar(value), separator)}" for key, value in query.items())


# https://stackexchange.github.io/StackExchange.Redis/Configuration.html
def _unquoted(key: str, text: str, separator: str) -> str:
    refuse_unrepresentable(text, f'"{key}" in a connection string')
    if separator in text:
        raise ValueError(f'"{key}" cannot hold "{separator}" in this connection string, which has no quotes')
    if text != text.strip():
        raise ValueError(f'"{key}" cannot begin or end with a blank in this connection string')
    return text


def _address(parts: dict[str, Any]) -> str:
    port = f":{url_part(_scalar(parts['port']))}" if "port" in parts else ""
    names = [_host(name) for name in _scalar(parts.get("host", "")).split(",")]
    return ",".join(name if _OWN_PORT.fullmatch(name) else name + port for name in names)


def _host(name: str) -> str:
    if name.count(":") > 1 and not name.startswith("["):
        return f"[{url_part(name, safe=':')}]"
    return url_part(name, safe=":[]")


def _path(parts: dict[str, Any]) -> str:
    if "path" not in parts:
        return ""
    segments = parts["path"] if isinstance(parts["path"], list) else [parts["path"]]
    return "/" + "/".join(url_part(_scalar(segment)) for segment in segments)


def _query(query: dict[str, Any], safe: str = "") -> str:
    pairs = [f"{url_part(key)}={url_part(_scalar(value), safe)}" for key, value in query.items()]
    return "?" + "&".join(pairs) if pairs else ""


_FORMS: Mapping[str, Callable[[dict[str, Any], dict[str, Any]], str]] = {
    "url": _url,
    "dsn": _dsn,
    "pairs": _pairs,
    "arguments": lambda parts, query: json_text(query),
}
