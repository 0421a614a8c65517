"""`localhost` in the settings of a service: inside a container it is that container, and no other."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from compiler.model import Text
from compiler.project.entries import items, pairs, plain
from compiler.project.ports import parse_port
from compiler.project.scope import client_port, further_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from compiler.model import Path
    from compiler.rules.findings import Findings
    from compiler.stack.stack import Stack

_LOCAL = r"(?:localhost|127\.0\.0\.1|\[::1\])"
# https://user@localhost:80/, jdbc:x://localhost:80;a=b, user@tcp(localhost:80)/, localhost:80,other:81
_ADDRESS = re.compile(rf"(?:(?<=://)|(?<=[@=(,\s])|^){_LOCAL}:(\d{{1,5}})(?=$|[/?#,;)\s])")
_WORDS = re.compile(rf"\bhost=(?:{_LOCAL})\b.*?\bport=(\d{{1,5}})\b")
_HOST_NAME = re.compile(r"(.*?)(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS)", re.IGNORECASE)
_WEB = re.compile(r"(?:https?|wss?)://[^/]*$")


@dataclass(slots=True)
class _Listeners:
    """Who listens on which port, inside the network and on this machine."""

    databases: dict[int, str] = field(default_factory=dict)
    inside: dict[int, str] = field(default_factory=dict)
    outside: dict[int, str] = field(default_factory=dict)
    own: dict[str, set[int]] = field(default_factory=dict)


def check_local_hosts(found: Findings, stack: Stack, entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Finds each setting that looks for another container of the stack on localhost."""
    listeners = _listeners(stack, entries)
    for key, entry in entries.items():
        if entry.get("network_mode"):
            continue
        for path, address, port, is_web in _addresses(entry):
            if port not in listeners.own.get(key, ()):
                _tell(found, listeners, key, ("services", key, *path), address, port, is_web)


def _tell(
    found: Findings, listeners: _Listeners, key: str, at: Path, address: str, port: int, is_web: bool
) -> None:
    owner = listeners.databases.get(port) or listeners.inside.get(port) or listeners.outside.get(port)
    if owner is None or owner == key:
        return
    kind = "databases" if port in listeners.databases else "services"
    told = f'inside service "{key}" the host of "{address}" is the service itself, not "{owner}"'
    if kind == "services" and is_web and port in listeners.outside:
        help = f"keep it if a browser asks for it; otherwise write ${{{{ services.{owner}.url }}}}"
        found.warning("localhost", told, at, help)
    else:
        found.error("localhost", told, at, f"write ${{{{ {kind}.{owner}.url }}}} or its `host`")


def _listeners(stack: Stack, entries: Mapping[str, Mapping[str, Any]]) -> _Listeners:
    known = _Listeners()
    for key, database in stack.databases.items():
        ports = [(client_port(database), database.port), *further_ports(database).values()]
        known.databases.update({port: key for pair in ports for port in pair if port})
    for key, entry in entries.items():
        for field_name in ("expose", "ports"):
            for _, written in items(entry.get(field_name)):
                port = parse_port(written)
                if port is None:
                    continue
                inside, outside = port.binding.container or range(0), port.binding.taken
                known.own.setdefault(key, set()).update(inside[:100])
                for numbers, owners in ((inside, known.inside), (outside, known.outside)):
                    owners.update({number: key for number in numbers[:100] if number not in owners})
    return known


def _addresses(entry: Mapping[str, Any]) -> Iterator[tuple[Path, str, int, bool]]:
    """Yields each address on localhost: its path in the entry, its text, its port, and whether it is of the web."""
    variables = {name.upper(): value for _, name, value in pairs(entry.get("environment"))}
    for step, name, value in pairs(entry.get("environment")):
        path: Path = ("environment", step)
        yield from ((path, *one) for one in _in_text(value))
        host, match = plain(value), _HOST_NAME.fullmatch(name)
        if host and match and re.fullmatch(_LOCAL, host):
            port = plain(variables.get(f"{match[1].upper()}PORT")) or ""
            if re.fullmatch(r"\d{1,5}", port):
                yield path, f"{host}:{port}", int(port), False
    for step, value in items(entry.get("command")):
        yield from ((("command", step), *one) for one in _in_text(value))


def _in_text(value: Any) -> Iterator[tuple[str, int, bool]]:
    parts = value.parts if isinstance(value, Text) else (value,)
    for part in (part for part in parts if isinstance(part, str)):
        for match in (*_ADDRESS.finditer(part), *_WORDS.finditer(part)):
            yield match[0], int(match[1]), bool(_WEB.search(part[: match.start()]))
