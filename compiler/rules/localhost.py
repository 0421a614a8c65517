"""`localhost` in the settings of a service: inside a container it is that container, and no other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.model import Text
from compiler.project.ports import binding_of, long_port
from compiler.project.scope import client_ports
from compiler.project.values import plain
from compiler.rules.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from compiler.model import Path
    from compiler.project.project import Project
    from compiler.rules.rule import Tell

_LOCAL = r"(?:localhost|127\.0\.0\.1|\[::1\])"
# https://user@localhost:80/, jdbc:x://localhost:80;a=b, user@tcp(localhost:80)/, localhost:80,other:81
_ADDRESS = re.compile(rf"(?:(?<=://)|(?<=[@=(,\s])|^){_LOCAL}:(\d{{1,5}})(?=$|[/?#,;)\s])")
_WORDS = re.compile(rf"\bhost=(?:{_LOCAL})\b.*?\bport=(\d{{1,5}})\b")
_HOST_NAME = re.compile(r"(.*?)(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS)", re.IGNORECASE)
_WEB = re.compile(r"(?:https?|wss?)://[^/]*$")


class _Listeners(NamedTuple):
    """Who listens on which port, inside the network and on this machine."""

    databases: dict[int, str]
    inside: dict[int, str]
    outside: dict[int, str]
    own: dict[str, set[int]]


@rule("localhost")
def localhost(project: Project, tell: Tell) -> None:
    for at, told, owner, kind in _strays(project, of_browsers=False):
        tell(told, at, f"write ${{{{ {kind}.{owner}.url }}}} or its `host`")


@rule("localhost-in-browser", "warning")
def localhost_in_browser(project: Project, tell: Tell) -> None:
    for at, told, owner, _ in _strays(project, of_browsers=True):
        tell(told, at, f"keep it if a browser asks for it; otherwise write ${{{{ services.{owner}.url }}}}")


def _strays(project: Project, *, of_browsers: bool) -> Iterator[tuple[Path, str, str, str]]:
    """Yields each address on localhost that belongs to another container: path, message, whose it is and its kind."""
    known = _listeners(project)
    for key, service in project.own_services():
        for path, address, port, is_web in () if service.get("network_mode") else _addresses(service):
            owner = known.databases.get(port) or known.inside.get(port) or known.outside.get(port)
            if port in known.own.get(key, ()) or owner in (None, key):
                continue
            kind = "databases" if port in known.databases else "services"
            if (kind == "services" and is_web and port in known.outside) is of_browsers:
                told = f'inside service "{key}" the host of "{address}" is the service itself, not "{owner}"'
                yield ("services", key, *path), told, str(owner), kind


def _listeners(project: Project) -> _Listeners:
    known = _Listeners({}, {}, {}, {})
    for key, database in project.databases.items():
        for one in client_ports(database):
            known.databases.update({port: key for port in (one.inside, one.here) if port})
    for key, service in project.own_services():
        for port in (*map(long_port, map(str, service.get("expose") or ())), *(service.get("ports") or ())):
            binding = binding_of(port)
            inside = binding.container or range(0)
            known.own.setdefault(key, set()).update(inside[:100])
            for numbers, owners in ((inside, known.inside), (binding.taken, known.outside)):
                owners.update({number: key for number in numbers[:100] if number not in owners})
    return known


def _addresses(service: Mapping[str, Any]) -> Iterator[tuple[Path, str, int, bool]]:
    """Yields each address on localhost: its path in the service, its text, its port, and whether it is of the web."""
    variables = service.get("environment") or {}
    upper = {name.upper(): value for name, value in variables.items()}
    for name, value in variables.items():
        path: Path = ("environment", name)
        yield from ((path, *one) for one in _in_text(value))
        host, match = plain(value), _HOST_NAME.fullmatch(name)
        if host and match and re.fullmatch(_LOCAL, host):
            port = plain(upper.get(f"{match[1].upper()}PORT")) or ""
            if re.fullmatch(r"\d{1,5}", port):
                yield path, f"{host}:{port}", int(port), False
    command = service.get("command")
    for index, value in enumerate(command if isinstance(command, list) else [command]):
        yield from ((("command", index), *one) for one in _in_text(value))


def _in_text(value: Any) -> Iterator[tuple[str, int, bool]]:
    parts = value.parts if isinstance(value, Text) else (value,)
    for part in (part for part in parts if isinstance(part, str)):
        for match in (*_ADDRESS.finditer(part), *_WORDS.finditer(part)):
            yield match[0], int(match[1]), bool(_WEB.search(part[: match.start()]))
