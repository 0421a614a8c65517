"""One stack on disk: reads what the passes need and writes what they make."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compiler.report import Diagnostic, Report, Span, error, has_errors
from compiler.run.memo import bytes_of, digest_of, is_current, key_of, recall, remember
from compiler.source.shipped import folders

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from compiler.model import Artifact
    from compiler.output import Change
    from compiler.registry.registry import Registry
    from compiler.run.passes import Compiled
    from compiler.source import Document
    from compiler.targets.dotenv import Dotenv

CA_FOLDER = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one stack: the files it changed or would change, and every finding."""

    changes: tuple[Change, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    compiled: Compiled | None = None


@dataclass(slots=True)
class Project:
    """A stack file with its adapters and its output folder; `today` is an ISO date."""

    stack: Path
    output: Path
    environment: str = "local"
    adapters: Path | None = None
    today: str = ""
    sources: dict[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        return str(self.stack)

    def registry(self) -> Registry:
        from compiler.registry.registry import Registry

        return Registry(folders(self.stack.parent, self.adapters))

    def compiled(self, key: str | None = None) -> tuple[Compiled | None, list[Diagnostic]]:
        """Returns the compiled stack without any secret, and every finding; `key` is that of this run, where known."""
        document, diagnostics = self._load()
        if document is None:
            return None, diagnostics
        from compiler.output import content_of
        from compiler.run.passes import compile_document

        registry = self.registry()
        key = key or self._key()
        passed = key is not None and recall(key) is not None
        registry.trusted = passed
        compiled, found = compile_document(
            document,
            registry,
            environment=self.environment,
            today=self.today,
            source=self.stack.name.encode(errors="replace").decode(),
            trusted=passed,
            base=self._base(),
        )
        self.sources.update(registry.sources)
        diagnostics += found
        if key is not None and compiled is not None and not passed:
            made = {one.path: digest_of(content_of(one)) for one in compiled.artifacts if one.signed}
            remember(key, {} if diagnostics else made)
        return compiled, diagnostics

    def _key(self) -> str | None:
        """Returns the key under which a run of this stack is remembered."""
        words = (self.environment, self.today, self.stack.name, self._base())
        near = folders(self.stack.parent, self.adapters)
        files = [("", self.stack), *((shown, file) for folder in near for file, shown in folder.files())]
        try:
            return key_of(words, ((shown, bytes_of(file)) for shown, file in files))
        except OSError:
            return None

    def _base(self) -> str:
        """Returns the way from the rendered files to the folder of the stack; empty where they are the same."""
        way = os.path.relpath(self.stack.parent, self.output)
        return "" if way == os.curdir else way

    def check(self) -> Outcome:
        """Says whether the stack is valid and its rendered files are what it renders now; writes nothing."""
        key = self._key()
        if key is not None and is_current(recall(key) or {}, self.output):
            return Outcome()
        compiled, diagnostics = self.compiled(key)
        if compiled is not None:
            from compiler.output import stale

            diagnostics += stale(compiled.artifacts, self.output, shown=str(self.output), stack=self.shown)
        return Outcome(diagnostics=tuple(diagnostics), compiled=compiled)

    def compile(self, *, force: bool = False, write: bool = True) -> Outcome:
        """Renders the stack into its output folder; without `write` it only says what would change."""
        from compiler.output import check_artifacts, write_artifacts

        compiled, diagnostics = self.compiled()
        if compiled is None:
            return Outcome(diagnostics=tuple(diagnostics))
        secret, found = self._secret_artifacts(compiled)
        diagnostics += found
        if has_errors(diagnostics):
            return Outcome(diagnostics=tuple(diagnostics))
        artifacts = [*compiled.artifacts, *secret]
        act = write_artifacts if write else check_artifacts
        changes, found = act(artifacts, self.output, force=force, shown=str(self.output))
        return Outcome(changes=tuple(changes), diagnostics=(*diagnostics, *found), compiled=compiled)

    def _load(self) -> tuple[Document | None, list[Diagnostic]]:
        from compiler.source import load_yaml

        document, diagnostics = load_yaml(self.stack, self.shown)
        if document is not None:
            self.sources[self.shown] = document.text
        elif self.stack.is_file():
            self.sources[self.shown] = self.stack.read_bytes()[: 1 << 20].decode(errors="replace")
        return document, diagnostics

    def dotenv(self) -> tuple[Dotenv | None, list[Diagnostic]]:
        """Returns what `.env` holds now; a missing file holds nothing."""
        from compiler.targets.dotenv import parse_dotenv

        content, diagnostics = self._read(".env")
        if diagnostics:
            return None, diagnostics
        try:
            text = (content or b"").decode()
        except UnicodeDecodeError:
            place = Span(path=str(self.output / ".env"))
            return None, [error("not-utf-8", "the file is not UTF-8 text", place, "save it as UTF-8")]
        dotenv, diagnostics = parse_dotenv(text, str(self.output / ".env"))
        return (None if has_errors(diagnostics) else dotenv), diagnostics

    def _read(self, name: str) -> tuple[bytes | None, list[Diagnostic]]:
        file = self.output / name
        try:
            # Reading a pipe would wait for its writer.
            if stat.S_ISREG(file.stat().st_mode):
                return file.read_bytes(), []
            told = f'"{file}" is a folder, a device or a pipe, expected a file'
            return None, [error("not-a-file", told, Span(path=str(file)), "move it away")]
        except (FileNotFoundError, NotADirectoryError):
            return None, []
        except OSError as fault:
            told = f"the file cannot be read: {_reason(fault)}"
            return None, [
                error("unreadable-file", told, Span(path=str(file)), "give yourself the right to read it")
            ]

    def _secret_artifacts(self, compiled: Compiled) -> tuple[list[Artifact], list[Diagnostic]]:
        from compiler.project.variables import unset_variables
        from compiler.run.passes import render_secrets

        dotenv, diagnostics = self.dotenv()
        if dotenv is None:
            return [], diagnostics
        plan, document = compiled.plan, compiled.stack.document
        artifacts: list[Artifact] = []
        given: Mapping[str, str] = {}
        if plan.certificates:
            artifacts, given, found = self._certificates(compiled)
            diagnostics += found
        if has_errors(diagnostics):
            return [], diagnostics
        secret, found = render_secrets(plan, dotenv, os.urandom, given)
        diagnostics += found
        if not secret:
            return [], diagnostics
        known = {
            *dotenv.values,
            *(secret.key for secret in plan.secrets),
            *(one.key for one in plan.variables),
        }
        diagnostics += unset_variables(plan, known, document.value)
        return [*secret, *artifacts], diagnostics

    def _certificates(self, compiled: Compiled) -> tuple[list[Artifact], Mapping[str, str], list[Diagnostic]]:
        from datetime import UTC, datetime

        from compiler.certificates import issue

        plan = compiled.plan
        files, diagnostics = self._certificate_files(compiled)
        if diagnostics:
            return [], {}, diagnostics
        now = datetime.now(UTC).replace(tzinfo=None)
        place = compiled.stack.document.value(("databases", plan.certificates[0].name, "tls"))
        report = Report()
        issued = issue(plan.certificates, files, now, place, str(self.output), report)
        return issued.artifacts, issued.values, [*report]

    def _certificate_files(self, compiled: Compiled) -> tuple[dict[str, bytes], list[Diagnostic]]:
        files: dict[str, bytes] = {}
        diagnostics: list[Diagnostic] = []
        names = ["authority", *(certificate.name for certificate in compiled.plan.certificates)]
        for name in (f"{CA_FOLDER}/{name}.{ending}" for name in names for ending in ("key", "crt")):
            content, found = self._read(name)
            diagnostics += found
            if content is not None:
                files[name] = content
        for certificate in compiled.plan.certificates:
            for own in certificate.own or ():
                try:
                    files[own.path] = bytes_of(self.stack.parent / own.path)
                except (OSError, ValueError) as fault:
                    told = f'the file "{own.path}" cannot be read: {_reason(fault)}'
                    help = "write its path from the folder of the stack"
                    diagnostics.append(error("unusable-certificate", told, own.span, help))
        return files, diagnostics


def _reason(fault: Exception) -> str:
    return str(getattr(fault, "strerror", None) or fault).lower()
