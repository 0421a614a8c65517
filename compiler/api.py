"""The Python API: the same passes as the command, on values instead of files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compiler.connections import mask
from compiler.diagnostics import Diagnostic, Span, error, has_errors
from compiler.pipeline import Compiled, compile_document, render_secrets
from compiler.registry import Adapter, Registry
from compiler.resources import BUILT_IN, Folder
from compiler.source import parse_yaml
from compiler.targets.dotenv import parse_dotenv

if TYPE_CHECKING:
    from compiler.model import Artifact, Container

_SOURCE = "stack.yaml"
_KEY = "db"


class StackError(Exception):
    """A stack or an argument that does not compile; `diagnostics` say why and where."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(one.message for one in diagnostics if one.severity == "error"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A compiled stack: the rendered files, with fresh or kept secrets in `.env`, and the warnings."""

    artifacts: tuple[Artifact, ...]
    diagnostics: tuple[Diagnostic, ...]

    def __getitem__(self, path: str) -> Artifact:
        return next(artifact for artifact in self.artifacts if artifact.path == path)


def compile_stack(
    stack: str | Mapping[str, Any],
    *,
    environment: str = "local",
    env: str = "",
    adapters: Sequence[str | Path] = (),
    today: str | None = None,
) -> Result:
    """Compiles a stack, as YAML text or as data, and returns its files without touching the file system.

    `env` is the text of an existing `.env`, whose values are kept; `adapters` are folders with more adapters;
    `today` is an ISO date (this day by default). TLS needs files, so a stack with it is for the command.
    Raises StackError.
    """
    compiled, diagnostics = _compile(stack, environment, _registry(adapters), today)
    if compiled.plan.certificates:
        place = compiled.stack.document.value(("databases",))
        told = "the API renders no certificates, and the stack has TLS"
        raise StackError([error("missing-extra", told, place, "compile it with the command stackc")])
    dotenv, found = parse_dotenv(env, ".env")
    if has_errors(found):
        raise StackError(found)
    secret, found = render_secrets(compiled.plan, dotenv, os.urandom, {})
    if not secret:
        raise StackError(found)
    return Result(artifacts=(*compiled.artifacts, *secret), diagnostics=(*diagnostics, *found))


def _registry(adapters: Sequence[str | Path]) -> Registry:
    return Registry((*(Folder(Path(folder), str(folder)) for folder in adapters), BUILT_IN))


def _compile(
    stack: str | Mapping[str, Any], environment: str, registry: Registry, today: str | None
) -> tuple[Compiled, list[Diagnostic]]:
    from datetime import date

    document, diagnostics = parse_yaml(_text(stack).encode("utf-8", "surrogatepass"), _SOURCE)
    if document is None:
        raise StackError(diagnostics)
    compiled, diagnostics = compile_document(
        document, registry, environment=environment, today=today or date.today().isoformat(), source=_SOURCE
    )
    if compiled is None:
        raise StackError(diagnostics)
    return compiled, diagnostics


