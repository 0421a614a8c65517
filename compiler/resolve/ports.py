"""Published ports: bound to loopback unless an address is written out, and each taken once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from compiler.model import Raw

LOOPBACK = "127.0.0.1"
_PORT = re.compile(
    r"(?:(?P<ip>\[[^\]]*\]|[0-9]+(?:\.[0-9]+){3}|\$\{[^}]*\}(?=:[^:]*:)):)?(?:(?P<host>[0-9]+(?:-[0-9]+)?|\$\{[^}]*\}|\$\w+)?:)?"
    r"(?P<container>[0-9]+(?:-[0-9]+)?|\$\{[^}]*\}|\$\w+)(?:/(?P<protocol>\w+))?"
)


@dataclass(frozen=True, slots=True)
class Binding:
    """One port of one service: the numbers are None where Compose fills them in later."""

    address: str
    host: range | None
    container: range | None
    protocol: str


def parse_port(entry: Any) -> tuple[Any, Binding] | None:
    """Returns a Compose port with its address written out, and what it binds; None where it is not a port.

    https://docs.docker.com/reference/compose-file/services/#ports
    """
    if isinstance(entry, dict):
        address = str(entry.get("host_ip") or LOOPBACK)
        binding = Binding(address, _range(entry.get("published")), _range(entry.get("target")), str(entry.get("protocol", "tcp")))
        return {**entry, "host_ip": address}, binding
    match = _PORT.fullmatch(str(entry))
    if not match or isinstance(entry, bool):
        return None
    address, host, container = match["ip"] or LOOPBACK, match["host"] or "", match["container"]
    ending = f"/{match['protocol']}" if match["protocol"] else ""
    binding = Binding(address.strip("[]"), _range(host), _range(container), match["protocol"] or "tcp")
    return Raw(f"{address}:{host}:{container}{ending}"), binding


def _range(text: Any) -> range | None:
    match = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", str(text if text is not None else ""))
    return range(int(match[1]), int(match[2] or match[1]) + 1) if match else None


def clash(one: Binding, other: Binding) -> int | None:
    """Returns the host port that both take, or None."""
    if one.protocol != other.protocol or one.host is None or other.host is None:
        return None
    everywhere = {"0.0.0.0", "::"}
    if one.address != other.address and not everywhere & {one.address, other.address}:
        return None
    first = max(one.host.start, other.host.start)
    return first if first < min(one.host.stop, other.host.stop) else None
