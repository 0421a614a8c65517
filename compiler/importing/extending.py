"""Services that extend others, as `docker compose config` resolves them.

https://docs.docker.com/reference/compose-file/services/#extends
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from compiler.project.long_form import rebase
from compiler.project.project import Places, Project, merge
from compiler.project.values import written_text
from compiler.report import Report, Span, suggest

Read = Callable[[Path, Span], Project | None]
"""Returns what stands in another file, each time the same; None where a finding says why not."""


def resolve_extends(project: Project, file: Path, read: Read, report: Report) -> None:
    """Puts into each service of a file what it extends there or in others; what it cannot take is a finding."""
    for name in project.services:
        _resolve(project, file, name, read, report, ())


def _resolve(
    project: Project, file: Path, name: str, read: Read, report: Report, above: tuple[tuple[Path, str], ...]
) -> None:
    own, at = project.services[name], ("services", name)
    if "extends" not in own:
        return
    rule, place, here = own.pop("extends"), project.places.value((*at, "extends")), (file.resolve(), name)
    base, other, source = written_text(rule.get("service")), file, project
    if "file" in rule:
        other = file.parent / written_text(rule["file"])
        found = read(other, place)
        if found is None:
            return
        source = found
    if base not in source.services:
        told = f'no service is named "{base}" in {other.name}'
        report.error("unknown-service", told, place, suggest(base, source.services))
        return
    if (other.resolve(), base) in (*above, here):
        told = f'service "{name}" extends itself'
        report.error("dependency-cycle", told, place, "leave one `extends:` out")
        return
    _resolve(source, other, base, read, report, (*above, here))
    way, taken = os.path.relpath(other.parent, file.parent), source.services[base]
    taken = rebase(taken, "services", "" if way == os.curdir else way)
    places = Places(project.places.file)
    places.adopt(at, source.places, ("services", base))
    project.services[name] = merge(taken, own, at, places, project.places)
    project.places.adopt(at, places, at)
