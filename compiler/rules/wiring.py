"""What neither Compose's schema nor `docker compose config` catches between the services of a project."""

from __future__ import annotations

from collections.abc import Mapping

from compiler.model import Path
from compiler.project.project import Project, has_health, neighbours
from compiler.project.values import inside, named_volume, plain
from compiler.report import Note, Report, suggest
from compiler.rules import Place, Service

_UNKNOWN = {"network": "unknown-network", "config": "unknown-config", "secret": "unknown-secret"}


def check_container_names(project: Project, report: Report) -> None:
    first: dict[str, Path] = {}
    for key, service in project.services.items():
        name = plain(service.get("container_name"))
        at: Path = ("services", key, "container_name")
        if name is not None and first.setdefault(name, at) != at:
            told = f'two services have the container name "{name}"'
            help = "remove one of them: Compose makes names"
            note = Note("the first is here", project.places.key(first[name]))
            report.error("duplicate-container-name", told, project.places.value(at), help, [note])


def check_services(service: Service, at: Place, report: Report) -> None:
    named = [(name, at.value(*path)) for name, path in neighbours(service)]
    named += [(name, at.key("depends_on", name)) for name in service.get("depends_on") or {}]
    services = at.project.services
    for name, place in named:
        if name not in services:
            told = f'no service or database is named "{name}"'
            report.error("unknown-service", told, place, suggest(name, services))


def check_waits(project: Project, report: Report) -> None:
    """Tells of each dependency between services of the user's that cannot be met, or not always."""
    for key, service in project.own_services():
        for name, waited in (service.get("depends_on") or {}).items():
            if project.kinds.get(name) != "service":
                continue
            place, other = project.places.value(("services", key, "depends_on", name)), project.services[name]
            if waited.get("condition") == "service_healthy" and not has_health(other):
                told = f'service "{key}" waits until "{name}" is healthy, and "{name}" has no health check'
                kept = "write `healthcheck: {disable: false}` where its image has one"
                report.error("no-health-check", told, place, f'give "{name}" a `healthcheck:`, or {kept}')
            own, profiles = ({*(one.get("profiles") or ())} for one in (service, other))
            if profiles and waited.get("required", True) is True and not own & profiles:
                told = f'service "{key}" depends on "{name}", which only a profile starts'
                long = "write the long form with `required: false`"
                help = f"{long}, or give both a profile: Compose refuses it otherwise"
                report.warning("inactive-dependency", told, place, help)


def check_cycles(project: Project, report: Report) -> None:
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
        report.error("dependency-cycle", told, project.places.key(("services", loop[0])), help)


def check_entries(service: Service, at: Place, report: Report) -> None:
    """Tells of each network, config or secret that a service takes and the project has not."""
    for kind, id in _UNKNOWN.items():
        known = [*at.project.tree[f"{kind}s"], *(["default"] if kind == "network" else [])]
        for place in ((f"{kind}s",), ("build", f"{kind}s")):
            taken = inside(service, *place)
            for step in taken if isinstance(taken, Mapping) else range(len(taken)):
                name = step if isinstance(taken, Mapping) else plain(taken[step].get("source"))
                if name is not None and name not in known:
                    help = suggest(name, known) if known else f"add it under `{kind}s:`"
                    report.error(id, f'no {kind} is named "{name}"', at.value(*place, step), help)


def check_volumes(project: Project, report: Report) -> None:
    """Where a file lists its volumes, a name that is not among them is a slip, and would start empty."""
    volumes = project.tree["volumes"]
    known = [name for name in volumes if project.places.origin(("volumes", name)).kind != "default"]
    for key, service in project.own_services() if known else ():
        for index, mount in enumerate(service.get("volumes") or ()):
            name = named_volume(mount)
            if name and name not in known:
                help = suggest(name, known)
                help = help if help.startswith("did you mean") else f"add `{name}:` under `volumes:`"
                place = project.places.value(("services", key, "volumes", index))
                report.error("unknown-volume", f'no volume is named "{name}"', place, help)
