"""The Python API: the same passes as the command, on values instead of files."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from compiler.model import Artifact
from compiler.output import content_of
from compiler.project.adapter_texts import AdapterTexts
from compiler.project.connections import build_access, mask
from compiler.project.references import build_scope
from compiler.project.secrets import flat
from compiler.project.values import as_text
from compiler.registry.adapter import Adapter
from compiler.registry.registry import Registry
from compiler.report import Diagnostic, Report, Span
from compiler.run.passes import Compiled, compile_document, render_private
from compiler.source import parse_yaml, read_file
from compiler.source.shipped import BUILT_IN, Folder
from compiler.targets.compose import written_service
from compiler.targets.dotenv import parse_dotenv

T = TypeVar("T")
Stack = str | Path | Mapping[str, Any]
Folders = str | Path | Sequence[str | Path]
TechStack = Mapping[str, Mapping[str, Any]] | Sequence[str]

_FILE = "stack.yaml"
_KEY = "db"
# YAML reads no escaped surrogate pairs, and findings are told by lines.
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=2, default=dict)


class StackError(Exception):
    """A stack or an argument that does not compile; `diagnostics` say why and where."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(one.message for one in self.diagnostics if one.severity == "error"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A compiled stack: the rendered files, with fresh or kept secrets in `.env`, and the warnings."""

    artifacts: tuple[Artifact, ...]
    diagnostics: tuple[Diagnostic, ...]

    def __getitem__(self, path: str) -> Artifact:
        return {artifact.path: artifact for artifact in self.artifacts}[path]


class DatabaseConfiguration(NamedTuple):
    """One database as stackc runs it, in Compose's words; `connections` are by driver and masked, `timeout` in ms."""

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


def compile_stack(
    stack: Stack,
    *,
    environment: str = "local",
    env: str = "",
    files: Mapping[str, bytes] | None = None,
    adapters: Folders = (),
    today: str | None = None,
) -> Result:
    """Compiles a stack, as YAML text, the path of a file or data, and returns its files without writing any.

    `env` is the text of an existing `.env`, whose values are kept; `files` are certificates and keys by path: those
    below `tls/` of an earlier result, and a user's own; `adapters` are folders with more adapters; `today` is an ISO
    date (this day by default). Raises StackError.
    """
    report = Report()
    compiled = _compile(stack, _registry(adapters), report, environment, today)
    dotenv = _made(parse_dotenv(env, ".env", report), report)
    now = datetime.now(UTC).replace(tzinfo=None)
    private = render_private(compiled, dotenv, files or {}, report, entropy=os.urandom, now=now)
    if report.errors:
        raise StackError(report)
    signed = (artifact._replace(content=content_of(artifact)) for artifact in compiled.artifacts)
    return Result(artifacts=(*signed, *private), diagnostics=tuple(report))


def _compile(
    stack: Stack, registry: Registry, report: Report, environment: str = "local", today: str | None = None
) -> Compiled:
    name = str(stack) if isinstance(stack, Path) else _FILE
    content = (
        read_file(stack, name, report)
        if isinstance(stack, Path)
        else _text(stack).encode("utf-8", "surrogatepass")
    )
    try:
        day = (date.today() if today is None else date.fromisoformat(today)).isoformat()
    except (TypeError, ValueError):
        raise _wrong("today", "wrong-format", "today is not an ISO date", 'pass "2026-01-31"') from None
    document = _made(parse_yaml(_made(content, report), name, report), report)
    source = Path(name).name
    compiled = compile_document(document, registry, report, environment=environment, today=day, source=source)
    return _made(compiled, report)


def _text(stack: Any) -> str:
    """Returns a stack that is text or data as text."""
    if isinstance(stack, str):
        if re.fullmatch(r"\S+\.ya?ml", stack):
            told = f'"{stack}" is the text of the stack, expected YAML'
            raise _wrong("stack", "wrong-type", told, "pass the path of a file as a pathlib.Path")
        return stack
    try:
        return _JSON.encode(stack)
    except (TypeError, ValueError, RecursionError):
        told = "the stack holds a value that YAML has no word for"
        raise _wrong("stack", "wrong-type", told, "pass text, numbers, booleans, None, lists, maps") from None


def _made(value: T | None, report: Report) -> T:
    """Returns what a pass has made; raises StackError with what was found where it has made nothing."""
    if value is None:
        raise StackError(report)
    return value


