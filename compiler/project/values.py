"""Single values of a Compose file, such as sizes, mounts and ports: what they say as far as it is known now."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any, NamedTuple

from compiler.model import Path, Raw
from compiler.source.numbers import number_text

LOOPBACK = "127.0.0.1"
_HIGHEST_PORT = 65535
_PROTOCOLS = ("tcp", "udp", "sctp")
_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
_DOLLAR = re.compile(r"\$\$|\$(?=\{|[A-Za-z_])")
_DEFAULT = re.compile(r"\$\{\w+:?-([\w.-]*)\}")
_MARKS = re.compile(r"[][{}:]")
_DRIVE = re.compile(r"[A-Za-z]:(?:\\|/[^:]*:/)")
_SIZE = re.compile(r"(\d{1,18}(?:\.\d{1,9})?) ?(?:([kmgtp])(?:i?b)?|b)?", re.IGNORECASE)


def as_text(value: Any) -> Any:
    """Returns a number or a truth value as the text that a container sees, and anything else as it is."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return number_text(value)
    return str(value) if isinstance(value, int) else value


def plain(value: Any) -> str | None:
    """Returns the text of a value; None where it has none, or only Compose or `.env` knows it."""
    text = as_text(value)
    if not isinstance(text, Raw):
        return text if isinstance(text, str) else None
    unknown = any(match[0] == "$" for match in _DOLLAR.finditer(text))
    return None if unknown else text.replace("$$", "$")


def written_text(value: Any) -> str:
    """Returns a value as it is written, with its variables; "$" stands for a secret."""
    text = "" if value is None else as_text(value)
    return str(text) if isinstance(text, str) else "$"


def fallback(name: str) -> str:
    """Returns a name, or that for which a variable stands where it is not set, which may be empty."""
    match = _DEFAULT.fullmatch(name)
    return match[1] if match else "" if "$" in name else name


def number(value: Any) -> float | None:
    """Returns a number that is known now, whether it is written as a number or as text."""
    text = plain(value)
    return float(text) if text is not None and re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", text) else None


def parse_size(text: str) -> int | None:
    """Returns a size in bytes; None where the text is not one.

    https://docs.docker.com/reference/compose-file/extension/#specifying-byte-values
    """
    match = _SIZE.fullmatch(text)
    return int(float(match[1]) * 1024 ** "bkmgtp".index((match[2] or "b").lower())) if match else None


def inside(tree: Any, *steps: str) -> Any:
    """Returns what stands at a path of keys; an empty mapping where nothing does."""
    for step in steps:
        tree = tree.get(step) if isinstance(tree, Mapping) else None
    return {} if tree is None else tree


def change(tree: Any, steps: Sequence[str], make: Callable[[Any, Path], Any], at: Path = ()) -> Any:
    """Returns a tree with `make(value, path)` in the place of each value to which the steps lead.

    A step is a key, or `*` for every key or item. A key without a value is left alone.
    """
    if not steps:
        return make(tree, at)
    step, *rest = steps
    if isinstance(tree, dict) and step != "*":
        inner = tree.get(step)
        return tree if inner is None else {**tree, step: change(inner, rest, make, (*at, step))}
    if isinstance(tree, dict):
        return {key: change(inner, rest, make, (*at, key)) for key, inner in tree.items()}
    if isinstance(tree, list) and step == "*":
        return [change(inner, rest, make, (*at, index)) for index, inner in enumerate(tree)]
    return tree


def mapped(tree: Any, act: Callable[[Any, Path], Any], at: Path = ()) -> Any:
    """Returns a tree with `act(value, path)` in the place of each value that holds no others."""
    if isinstance(tree, Mapping):
        return {key: mapped(value, act, (*at, key)) for key, value in tree.items()}
    if isinstance(tree, list):
        return [mapped(item, act, (*at, index)) for index, item in enumerate(tree)]
    return act(tree, at)


def raw(value: Any, at: Path = ()) -> Any:
    """Returns a value, which as a text is in Compose's own syntax."""
    return Raw(value) if isinstance(value, str) else value


def sections(text: str) -> list[str]:
    """Splits a port or a volume at its colons, but not inside `${…}`, `[…]` or behind the letter of a drive.

    The parts are of the kind of the text, such as Raw.
    """
    found, start, depth = [], 0, 0
    for mark in _MARKS.finditer(text, 2 if _DRIVE.match(text) else 0):
        depth += (mark[0] in "{[") - (mark[0] in "}]" and depth > 0)
        if mark[0] == ":" and depth == 0:
            found.append(text[start : mark.start()])
            start = mark.end()
    return [type(text)(part) for part in (*found, text[start:])]


def is_host_path(source: str) -> bool:
    """Says whether the source of a mount is a path on this machine and not the name of a volume."""
    return source.startswith(("/", ".", "~", "\\")) or bool(re.match(r"[A-Za-z]:[\\/]", source))


def named_volume(mount: Mapping[str, Any]) -> str | None:
    """Returns the name of the volume that an entry of `volumes` mounts; None where it mounts something else."""
    source = written_text(mount.get("source")) if mount.get("type") == "volume" else ""
    return source if source and "$" not in source and not is_host_path(source) else None


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


def binding_of(port: Mapping[str, Any]) -> Binding:
    """Returns what a port binds; without an address it binds all of them."""
    address = written_text(port.get("host_ip")).strip("[]") or "0.0.0.0"
    protocol = written_text(port.get("protocol")) or "tcp"
    return Binding(address, _range(port.get("published")), _range(port.get("target")), protocol)


def _range(written: Any) -> range | None:
    match = _RANGE.fullmatch(plain(written) or "")
    first = int(match[1]) if match else 0
    # Docker chooses the port itself where it is 0.
    return range(first, int(match[2] or first) + 1) if match and first else None


def port_fault(port: Mapping[str, Any]) -> str | None:
    """Returns what is wrong with a port, or None; what a variable holds is taken to be right."""
    for name in ("published", "target"):
        text = written_text(port.get(name))
        if text == "$":
            return "the value of a secret is none"
        if text and "$" not in text and not _RANGE.fullmatch(text):
            return f'"{port[name]}" is not a number'
    address, host, container, protocol = binding_of(port)
    known = [numbers for numbers in (host, container) if numbers is not None]
    protocols = ", ".join(_PROTOCOLS)
    faults = {
        "it names no port of the container": not written_text(port.get("target")),
        f"it is above {_HIGHEST_PORT}": any(numbers[-1] > _HIGHEST_PORT for numbers in known if numbers),
        "its range ends before it starts": not all(known),
        "its ranges differ in length": len(known) == 2 and len(known[1]) not in (1, len(known[0])),
        f'the protocol "{protocol}" is none of {protocols}': "$" not in protocol
        and protocol not in _PROTOCOLS,
        f'"{address}" is not an IP address': "$" not in address and not is_address(address),
    }
    return next((fault for fault, is_found in faults.items() if is_found), None)


def is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    # Docker takes no zone.
    return "%" not in text
