"""Published ports: bound to loopback unless an address is written out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from compiler.model import Raw
from compiler.project.entries import plain, sections, written_text

LOOPBACK = "127.0.0.1"
HIGHEST = 65535
PROTOCOLS = ("tcp", "udp", "sctp")
_EVERYWHERE = frozenset(("0.0.0.0", "::"))
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}")
_IPV6 = re.compile(r"[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")
# A variable whose default holds a colon brings its own address.
_OWN_ADDRESS = re.compile(r"\$\{\w+:?-[^${}]*:[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Binding:
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


@dataclass(frozen=True, slots=True)
class Port:
    """An entry of `ports` with its address written out, what it binds, and what is wrong with it."""

    entry: Any
    binding: Binding
    fault: str | None = None


def parse_port(entry: Any) -> Port | None:
    """Returns a Compose port; None where it has not the form of one.

    https://docs.docker.com/reference/compose-file/services/#ports
    """
    if isinstance(entry, Mapping):
        return _long(entry)
    if isinstance(entry, bool) or not isinstance(entry, str | int):
        return None
    text, slash, protocol = str(entry).rpartition("/")
    if not slash or "}" in protocol:
        text, slash, protocol = str(entry), "", ""
    parts = sections(text)
    if len(parts) > 3 or not parts[-1] or not all(map(_is_number, parts[-2:])):
        return None
    container, host, address = [*reversed(parts), "", ""][:3]
    address = address or LOOPBACK
    has_own = len(parts) < 3 and _OWN_ADDRESS.fullmatch(parts[0])
    rendered = str(entry) if has_own else f"{address}:{host}:{container}{slash}{protocol}"
    binding = Binding(address.strip("[]"), _range(host), _range(container), protocol or "tcp")
    return Port(Raw(rendered), binding, _fault(binding))


def _long(entry: Mapping[str, Any]) -> Port:
    address = entry.get("host_ip") or LOOPBACK
    host, target = entry.get("published"), entry.get("target")
    protocol = plain(entry.get("protocol")) or "tcp"
    binding = Binding(written_text(address).strip("[]"), _range(host), _range(target), protocol)
    fault = None
    for name, value in (("published", host), ("target", target)):
        if not _is_number(written_text(value)):
            fault = f'"{value}" in `{name}` is not a number'
    return Port({**entry, "host_ip": address}, binding, fault or _fault(binding))


def _is_number(text: str) -> bool:
    return "$" in text or not text or bool(re.fullmatch(r"[0-9]{1,9}(?:-[0-9]{1,9})?", text))


def _range(written: Any) -> range | None:
    match = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", plain(written) or "")
    first = int(match[1]) if match else 0
    # Docker chooses the port itself where it is 0.
    return range(first, int(match[2] or first) + 1) if match and first else None


def _fault(binding: Binding) -> str | None:
    known = [numbers for numbers in (binding.host, binding.container) if numbers is not None]
    if any(numbers and numbers[-1] > HIGHEST for numbers in known):
        return f"it is above {HIGHEST}"
    if any(not numbers for numbers in known):
        return "its range ends before it starts"
    if len(known) == 2 and len(known[1]) not in (1, len(known[0])):
        return "its ranges differ in length"
    if "$" not in binding.protocol and binding.protocol not in PROTOCOLS:
        return f'the protocol "{binding.protocol}" is none of {", ".join(PROTOCOLS)}'
    if "$" not in binding.address and not is_address(binding.address):
        return f'"{binding.address}" is not an IP address'
    return None


def is_address(text: str) -> bool:
    return bool(_IPV4.fullmatch(text) or _IPV6.fullmatch(text))


def is_everywhere(one: str, other: str) -> bool:
    """Says whether two addresses are the same, or one of them stands for all."""
    return one == other or bool(_EVERYWHERE & {one, other})


def shared_port(one: Binding, other: Binding) -> int | None:
    """Returns the host port that both take, or None."""
    if one.protocol != other.protocol or not is_everywhere(one.address, other.address):
        return None
    first = max(one.taken.start, other.taken.start)
    return first if first < min(one.taken.stop, other.taken.stop) else None
