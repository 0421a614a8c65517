"""What neither Compose's schema nor `docker compose config` catches between the containers of a stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from compiler.project.entries import has_health, items, named_volume, neighbours, plain
from compiler.project.ports import Binding, shared_port
from compiler.project.scope import NETWORK, published_ports
from compiler.report import suggest
from compiler.rules.local_hosts import check_local_hosts

if TYPE_CHECKING:
    from compiler.model import Container, Path
    from compiler.project.services import ServiceBuilder
    from compiler.rules.findings import Findings
    from compiler.stack.stack import Stack

_KINDS = (
    ("networks", "network", ("networks",)),
    ("configs", "config", ("configs",)),
    ("secrets", "secret", ("secrets",)),
    ("secrets", "secret", ("build", "secrets")),
)


def check_wiring(stack: Stack, builder: ServiceBuilder, made: list[Container]) -> None:
    """Finds what is wrong between containers: ports, dependencies, hosts and things that are not there."""
    found = builder.findings
    _ports(found, stack, builder)
    _dependencies(found, builder, made)
    _cycles(found, made)
    _container_names(found, builder)
    check_local_hosts(found, stack, builder.entries)
    for key, entry in builder.entries.items():
        _undefined(found, stack, key, entry)
        _volumes(found, stack, key, entry)
        _internal(found, stack, key, entry)


def _ports(found: Findings, stack: Stack, builder: ServiceBuilder) -> None:
    taken: list[tuple[Path, Binding]] = []
    for key, database in stack.databases.items():
        for option, number, _ in published_ports(database):
            taken.append(
                (("databases", key, option), Binding("127.0.0.1", range(number, number + 1), None, "tcp"))
            )
    for key in stack.services:
        taken += builder.bindings.get(key, ())
    order = sorted((binding.taken.start, index) for index, (_, binding) in enumerate(taken) if binding.taken)
    open_ones: list[int] = []
    for start, index in order:
        binding = taken[index][1]
        open_ones = [other for other in open_ones if taken[other][1].taken.stop > start]
        for other in open_ones:
            shared = shared_port(binding, taken[other][1])
            if shared is not None:
                first, second = sorted((index, other))
                told = f"the host port {shared} is published twice"
                help = "publish one of them on another port"
                found.error("duplicate-port", told, taken[second][0], help, first=taken[first][0])
                break
        open_ones.append(index)


def _container_names(found: Findings, builder: ServiceBuilder) -> None:
    first: dict[str, Path] = {}
    for key, entry in builder.entries.items():
        name = plain(entry.get("container_name"))
        at: Path = ("services", key, "container_name")
        if name in first:
            told = f'two services have the container name "{name}"'
            found.error(
                "name-collision", told, at, "remove one of them: Compose makes names", first=first[name]
            )
        elif name is not None:
            first[name] = at


def _dependencies(found: Findings, builder: ServiceBuilder, made: list[Container]) -> None:
    specs = {container.name: container.spec for container in made}
    kinds = {container.name: container.kind for container in made}
    for key, entry in builder.entries.items():
        for name, path in neighbours(entry):
            if name not in specs:
                told = f'no service or database is named "{name}"'
                found.error("unknown-reference", told, ("services", key, *path), suggest(name, specs))
        for name, rule in (specs[key].get("depends_on") or {}).items():
            at: Path = ("services", key, "depends_on", _step(entry.get("depends_on"), name))
            if name not in specs:
                told = f'no service or database is named "{name}"'
                found.error("unknown-reference", told, at, suggest(name, specs), key=True)
            elif kinds[name] == "service":
                _condition(found, key, name, rule, specs, at)


def _step(written: Any, name: str) -> str | int:
    return next((step for step, item in items(written) if item == name), name)


def _condition(
    found: Findings,
    key: str,
    name: str,
    rule: Mapping[str, Any],
    specs: Mapping[str, Mapping[str, Any]],
    at: Path,
) -> None:
    if rule.get("condition") == "service_healthy" and not has_health(specs[name]):
        told = f'service "{key}" waits until "{name}" is healthy, and "{name}" has no health check'
        help = f'give "{name}" a `healthcheck:`, or write `healthcheck: {{disable: false}}` where its image has one'
        found.error("no-health-check", told, at, help)
    profiles = specs[name].get("profiles")
    own = set(specs[key].get("profiles") or ())
    if profiles and rule.get("required", True) is True and not own & set(profiles) and own != set(profiles):
        told = f'service "{key}" depends on "{name}", which only a profile starts'
        help = (
            "write the long form with `required: false`, or give both a profile: Compose refuses it otherwise"
        )
        found.warning("inactive-dependency", told, at, help)


def _cycles(found: Findings, made: list[Container]) -> None:
    from graphlib import CycleError, TopologicalSorter

    names = {container.name for container in made}
    graph = {container.name: sorted(_waits(container) & names) for container in made}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as fault:
        loop = fault.args[1][::-1]
        start = min(range(len(loop) - 1), key=lambda index: loop[index])
        loop = [*loop[start:-1], *loop[: start + 1]]
        told = f"services wait for one another: {' -> '.join(loop)}"
        help = f"write one of the hosts out, such as http://{loop[1]}:8080, in place of a reference"
        found.error("dependency-cycle", told, ("services", loop[0]), help, key=True)


def _waits(container: Container) -> set[str]:
    return {*(container.spec.get("depends_on") or {}), *(name for name, _ in neighbours(container.spec))}


def _undefined(found: Findings, stack: Stack, key: str, entry: Mapping[str, Any]) -> None:
    for kind, noun, path in _KINDS:
        known = _known(stack, kind)
        written: Any = entry
        for step in path:
            written = written.get(step) if isinstance(written, Mapping) else None
        for index, item in items(written):
            name = plain(item.get("source") if isinstance(item, Mapping) else item)
            if name is not None and name not in known:
                help = suggest(name, known) if known else f"add it under `{kind}:`"
                found.error(
                    "unknown-reference", f'no {noun} is named "{name}"', ("services", key, *path, index), help
                )


def _known(stack: Stack, kind: str) -> list[str]:
    if kind == "secrets":
        return list(stack.secrets)
    own = ["default", *([NETWORK] if stack.databases else [])] if kind == "networks" else []
    return [*stack.extra.get(kind, ()), *own]


def _volumes(found: Findings, stack: Stack, key: str, entry: Mapping[str, Any]) -> None:
    """Where a stack lists its volumes, a name that is not among them is a slip, and would start empty."""
    known = stack.extra.get("volumes")
    for index, item in items(entry.get("volumes") if known else None):
        name = named_volume(item)
        if known and name and name not in known:
            told = f'no volume is named "{name}"'
            found.error("unknown-reference", told, ("services", key, "volumes", index), _similar(name, known))


def _similar(name: str, known: Mapping[str, Any]) -> str:
    help = suggest(name, known)
    return help if help.startswith("did you mean") else f"add `{name}:` under `volumes:`"


def _internal(found: Findings, stack: Stack, key: str, entry: Mapping[str, Any]) -> None:
    networks = {name for _, item in items(entry.get("networks")) if (name := plain(item))}
    extra = stack.extra.get("networks") or {}
    closed = {
        name for name, rule in extra.items() if isinstance(rule, Mapping) and rule.get("internal") is True
    }
    if stack.databases and NETWORK not in extra:
        closed.add(NETWORK)
    if entry.get("ports") and networks and networks <= closed:
        told = f'service "{key}" is only in internal networks, where `ports` publishes nothing'
        found.warning(
            "unpublished-port", told, ("services", key, "ports"), "add `default` to its networks", key=True
        )
