"""How clients reach a database: the connection of each driver, and the text that it reads, in its own grammar."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from compiler.expressions.quoting import json_text, pair_value, refuse_unrepresentable, url_part
from compiler.model import Access, Connection, Reference, Text
from compiler.project.adapter_texts import AdapterTexts
from compiler.project.references import CA_FILE, client_ports
from compiler.project.values import as_text
from compiler.report import suggest

Strings = Mapping[str, str]

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
    here = {
        "host": host or "127.0.0.1",
        "port": port.here,
        "ports": {one.name: one.here for one in ports},
        "tls": {**network.scope["tls"], "ca": CA_FILE},
    }
    language = database.spec.get("init", {}).get("language", "json")
    authority = network.scope["tls"]["ca"] if database.tls.enabled else ""
    return Access(
        database=database.key,
        adapter=database.adapter.name,
        network=_connections(network),
        host=_connections(network.within(here)),
        parts={**{name: network.scope[name] for name in (*_PARTS, "database")}, "ca": authority},
        query="\n".join(network.lines(("vector", "query"), language) if database.vector else ()),
    )


def _connections(texts: AdapterTexts) -> dict[str, Connection]:
    """Returns the connections by driver, without those whose port is not published."""
    connections, written = {}, texts.written_in
    ports = {"": texts.scope["port"], **texts.scope["ports"]}
    for driver, rule in texts.database.spec["connections"].items():
        at, via, form = ("connections", driver), rule.get("via", ""), rule.get("form", "url")
        if via not in ports:
            told, place = f'the container has no port "{via}"', written.value((*at, "via"))
            texts.report.error("unknown-reference", told, place, suggest(via, texts.scope["ports"]))
        elif ports[via] is not None:
            inner = texts.within({"port": ports[via]})
            for name in texts.written(("terms",)) or ():
                inner = inner.within({name: inner.evaluate(("terms", name))})
            parts = inner.mapping((*at, "parts"))
            if form in ("url", "dsn"):
                usual = {name: inner.scope[name] for name in _PARTS}
                scheme = inner.mapping(("connections", "url", "parts")).get("scheme")
                parts = {**usual, "scheme": scheme, "path": texts.database.database, **parts}
            if form == "url" and not parts.get("scheme"):
                told, place = f'the URL of driver "{driver}" has no scheme', written.key(at)
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
    ValueError where a grammar cannot carry a value, which the message does not show.
    https://www.rfc-editor.org/rfc/rfc3986
    """
    if connection.form == "arguments":
        return json_text(_fill(connection.query, values))
    parts, query = (
        {name: str(as_text(value)) for name, value in _fill(tree, values).items()}
        for tree in (connection.parts, connection.query)
    )
    return _FORMS[connection.form](parts, query)


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


def _url(parts: Strings, query: Strings) -> str:
    return f"{parts['scheme']}://{_userinfo(parts, url_part)}{_address(parts)}{_tail(parts, query)}"


# https://github.com/go-sql-driver/mysql#dsn-data-source-name
def _dsn(parts: Strings, query: Strings) -> str:
    if ":" in parts.get("user", ""):
        raise ValueError('a user name with ":" cannot stand in this connection string')
    userinfo = _userinfo(parts, str)
    refuse_unrepresentable(userinfo, "a connection string")
    # Some parameters are read undecoded, and lists among them hold commas.
    return f"{userinfo}tcp({_address(parts)}){_tail(parts, query, '/', ',')}"


def _userinfo(parts: Strings, encode: Callable[[str], str]) -> str:
    user = encode(parts.get("user", ""))
    if "password" in parts:
        return f"{user}:{encode(parts['password'])}@"
    return user and f"{user}@"


def _address(parts: Strings) -> str:
    """Returns the host, or several with commas between them; the port is of those that bring none."""
    port = f":{url_part(parts['port'])}" if "port" in parts else ""
    names = []
    for name in parts.get("host", "").split(","):
        is_bare = name.count(":") > 1 and not name.startswith("[")
        host = url_part(f"[{name}]" if is_bare else name, safe=":[]")
        names.append(host if _OWN_PORT.fullmatch(name) else host + port)
    return ",".join(names)


def _tail(parts: Strings, query: Strings, no_path: str = "", safe: str = "") -> str:
    path = "/" + url_part(parts["path"].removeprefix("/"), safe="/") if "path" in parts else no_path
    pairs = [f"{url_part(key)}={url_part(value, safe)}" for key, value in query.items()]
    return f"{path}?{'&'.join(pairs)}" if pairs else path


def _pairs(parts: Strings, query: Strings) -> str:
    separator = parts.get("separator", ";")
    if "head" not in parts:
        return separator.join(f"{key}={pair_value(value, separator)}" for key, value in query.items())
    # https://stackexchange.github.io/StackExchange.Redis/Configuration.html
    for key, text in query.items():
        refuse_unrepresentable(text, f'"{key}" in a connection string')
        if separator in text:
            told = f'"{key}" cannot hold "{separator}" in this connection string, which has no quotes'
            raise ValueError(told)
        if text != text.strip():
            raise ValueError(f'"{key}" cannot begin or end with a blank in this connection string')
    return separator.join([parts["head"], *(f"{key}={text}" for key, text in query.items())])


_FORMS = {"url": _url, "dsn": _dsn, "pairs": _pairs}
