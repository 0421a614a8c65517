"""Options of one service that contradict one another: limits, replicas, names and networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from compiler.project.entries import items, plain, replicas
from compiler.project.ports import parse_port
from compiler.project.quantities import parse_size

if TYPE_CHECKING:
    from compiler.model import Path
    from compiler.rules.findings import Findings

# https://docs.docker.com/engine/containers/resource_constraints/
_LEAST_MEMORY = 6 << 20
_FAMILIES = (
    ("mem_limit", "limits", "memory"),
    ("cpus", "limits", "cpus"),
    ("pids_limit", "limits", "pids"),
    ("mem_reservation", "reservations", "memory"),
)


def check_limits(found: Findings, entry: Mapping[str, Any], at: Path) -> None:
    """Finds options of a service that Compose or the engine refuses together."""
    _families(found, entry, at)
    _memory(found, entry, at)
    _replicas(found, entry, at)
    _network_mode(found, entry, at)


def _resources(entry: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    part: Any = entry
    for key in ("deploy", "resources", kind):
        part = part.get(key) if isinstance(part, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def _families(found: Findings, entry: Mapping[str, Any], at: Path) -> None:
    for key, kind, name in _FAMILIES:
        part = _resources(entry, kind)
        if entry.get(key) is None or not part or _same(entry[key], part.get(name)):
            continue
        told = f"`{key}` stands beside `deploy.resources.{kind}`, which Compose refuses"
        found.error(
            "conflicting-options", told, (*at, key), f"write it as `deploy.resources.{kind}.{name}`", key=True
        )
    deploy = entry.get("deploy")
    written = deploy.get("replicas") if isinstance(deploy, Mapping) else None
    if entry.get("scale") is not None and written is not None and not _same(entry["scale"], written):
        told = f"`scale` is {plain(entry['scale'])} and `deploy.replicas` is {plain(written)}"
        found.error("conflicting-options", told, (*at, "scale"), "remove one of them", key=True)


def _same(one: Any, other: Any) -> bool:
    texts = plain(one), plain(other)
    if one is not None and other is not None and None in texts:
        return True
    sizes = [parse_size(text) if text else None for text in texts]
    return texts[0] == texts[1] or (sizes[0] is not None and sizes[0] == sizes[1])


def _memory(found: Findings, entry: Mapping[str, Any], at: Path) -> None:
    limits = list(_sizes(entry, "mem_limit", "limits"))
    for path, size, text in limits:
        if 0 < size < _LEAST_MEMORY:
            told = f"a limit of {text} is below the 6 MB that a container needs"
            found.error("out-of-range", told, (*at, *path), "write at least 6M, or 0 for no limit")
    for path, size, text in _sizes(entry, "mem_reservation", "reservations"):
        if limits and 0 < limits[0][1] < size:
            told = f"the reservation of {text} is above the limit of {limits[0][2]}"
            found.error("out-of-range", told, (*at, *path), "reserve at most the limit")


def _sizes(entry: Mapping[str, Any], key: str, kind: str) -> Iterator[tuple[Path, int, str]]:
    for path, value in (
        ((key,), entry.get(key)),
        (("deploy", "resources", kind, "memory"), _resources(entry, kind).get("memory")),
    ):
        text = plain(value)
        size = parse_size(text) if text else None
        if text and size is not None:
            yield path, size, text


def _replicas(found: Findings, entry: Mapping[str, Any], at: Path) -> None:
    count = replicas(entry)
    if count < 2:
        return
    if entry.get("container_name") is not None:
        told = f"{count} replicas cannot share one `container_name`"
        found.error(
            "conflicting-options",
            told,
            (*at, "container_name"),
            "remove it: Compose numbers the names",
            key=True,
        )
    for index, written in items(entry.get("ports")):
        port = parse_port(written)
        taken = len(port.binding.taken) if port else 0
        if taken and taken < count * len((port and port.binding.container) or (0,)):
            told = f"{count} replicas cannot share one host port"
            help = "leave the host port out, or publish a range such as 8080-8089:80"
            found.error("duplicate-port", told, (*at, "ports", index), help)


def _network_mode(found: Findings, entry: Mapping[str, Any], at: Path) -> None:
    mode = plain(entry.get("network_mode"))
    if not mode:
        return
    if entry.get("networks"):
        told = "a service has either `network_mode` or `networks`"
        found.error("conflicting-options", told, (*at, "network_mode"), "remove one of them", key=True)
    if not entry.get("ports"):
        return
    if mode.startswith(("service:", "container:")):
        told = f"a service in the network of another one, {mode}, cannot publish ports"
        found.error("conflicting-options", told, (*at, "ports"), "publish them there", key=True)
    elif mode in ("host", "none"):
        told = f"`ports` has no effect with `network_mode: {mode}`"
        found.warning("unpublished-port", told, (*at, "ports"), "remove one of the two", key=True)
