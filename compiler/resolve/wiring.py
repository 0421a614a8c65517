"""What neither Compose's schema nor `docker compose config` catches between the containers of a stack."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from compiler.diagnostics import Diagnostic, Note, error, suggest
from compiler.resolve.ports import Binding, clash, parse_port
from compiler.resolve.services import has_health

if TYPE_CHECKING:
    from compiler.model import Container, Path
    from compiler.resolve.services import ServiceBuilder
    from compiler.stack import Stack

_LOCAL_HOST = re.compile(r"(?:^|://|@|=)(?:localhost|127\.0\.0\.1|\[::1\]):(\d{1,5})(?=$|[/?,\s])")


def check_wiring(stack: Stack, builder: ServiceBuilder, made: list[Container]) -> list[Diagnostic]:
    """Returns what is wrong between containers: ports, dependencies, hosts and things that are not there."""
    return [
        *_ports(stack, builder),
        *_dependencies(stack, made),
        *_cycles(stack, made),
        *_local_hosts(stack, made),
        *_undefined(stack),
    ]


def _ports(stack: Stack, builder: ServiceBuilder) -> Iterator[Diagnostic]:
    taken: list[tuple[Path, Binding]] = []
    for key, database in stack.databases.items():
        if database.port:
            port = Binding("127.0.0.1", range(database.port, database.port + 1), None, "tcp")
            taken.append((("databases", key, "port"), port))
    for bindings in builder.bindings.values():
        taken += bindings
    numbered = [(path, binding) for path, binding in taken if binding.host is not None]
    last: dict[int, list[tuple[Path, Binding]]] = {}
    for path, binding in numbered:
        for number in (binding.host or range(0))[:1000]:
            for earlier, other in last.get(number, ()):
                if clash(binding, other) == number:
                    note = Note(message="the first is here", span=stack.document.value(earlier))
                    told = f"the host port {number} is published twice"
                    yield error("duplicate-port", told, stack.document.value(path), "publish one of them on another port", (note,))
                    break
            last.setdefault(number, []).append((path, binding))


def _dependencies(stack: Stack, made: list[Container]) -> Iterator[Diagnostic]:
    names = {container.name: container for container in made}
    for container in made:
        if container.kind != "service":
            continue
        at: Path = ("services", container.name, "depends_on")
        for name, rule in (container.spec.get("depends_on") or {}).items():
            place = stack.document.value((*at, name))
            if name not in names:
                yield error("unknown-reference", f'no service or database is named "{name}"', place, suggest(name, names))
            elif (
                isinstance(rule, Mapping)
                and rule.get("condition") == "service_healthy"
                and names[name].kind == "service"
                and not has_health(names[name].spec)
            ):
                told = f'service "{container.name}" waits until "{name}" is healthy, and "{name}" has no health check'
                yield error("no-health-check", told, place, f'give "{name}" a `healthcheck:`')


def _cycles(stack: Stack, made: list[Container]) -> Iterator[Diagnostic]:
    graph = {container.name: sorted(container.spec.get("depends_on") or {}) for container in made}
    done: set[str] = set()
    for start in graph:
        trail: list[str] = []
        stack_of = [(start, iter(graph[start]))] if start not in done else []
        trail = [start] if stack_of else []
        while stack_of:
            name, rest = stack_of[-1]
            following = next((one for one in rest if one in graph and one not in done), None)
            if following is None:
                done.add(name)
                stack_of.pop()
                trail.pop()
            elif following in trail:
                loop = [*trail[trail.index(following) :], following]
                place = stack.document.key(("services", loop[0]))
                yield error("dependency-cycle", f"services wait for one another: {' -> '.join(loop)}", place, "remove one of the references")
                return
            else:
                trail.append(following)
                stack_of.append((following, iter(graph[following])))


def _local_hosts(stack: Stack, made: list[Container]) -> Iterator[Diagnostic]:
    owners: dict[int, str] = {}
    own: dict[str, set[int]] = {}
    for container in made:
        for port in [*(container.spec.get("ports") or []), *(container.spec.get("expose") or [])]:
            parsed = parse_port(port)
            if parsed and parsed[1].container and len(parsed[1].container) < 100:
                own.setdefault(container.name, set()).update(parsed[1].container)
    for key, database in stack.databases.items():
        owners[int(database.spec["container"]["port"])] = key
    for name in stack.services:
        for number in own.get(name, ()):
            owners.setdefault(number, name)
    for key, entry in stack.services.items():
        environment = (entry or {}).get("environment") or {}
        for index, item in enumerate(environment):
            value = item if isinstance(environment, list) else environment[item]
            match = _LOCAL_HOST.search(value) if isinstance(value, str) else None
            owner = owners.get(int(match[1])) if match else None
            if match and owner and owner != key and int(match[1]) not in own.get(key, ()):
                step = index if isinstance(environment, list) else item
                place = stack.document.value(("services", key, "environment", step))
                told = f'inside service "{key}" the host of "{match[0].lstrip(":/@=")}" is the service itself, not "{owner}"'
                yield error("localhost", told, place, _instead(stack, owner))


def _instead(stack: Stack, owner: str) -> str:
    kind = "databases" if owner in stack.databases else "services"
    return f"write ${{{{ {kind}.{owner}.url }}}}"


_KINDS: Mapping[str, str] = {"networks": "network", "configs": "config", "secrets": "secret"}


def _undefined(stack: Stack) -> Iterator[Diagnostic]:
    for key, entry in stack.services.items():
        for kind, noun in _KINDS.items():
            known = _known(stack, kind)
            written = (entry or {}).get(kind) or ()
            for index, item in enumerate(written):
                name = item.get("source") if isinstance(item, Mapping) else item
                if isinstance(name, str) and name not in known and "$" not in name:
                    step = index if isinstance(written, list) else item
                    place = stack.document.value(("services", key, kind, step))
                    help = f"add it under `{kind}:`" if not known else suggest(name, known)
                    yield error("unknown-reference", f'no {noun} is named "{name}"', place, help)


def _known(stack: Stack, kind: str) -> list[str]:
    if kind == "secrets":
        return list(stack.secrets)
    defaults: list[Any] = ["default"] if kind == "networks" else []
    return [*stack.extra.get(kind, ()), *defaults]
