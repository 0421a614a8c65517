"""What is read beside a stack and its adapters: files of the output folder, and those that the stack names."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from compiler.report import Report
from compiler.source import read_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from compiler.project.project import Project
    from compiler.targets.dotenv import Dotenv


class Files:
    """The files around a stack; `seen` has what was read of them by path, None where there is no such file.

    The shell `was_asked` where it could have said something else.
    """

    def __init__(self, folder: Path, output: Path) -> None:
        self.folder, self.output = folder, output
        self.seen: dict[str, bytes | None] = {}
        self.was_asked = False

    def rendered(self, name: str, report: Report) -> bytes | None:
        """Returns a file of the output folder; one that is not there is no fault."""
        found, place = Report(), str(self.output / name)
        self.seen[place] = content = read_file(self.output / name, place, found)
        for one in found:
            if one.id != "missing-file":
                report.add(one._replace(help="move it away") if one.id == "not-a-file" else one)
        return content

    def watched(self, file: Path) -> bytes | None:
        """Returns what a file holds, None where it cannot be read; `check` sees when it is another."""
        self.seen[str(file)] = content = read_file(file, "", Report())
        return content

    def variables(self, keys: Iterable[str], dotenv: Dotenv) -> dict[str, str]:
        """Returns those of the variables that `.env` lacks and the shell has, of which Compose takes them too.

        https://docs.docker.com/compose/how-tos/environment-variables/envvars-precedence/
        """
        taken = {}
        for key in (key for key in keys if not dotenv.values.get(key)):
            self.was_asked = True
            with suppress(KeyError, UnicodeEncodeError):
                if os.environ[key].encode():
                    taken[key] = os.environ[key]
        return taken

    def given(self, project: Project, report: Report) -> Iterator[tuple[str, bytes]]:
        """Yields the certificates and keys that are there, of earlier runs and the user's own, and scripts by path."""
        certificates = project.certificates
        names = ["authority", *(one.name for one in certificates)] if certificates else []
        for path in (f"tls/{name}.{ending}" for name in names for ending in ("key", "crt")):
            content = self.rendered(path, report)
            if content is not None:
                yield path, content
        named = [(own, "unusable-certificate") for one in certificates for own in one.own]
        for own, id in [*named, *((own, "unusable-script") for own in project.scripts)]:
            found = Report()
            content = read_file(self.folder / own.path, own.path, found)
            self.seen[str(self.folder / own.path)] = content
            if content is not None:
                yield own.path, content
            for one in found:
                help = "write its path from the folder of the stack"
                report.error(id, one.message, own.span, help)
