"""What neither Compose's schema nor `docker compose config` catches between the services of a project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from compiler.project.project import has_health, neighbours
from compiler.project.values import inside, named_volume, plain
from compiler.report import suggest
from compiler.rules.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compiler.model import Path
    from compiler.project.project import Project
    from compiler.rules.rule import Check, Tell


@rule("duplicate-container-name")
def duplicate_container_name(project: Project, tell: Tell) -> None:
    first: dict[str, Path] = {}
    for key, service in project.services.items():
        name = plain(service.get("container_name"))
        at: Path = ("services", key, "container_name")
        if name is not None and first.setdefault(name, at) != at:
            told = f'two services have the container name "{name}"'
            tell(told, at, "remove one of them: Compose makes names", first=first[name])


@rule("unknown-service")
def unknown_service(project: Project, tell: Tell) -> None:
    for key, service in project.services.items():
        for name, path in neighbours(service):
            if name not in project.services:
                told = f'no service or database is named "{name}"'
                tell(told, ("services", key, *path), suggest(name, project.services))
        for name in service.get("depends_on") or {}:
            if name not in project.services:
                told, help = f'no service or database is named "{name}"', suggest(name, project.services)
                tell(told, ("services", key, "depends_on", name), help, key=True)


def _waits(project: Project) -> Iterator[tuple[Path, str, Mapping[str, Any], str]]:
    """Yields path, service and rule of each dependency on a service of the user's, and the name of that."""
    for key, service in project.own_services():
        for name, waited in (service.get("depends_on") or {}).items():
            if project.kinds.get(name) == "service":
                yield ("services", key, "depends_on", name), key, waited, name


@rule("no-health-check")
def no_health_check(project: Project, tell: Tell) -> None:
    for at, key, waited, name in _waits(project):
        if waited.get("condition") == "service_healthy" and not has_health(project.services[name]):
            told = f'service "{key}" waits until "{name}" is healthy, and "{name}" has no health check'
            help = f'give "{name}" a `healthcheck:`, or write `healthcheck: {{disable: false}}` where its image has one'
            tell(told, at, help)


@rule("inactive-dependency", "warning")
def inactive_dependency(project: Project, tell: Tell) -> None:
    for at, key, waited, name in _waits(project):
        profiles = set(project.services[name].get("profiles") or ())
        own = set(project.services[key].get("profiles") or ())
        if profiles and waited.get("required", True) is True and not own & profiles and own != profiles:
            told = f'service "{key}" depends on "{name}", which only a profile starts'
            help = "write the long form with `required: false`, or give both a profile: Compose refuses it otherwise"
            tell(told, at, help)


@rule("dependency-cycle")
def dependency_cycle(project: Project, tell: Tell) -> None:
    from graphlib import CycleError, TopologicalSorter

    graph = {
        key: sorted(
            {*(service.get("depends_on") or {}), *(name for name, _ in neighbours(service))}
            & project.services.keys()
        )
        for key, service in project.services.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as fault:
        loop = fault.args[1][::-1]
        start = min(range(len(loop) - 1), key=lambda index: loop[index])
        loop = [*loop[start:-1], *loop[: start + 1]]
        told = f"services wait for one another: {' -> '.join(loop)}"
        help = f"write one of the hosts out, such as http://{loop[1]}:8080, in place of a reference"
        tell(told, ("services", loop[0]), help, key=True)


_RESOURCES: Mapping[str, tuple[Path, ...]] = {
    "network": (("networks",),),
    "config": (("configs",),),
    "secret": (("secrets",), ("build", "secrets")),
}


def _unknown(kind: str) -> Check:
    def check(project: Project, tell: Tell) -> None:
        known = [*project.tree[f"{kind}s"], *(["default"] if kind == "network" else [])]
        for key, service in project.services.items():
            for path, name in _taken(service, kind):
                if name is not None and name not in known:
                    help = suggest(name, known) if known else f"add it under `{kind}s:`"
                    tell(f'no {kind} is named "{name}"', ("services", key, *path), help)

    return check


def _taken(service: Mapping[str, Any], kind: str) -> Iterator[tuple[Path, str | None]]:
    """Yields the path and the name of each network, config or secret that a service takes."""
    for path in _RESOURCES[kind]:
        part = inside(service, *map(str, path))
        if isinstance(part, Mapping):
            yield from (((*path, name), name) for name in part)
        else:
            yield from (((*path, index), plain(item.get("source"))) for index, item in enumerate(part))


for _kind in _RESOURCES:
    rule(f"unknown-{_kind}")(_unknown(_kind))


@rule("unknown-volume")
def unknown_volume(project: Project, tell: Tell) -> None:
    """Where a file lists its volumes, a name that is not among them is a slip, and would start empty."""
    volumes = project.tree["volumes"]
    known = [name for name in volumes if project.places.origin(("volumes", name)).kind != "default"]
    for key, service in project.own_services() if known else ():
        for index, mount in enumerate(service.get("volumes") or ()):
            name = named_volume(mount)
            if name and name not in known:
                help = suggest(name, known)
                help = help if help.startswith("did you mean") else f"add `{name}:` under `volumes:`"
                tell(f'no volume is named "{name}"', ("services", key, "volumes", index), help)
