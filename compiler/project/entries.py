"""What a Compose entry says, in whichever of its forms it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from compiler.model import Raw, Text

_DOLLAR = re.compile(r"\$\$|\$(?=\{|[A-Za-z_])")
_PATH_START = ("/", ".", "~", "\\")
SHARED = ("network_mode", "ipc", "pid")


def plain(value: Any) -> str | None:
    """Returns the text of a value; None where it has none, or only Compose or `.env` knows it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Raw):
        unknown = any(match[0] == "$" for match in _DOLLAR.finditer(value))
        return None if unknown else str(value).replace("$$", "$")
    return str(value) if isinstance(value, str | int | float) else None


def written_text(value: Any) -> str:
    """Returns a value as it is written, with its variables; "$" stands for a secret."""
    if value is None:
        return ""
    return str(value) if isinstance(value, str | int | float) else "$"


def number(value: Any) -> float | None:
    """Returns a number that is known now, whether it is written as a number or as text."""
    text = plain(value)
    return float(text) if text is not None and re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", text) else None


def pairs(written: Any) -> Iterator[tuple[str | int, str, Any]]:
    """Yields step, name and value of a map, or of a list of `NAME=VALUE`; a name alone has the value None."""
    if isinstance(written, Mapping):
        yield from ((name, str(name), value) for name, value in written.items())
    for index, item in enumerate(written if isinstance(written, list) else ()):
        first, *rest = item.parts if isinstance(item, Text) else (item,)
        if isinstance(first, str):
            name, sign, value = first.partition("=")
            own = type(first)(value) if isinstance(first, Raw) else value
            yield index, name, Text((own, *rest)) if rest else own if sign else None


def items(written: Any) -> Iterator[tuple[str | int, Any]]:
    """Yields step and value of each item of a list, of each key of a map, or of a single value."""
    if isinstance(written, Mapping):
        yield from ((key, key) for key in written)
    elif isinstance(written, list):
        yield from enumerate(written)
    elif written is not None:
        yield 0, written


def sections(text: str) -> list[str]:
    """Splits a port or a volume at its colons, but not inside `${…}`, `[…]` or behind the letter of a drive."""
    found = [""]
    depth = 0
    for character in text:
        depth += (character in "{[") - (character in "}]" and depth > 0)
        if character == ":" and depth == 0:
            found.append("")
        else:
            found[-1] += character
    if _is_drive(found):
        found[:2] = [f"{found[0]}:{found[1]}"]
    return found


def _is_drive(found: list[str]) -> bool:
    if len(found) < 2 or not re.fullmatch(r"[A-Za-z]", found[0]):
        return False
    return found[1].startswith("\\") or (len(found) > 2 and found[1][:1] == found[2][:1] == "/")


def mount(volume: Any) -> tuple[str, str]:
    """Returns source and target of a volume, as text that may hold variables; an anonymous one has no source."""
    if isinstance(volume, Mapping):
        return written_text(volume.get("source")), written_text(volume.get("target"))
    parts = sections(str(volume)) if isinstance(volume, str) else []
    return (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0] if parts else "")


def named_volume(volume: Any) -> str | None:
    """Returns the name of the volume that an entry of `volumes` mounts; None where it mounts something else."""
    if isinstance(volume, Mapping) and volume.get("type") != "volume":
        return None
    source = mount(volume)[0]
    return source if source and not is_host_path(source) and "$" not in source else None


def is_host_path(source: str) -> bool:
    return source.startswith(_PATH_START) or bool(re.match(r"[A-Za-z]:[\\/]", source))


def replicas(entry: Mapping[str, Any]) -> int:
    """Returns how many containers a service has, as far as that is known now."""
    deploy = entry.get("deploy")
    written = deploy.get("replicas") if isinstance(deploy, Mapping) else None
    count = number(written if written is not None else entry.get("scale"))
    return 1 if count is None else int(count)


def has_health(entry: Mapping[str, Any]) -> bool:
    """Says whether a service has a health check; `healthcheck: {}` stands for that of its image."""
    health = entry.get("healthcheck")
    if not isinstance(health, Mapping):
        return "extends" in entry
    test = health.get("test")
    return health.get("disable") not in (True, "true") and test not in ("NONE", ["NONE"])


def depends(entry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns `depends_on` in its long form."""
    written = entry.get("depends_on")
    if isinstance(written, Mapping):
        return {name: dict(rule or {}) for name, rule in written.items()}
    return {written_text(name): {"condition": "service_started"} for name in written or ()}


def neighbours(entry: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Yields each other service that an entry names outside `depends_on`, with the path inside the entry."""
    for key in ("links", "volumes_from"):
        for step, item in items(entry.get(key)):
            name = (plain(item) or "").partition(":")[0]
            if name and not (key == "volumes_from" and name == "container"):
                yield name, (key, step)
    extended = entry.get("extends")
    if not isinstance(extended, Mapping):
        extended = {"service": extended}
    base = plain(extended.get("service"))
    if base is not None and "file" not in extended:
        yield base, ("extends",)
    for key in SHARED:
        kind, _, name = (plain(entry.get(key)) or "").partition(":")
        if kind == "service" and name:
            yield name, (key,)
