"""One stack on disk: reads what the passes need and writes what they make."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from compiler.report import Diagnostic, Report, Span
from compiler.run.memo import digest_of, key_of, recall, remember
from compiler.source import parse_yaml, read_file
from compiler.source.shipped import folders

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from compiler.certificates import Issued
    from compiler.model import Artifact
    from compiler.output import Change
    from compiler.registry.registry import Registry
    from compiler.run.passes import Compiled
    from compiler.targets.dotenv import Dotenv

CA_FOLDER = "tls"


class Outcome(NamedTuple):
    """What became of one stack: the files it changed or would change, and every finding."""

    changes: tuple[Change, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    compiled: Compiled | None = None


class Project:
    """A stack file with its adapters and its output folder; `today` is an ISO date."""

    def __init__(
        self,
        stack: Path,
        output: Path,
        environment: str = "local",
        adapters: Path | None = None,
        today: str = "",
    ) -> None:
        self.stack, self.output, self.environment = stack, output, environment
        self.adapters, self.today = adapters, today
        self.sources: dict[str, str] = {}

    @property
    def shown(self) -> str:
        return str(self.stack)

    def registry(self) -> Registry:
        from compiler.registry.registry import Registry

        return Registry(folders(self.stack.parent, self.adapters))

    def compiled(self) -> tuple[Compiled | None, list[Diagnostic]]:
        """Returns the compiled stack without any secret, and every finding."""
        report = Report()
        return self._compile(report), [*report]

    def check(self) -> Outcome:
        """Says whether the stack is valid and its rendered files are what it renders now; writes nothing."""
        files = self._inputs()
        key = key_of((self.environment, self.today, self.stack.name, self._base()), files) if files else ""
        known = recall(key, self.output) if key else None
        if known is not None:
            self.sources.update(reversed([(name, _text(content)) for name, content in files]))
            return Outcome(diagnostics=tuple(known))
        report = Report()
        compiled = self._compile(report)
        if compiled is not None:
            from compiler.output import content_of, stale

            # Should a file have changed since it was read for the key, nothing is remembered.
            if key and {(name, _text(content)) for name, content in files} >= self.sources.items():
                signed = [one for one in compiled.artifacts if one.signed]
                remember(key, {one.path: digest_of(content_of(one)) for one in signed}, report)
            stale(compiled.artifacts, self.output, stack=self.shown, report=report)
        return Outcome(diagnostics=tuple(report), compiled=compiled)

    def compile(self, *, force: bool = False, write: bool = True) -> Outcome:
        """Renders the stack into its output folder; without `write` it only says what would change."""
        from compiler.output import check_artifacts, write_artifacts

        report = Report()
        compiled = self._compile(report)
        secret = self._secret_artifacts(compiled, report) if compiled else []
        if compiled is None or report.errors:
            return Outcome(diagnostics=tuple(report))
        act = write_artifacts if write else check_artifacts
        artifacts = [*compiled.artifacts, *secret]
        changes = act(artifacts, self.output, force=force, report=report)
        return Outcome(tuple(changes), tuple(report), compiled)

    def _inputs(self) -> list[tuple[str, bytes]]:
        """Returns the files that the passes read, and their names in findings; nothing where one cannot be read."""
        near = (file for folder in folders(self.stack.parent, self.adapters) for file in folder.files())
        files = [
            (shown, read_file(file, shown, Report())) for file, shown in ((self.stack, self.shown), *near)
        ]
        read = [(shown, content) for shown, content in files if content is not None]
        return read if len(read) == len(files) else []

    def _base(self) -> str:
        """Returns the way from the rendered files to the folder of the stack; empty where they are the same."""
        way = os.path.relpath(self.stack.parent, self.output)
        return "" if way == os.curdir else way

    def _compile(self, report: Report) -> Compiled | None:
        content = read_file(self.stack, self.shown, report)
        if content is None:
            return None
        self.sources[self.shown] = _text(content)
        document = parse_yaml(content, self.shown, report)
        if document is None:
            return None
        from compiler.run.passes import compile_document

        registry = self.registry()
        source = self.stack.name.encode(errors="replace").decode()
        compiled = compile_document(
            document,
            registry,
            report,
            environment=self.environment,
            today=self.today,
            source=source,
            base=self._base(),
        )
        self.sources.update(registry.sources)
        return compiled

    def dotenv(self) -> tuple[Dotenv | None, list[Diagnostic]]:
        """Returns what `.env` holds now, and what is wrong with it; a missing file holds nothing."""
        report = Report()
        return self._dotenv(report), [*report]

    def _dotenv(self, report: Report) -> Dotenv | None:
        from compiler.targets.dotenv import parse_dotenv

        file, before = str(self.output / ".env"), report.errors
        content = self._read(".env", report) or b""
        try:
            return parse_dotenv(content.decode(), file, report) if report.errors == before else None
        except UnicodeDecodeError:
            report.error("not-utf-8", "the file is not UTF-8 text", Span(file), "save it as UTF-8")
            return None

    def _read(self, name: str, report: Report) -> bytes | None:
        """Returns a file of the output folder; one that is not there is no fault."""
        found = Report()
        content = read_file(self.output / name, str(self.output / name), found)
        for one in found:
            if one.id != "missing-file":
                report.add(one._replace(help="move it away") if one.id == "not-a-file" else one)
        return content

    def _secret_artifacts(self, compiled: Compiled, report: Report) -> list[Artifact]:
        from compiler.rules.variables import check_set
        from compiler.run.passes import render_secrets

        project = compiled.project
        dotenv = self._dotenv(report)
        issued = self._certificates(compiled, report) if dotenv and project.certificates else None
        if dotenv is None or report.errors:
            return []
        secret = render_secrets(project, dotenv, os.urandom, issued.values if issued else {}, report)
        if secret:
            keys = {*(one.key for one in project.secrets), *(one.key for one in project.variables)}
            check_set(project, keys | dotenv.values.keys(), report)
        return [*secret, *(issued.artifacts if issued else ())]

    def _certificates(self, compiled: Compiled, report: Report) -> Issued | None:
        from datetime import UTC, datetime

        from compiler.certificates import issue

        wanted, before = compiled.project.certificates, report.errors
        files = self._certificate_files(compiled, report)
        if report.errors > before:
            return None
        now = datetime.now(UTC).replace(tzinfo=None)
        place = compiled.stack.document.value(("databases", wanted[0].name, "tls"))
        return issue(wanted, files, now, place, str(self.output), report)

    def _certificate_files(self, compiled: Compiled, report: Report) -> Mapping[str, bytes]:
        files: dict[str, bytes] = {}
        names = ["authority", *(certificate.name for certificate in compiled.project.certificates)]
        for name in (f"{CA_FOLDER}/{name}.{ending}" for name in names for ending in ("key", "crt")):
            content = self._read(name, report)
            if content is not None:
                files[name] = content
        for own in (own for certificate in compiled.project.certificates for own in certificate.own or ()):
            found = Report()
            content = read_file(self.stack.parent / own.path, own.path, found)
            if content is not None:
                files[own.path] = content
            for one in found:
                help = "write its path from the folder of the stack"
                report.error("unusable-certificate", one.message, own.span, help)
        return files


def _text(content: bytes) -> str:
    return content.decode(errors="replace").lstrip("\ufeff")
