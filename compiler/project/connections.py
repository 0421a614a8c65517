"""How clients reach a database: the connection of each driver, from the network and from this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from compiler.model import Access, Connection
from compiler.project.scope import CA_FILE, further_ports, sink, sql_sink
from compiler.report import error, suggest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compiler.project.faults import AdapterTexts

_PARTS = ("user", "password", "host", "port")


def build_access(texts: AdapterTexts, host: str = "") -> Access:
    """Returns the ways to reach a database; `host` is the name of its server for clients, where that is another."""
    database = texts.database
    endpoint = texts.mapping(("endpoint",))
    network = {**texts.scope, **endpoint, **({"host": host} if host else {})}
    outside = {
        **network,
        "host": host or "127.0.0.1",
        "port": database.port,
        "ports": {name: host for name, (_, host) in further_ports(database).items()},
        "tls": {**network["tls"], "ca": CA_FILE},
    }
    parts = {name: network[name] for name in (*_PARTS, "database")}
    query = ""
    if database.vector:
        language = (database.spec.get("init") or {}).get("language", "json")
        query = texts.evaluate(("vector", "query"), sql_sink(database, language)) or ""
    return Access(
        database=database.key,
        adapter=database.adapter.name,
        network=_connections(texts, network),
        host=_connections(texts, outside),
        parts={**parts, "ca": network["tls"]["ca"] if database.tls.enabled else ""},
        query=str(query),
    )


def _connections(texts: AdapterTexts, outer: Mapping[str, Any]) -> dict[str, Connection]:
    """Returns the connections by driver, without those whose port is not published."""
    connections, database = {}, texts.database
    for driver, rule in database.spec["connections"].items():
        at = ("connections", driver)
        if "via" in rule and rule["via"] not in outer["ports"]:
            told, place = f'the container has no port "{rule["via"]}"', database.adapter.value((*at, "via"))
            help = suggest(rule["via"], outer["ports"])
            texts.diagnostics.append(error("unknown-reference", told, place, help))
            continue
        port = outer["ports"][rule["via"]] if "via" in rule else outer["port"]
        if port is None:
            continue
        scope = {**outer, "port": port}
        form = rule.get("form", "url")
        defaults = {name: scope[name] for name in _PARTS} | {"path": database.database}
        parts = (defaults if form in ("url", "dsn") else {}) | texts.mapping((*at, "parts"), scope)
        if form == "url" and not parts.get("scheme"):
            told, place = f'the URL of driver "{driver}" has no scheme', database.adapter.key(at)
            texts.diagnostics.append(error("missing-option", told, place, "write `parts: {scheme: NAME}`"))
        connections[driver] = Connection(
            driver=driver,
            form=form,
            parts={name: value for name, value in parts.items() if value is not None and value != ""},
            query=texts.mapping((*at, "query"), scope),
            code=tuple(str(line) for line in texts.lines((*at, "code"), sink("text"), scope)),
            title=rule["title"],
            documentation=rule.get("documentation", ""),
        )
    return connections
