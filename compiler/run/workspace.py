"""One stack on disk: reads what the passes need and writes what they make."""

from __future__ import annotations

import os
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from compiler.report import Diagnostic, Report, Span
from compiler.run.files import Files
from compiler.run.invocation import compile_command, folder_name, way_to
from compiler.run.memo import Memory, look_up, remember, text_of
from compiler.source import parse_yaml, read_file
from compiler.source.shipped import folders, tell_unusable

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """A stack file with its adapters and its output folder; `today` is an ISO date, `content` what came by a pipe.

    `sources` has the text of each file that was read, by its name in findings.
    """

    def __init__(
        self,
        stack: Path,
        output: Path,
        environment: str = "local",
        adapters: Path | None = None,
        today: str = "",
        content: bytes | None = None,
    ) -> None:
        self.stack, self.output, self.environment = stack, output, environment
        self.adapters, self.today, self._content = adapters, today, content
        named = stack if content is None else Path("-")
        self.command = partial(compile_command, named, output, environment, adapters)
        self._way = way_to(stack.parent, output)
        self.sources: dict[str, str] = {}
        self._shell: dict[str, str] = {}
        self.files = Files(stack.parent, output)

    def check(self) -> Outcome:
        """Says whether the stack is valid and all that it renders is there, as it renders it now; writes nothing."""
        report, memory = Report(), self._memory("check")
        if memory.known is not None:
            return Outcome(diagnostics=(*memory.known.told, *self._committed()))
        compiled = self.compiled(report)
        if compiled is not None:
            from compiler.output import stale

            artifacts = [*compiled.artifacts, *self._expected(compiled, report)]
            self._tell_copied(compiled, report)
            stale(artifacts, self.output, environment=self.environment, command=self.command, report=report)
        told = self._told(report)
        if compiled is not None and not report.errors:
            self._remember(memory, artifacts, told)
        return Outcome(diagnostics=(*told, *self._committed()), compiled=compiled)

    def compile(
        self, *, force: bool = False, new_secrets: bool = False, write: bool = True, again: bool = True
    ) -> Outcome:
        """Renders the stack into its output folder; without `write` it only says what would change.

        Secrets that were made on this machine and are gone are made again only as `new_secrets`. Unless it is to be
        done `again`, nothing is compiled where neither the inputs nor the rendered files have changed since.
        """
        from compiler import output

        report, memory = Report(), None if again else self._memory("compile")
        if memory and memory.known is not None and not output.is_interrupted(self.output):
            unchanged = (output.Change(path, "unchanged", "", "") for path in memory.known.made)
            return Outcome(tuple(unchanged), (*memory.known.told, *self._committed()))
        compiled = self.compiled(report)
        if compiled is None:
            return Outcome(diagnostics=self._told(report))
        changes: list[Change] = []
        try:
            with output.hold(self.output) if write else nullcontext():
                artifacts = [*compiled.artifacts, *self._private(compiled, report, new_secrets)]
                if report.errors:
                    return Outcome(diagnostics=self._told(report))
                if write:
                    act = partial(output.write_artifacts, stack=self.stack, environment=self.environment)
                    changes = act(artifacts, self.output, force=force, report=report)
                else:
                    changes = output.check_artifacts(artifacts, self.output, force=force, report=report)
        except output.Refusal as refusal:
            output.tell_refusal(report, refusal, "written")
        self._tell_copied(compiled, report)
        told = self._told(report)
        if memory and write and changes and not report.errors:
            self._remember(memory, artifacts, told)
        return Outcome(tuple(changes), (*told, *self._committed()), compiled)

    @property
    def private(self) -> set[str]:
        """The values of `.env` that no output shows."""
        from compiler.source.masking import private_values

        dotenv = self.dotenv(Report())
        return private_values({**dotenv.values, **self._shell}) if dotenv else set()

    def _memory(self, act: str) -> Memory:
        """Returns what the same act found before with these inputs, whose texts are then those that findings show."""
        names = self.stack.name, folder_name(self.stack), self._way, str(self.output.absolute())
        memory = look_up((act, self.command(), self.today, *names), self._inputs())
        if memory.known is not None:
            self.sources |= memory.texts
        return memory

    def _remember(self, memory: Memory, artifacts: list[Artifact], told: tuple[Diagnostic, ...]) -> None:
        """Keeps what a run found, but not if a file has changed since it was read for the key, or the shell counts."""
        from compiler.output import RIVALS, STATE, content_of

        if memory.key and memory.texts.items() >= self.sources.items() and not self.files.was_asked:
            self.files.seen |= dict.fromkeys(str(self.output / name) for name in RIVALS)
            self.files.rendered(STATE, Report())
            made = {str(self.output / one.path): content_of(one) for one in artifacts}
            remember(memory.key, self.files.seen | made, told, [one.path for one in artifacts])

    def _committed(self) -> Iterator[Diagnostic]:
        """Yields what git would commit, which it alone knows and so is never remembered."""
        from compiler.output.leaks import tell_committed

        tell_committed(self.output, report := Report())
        yield from report

    def _tell_copied(self, compiled: Compiled, report: Report) -> None:
        from compiler.output.leaks import tell_copied

        tell_copied(compiled.project, self.output, self.files.watched, report)

    def _told(self, report: Report) -> tuple[Diagnostic, ...]:
        """Returns what was found, without anything that may be secret."""
        if not len(report):
            return ()
        from compiler.source.masking import redact

        return tuple(redact(report, known=self.private))

    def compiled(self, report: Report) -> Compiled | None:
        """Returns the compiled stack without any secret; None where a finding is an error."""
        shown = str(self.stack)
        content = self._stack(report)
        if content is None:
            return None
        self.sources[shown] = text_of(content)
        document = parse_yaml(content, shown, report)
        if document is None:
            return None
        from compiler.registry.registry import Registry
        from compiler.run.passes import compile_document

        places, before = folders(self.stack.parent, self.adapters), report.errors
        tell_unusable(places, report)
        if report.errors != before:
            return None
        registry = Registry(places)
        compiled = compile_document(
            document,
            registry,
            report,
            environment=self.environment,
            today=self.today,
            # It stands in comments, which end with their line.
            source="".join(one if one.isprintable() else "?" for one in self.stack.name),
            base=self._way,
            folder=folder_name(self.stack),
        )
        self.sources.update(registry.sources)
        return compiled

    def dotenv(self, report: Report) -> Dotenv | None:
        """Returns what `.env` holds now, None where that cannot be read; a missing file holds nothing."""
        from compiler.targets.dotenv import decode_dotenv

        file, before = str(self.output / ".env"), report.errors
        content = self.files.rendered(".env", report) or b""
        return decode_dotenv(content, file, report) if report.errors == before else None

    def _inputs(self) -> list[tuple[str, bytes]]:
        """Returns the files that the passes read and their names in findings; nothing where one cannot be read."""
        places, report = folders(self.stack.parent, self.adapters), Report()
        tell_unusable(places, report)
        named = (file for folder in places for file in folder.files())
        read = [(str(self.stack), self._stack(report))]
        read += [(shown, read_file(file, shown, report)) for file, shown in named]
        return [] if len(report) else [(shown, content) for shown, content in read if content is not None]

    def _stack(self, report: Report) -> bytes | None:
        return read_file(self.stack, str(self.stack), report) if self._content is None else self._content

    def _expected(self, compiled: Compiled, report: Report) -> list[Artifact]:
        """Returns the files with secrets that have to be there: none where nothing was compiled on this machine."""
        from compiler.output import read_written

        if ".env" in read_written(self.output).digests:
            return self._private(compiled, report)
        if compiled.project.secrets:
            told = "nothing was compiled here yet, so .env and what follows from it is not checked"
            place, help = Span(str(self.output / ".env")), f"run `{self.command()}`"
            report.warning("not-compiled-here", told, place, help)
        return []

    def _private(self, compiled: Compiled, report: Report, new_secrets: bool = False) -> list[Artifact]:
        from datetime import UTC, datetime

        from compiler.output import read_written
        from compiler.output.rivals import tell_rival_variables
        from compiler.rules.variables import check_set, own_variables
        from compiler.run.passes import render_private
        from compiler.targets.vault import tell_lost

        dotenv = self.dotenv(report)
        if dotenv is None:
            return []
        tell_rival_variables(dotenv, report)
        if not new_secrets:
            known, again = read_written(self.output).generated, self.command("--new-secrets")
            tell_lost(compiled.project, dotenv, known, again, report)
        files = dict(self.files.given(compiled.project, report))
        if report.errors:
            return []
        now, shown = datetime.now(UTC).replace(tzinfo=None), str(self.output)
        project = compiled.project
        keys = {one.key for kind in (project.secrets, project.variables) for one in kind}
        given = {one.key for one in project.secrets if not one.generate}
        self._shell = self.files.variables(given, dotenv)
        act = partial(render_private, entropy=os.urandom, now=now, shown=shown, shell=self._shell)
        if made := act(compiled, dotenv, files, report):
            own = self.files.variables({*own_variables(project)} - keys, dotenv)
            check_set(project, keys | dotenv.values.keys() | own.keys(), report)
        return made
