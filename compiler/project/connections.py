"""How clients reach a database: the connection of each driver, from the network and from this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.model import Access, Connection
from compiler.project.scope import CA_FILE, client_ports
from compiler.report import suggest

if TYPE_CHECKING:
    from compiler.project.adapter_texts import AdapterTexts

_PARTS = ("user", "password", "host", "port")


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
