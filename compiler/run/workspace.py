"""One stack on disk: reads what the passes need and writes what they make."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from compiler.report import Diagnostic, Report, Span
from compiler.run.memo import digest_of, key_of, recall, remember
from compiler.source import parse_yaml, read_file
from compiler.source.shipped import folders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from compiler.model import Artifact
    from compiler.output import Change
    from compiler.run.passes import Compiled
    from compiler.targets.dotenv import Dotenv


class Outcome(NamedTuple):
    """What became of one stack: the files it changed or would change, and every finding."""

    changes: tuple[Change, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    compiled: Compiled | None = None


class Project:
    """A stack file with its adapters and its output folder; `today` is an ISO date.

    `sources` has the text of each file that was read, by its name in findings.
    """

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

    def check(self) -> Outcome:
        """Says whether the stack is valid and its rendered files are what it renders now; writes nothing."""
        files, report = self._inputs(), Report()
        words = (self.environment, self.today, self.stack.name, self._base())
        key = key_of(words, files) if files else ""
        # Of two files with one name the first is read.
        texts = {shown: _text(content) for shown, content in reversed(files)}
        known = recall(key, self.output) if key else None
        if known is not None:
            self.sources |= texts
            return Outcome(diagnostics=tuple(known))
        compiled = self.compiled(report)
        if compiled is not None:
            from compiler.output import content_of, stale

            # Should a file have changed since it was read for the key, nothing is remembered.
            if texts.items() >= self.sources.items():
                signed = [one for one in compiled.artifacts if one.signed]
                remember(key, {one.path: digest_of(content_of(one)) for one in signed}, report)
            stale(compiled.artifacts, self.output, stack=str(self.stack), report=report)
        return Outcome(diagnostics=tuple(report), compiled=compiled)

    def compile(self, *, force: bool = False, write: bool = True) -> Outcome:
        """Renders the stack into its output folder; without `write` it only says what would change."""
        from compiler.output import check_artifacts, write_artifacts

        report = Report()
        compiled = self.compiled(report)
        secret = self._private(compiled, report) if compiled else []
        if compiled is None or report.errors:
            return Outcome(diagnostics=tuple(report))
        act = write_artifacts if write else check_artifacts
        artifacts = [*compiled.artifacts, *secret]
        changes = act(artifacts, self.output, force=force, report=report)
        return Outcome(tuple(changes), tuple(report), compiled)

    def compiled(self, report: Report) -> Compiled | None:
        """Returns the compiled stack without any secret; None where a finding is an error."""
        shown = str(self.stack)
        content = read_file(self.stack, shown, report)
        if content is None:
            return None
        self.sources[shown] = _text(content)
        document = parse_yaml(content, shown, report)
        if document is None:
            return None
        from compiler.registry.registry import Registry
        from compiler.run.passes import compile_document

        registry = Registry(folders(self.stack.parent, self.adapters))
        compiled = compile_document(
            document,
            registry,
            report,
            environment=self.environment,
            today=self.today,
            source=self.stack.name.encode(errors="replace").decode(),
            base=self._base(),
        )
        self.sources.update(registry.sources)
        return compiled

    def dotenv(self, report: Report) -> Dotenv | None:
        """Returns what `.env` holds now, None where that cannot be read; a missing file holds nothing."""
        from compiler.targets.dotenv import parse_dotenv

        file, before = str(self.output / ".env"), report.errors
        content = self._rendered(".env", report) or b""
        try:
            return parse_dotenv(content.decode(), file, report) if report.errors == before else None
        except UnicodeDecodeError:
            report.error("not-utf-8", "the file is not UTF-8 text", Span(file), "save it as UTF-8")
            return None

    def _inputs(self) -> list[tuple[str, bytes]]:
        """Returns the files that the passes read and their names in findings; nothing where one cannot be read."""
        near = (file for folder in folders(self.stack.parent, self.adapters) for file in folder.files())
        places = [(self.stack, str(self.stack)), *near]
        read = [(shown, read_file(file, shown, Report())) for file, shown in places]
        files = [(shown, content) for shown, content in read if content is not None]
        return files if len(files) == len(read) else []

    def _base(self) -> str:
        """Returns the way from the rendered files to the folder of the stack; empty where they are the same."""
        way = os.path.relpath(self.stack.parent, self.output)
        return "" if way == os.curdir else way

    def _rendered(self, name: str, report: Report) -> bytes | None:
        """Returns a file of the output folder; one that is not there is no fault."""
        found = Report()
        content = read_file(self.output / name, str(self.output / name), found)
        for one in found:
            if one.id != "missing-file":
                report.add(one._replace(help="move it away") if one.id == "not-a-file" else one)
        return content

    def _private(self, compiled: Compiled, report: Report) -> list[Artifact]:
        from datetime import UTC, datetime

        from compiler.rules.variables import check_set
        from compiler.run.passes import render_private

        dotenv = self.dotenv(report)
        files = dict(self._certificate_files(compiled, report)) if dotenv else {}
        if dotenv is None or report.errors:
            return []
        now, shown = datetime.now(UTC).replace(tzinfo=None), str(self.output)
        made = render_private(compiled, dotenv, files, report, entropy=os.urandom, now=now, shown=shown)
        if made:
            project = compiled.project
            keys = {*(one.key for one in project.secrets), *(one.key for one in project.variables)}
            check_set(project, keys | dotenv.values.keys(), report)
        return made

    def _certificate_files(self, compiled: Compiled, report: Report) -> Iterator[tuple[str, bytes]]:
        """Yields the certificates and keys that are there, of earlier runs and the user's own, by their paths."""
        certificates = compiled.project.certificates
        names = ["authority", *(one.name for one in certificates)] if certificates else []
        for path in (f"tls/{name}.{ending}" for name in names for ending in ("key", "crt")):
            content = self._rendered(path, report)
            if content is not None:
                yield path, content
        for own in (own for certificate in certificates for own in certificate.own or ()):
            found = Report()
            content = read_file(self.stack.parent / own.path, own.path, found)
            if content is not None:
                yield own.path, content
            for one in found:
                help = "write its path from the folder of the stack"
                report.error("unusable-certificate", one.message, own.span, help)


def _text(content: bytes) -> str:
    return content.decode(errors="replace").lstrip("\ufeff")
