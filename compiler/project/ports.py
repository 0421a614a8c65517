"""Published ports: what a written one binds, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from compiler.model import Raw, Reference, Text
from compiler.project.values import plain, sections, written_text

LOOPBACK = "127.0.0.1"
_HIGHEST = 65535
_PROTOCOLS = ("tcp", "udp", "sctp")
_EVERYWHERE = {"0.0.0.0", "::"}
_NUMBERS = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")


class Binding(NamedTuple):
    """One port of one service; the numbers are None where Docker chooses them or Compose fills them in."""

    address: str
    host: range | None
    container: range | None
    protocol: str

    @property
    def taken(self) -> range:
        """The host ports that are taken for sure: of a range for one container port Docker takes any."""
        if self.host is None or (self.container is not None and len(self.host) > len(self.container)):
            return range(0)
        return self.host


def long_port(entry: Any) -> dict[str, Any]:
    """Returns a port in the long form, with the numbers as they are written.

    https://docs.docker.com/reference/compose-file/services/#ports
    """
    if not isinstance(entry, str):
        return {"target": entry}
    text, slash, protocol = entry.rpartition("/")
    if not slash or "}" in protocol:
        text, protocol = entry, ""
    *outer, target = sections(text)
    *address, published = outer or [""]
    host = ":".join(address).strip("[]")
    port = {"target": target, "published": published, "host_ip": host, "protocol": protocol}
    return {key: type(entry)(part) for key, part in port.items() if part or key == "target"}


def short_port(port: Mapping[str, Any]) -> Any:
    """Returns a port as a person writes it, such as `127.0.0.1:8080:80/tcp`."""
    if isinstance(port["target"], Text | Reference):
        return port["target"]
    text = str(port["target"])
    if "host_ip" in port or "published" in port:
        text = f"{port.get('published', '')}:{text}"
    if host := str(port.get("host_ip", "")):
        text = f"[{host}]:{text}" if ":" in host and "$" not in host else f"{host}:{text}"
    return Raw(f"{text}/{port['protocol']}" if "protocol" in port else text)


def binding_of(port: Mapping[str, Any]) -> Binding:
    """Returns what a port binds; without an address it binds all of them."""
    address = written_text(port.get("host_ip")).strip("[]") or "0.0.0.0"
    protocol = written_text(port.get("protocol")) or "tcp"
    return Binding(address, _range(port.get("published")), _range(port.get("target")), protocol)


def _range(written: Any) -> range | None:
    match = _NUMBERS.fullmatch(plain(written) or "")
    first = int(match[1]) if match else 0
    # Docker chooses the port itself where it is 0.
    return range(first, int(match[2] or first) + 1) if match and first else None


def port_fault(port: Mapping[str, Any]) -> str | None:
    """Returns what is wrong with a port, or None; what a variable holds is taken to be right."""
    for name in ("published", "target"):
        text = written_text(port.get(name))
        if text and "$" not in text and not _NUMBERS.fullmatch(text):
            return f'"{port[name]}" is not a number'
    address, host, container, protocol = binding_of(port)
    known = [numbers for numbers in (host, container) if numbers is not None]
    protocols = ", ".join(_PROTOCOLS)
    faults = {
        "it names no port of the container": not written_text(port.get("target")),
        f"it is above {_HIGHEST}": any(numbers[-1] > _HIGHEST for numbers in known if numbers),
        "its range ends before it starts": not all(known),
        "its ranges differ in length": len(known) == 2 and len(known[1]) not in (1, len(known[0])),
        f'the protocol "{protocol}" is none of {protocols}': "$" not in protocol
        and protocol not in _PROTOCOLS,
        f'"{address}" is not an IP address': "$" not in address and not is_address(address),
    }
    return next((fault for fault, is_found in faults.items() if is_found), None)


def is_address(text: str) -> bool:
    import socket

    try:
        socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    except (OSError, ValueError):
        return False
    return True


def is_everywhere(one: str, other: str) -> bool:
    """Says whether two addresses are the same, or one of them stands for all."""
    return one == other or bool(_EVERYWHERE & {one, other})
