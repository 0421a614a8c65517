"""Ports that cannot be published, or are not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from compiler.project.ports import binding_of, port_fault, shared_port
from compiler.project.values import plain
from compiler.rules.rule import rule

if TYPE_CHECKING:
    from compiler.model import Path
    from compiler.project.ports import Binding
    from compiler.project.project import Project
    from compiler.rules.rule import Tell


@rule("port-syntax")
def port_syntax(project: Project, tell: Tell) -> None:
    for name, service in project.services.items():
        for index, port in enumerate(service.get("ports") or ()):
            if fault := port_fault(port):
                at: Path = ("services", name, "ports", index)
                help = 'write "HOST:CONTAINER", such as "8080:80"'
                tell(f"this is not a port: {fault}", at, help)


@rule("duplicate-port")
def duplicate_port(project: Project, tell: Tell) -> None:
    taken: list[tuple[Path, Binding]] = [
        (("services", name, "ports", index), binding_of(port))
        for name, service in project.services.items()
        for index, port in enumerate(service.get("ports") or ())
    ]
    order = sorted((binding.taken.start, index) for index, (_, binding) in enumerate(taken) if binding.taken)
    open_ones: list[int] = []
    for start, index in order:
        binding = taken[index][1]
        open_ones = [other for other in open_ones if taken[other][1].taken.stop > start]
        for other in open_ones:
            shared = shared_port(binding, taken[other][1])
            if shared is not None:
                first, second = sorted((index, other))
                told = f"the host port {shared} is published twice"
                help = "publish one of them on another port"
                tell(told, taken[second][0], help, first=taken[first][0])
                break
        open_ones.append(index)


@rule("ports-without-effect", "warning")
def ports_without_effect(project: Project, tell: Tell) -> None:
    for name, service in project.services.items():
        mode = plain(service.get("network_mode"))
        if service.get("ports") and mode in ("host", "none"):
            told = f"`ports` has no effect with `network_mode: {mode}`"
            tell(told, ("services", name, "ports"), "remove one of the two", key=True)


@rule("unpublished-port", "warning")
def unpublished_port(project: Project, tell: Tell) -> None:
    closed = {
        name
        for name, network in project.tree["networks"].items()
        if isinstance(network, Mapping) and network.get("internal") is True
    }
    for name, service in project.services.items():
        networks = (service.get("networks") or {}).keys()
        if service.get("ports") and networks and networks <= closed:
            told = f'service "{name}" is only in internal networks, where `ports` publishes nothing'
            tell(told, ("services", name, "ports"), "add `default` to its networks", key=True)
