"""`localhost` in the settings of a service: inside a container it is that container, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from compiler.model import Path, Text
from compiler.project.ports import binding_of, long_port
from compiler.project.project import Project
from compiler.project.references import client_ports
from compiler.project.values import plain
from compiler.rules.rule import Service, Tell

_HOSTS = ("localhost", "127.0.0.1", "[::1]")
_LOCAL = rf"(?:{'|'.join(map(re.escape, _HOSTS))})"
# https://user@localhost:80/, jdbc:x://localhost:80;a=b, user@tcp(localhost:80)/, localhost:80,other:81
_ADDRESS = re.compile(rf"(?:(?<=://)|(?<=[@=(,\s])|^){_LOCAL}:(\d{{1,5}})(?=$|[/?#,;)\s])")
_WORDS = re.compile(rf"\bhost=(?:{_LOCAL})\b.*?\bport=(\d{{1,5}})\b")
_HOST_NAME = re.compile(r"(.*?)(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS)", re.IGNORECASE)
_WEB = re.compile(r"(?:https?|wss?)://[^/]*$")


def localhost(project: Project, tell: Tell, *, of_browsers: bool) -> None:
    """Tells of each address that belongs to another container.

    A browser may ask for one of the web that is published on this machine.
    """
    owners, published = _listeners(project)
    for key, service in project.own_services():
        for path, address, port, is_web in () if service.get("network_mode") else _addresses(service):
            owner = owners.get(port, key)
            is_database = owner in project.databases
            for_browser = is_web and port in published and not is_database
            is_own = owner == key or any(port in inside for inside, _ in _ports(service))
            if not is_own and for_browser == of_browsers:
                told = f'inside service "{key}" the host of "{address}" is the service itself, not "{owner}"'
                url = f"${{{{ {'databases' if is_database else 'services'}.{owner}.url }}}}"
                kept = f"keep it if a browser asks for it; otherwise write {url}"
                tell(told, ("services", key, *path), kept if of_browsers else f"write {url} or its `host`")


def _listeners(project: Project) -> tuple[dict[int, str], dict[int, str]]:
    """Returns who listens on each port, first of all inside the network, and who publishes it on this machine."""
    inside: dict[int, str] = {}
    published: dict[int, str] = {}
    for key, database in project.databases.items():
        for one in client_ports(database):
            inside |= {port: key for port in (one.inside, one.here) if port}
    for key, service in project.own_services():
        for numbers, host_numbers in _ports(service):
            inside |= {number: key for number in numbers if number not in inside}
            published |= {number: key for number in host_numbers if number not in published}
    return {**published, **inside}, published


def _ports(service: Service) -> Iterator[tuple[range, range]]:
    """Yields the ports of a service inside the network and on this machine; of a long range the first hundred."""
    exposed = (long_port(str(port)) for port in service.get("expose") or ())
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
