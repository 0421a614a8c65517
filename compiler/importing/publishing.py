"""Ports that are open to the world: a stack says so, where Compose takes it for granted."""

from __future__ import annotations

from typing import Any

from compiler.importing.hiding import Hiding
from compiler.importing.reading import Compose
from compiler.model import Raw
from compiler.project.long_form import short_port
from compiler.project.values import long_port, written_text

WORLD = "0.0.0.0"


def publish(compose: Compose, hiding: Hiding, name: str, service: dict[str, Any]) -> list[str]:
    """Writes out the address of ports that were open to the world, which a stack would bind to loopback.

    Returns them.
    """
    ports, opened = list(service.get("ports") or ()), []
    for index, port in enumerate(ports):
        at = ("services", name, "ports", index)
        # Compose refuses one without a target, and so does a compile.
        if "host_ip" in port or "target" not in port:
            continue
        if at in compose.project.places.short:
            text = _address(compose, str(short_port(port)), "published" in port)
            ports[index] = long_port(Raw(text))
            hiding.edit(at, text)
        else:
            ports[index] = {**port, "host_ip": WORLD}
        if written_text(ports[index]["host_ip"]) == WORLD:
            opened.append(str(short_port(ports[index])))
    service |= {"ports": ports} if ports else {}
    return opened


def _address(compose: Compose, text: str, has_host_port: bool) -> str:
    """Returns a short port with its address; a variable may hold both, and a port of this machine too."""
    filled = compose.filled(text)
    real = long_port(filled)
    if "host_ip" in real:
        return filled
    if has_host_port:
        return f"{WORLD}:{text}"
    return f"{WORLD}:{filled}" if "published" in real else f"{WORLD}::{text}"
