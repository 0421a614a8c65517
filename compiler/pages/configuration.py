"""One database as stackc would run it and as clients reach it, for the Python API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.project.adapter_texts import AdapterTexts
from compiler.project.connections import build_access, mask
from compiler.project.scope import build_scope
from compiler.project.secrets import flat
from compiler.report import Report
from compiler.targets.compose import written_service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compiler.run.passes import Compiled

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class DatabaseConfiguration(NamedTuple):
    """One database as stackc would run it: the server's container in Compose's words, and how clients connect.

    Connection strings are by driver, with the password masked; `timeout` is in milliseconds.
    """

    adapter: str
    version: str
    image: str
    environment: Mapping[str, Any]
    ports: tuple[str, ...]
    volumes: tuple[str, ...]
    health_check: Mapping[str, Any]
    connections: Mapping[str, str]
    tls: str
    pool_size: int | None
    timeout: int | None
    vector_statements: str
    vector_query: str


def build_configuration(compiled: Compiled, key: str, host: str) -> DatabaseConfiguration:
    """Returns a database of a stack for clients that know its server as `host`."""
    database = compiled.stack.databases[key]
    spec = written_service(compiled.project, key)
    texts = AdapterTexts(database, compiled.stack.document, build_scope(database), Report())
    # The project knows its server by the name of its container alone.
    access = build_access(texts, host)
    connections = access.host if host in _LOOPBACK and access.host else access.network
    return DatabaseConfiguration(
        adapter=database.adapter.name,
        version=database.version,
        image=database.image,
        environment={name: flat(value) for name, value in spec.get("environment", {}).items()},
        ports=tuple(spec.get("ports", ())) or (str(database.spec["container"]["port"]),),
        volumes=tuple(spec.get("volumes", ())),
        health_check=dict(spec["healthcheck"]),
        connections={name: mask(connection) for name, connection in connections.items()},
        tls=database.tls.mode,
        pool_size=database.pool_size,
        timeout=database.timeout,
        vector_statements=_statements(texts) if database.vector else "",
        vector_query=access.query,
    )


def _statements(texts: AdapterTexts) -> str:
    language = (texts.database.spec.get("init") or {}).get("language", "text")
    return "\n".join(texts.lines(("vector", "statements"), language))
