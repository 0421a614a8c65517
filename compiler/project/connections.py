"""How clients reach a database: the connection of each driver, and the text that it reads, in its own grammar."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from compiler.expressions.quoting import CONNECTION_FILTERS, json_text, pair_value, url_part
from compiler.model import Access, Connection, Path, Reference, Text
from compiler.project.adapter_texts import AdapterTexts
from compiler.project.containers import iter_containers
from compiler.project.references import CA_FILE, client_ports
from compiler.project.values import LOOPBACK, as_text
from compiler.report import suggest

Strings = Mapping[str, str]

_PARTS = ("user", "password", "host", "port")
_MASK = "***"
_EVERYWHERE = ("0.0.0.0", "[::]")
_OWN_PORT = re.compile(r"(?:[^:]+|\[.*\]):[0-9]+")


def build_access(texts: AdapterTexts, host: str = "") -> Access:
    """Returns the ways to reach a database: from the network of the stack, and where published, from this machine.

    `host` is the name of its server for clients, where that is another.
    """
    database = texts.database
    network = texts.within(_front(texts) | ({"host": host} if host else {}))
    port, *ports = client_ports(database)
    here = {
        "host": host or (LOOPBACK if port.address in _EVERYWHERE else port.address),
        "port": port.here,
        "ports": {one.name: one.here for one in ports},
        "tls": {**network.scope["tls"], "ca": CA_FILE},
    }
    language = database.spec["containers"].get("init", {}).get("language", "json")
    authority = network.scope["tls"]["ca"] if database.tls.enabled else ""
    return Access(
        database=database.key,
        adapter=database.adapter.name,
        network=_connections(network),
        host=_connections(network.within(here)),
        parts={
            **{name: one for name in (*_PARTS, "database") if (one := network.scope[name])},
            "ca": authority,
        },
        ports=network.scope["ports"],
        query="\n".join(network.lines(("vector", "query"), language) if database.vector else ()),
    )


def _front(texts: AdapterTexts) -> dict[str, Any]:
    """Returns host and port of the container that serves clients in place of the server; nothing where none does."""
    for name, at in iter_containers(texts.database):
        if (section := texts.written(at)).get("serves") and texts.holds(at):
            return {"host": name, "port": section["port"]}
    return {}


def _connections(texts: AdapterTexts) -> dict[str, Connection]:
    """Returns the connections by driver, without those whose port is not published."""
    connections, ports = {}, {"": texts.scope["port"], **texts.scope["ports"]}
    inside = {port: _with_terms(texts, port) for port in ports.values() if port is not None}
    for driver, rule in texts.database.spec["connections"].items():
        at, via = ("connections", driver), rule.get("via", "")
        if via not in ports:
            told, place = f'the container has no port "{via}"', texts.written_in.value((*at, "via"))
            texts.report.error("unknown-reference", told, place, suggest(via, texts.scope["ports"]))
        elif ports[via] is not None:
            inner, (title, _, page) = inside[ports[via]], rule["title"].partition(" <")
            connections[driver] = Connection(
                driver=driver,
                form="text" if "text" in rule else rule.get("form", "url"),
                parts=_parts(inner, at),
                query=_query(inner, at),
                code=tuple(inner.lines((*at, "code"), "text")),
                title=title,
                documentation=page.removesuffix(">"),
            )
    return connections


def _query(texts: AdapterTexts, at: Path) -> dict[str, Any]:
    """Returns the parameters of a connection: expressions and texts, in the order in which they are written."""
    read = {"reads": texts.answers, "query": texts.mapping}
    found = [read[word]((*at, word)) for word in texts.written(at) if word in read]
    return {name: value for part in found for name, value in part.items()}


def _with_terms(texts: AdapterTexts, port: Any) -> AdapterTexts:
    """Returns the texts for connections to a port, with the names that the adapter gives."""
    address = _address({"host": str(texts.scope["host"]), "port": str(port)})
    tls = texts.scope["tls"]
    texts = texts.within({"port": port, "address": address, "ca": tls["ca"] if tls["verify"] else None})
    for name in texts.written(("terms",)) or ():
        texts = texts.within({name: texts.evaluate(("terms", name))})
    return texts


def _parts(texts: AdapterTexts, at: Path) -> dict[str, Any]:
    """Returns the parts of a connection that its form joins: those of a URL, or its text."""
    rule = texts.written(at)
    if "text" in rule:
        return {"text": texts.pieces((*at, "text"), "connection")}
    if rule.get("form", "url") != "url":
        return {}
    usual = {name: texts.scope[name] for name in _PARTS}
    scheme = texts.mapping(("connections", "url", "parts")).get("scheme")
    parts = {"scheme": scheme, **usual, "path": texts.database.database, **texts.mapping((*at, "parts"))}
    parts |= {"escape": rule["escape"]} if "escape" in rule else {}
    if not parts["scheme"]:
        told, place = f'the URL of driver "{at[-1]}" has no scheme', texts.written_in.key(at)
        texts.report.error("missing-scheme", told, place, "write `parts: {scheme: NAME}`")
    return {name: value for name, value in parts.items() if value is not None and value != ""}


def render_connection(connection: Connection, values: Mapping[str, str]) -> str:
    """Returns the finished connection string, with each Reference replaced by its value in `values`.

    Forms: `url`, `pairs` (`Key=Value;Key=Value`), `text` (pieces that follow one another) and `arguments` (a JSON
    object, for clients that take no connection string). Parts that are None are left out.
    ValueError where a grammar cannot carry a value, which the message does not show.
    """
    query = _fill(connection.query, values)
    if connection.form == "arguments":
        return json_text(query)
    parts = _fill(connection.parts, values)
    if connection.form == "text":
        return "".join(map(str, parts["text"]))
    query = {name: str(as_text(value)) for name, value in query.items()}
    if connection.form == "pairs":
        return ";".join(f"{key}={pair_value(value)}" for key, value in query.items())
    return _url({name: str(as_text(value)) for name, value in parts.items()}, query)


def mask(connection: Connection) -> str:
    """Returns the connection string as it may be shown: each Reference is `***`."""
    shown = render_connection(connection, defaultdict(lambda: _MASK))
    return shown.replace(url_part(_MASK), _MASK)


def query_sign(connection: Connection) -> str:
    """Returns what goes between the string of a connection and one more parameter."""
    return "&" if "?" in mask(connection) else "?"


def parameters(connection: Connection) -> set[str] | None:
    """Returns the names of the parameters in a connection string; None where it is no URL, so that it takes no more."""
    from urllib.parse import parse_qsl

    shown = mask(connection)
    is_url = connection.form in ("url", "text") and "://" in shown and ";" not in shown
    return {name for name, _ in parse_qsl(shown.partition("?")[2], True)} if is_url else None


def references(tree: Any) -> list[Reference]:
    """Returns each Reference in a tree."""
    match tree:
        case Reference():
            return [tree]
        case Text(parts):
            return references(parts)
        case dict():
            return references(tuple(tree.values()))
        case list() | tuple():
            return [found for item in tree for found in references(item)]
    return []


def _fill(tree: Any, values: Mapping[str, str]) -> Any:
    """Returns a tree with the value of each Reference in it, and without what is None in its mappings."""
    match tree:
        case Reference(key, filter):
            return CONNECTION_FILTERS[filter](values[key]) if filter else values[key]
        case Text(parts):
            return "".join(str(_fill(part, values)) for part in parts)
        case dict():
            return {name: _fill(value, values) for name, value in tree.items() if value is not None}
        case list() | tuple():
            return [_fill(item, values) for item in tree]
        case _:
            return tree


# https://www.rfc-editor.org/rfc/rfc3986
def _url(parts: Strings, query: Strings) -> str:
    text = f"{parts['scheme']}://{_userinfo(parts)}{_address(parts)}"
    if "path" in parts:
        text += "/" + url_part(parts["path"].removeprefix("/"), safe="/")
    safe = "" if "escape" in parts else "/"
    pairs = [f"{url_part(key)}={url_part(value, safe)}" for key, value in query.items()]
    return f"{text}?{'&'.join(pairs)}" if pairs else text


def _userinfo(parts: Strings) -> str:
    user = url_part(parts.get("user", ""))
    if "password" in parts:
        return f"{user}:{url_part(parts['password'])}@"
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
