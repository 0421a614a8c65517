"""A container of a database as a trial has rendered it, and where its adapter says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from compiler.pages.trials.scripts import Script, iter_scripts
from compiler.project.project import Project
from compiler.report import Report
from compiler.source import Document
from compiler.stack.database import Database

# Lines that no server reads: comments of the files of most engines.
_COMMENT = re.compile(r"(?m)^[ \t]*(?:#|//|;|--)[^\n]*|<!--[\s\S]*?-->")


class Container(NamedTuple):
    """A container with its service, and the report of what is found in it."""

    project: Project
    name: str
    service: Mapping[str, Any]
    report: Report

    @property
    def database(self) -> Database:
        key = self.project.places.origin(("services", self.name)).path[-1]
        return self.project.databases[str(key)]

    @property
    def file(self) -> Document:
        """The adapter as it is in this version."""
        return self.database.adapter.document_at(self.database.version)

    @property
    def section(self) -> str:
        """The name of the container in the adapter."""
        name = self.name.removeprefix(f"{self.database.key}-")
        return name if name in self.database.spec["containers"] else "server"

    def tell_of(self, id: str, told: str, script: Script, help: str, source: str = "") -> None:
        self.tell(id, told, script.key, help, "shell" if script.kind == "shell" else "", source)

    def tell(self, id: str, told: str, key: str, help: str, section: str = "", source: str = "") -> None:
        """Reports where `source` is in a key of the container, or in the section beside it in the adapter."""
        origin = self.project.places.origin(("services", self.name, *key.split(".")))
        path = (*origin.path[:-1], section) if section else origin.path
        self.report.error(id, told, origin.file.within(path, source), help)

    def tell_client(self, id: str, told: str, help: str) -> None:
        self.report.error(id, told, self.file.value(("client",)), help)

    def texts(self, *keys: str) -> str:
        """Returns what the container says under these keys, and all its files, without what nobody reads."""
        files = (self.project.tree["configs"][one["source"]] for one in self.service.get("configs") or ())
        scripts = {script.key: script.code for script in iter_scripts(self.project, self.name)}
        said = [scripts.get(key, scripts.get(f"{key}.test", self.service.get(key))) for key in keys]
        return str([*said, *(_COMMENT.sub("", file.get("content") or "") for file in files)])
