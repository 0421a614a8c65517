"""The Python API: the same passes as the command, on values instead of files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compiler.output import content_of
from compiler.pages.configuration import DatabaseConfiguration, build_configuration
from compiler.registry.registry import Registry
from compiler.report import Diagnostic, Report, Span
from compiler.run.passes import Compiled, compile_document, render_secrets
from compiler.source import parse_yaml
from compiler.source.shipped import BUILT_IN, Folder
from compiler.targets.dotenv import parse_dotenv

if TYPE_CHECKING:
    from compiler.certificates import Issued
    from compiler.model import Artifact
    from compiler.registry.adapter import Adapter

_SOURCE = "stack.yaml"
_KEY = "db"


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


def compile_stack(
    stack: str | Mapping[str, Any],
    *,
    environment: str = "local",
    env: str = "",
    files: Mapping[str, bytes] | None = None,
    adapters: Sequence[str | Path] = (),
    today: str | None = None,
) -> Result:
    """Compiles a stack, as YAML text or as data, and returns its files without writing any.

    `env` is the text of an existing `.env`, whose values are kept; `files` are certificates and keys by path: those
    below `tls/` of an earlier result, and a user's own; `adapters` are folders with more adapters; `today` is an ISO
    date (this day by default). Raises StackError.
    """
    report = Report()
    compiled = _compile(stack, environment, _registry(adapters), today, report)
    dotenv = parse_dotenv(env, ".env", report)
    if dotenv is None:
        raise StackError(report)
    issued = _certificates(compiled, files or {}, report)
    secret = render_secrets(compiled.project, dotenv, os.urandom, issued.values, report)
    if report.errors:
        raise StackError(report)
    signed = (artifact._replace(content=content_of(artifact)) for artifact in compiled.artifacts)
    return Result(artifacts=(*signed, *secret, *issued.artifacts), diagnostics=tuple(report))


def _compile(
    stack: str | Mapping[str, Any], environment: str, registry: Registry, today: str | None, report: Report
) -> Compiled:
    document = parse_yaml(_text(stack).encode("utf-8", "surrogatepass"), _SOURCE, report)
    if document is None:
        raise StackError(report)
    day = _date(today)
    compiled = compile_document(
        document, registry, report, environment=environment, today=day, source=_SOURCE
    )
    if compiled is None:
        raise StackError(report)
    return compiled


def _certificates(compiled: Compiled, files: Mapping[str, bytes], report: Report) -> Issued:
    from datetime import UTC, datetime

    from compiler.certificates import Issued, issue

    wanted = tuple(compiled.project.certificates)
    if not wanted:
        return Issued([], {})
    place = compiled.stack.document.value(("databases", wanted[0].name, "tls"))
    return issue(wanted, files, datetime.now(UTC).replace(tzinfo=None), place, ".", report)


def _registry(adapters: str | Path | Sequence[str | Path]) -> Registry:
    given = [adapters] if isinstance(adapters, str | Path) else adapters
    return Registry((*(Folder(Path(folder), str(folder)) for folder in given), BUILT_IN))


def _text(stack: str | Mapping[str, Any]) -> str:
    if isinstance(stack, str):
        return stack
    import json

    try:
        return json.dumps(stack, ensure_ascii=False, allow_nan=False, indent=2, default=dict)
    except (TypeError, ValueError, RecursionError):
        told = "the stack holds a value that YAML has no word for"
        help = "pass text, numbers, booleans, None, lists and maps"
        raise _wrong("stack", "wrong-type", told, help) from None


def _date(today: str | None) -> str:
    from datetime import date

    try:
        return (date.today() if today is None else date.fromisoformat(today)).isoformat()
    except (TypeError, ValueError):
        raise _wrong("today", "wrong-format", "today is not an ISO date", 'pass "2026-01-31"') from None


def _wrong(argument: str, id: str, message: str, help: str) -> StackError:
    return StackError([Diagnostic(id, "error", message, Span(path=argument), help)])


class DatabaseAdapterRegistry:
    """The database engines that a stack can use."""

    def __init__(self, adapters: Sequence[str | Path] = ()) -> None:
        self._registry = _registry(adapters)

    def list_available_adapters(self) -> list[str]:
        """Returns the names of all adapters, the built-in ones first."""
        return self._registry.names()

    def get(self, name: str) -> Adapter:
        """Returns an adapter by its name or alias. Raises StackError."""
        report = Report()
        adapter = self._registry.find(name, Span(path="database_type"), report)
        if adapter is None:
            raise StackError(report)
        return adapter


class ConfigurationEngine:
    """Configures single databases."""

    def __init__(self, adapters: Sequence[str | Path] = ()) -> None:
        self._registry = _registry(adapters)

    def get_database_adapter(
        self, database_type: str, host: str = _KEY, db_name: str | None = None, **options: Any
    ) -> DatabaseConfiguration:
        """Returns how one database is run and reached.

        `host` is the name that clients use; `localhost` stands for the port that the option `port` publishes.
        `options` are those of a database in a stack, such as `version`, `tls`, `pool` and `vector`. Raises StackError.
        """
        entry = {"adapter": database_type, **({"database": db_name} if db_name else {}), **options}
        stack = {"name": "configuration", "databases": {_KEY: entry}}
        compiled = _compile(stack, "local", self._registry, None, Report())
        return build_configuration(compiled, _KEY, host)


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
    if not images or not all(isinstance(image, str) and image for image in tech_stack):
        told = "tech_stack is neither a map of services nor a list of images"
        raise _wrong("tech_stack", "wrong-type", told, 'pass {"app": {"image": "nginx:1.29"}}')
    services = {_service_name(image): {"image": image} for image in tech_stack}
    if len(services) < len(tech_stack):
        told = "two images of tech_stack would have the same name"
        raise _wrong("tech_stack", "name-collision", told, "pass a map of services, with names of your own")
    return services


def _service_name(image: str) -> str:
    name = re.split("[@:]", image.rsplit("/", 1)[-1])[0]
    return re.sub("[_.]", "-", name.lower())