def _text(stack: str | Mapping[str, Any]) -> str:
    if isinstance(stack, str):
        return stack
    import json

    try:
        return json.dumps(stack, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as fault:
        told = "the stack holds a value that YAML has no word for"
        raise StackError([error("wrong-type", told, Span(path=_SOURCE))]) from fault


class DatabaseAdapterRegistry:
    """The database engines that a stack can use."""

    def __init__(self, adapters: Sequence[str | Path] = ()) -> None:
        self._registry = _registry(adapters)

    def list_available_adapters(self) -> list[str]:
        """Returns the names of all adapters, the built-in ones first."""
        return self._registry.names()

    def get(self, name: str) -> Adapter:
        """Returns an adapter by its name or alias. Raises StackError."""
        adapter, diagnostics = self._registry.find(name, Span(path="database_type"))
        if adapter is None:
            raise StackError(diagnostics)
        return adapter


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseConfiguration:
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


class ConfigurationEngine:
    """Configures single databases."""

    def __init__(self, adapters: Sequence[str | Path] = ()) -> None:
        self._registry = _registry(adapters)

    def get_database_adapter(
        self, database_type: str, host: str = _KEY, db_name: str | None = None, **options: Any
    ) -> DatabaseConfiguration:
        """Returns how one database is run and reached.

        `host` is the name that clients use, `options` are those of a database in a stack, such as `version`, `tls`,
        `pool`, `query_timeout`, `vector` and `port`. Raises StackError.
        """
        entry = {"adapter": database_type, **({"database": db_name} if db_name else {}), **options}
        stack = {"name": "configuration", "databases": {_KEY: entry}}
        compiled, _ = _compile(stack, "local", self._registry, None)
        database, access = compiled.stack.databases[_KEY], compiled.plan.access[_KEY]
        made = {container.name: container for container in compiled.plan.containers}
        spec = made[_KEY].spec
        return DatabaseConfiguration(
            adapter=database.adapter.name,
            version=database.version,
            image=database.image,
            environment=dict(spec.get("environment", {})),
            ports=tuple(spec.get("ports", ())) or (str(database.spec["container"]["port"]),),
            volumes=tuple(spec.get("volumes", ())),
            health_check=dict(spec["healthcheck"]),
            connections={name: mask(_at(connection, host)) for name, connection in access.network.items()},
            tls=database.tls.mode,
            pool_size=database.pool_size,
            timeout=database.timeout,
            vector_statements=_statements(made) if database.vector else "",
            vector_query=access.query,
        )


def _at(connection: Any, host: str) -> Any:
    """Returns the connection with the database's own name replaced by another host."""
    from dataclasses import replace

    def moved(values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _moved(value, host) for name, value in values.items()}

    parts = {**connection.parts, "host": host} if "host" in connection.parts else connection.parts
    return replace(connection, parts=parts, query=moved(connection.query))


def _moved(value: Any, host: str) -> Any:
    return host if value == _KEY else value


def _statements(made: Mapping[str, Container]) -> str:
    job = made.get(f"{_KEY}-init")
    return "\n".join(str(file.content) for file in job.files if file.content is not None) if job else ""


class DynamicStackGenerator:
    """Generates whole stacks around one database."""

    def __init__(self, adapters: Sequence[str | Path] = ()) -> None:
        self._adapters = adapters

    def generate_stack(
        self,
        tech_stack: Mapping[str, Mapping[str, Any]] | Sequence[str],
        database_type: str,
        *,
        name: str = "stack",
        **options: Any,
    ) -> Result:
        """Returns the files of a stack in which every service connects to one database, `db`.

        `tech_stack` maps service names to Compose services, or lists images, each of which becomes a service;
        `options` are those of the database. Raises StackError.
        """
        services = {key: {"uses": [_KEY], **entry} for key, entry in _services(tech_stack).items()}
        stack = {
            "name": name,
            "services": services,
            "databases": {_KEY: {"adapter": database_type, **options}},
        }
        return compile_stack(stack, adapters=self._adapters)


def _services(tech_stack: Any) -> dict[str, dict[str, Any]]:
    if isinstance(tech_stack, Mapping) and all(isinstance(entry, Mapping) for entry in tech_stack.values()):
        return {str(key): dict(entry) for key, entry in tech_stack.items()}
    images = isinstance(tech_stack, Sequence) and not isinstance(tech_stack, str | bytes)
    if images and all(isinstance(image, str) and image for image in tech_stack):
        return {_service_name(image): {"image": image} for image in tech_stack}
    told = "tech_stack is neither a map of services nor a list of images"
    raise StackError(
        [error("wrong-type", told, Span(path="tech_stack"), 'pass {"app": {"image": "nginx:1.29"}}')]
    )


def _service_name(image: str) -> str:
    return (
        image.rsplit("/", 1)[-1]
        .partition("@")[0]
        .partition(":")[0]
        .lower()
        .replace("_", "-")
        .replace(".", "-")
    )
