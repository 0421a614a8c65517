"""What neither Compose's schema nor `docker compose config` catches between the services of a project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from compiler.model import Path
from compiler.project.project import Project, has_health, neighbours
from compiler.project.values import inside, named_volume, plain
from compiler.report import suggest
from compiler.rules.rule import Service, Tell


def duplicate_container_name(project: Project, tell: Tell) -> None:
    first: dict[str, Path] = {}
    for key, service in project.services.items():
        name = plain(service.get("container_name"))
        at: Path = ("services", key, "container_name")
        if name is not None and first.setdefault(name, at) != at:
            told = f'two services have the container name "{name}"'
            tell(told, at, "remove one of them: Compose makes names", first=first[name])


def unknown_service(service: Service, tell: Tell) -> None:
    services = tell.project.services
    named = [(name, path, False) for name, path in neighbours(service)]
    named += [(name, ("depends_on", name), True) for name in service.get("depends_on") or {}]
    for name, path, is_key in named:
        if name not in services:
            tell(f'no service or database is named "{name}"', path, suggest(name, services), key=is_key)


def _waits(project: Project) -> Iterator[tuple[Path, str, Mapping[str, Any], str]]:
    """Yields path, service and rule of each dependency on a service of the user's, and the name of that."""
    for key, service in project.own_services():
        for name, waited in (service.get("depends_on") or {}).items():
            if project.kinds.get(name) == "service":
                yield ("services", key, "depends_on", name), key, waited, name


def no_health_check(project: Project, tell: Tell) -> None:
    for at, key, waited, name in _waits(project):
        if waited.get("condition") == "service_healthy" and not has_health(project.services[name]):
            told = f'service "{key}" waits until "{name}" is healthy, and "{name}" has no health check'
            help = f'give "{name}" a `healthcheck:`, or write `healthcheck: {{disable: false}}` where its image has one'
            tell(told, at, help)


def inactive_dependency(project: Project, tell: Tell) -> None:
    for at, key, waited, name in _waits(project):
        own, profiles = ({*(project.services[one].get("profiles") or ())} for one in (key, name))
        if profiles and waited.get("required", True) is True and not own & profiles:
            told = f'service "{key}" depends on "{name}", which only a profile starts'
            help = "write the long form with `required: false`, or give both a profile: Compose refuses it otherwise"
            tell(told, at, help)


def dependency_cycle(project: Project, tell: Tell) -> None:
    from graphlib import CycleError, TopologicalSorter

    graph: TopologicalSorter[str] = TopologicalSorter()
    for key, service in project.services.items():
        named = {*(service.get("depends_on") or {}), *(name for name, _ in neighbours(service))}
        graph.add(key, *sorted(named & project.services.keys()))
    try:
        graph.prepare()
    except CycleError as fault:
        loop = fault.args[1][:0:-1]
        start = loop.index(min(loop))
        loop = [*loop[start:], *loop[: start + 1]]
        told = f"services wait for one another: {' -> '.join(loop)}"
        help = f"write one of the hosts out, such as http://{loop[1]}:8080, in place of a reference"
        tell(told, ("services", loop[0]), help, key=True)


def unknown(service: Service, tell: Tell, *, kind: str) -> None:
    """Tells of each network, config or secret that a service takes and the project has not."""
    known = [*tell.project.tree[f"{kind}s"], *(["default"] if kind == "network" else [])]
    for place in ((f"{kind}s",), ("build", f"{kind}s")):
        taken = inside(service, *place)
        for step in taken if isinstance(taken, Mapping) else range(len(taken)):
            name = step if isinstance(taken, Mapping) else plain(taken[step].get("source"))
            if name is not None and name not in known:
                help = suggest(name, known) if known else f"add it under `{kind}s:`"
                tell(f'no {kind} is named "{name}"', (*place, step), help)


def unknown_volume(project: Project, tell: Tell) -> None:
    """Where a file lists its volumes, a name that is not among them is a slip, and would start empty."""
    volumes = project.tree["volumes"]
    known = [name for name in volumes if project.places.origin(("volumes", name)).kind != "default"]
    for key, service in project.own_services() if known else ():
        for index, mount in enumerate(service.get("volumes") or ()):
            name = named_volume(mount)
            if name and name not in known:
                help = suggest(name, known, f"add `{name}:` under `volumes:`")
                tell(f'no volume is named "{name}"', ("services", key, "volumes", index), help)
