"""A stack: one document in one environment, checked and typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from compiler.model import Raw
from compiler.registry.bundle import definition, outer
from compiler.registry.registry import Registry
from compiler.report import Report, suggest
from compiler.schema import check_schema
from compiler.source import Document, merge_patch
from compiler.source.numbers import as_compose_reads
from compiler.stack.database import Database, build_database

Entries = Mapping[str, Any]

LOCAL = "local"
# What others ask of a service: where it is written wrong, this stands for it, so that nobody is told it is missing.
_STAND_INS: Entries = {"expose": ["1"], "healthcheck": {}, "ports": ["1"]}
# The least that a stack has, beside which a section is checked by itself.
_BARE = {"name": "x", "services": {"x": {}}}


class Stack(NamedTuple):
    """A checked stack in one environment; services and secrets keep the shape in which they were written.

    What is not in order is left out or stands empty; `faulty` names the databases that are left out and what stands
    in sections that nobody knows, so that what follows from that is not told again.
    """

    name: str
    environment: str
    document: Document
    services: Entries
    databases: Mapping[str, Database]
    secrets: Entries
    extra: Mapping[str, Any] = {}
    include: Sequence[Any] = ()
    faulty: frozenset[str] = frozenset()


def build_stack(
    document: Document, registry: Registry, environment: str, report: Report, folder: str = ""
) -> Stack | None:
    """Returns what is in order of a stack in one environment, or None where there is no such environment.

    Reports all that is wrong with it, and with what every other environment changes. A stack without a name has that
    of its `folder`.
    """
    written = _group(document.data, "environments")
    overlays = {name: overlay for name, overlay in written.items() if isinstance(overlay, dict)}
    if environment != LOCAL and not isinstance(document.data.get("environments", {}), dict):
        check_schema(document.data, outer(), report, noun="the stack", locate=document)
        return None
    if environment not in (LOCAL, *overlays):
        told, help = f'the stack has no environment "{environment}"', suggest(environment, [LOCAL, *overlays])
        if environment in written:
            told, help = (
                f'the environment "{environment}" is no mapping',
                "write `{}` where it changes nothing",
            )
        report.error("unknown-environment", told, document.key(("environments",)), help)
        return None
    if _is_too_large([document.data, *overlays.values()]):
        check_schema(document.data, outer(), report, noun="the stack", locate=document)
        return None
    for name, overlay in overlays.items():
        if name != environment:
            _build(document, registry, name, report, overlay)
    stack = _build(document, registry, environment, report)
    name = stack.name if "$" in stack.name else project_name(stack.name or folder)
    if not name and document.data.get("name", "") == "":
        told, help = (
            "the stack has no name, and its folder has none either",
            "write `name:` above `services:`",
        )
        report.error("missing-option", told, document.value(()), help)
    return stack._replace(name=name)


def project_name(written: str) -> str:
    """Returns a name as Compose makes it that of a project, which may be empty.

    https://docs.docker.com/compose/how-tos/project-name/
    """
    return re.sub("[^a-z0-9_-]", "", written.lower()).lstrip("_-")


def _build(
    document: Document, registry: Registry, environment: str, report: Report, changed: Entries | None = None
) -> Stack:
    """Returns a stack; of services and databases only those that an environment has `changed`, where that is given."""
    whole = merge_patch(document, ("environments", environment))
    # A person writes Compose's own sections, and versions of databases, which are text.
    data = {key: one if key == "databases" else as_compose_reads(one) for key, one in whole.data.items()}
    is_shaped = check_schema(data, outer(), report, noun="the stack", locate=whole)

    def entries(name: str) -> Iterable[tuple[str, Any]]:
        wanted = _group(data if changed is None else changed, name)
        return (item for item in _group(data, name).items() if item[0] in wanted)

    built = {key: build_database(whole, registry, key, one, report) for key, one in entries("databases")}
    names = ("volumes", "networks", "configs", "models", "secrets")
    sections = {name: _group(data, name) for name in names}
    for name, section in sections.items() if not is_shaped else ():
        if not check_schema({**_BARE, name: section}, outer(), Report(), noun="", locate=whole):
            sections[name] = {key: {} for key in section}
    return Stack(
        name=Raw(data.get("name") or ""),
        environment=environment,
        document=whole,
        services={key: _service(whole, key, entry, report) for key, entry in entries("services")},
        databases={key: database for key, database in built.items() if database},
        secrets=sections.pop("secrets"),
        extra=sections,
        include=data["include"] if is_shaped and "include" in data else (),
        faulty=frozenset([*_misplaced(data), *(key for key, database in built.items() if not database)]),
    )


def _misplaced(data: Entries) -> Iterator[str]:
    """Yields what stands in sections of another name, such as `database:`, which has a finding of its own."""
    known = outer()["properties"]
    for name, section in data.items():
        if name not in known and not name.startswith("x-") and isinstance(section, dict):
            yield from map(str, section)


def _is_too_large(parts: Iterable[Entries]) -> bool:
    """Says whether a stack or one of its environments has more entries than the schema lets it have."""
    limits = {name: rule.get("maxProperties") for name, rule in outer()["properties"].items()}
    return any(len(_group(part, name)) > most for part in parts for name, most in limits.items() if most)


def _service(document: Document, key: str, entry: Any, report: Report) -> Any:
    """Returns a service, or those of its options that are right by themselves, so that rules can look at them too."""
    check = partial(check_schema, schema=definition("service"), locate=document, at=("services", key))
    if check(entry, report=report, noun=f'service "{key}"'):
        return entry
    is_sound = partial(check, report=Report(), noun="")
    options = entry if isinstance(entry, dict) and not report.is_full else _STAND_INS
    sound = {name: one for name, one in options.items() if is_sound({"image": "x", name: one})}
    return {name: one for name, one in _STAND_INS.items() if name in options} | sound


def _group(data: Entries, name: str) -> dict[str, Any]:
    group = data.get(name)
    return group if isinstance(group, dict) else {}
