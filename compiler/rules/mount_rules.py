"""Where a service touches what is around it: volumes, memory file systems, exposed ports and host names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from compiler.project.entries import is_host_path, items, mount, plain, sections
from compiler.project.ports import is_address

if TYPE_CHECKING:
    from compiler.model import Path
    from compiler.rules.findings import Findings

_EXPOSED = re.compile(r"\d{1,5}(-\d{1,5})?(/(tcp|udp|sctp))?")
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")


def check_volumes(found: Findings, value: Any, at: Path) -> None:
    """Finds a mount that the engine refuses, or that is not what it looks like."""
    for step, item in items(value):
        drive = re.fullmatch(r"([A-Za-z]):(/[^:]*)(:[^/\\:]*)?", item) if isinstance(item, str) else None
        if drive:
            told = f'Compose reads "{item}" as a path on drive {drive[1].upper()}, not as the volume "{drive[1]}"'
            help = "give the volume a name of two letters or more"
            found.error("one-letter-volume", told, (*at, step), help)
        elif isinstance(item, str) and not all(sections(item)):
            told = f'"{item}" is not a volume: a part of it is empty'
            found.error("wrong-format", told, (*at, step), "write it as SOURCE:TARGET")
        else:
            _ends(found, item, (*at, step))


def _ends(found: Findings, item: Any, at: Path) -> None:
    source, target = mount(item)
    if not target:
        found.error("missing-option", "the volume has no path inside the container", at, "add `target:`")
    if target and "$" not in target and not target.startswith("/") and not is_host_path(target):
        told = f'the path "{target}" inside the container is relative'
        found.error("wrong-format", told, at, f'write "/{target}"')
    name = source if not isinstance(item, Mapping) or item.get("type") == "volume" else ""
    if name and "$" not in name and not is_host_path(name) and not NAME.fullmatch(name):
        told = f'"{name}" is not a name for a volume'
        found.error("wrong-format", told, at, f'write "./{name}" for a folder beside the stack')


def check_tmpfs(found: Findings, value: Any, at: Path) -> None:
    """Finds a path that is not absolute."""
    for step, item in items(value):
        path = (plain(item) or "/").partition(":")[0]
        if not path.startswith("/"):
            told = f'the path "{path}" inside the container is relative'
            found.error("wrong-format", told, (*at, step), f'write "/{path}"')


def check_expose(found: Findings, value: Any, at: Path) -> None:
    """Finds what is no port of a container."""
    for step, item in items(value):
        text = plain(item)
        if text is not None and not _EXPOSED.fullmatch(text):
            found.error(
                "wrong-format",
                f'"{text}" is not a port of the container',
                (*at, step),
                'write a number, such as "8080"',
            )


def check_extra_hosts(found: Findings, value: Any, at: Path) -> None:
    """Finds a host without an address."""
    for step, item in value.items() if isinstance(value, Mapping) else items(value):
        for address in item if isinstance(item, list) else (item,):
            text = plain(address)
            if text is None:
                continue
            _, sign, behind = (
                ("", "=", text) if isinstance(value, Mapping) else re.split(r"([=:])|$", text, maxsplit=1)
            )
            if not sign or (behind != "host-gateway" and not is_address(behind.strip("[]"))):
                help = "write it as NAME:ADDRESS, where the address may be host-gateway"
                found.error("wrong-format", f'"{text}" names no address of a host', (*at, step), help)