def _registry(adapters: Folders) -> Registry:
    given = [adapters] if isinstance(adapters, str | Path) else adapters
    return Registry((*(Folder(Path(folder), str(folder)) for folder in given), BUILT_IN))


def _wrong(argument: str, id: str, message: str, help: str) -> StackError:
    return StackError([Diagnostic(id, "error", message, Span(path=argument), help)])


class DatabaseAdapterRegistry:
    """The database engines that a stack can use."""

    def __init__(self, adapters: Folders = ()) -> None:
        self._registry = _registry(adapters)

    def list_available_adapters(self) -> list[str]:
        """Returns the names of all adapters, the built-in ones first."""
        return self._registry.names()

    def get(self, name: str) -> Adapter:
        """Returns an adapter by its name or alias. Raises StackError."""
        report = Report()
        return _made(self._registry.find(name, Span(path="database_type"), report), report)


class ConfigurationEngine:
    """Configures single databases."""

    def __init__(self, adapters: Folders = ()) -> None:
        self._registry = _registry(adapters)

    def get_database_adapter(
        self, database_type: str, host: str = _KEY, db_name: str | None = None, **options: Any
    ) -> DatabaseConfiguration:
        """Returns how one database is run and reached.

        `host` is the name that clients use: `db` in the network of the stack, any other with the port that the option
        `port` publishes, where there is one.
        `options` are those of a database in a stack, such as `version`, `tls`, `pool` and `vector`. Raises StackError.
        """
        entry = {"adapter": database_type, **({"database": db_name} if db_name else {}), **options}
        stack = {"name": "configuration", "databases": {_KEY: entry}}
        compiled = _compile(stack, self._registry, Report())
        database, server = compiled.stack.databases[_KEY], written_service(compiled.project, _KEY)
        texts = AdapterTexts(database, compiled.stack.document, build_scope(database), Report())
        language = database.spec["containers"].get("init", {}).get("language", "text")
        statements = texts.lines(("vector", "statements"), language) if database.vector else []
        # The project knows its server by the name of its container alone.
        access = build_access(texts, host)
        outside = access.host if host != _KEY else {}
        return DatabaseConfiguration(
            adapter=database.adapter.name,
            version=database.version,
            image=database.image,
            environment={name: flat(as_text(value)) for name, value in server.get("environment", {}).items()},
            ports=tuple(server.get("ports", ())) or (str(database.spec["containers"]["server"]["port"]),),
            volumes=tuple(server.get("volumes", ())),
            health_check=dict(server["healthcheck"]),
            connections={name: mask(connection) for name, connection in (outside or access.network).items()},
            tls=database.tls.mode,
            pool_size=database.pool_size,
            timeout=database.timeout,
            vector_statements="\n".join(statements),
            vector_query=access.query,
        )


class DynamicStackGenerator:
    """Generates whole stacks around one database."""

    def __init__(self, adapters: Folders = ()) -> None:
        self._adapters = adapters

    def generate_stack(
        self, tech_stack: TechStack, database_type: str, *, name: str = "stack", **options: Any
    ) -> Result:
        """Returns the files of a stack in which every service connects to one database, `db`.

        `tech_stack` maps service names to Compose services, or lists images, each of which becomes a service;
        `options` are those of the database. Raises StackError.
        """
        services = {key: {"uses": [_KEY], **entry} for key, entry in _services(tech_stack).items()}
        databases = {_KEY: {"adapter": database_type, **options}}
        stack = {"name": name, "services": services, "databases": databases}
        return compile_stack(stack, adapters=self._adapters)


def _services(tech_stack: Any) -> Mapping[str, Any]:
    if isinstance(tech_stack, Mapping) and all(isinstance(entry, Mapping) for entry in tech_stack.values()):
        return tech_stack
    is_list = isinstance(tech_stack, list | tuple)
    if not is_list or not all(isinstance(image, str) and image for image in tech_stack):
        told = "tech_stack is neither a map of services nor a list of images"
        raise _wrong("tech_stack", "wrong-type", told, 'pass {"app": {"image": "nginx:1.29"}}')
    bare = {image: re.split("[@:]", image.rpartition("/")[2])[0].lower() for image in tech_stack}
    services = {re.sub("[_.]", "-", name): {"image": image} for image, name in bare.items()}
    if len(services) < len(tech_stack):
        told = "two images of tech_stack would have the same name"
        raise _wrong("tech_stack", "name-collision", told, "pass a map of services, with names of your own")
    return services
