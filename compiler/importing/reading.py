"""What Compose would read in a folder, as one project: its files in their order, what they include, and `.env`.

https://docs.docker.com/compose/intro/compose-application-model/ and https://docs.docker.com/reference/compose-file/merge/
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from compiler.importing.extending import resolve_extends
from compiler.importing.variables import filled, needed_by, uses_of, values_of
from compiler.output.rivals import FILES, OVERRIDES
from compiler.project.build import read_project
from compiler.project.long_form import rebase
from compiler.project.project import SECTIONS, Project, merge
from compiler.registry.bundle import compose_schema
from compiler.report import Report, Span
from compiler.schema import check_schema
from compiler.source import Document, parse_yaml, read_file
from compiler.source.masking import private_values
from compiler.stack.stack import project_name
from compiler.targets.dotenv import Dotenv, decode_dotenv


class Compose(NamedTuple):
    """A deployment as Compose reads it: its files and the tree that they make together, and `.env` with its values.

    Paths on this machine count from `output`, which is the folder itself where no other one is named.
    `files` are the names of all, `documents` what is written in those that include others;
    `further` are lines of other `.env` files, which belong to what is included. `uses` has what each variable is where
    it is not set, at every place that names it; without those that are `needed` Compose does not start.
    """

    folder: Path
    output: Path
    name: str
    project: Project
    files: list[str]
    documents: list[Document]
    dotenv: Dotenv
    values: Mapping[str, str]
    further: Mapping[str, str]
    uses: Mapping[str, set[str]]
    needed: Sequence[str]

    def filled(self, written: Any) -> str:
        """Returns a value with its variables filled in, as a text."""
        return filled(written, self.values)

    def file(self, path: str) -> Path:
        """Returns a file of this machine by the path that the project names; `.env` is never moved."""
        return (self.folder if PurePath(path) == PurePath(".env") else self.output) / path


def read_dotenv(file: Path, report: Report) -> Dotenv | None:
    """Returns what a file of variables holds, None where a finding says why; one that is not there holds nothing."""
    found = Report()
    content = read_file(file, str(file), found)
    report.extend(one for one in found if one.id != "missing-file")
    return decode_dotenv(content or b"", str(file), report)


def _found(folder: Path, values: Mapping[str, str]) -> list[Path]:
    if named := values.get("COMPOSE_FILE"):
        return [folder / name for name in named.split(values.get("COMPOSE_PATH_SEPARATOR") or os.pathsep)]
    first, over = ([folder / name for name in row if (folder / name).exists()] for row in (FILES, OVERRIDES))
    return [*first[:1], *over[:1]] if first else []


class Reader:
    """Reads files and what they include; the values of further `.env` files come to those that are known.

    `sources` has the text of each file by its name in findings, whatever is wrong with it.
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        self.values: dict[str, str] = {}
        self.sources: dict[str, str] = {}
        self.documents: dict[Path, Document] = {}
        self._extended: dict[Path, Project | None] = {}

    @property
    def private(self) -> set[str]:
        """The values of `.env` that no output shows."""
        return private_values(self.values)

    def compose(self, paths: Sequence[Path], output: Path | None) -> Compose | None:
        """Returns what Compose reads in a folder, or of files that are named in its place; None if a finding says why.

        Its paths on this machine count from the `output` folder, where one is given.
        """
        is_folder = not paths or (len(paths) == 1 and paths[0].is_dir())
        folder = (paths[0] if paths else Path()) if is_folder else paths[0].parent
        dotenv = read_dotenv(folder / ".env", self.report)
        if dotenv is None:
            return None
        own = values_of(dotenv)
        self.values = dict(own)
        files = _found(folder, own) if is_folder else list(paths)
        if not files:
            told, help = f'there is no Compose file in "{folder}"', "name the folder or the file"
            self.report.error("missing-file", told, Span(str(folder)), help)
        project = self.read(files, folder) if files else None
        if project is None:
            return None
        _rebase(project, os.path.relpath(folder, output or folder))
        name = own.get("COMPOSE_PROJECT_NAME") or filled(project.name, own) or folder.resolve().name
        return Compose(
            folder=folder,
            output=output or folder,
            name=project_name(name) or "stack",
            project=project,
            files=[os.path.relpath(file, folder) for file in self.sources],
            documents=[self.documents[file] for file in files],
            dotenv=dotenv,
            values=self.values,
            further={key: value for key, value in self.values.items() if key not in own},
            uses=uses_of(project),
            needed=needed_by(project),
        )

    def read(self, files: Sequence[Path], folder: Path, above: tuple[Path, ...] = ()) -> Project | None:
        """Returns files on top of one another, with their paths from the folder; `above` include them."""
        read = [self._file(file, folder, above) for file in files]
        known = [one for one in read if one is not None]
        return reduce(_merged, known) if len(known) == len(read) else None

    def _written(self, file: Path, place: Span | None = None) -> Project | None:
        """Returns what stands in one file by itself; `place` is where another one names it."""
        found = Report()
        content = read_file(file, str(file), found)
        self.report.extend(one._replace(span=place) if place else one for one in found)
        document = None if content is None else parse_yaml(content, str(file), self.report)
        if content is None or document is None:
            return None
        self.sources[str(file)] = content.decode(errors="replace").lstrip("\ufeff")
        self.documents[file] = document
        # Compose takes a section without entries.
        data = {key: section for key, section in document.data.items() if section is not None}
        if not check_schema(data, compose_schema(), self.report, noun="the file", locate=document):
            return None
        return read_project(document, "")

    def _other(self, file: Path, place: Span) -> Project | None:
        """Returns a file that a service extends, once read and for all."""
        key = file.resolve()
        if key not in self._extended:
            self._extended[key] = self._written(Path(os.path.normpath(file)), place)
        return self._extended[key]

    def _file(self, file: Path, folder: Path, above: tuple[Path, ...]) -> Project | None:
        whole, before = self._written(file), self.report.errors
        if whole is None:
            return None
        document = self.documents[file]
        resolve_extends(whole, file, self._other, self.report)
        if self.report.errors > before:
            return None
        for index, include in enumerate(document.data.get("include") or ()):
            place = document.value(("include", index))
            included = self._included(include, folder, place, (*above, file.resolve()))
            if included is None:
                return None
            whole = _merged(included, whole)
        return whole

    def _included(self, include: Any, folder: Path, place: Span, above: tuple[Path, ...]) -> Project | None:
        """Returns what an entry of `include` brings in: https://docs.docker.com/reference/compose-file/include/."""
        entry = include if isinstance(include, dict) else {"path": include}
        files = [folder / filled(path, self.values) for path in _listed(entry.get("path"))]
        if any(file.resolve() in above for file in files):
            self.report.error("include-cycle", "the file includes itself", place, "remove this entry")
            return None
        own = folder / entry["project_directory"] if "project_directory" in entry else files[0].parent
        for path in _listed(entry.get("env_file")) or [os.path.relpath(own / ".env", folder)]:
            dotenv = read_dotenv(folder / path, self.report)
            self.values = {**(values_of(dotenv) if dotenv else {}), **self.values}
        project, base = self.read(files, own, above), os.path.relpath(own, folder)
        if project:
            _rebase(project, base)
        return project


def _rebase(project: Project, base: str) -> None:
    for kind in SECTIONS if base != os.curdir else ():
        project.tree[kind] = {name: rebase(one, kind, base) for name, one in project.tree[kind].items()}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _merged(base: Project, over: Project) -> Project:
    """Returns a project with another one on top of it."""
    for kind in SECTIONS:
        for name, entry in over.tree[kind].items():
            at, known = (kind, name), base.tree[kind].get(name)
            if isinstance(known, Mapping) and isinstance(entry, Mapping):
                base.tree[kind][name] = merge(known, entry, at, base.places, over.places)
            else:
                base.tree[kind][name] = entry
                base.places.adopt(at, over.places, at)
    base.name = over.name or base.name
    base.kinds |= over.kinds
    return base
