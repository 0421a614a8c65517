"""What neither Compose's schema nor `docker compose config` catches between the services of a project."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from compiler.model import Path, Text
from compiler.project.hand_written import iter_named
from compiler.project.project import Project, clash_of, has_health, neighbours
from compiler.project.references import client_ports
from compiler.project.values import binding_of, inside, long_port, named_volume, plain, written_text
from compiler.report import suggest
from compiler.rules import Service, Tell

_HOSTS = ("localhost", "127.0.0.1", "[::1]")
_LOCAL = rf"(?:{'|'.join(map(re.escape, _HOSTS))})"
# https://user@localhost:80/, jdbc:x://localhost:80;a=b, user@tcp(localhost:80)/, localhost:80,other:81
_ADDRESS = re.compile(rf"(?:(?<=://)|(?<=[@=(,\s])|^){_LOCAL}:(\d{{1,5}})(?=$|[/?#,;)\s])")
_WORDS = re.compile(rf"\bhost=(?:{_LOCAL})\b.*?\bport=(\d{{1,5}})\b")
_HOST_NAME = re.compile(r"(.*?)(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS)", re.IGNORECASE)
_WEB = re.compile(r"(?:https?|wss?)://[^/]*$")


def duplicate_container_name(project: Project, tell: Tell) -> None:
    owners: dict[str, list[str]] = {}
    for key, service in project.services.items():
        name = plain(service.get("container_name"))
        others = [] if name is None else owners.setdefault(name, [])
        clashes = {clash_of(project.services[one], service): one for one in reversed(others)}
        for severity in ("error", "warning") if others else ():
            if severity in clashes:
                told = f'two services have the container name "{name}"'
                first = ("services", clashes[severity], "container_name")
                help = "remove one of them: Compose makes names"
                tell(told, ("services", key, "container_name"), help, first=first, severity=severity)
                break
        others.append(key)


def unknown_service(service: Service, tell: Tell) -> None:
    services = tell.project.services
    waits = ((name, ("depends_on", name)) for name in service.get("depends_on") or {})
    for name, path in (*neighbours(service), *waits):
        if name not in services and "$" not in name:
            told, is_key = f'no service or database is named "{name}"', path[0] == "depends_on"
            tell(told, path, suggest(name, services), key=is_key)


def _waits(project: Project) -> Iterator[tuple[Path, str, Mapping[str, Any], str]]:
    """Yields path, service and rule of each dependency on a service or a server, and the name of that."""
    for key, service in project.own_services():
        for name, waited in (service.get("depends_on") or {}).items():
            if project.kinds.get(name) in ("service", "database"):
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
        if profiles and "" not in profiles and waited.get("required", True) is True and not own & profiles:
            help = "write the long form with `required: false`, or give both a profile: Compose refuses it otherwise"
            tell(f'service "{key}" depends on "{name}", which only a profile starts', at, help)


def dependency_cycle(project: Project, tell: Tell) -> None:
    graph = {}
    for key, service in project.services.items():
        named = {*(service.get("depends_on") or {}), *(name for name, _ in neighbours(service))}
        graph[key] = sorted(named & project.services.keys())
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as fault:
        loop = fault.args[1][:0:-1]
        start = loop.index(min(loop))
        loop = [*loop[start:], *loop[: start + 1]]
        help = f"leave one `depends_on:` out, or write http://{loop[1]}:8080 and the like in place of a reference"
        tell(f"services wait for one another: {' -> '.join(loop)}", ("services", loop[0]), help, key=True)


def external_secret(project: Project, tell: Tell) -> None:
    for section in ("secrets", "configs"):
        for name, entry in project.tree[section].items():
            if inside(entry, "external") not in ({}, False, "false"):
                kind = section.removesuffix("s")
                told = f'docker compose up refuses the external {kind} "{name}", which Swarm alone can give'
                tell(told, (section, name), f"give the {kind} a `file:`, or compile for Swarm", key=True)


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


def localhost(project: Project, tell: Tell, *, of_browsers: bool) -> None:
    """Tells of each address that belongs to another container: `localhost` inside of one is that one, and no other.

    A browser may ask for one of the web, or only be allowed to come from there.
    """
    owners = _listeners(project)
    for key, service in project.own_services():
        for path, address, port, is_web in () if service.get("network_mode") else _addresses(service):
            owner = owners.get(port, key)
            is_database = owner in project.databases
            for_browser = is_web and not is_database
            is_own = owner == key or any(port in inside for inside, _ in _ports(service))
            if not is_own and for_browser == of_browsers:
                told = f'inside service "{key}" the host of "{address}" is the service itself, not "{owner}"'
                url = f"${{{{ {'databases' if is_database else 'services'}.{owner}.url }}}}"
                kept = f"keep it if a browser asks for it; otherwise write {url}"
                tell(told, ("services", key, *path), kept if of_browsers else f"write {url} or its `host`")


def unreachable_database(project: Project, tell: Tell) -> None:
    """Tells of each service that uses a database and neither joins its network nor shares that of one that does."""
    for key, used in project.uses.items():
        owner, passed, mode = key, set[str](), plain(project.services[key].get("network_mode"))
        while mode and mode.startswith("service:") and owner not in passed:
            passed.add(owner)
            owner = mode.partition(":")[2]
            mode = plain(inside(project.services, owner).get("network_mode"))
        is_near = project.network in inside(project.services, owner, "networks")
        if not used or not project.services[key].get("network_mode") or is_near:
            continue
        told = f'service "{key}" uses a database and sets `network_mode`, so it cannot reach it'
        shared = f'give "{owner}", whose network it shares, `uses: [{", ".join(used)}]`: it then joins the databases'
        alone = "remove `network_mode`: the service then joins the network of the databases"
        is_shared = owner != key and owner in project.services and not mode
        tell(told, ("services", key, "network_mode"), shared if is_shared else alone, key=True)


def literal_login(project: Project, tell: Tell) -> None:
    """Tells of each log-in that is written by hand: the database has another user or another password."""
    for key, service in project.own_services():
        for one in iter_named(service, {one.server for one in project.databases.values()}):
            if one.password and "$" not in one.user + one.password:
                told = f'"{one.variable}" has a user and a password of its own for database "{one.database}"'
                help = f"write ${{{{ databases.{one.database}.url }}}}: what it lets in is in .env"
                tell(told, ("services", key, "environment", one.variable), help)


def _listeners(project: Project) -> dict[int, str]:
    """Returns who listens on each port, first of all inside the network, then on this machine."""
    inside: dict[int, str] = {}
    published: dict[int, str] = {}
    for key, database in project.databases.items():
        for one in client_ports(database):
            inside |= {port: key for port in (one.inside, one.here) if port}
    for key, service in project.own_services():
        for numbers, host_numbers in _ports(service):
            for known, ports in ((inside, numbers), (published, host_numbers)):
                for port in ports:
                    known.setdefault(port, key)
    return {**published, **inside}


def _ports(service: Service) -> Iterator[tuple[range, range]]:
    """Yields the ports of a service inside the network and on this machine; of a long range the first hundred."""
    exposed = (long_port(written_text(port)) for port in service.get("expose") or ())
    for binding in map(binding_of, (*exposed, *(service.get("ports") or ()))):
        yield (binding.container or range(0))[:100], binding.taken[:100]


def _addresses(service: Service) -> Iterator[tuple[Path, str, int, bool]]:
    """Yields each address on localhost: its path in the service, its text, its port, and whether it is of the web."""
    command, variables = service.get("command"), service.get("environment") or {}
    words = command if isinstance(command, list) else [command]
    values: dict[Path, Any] = {("command", index): word for index, word in enumerate(words)}
    values |= {("environment", name): value for name, value in variables.items()}
    for path, value in values.items():
        for part in value.parts if isinstance(value, Text) else (value,):
            text = part if isinstance(part, str) else ""
            for found in (*_ADDRESS.finditer(text), *_WORDS.finditer(text)):
                yield path, found[0], int(found[1]), bool(_WEB.search(text[: found.start()]))
    upper = {name.upper(): value for name, value in variables.items()}
    for name, host in variables.items():
        if host in _HOSTS and (match := _HOST_NAME.fullmatch(name)):
            port = plain(upper.get(f"{match[1]}PORT".upper())) or ""
            if re.fullmatch(r"\d{1,5}", port):
                yield ("environment", name), f"{host}:{port}", int(port), False
