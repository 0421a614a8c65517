"""How clients reach a database: the connection of each driver, from the network and from this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.model import Access, Connection
from compiler.project.scope import CA_FILE, further_ports, sink, sql_sink
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
    outside = network.within(
        {
            "host": host or "127.0.0.1",
            "port": database.port,
            "ports": {name: host for name, (_, host) in further_ports(database).items()},
            "tls": {**network.scope["tls"], "ca": CA_FILE},
        }
    )
    parts = {name: network.scope[name] for name in (*_PARTS, "database")}
    query = ""
    if database.vector:
        language = (database.spec.get("init") or {}).get("language", "json")
        query = texts.evaluate(("vector", "query"), sql_sink(database, language)) or ""
    return Access(
        database=database.key,
        adapter=database.adapter.name,
        network=_connections(network),
        host=_connections(outside),
        parts={**parts, "ca": network.scope["tls"]["ca"] if database.tls.enabled else ""},
        query=str(query),
    )


def _connections(texts: AdapterTexts) -> dict[str, Connection]:
    """Returns the connections by driver, without those whose port is not published."""
    connections, database, outer = {}, texts.database, texts.scope
    for driver, rule in database.spec["connections"].items():
        at = ("connections", driver)
        if "via" in rule and rule["via"] not in outer["ports"]:
            told, place = f'the container has no port "{rule["via"]}"', database.adapter.value((*at, "via"))
            texts.report.error("unknown-reference", told, place, suggest(rule["via"], outer["ports"]))
            continue
        port = outer["ports"][rule["via"]] if "via" in rule else outer["port"]
        if port is None:
            continue
        inner = texts.within({"port": port})
        form = rule.get("form", "url")
        defaults = {name: inner.scope[name] for name in _PARTS} | {"path": database.database}
        parts = (defaults if form in ("url", "dsn") else {}) | inner.mapping((*at, "parts"))
        if form == "url" and not parts.get("scheme"):
            told, place = f'the URL of driver "{driver}" has no scheme', database.adapter.key(at)
            texts.report.error("missing-scheme", told, place, "write `parts: {scheme: NAME}`")
        connections[driver] = Connection(
            driver=driver,
            form=form,
            parts={name: value for name, value in parts.items() if value is not None and value != ""},
            query=inner.mapping((*at, "query")),
            code=tuple(str(line) for line in inner.lines((*at, "code"), sink("text"))),
            title=rule["title"],
            documentation=rule.get("documentation", ""),
        )
    return connections
