"""A stack: one document in one environment, checked and typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.registry.bundle import bundle, outer
from compiler.report import Report, suggest
from compiler.schema import check_schema
from compiler.source import Document, merge_patch
from compiler.stack.database import Database, build_database

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from compiler.registry.registry import Registry

LOCAL = "local"


class Stack(NamedTuple):
    """A checked stack in one environment; services and secrets keep the shape in which they were written.

    Only what is in order is in it; `faulty` names the rest, so that what follows from that is not told again.
    """

    name: str
    environment: str
    document: Document
    services: Mapping[str, Any]
    databases: Mapping[str, Database]
    secrets: Mapping[str, Any]
    extra: Mapping[str, Any] = {}
    faulty: frozenset[str] = frozenset()


def build_stack(document: Document, registry: Registry, environment: str, report: Report) -> Stack | None:
    """Returns what is in order of a stack in one environment, or None where there is no such environment.

    Reports all that is wrong with it, and with what every other environment changes.
    """
    overlays = _group(document.data, "environments")
    if environment != LOCAL and not isinstance(overlays.get(environment), dict):
        told, known = f'the stack has no environment "{environment}"', [LOCAL, *overlays]
        report.error(
            "unknown-environment", told, document.key(("environments",)), suggest(environment, known)
        )
        return None
    whole = merge_patch(document, ("environments", environment))
    data = whole.data
    is_shaped = check_schema(data, outer(), report, noun="the stack", locate=whole)
    services, databases, faulty = _entries(whole, registry, report)
    if not (data.get("services") or data.get("databases")) and is_shaped:
        told = "the stack has neither services nor databases"
        help = "add a service under `services:` or a database under `databases:`"
        report.error("empty-stack", told, whole.key(("name",)), help)
    for name, overlay in overlays.items():
        if name != environment and isinstance(overlay, dict):
            other = merge_patch(document, ("environments", name))
            check_schema(other.data, outer(), report, noun="the stack", locate=other)
            _entries(other, registry, report, overlay)
    sections = {key: _group(data, key) for key in ("volumes", "networks", "configs", "secrets")}
    names = {name for group in ("services", "databases") for name in _group(data, group)}
    faulty |= names - services.keys() - databases.keys()
    for key, section in sections.items() if not is_shaped else ():
        if not check_schema({"name": "x", key: section}, outer(), Report(), noun="", locate=whole):
            faulty |= section.keys()
            sections[key] = {}
    name, secrets = data.get("name"), sections.pop("secrets")
    extra = {key: section for key, section in sections.items() if section}
    return Stack(str(name), environment, whole, services, databases, secrets, extra, frozenset(faulty))


def _sound(service: Mapping[str, Any], document: Document) -> dict[str, Any]:
    """Returns the options of a service that are right by themselves, so that rules can look at them too."""
    return {
        key: value
        for key, value in service.items()
        if check_schema(
            {"image": "x", key: value},
            bundle(),
            Report(),
            noun="",
            locate=document,
            pointer="/$defs/service",
        )
    }


def _group(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    group = data.get(name)
    return group if isinstance(group, dict) else {}


def _entries(
    document: Document, registry: Registry, report: Report, changed: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, Database], set[str]]:
    """Returns what is in order of services and databases, and the services of which only a part is.

    Of an environment that is not the chosen one, only what it has `changed` is looked at.
    """
    services: dict[str, Any] = {}
    databases: dict[str, Database] = {}
    faulty: set[str] = set()

    def entries(plural: str) -> Iterable[tuple[str, Any]]:
        wanted = None if changed is None else _group(changed, plural)
        group = _group(document.data, plural)
        return ((key, entry) for key, entry in group.items() if wanted is None or key in wanted)

    for key, entry in entries("services"):
        at, noun, pointer = ("services", key), f'service "{key}"', "/$defs/service"
        if check_schema(entry, bundle(), report, noun=noun, locate=document, at=at, pointer=pointer):
            services[key] = entry
        elif isinstance(entry, dict) and changed is None:
            services[key] = _sound(entry, document)
            faulty.add(key)
    for key, entry in entries("databases"):
        database = build_database(document, registry, key, entry, report)
        if database:
            databases[key] = database
    return services, databases, faulty
