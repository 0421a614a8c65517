"""Options of one service that contradict one another: limits, replicas and names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from compiler.project.ports import binding_of
from compiler.project.project import replicas
from compiler.project.values import inside, number, parse_size, plain
from compiler.rules.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from compiler.model import Path
    from compiler.project.project import Project
    from compiler.rules.rule import Tell

# https://docs.docker.com/engine/containers/resource_constraints/
_LEAST_MEMORY = 6 << 20
_FAMILIES = (
    ("mem_limit", "limits", "memory"),
    ("cpus", "limits", "cpus"),
    ("pids_limit", "limits", "pids"),
    ("mem_reservation", "reservations", "memory"),
)


def _resources(service: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = inside(service, "deploy", "resources", kind)
    return found


@rule("limit-twice")
def limit_twice(project: Project, tell: Tell) -> None:
    for name, service in project.services.items():
        for key, kind, part in _FAMILIES:
            resources = _resources(service, kind)
            if service.get(key) is not None and resources and not _same(service[key], resources.get(part)):
                told = f"`{key}` stands beside `deploy.resources.{kind}`, which Compose refuses"
                help = f"write it as `deploy.resources.{kind}.{part}`"
                tell(told, ("services", name, key), help, key=True)


@rule("replicas-twice")
def replicas_twice(project: Project, tell: Tell) -> None:
    for name, service in project.services.items():
        scale, written = service.get("scale"), inside(service, "deploy").get("replicas")
        if scale is not None and written is not None and not _same(scale, written):
            told = f"`scale` is {plain(scale)} and `deploy.replicas` is {plain(written)}"
            tell(told, ("services", name, "scale"), "remove one of them", key=True)


def _same(one: Any, other: Any) -> bool:
    texts = plain(one), plain(other)
    if one is not None and other is not None and None in texts:
        return True
    sizes = [parse_size(text) if text else None for text in texts]
    return texts[0] == texts[1] or (sizes[0] is not None and sizes[0] == sizes[1])


@rule("memory-too-small")
def memory_too_small(project: Project, tell: Tell) -> None:
    for name, service in project.services.items():
        for path, size, text in _sizes(service, "mem_limit", "limits"):
            if 0 < size < _LEAST_MEMORY:
                told = f"a limit of {text} is below the 6 MB that a container needs"
                tell(told, ("services", name, *path), "write at least 6M, or 0 for no limit")


@rule("reservation-above-limit")
def reservation_above_limit(project: Project, tell: Tell) -> None:
    for name, service in project.services.items():
        limits = list(_sizes(service, "mem_limit", "limits"))
        for path, size, text in _sizes(service, "mem_reservation", "reservations"):
            if limits and 0 < limits[0][1] < size:
                told = f"the reservation of {text} is above the limit of {limits[0][2]}"
                tell(told, ("services", name, *path), "reserve at most the limit")


def _sizes(service: Mapping[str, Any], key: str, kind: str) -> Iterator[tuple[Path, int, str]]:
    """Yields the path, the bytes and the text of an amount of memory in both of its places."""
    for path, value in (
        ((key,), service.get(key)),
        (("deploy", "resources", kind, "memory"), _resources(service, kind).get("memory")),
    ):
        text = plain(value)
        size = parse_size(text) if text else None
        if text and size is not None:
            yield path, size, text


@rule("soft-above-hard")
def soft_above_hard(project: Project, tell: Tell) -> None:
    for name, service in project.services.items():
        for limit, pair in (service.get("ulimits") or {}).items():
            soft, hard = (number(inside(pair).get(key)) for key in ("soft", "hard"))
            if soft is not None and hard is not None and hard != -1 and (soft > hard or soft == -1):
                told = f'the soft limit of "{limit}" is above its hard limit'
                tell(told, ("services", name, "ulimits", limit, "soft"), f"write at most {hard:g}")


@rule("replicas-share-name")
def replicas_share_name(project: Project, tell: Tell) -> None:
    for name, service in project.services.items():
        if replicas(service) > 1 and service.get("container_name") is not None:
            told = f"{replicas(service)} replicas cannot share one `container_name`"
            help = "remove it: Compose numbers the names"
            tell(told, ("services", name, "container_name"), help, key=True)


@rule("replicas-share-port")
def replicas_share_port(project: Project, tell: Tell) -> None:
    for name, service in project.services.items():
        count = replicas(service)
        for index, port in enumerate(service.get("ports") or () if count > 1 else ()):
            binding = binding_of(port)
            if 0 < len(binding.taken) < count * len(binding.container or (0,)):
                told = f"{count} replicas cannot share one host port"
                help = "leave the host port out, or publish a range such as 8080-8089:80"
                tell(told, ("services", name, "ports", index), help)
