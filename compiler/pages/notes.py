"""What a compile says aloud of a project: what differs in meaning from what Compose alone would make of the stack."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.project.containers import unawaited_jobs
from compiler.project.long_form import short_port
from compiler.project.project import Project
from compiler.project.references import client_ports
from compiler.project.values import written_text
from compiler.registry.registry import Registry


def iter_notes(project: Project) -> Iterator[str]:
    """Yields what a person should know who knows Compose."""
    moved: dict[str, str] = {}
    unknown: list[str] = []
    for name, service in project.own_services():
        for index, port in enumerate(service.get("ports") or ()):
            origin = project.places.origin(("services", name, "ports", index, "host_ip"))
            shown = f"{name}:{written_text(port.get('published', port.get('target')))}"
            if "host_ip" in port and origin.kind == "default":
                moved[shown] = str(short_port({**port, "host_ip": "0.0.0.0"}))
            elif "published" not in port and "$" in shown:
                unknown.append(shown)
    if moved:
        line = next(iter(moved.values()))
        yield f'only this machine reaches {", ".join(moved)}; for the world, write the address: "{line}"'
    if unknown:
        yield f"a variable decides who reaches {', '.join(unknown)}"
    ports = {key: client_ports(database) for key, database in project.databases.items()}
    hidden = [key for key, known in ports.items() if not any(port.here for port in known)]
    if hidden:
        port = ports[hidden[0]][0].inside
        yield f"only services reach {', '.join(hidden)}; `port: {port}` opens a database to this machine"
    if project.include:
        yield "the files of `include` are Compose's to read, and are not checked here"
    for name in _own_jobs(project):
        yield f'docker compose up --wait waits until "{name}" has ended'


def by_hand(project: Project, registry: Registry) -> str:
    """Returns what to say of services with the images of engines that stackc runs; nothing where there are none."""
    found: dict[str, str] = {}
    for name, service in project.own_services():
        if adapter := registry.of_image(written_text(service.get("image"))):
            found[name] = adapter
    if not found:
        return ""
    entries = ", ".join(f"{name}: {{adapter: {adapter}}}" for name, adapter in found.items())
    moving = "`stackc import` moves such services in, or says why not"
    return f"`databases: {{{entries}}}` does more for {', '.join(found)}; {moving}"


def next_command(project: Project) -> str:
    """Returns what a person types to start a project."""
    return f"docker compose {' '.join(start_words(project))}"


def start_words(project: Project) -> list[str]:
    """Returns what `docker compose` starts a project with, and does not take the end of a job for a failure."""
    return ["up", "--detach" if unawaited_jobs(project) else "--wait"]


def _own_jobs(project: Project) -> list[str]:
    gates = (one for name, one in project.services.items() if project.kinds[name] == "gate")
    waits = {name for gate in gates for name in gate["depends_on"]}
    return [name for name, _ in project.own_services() if name in waits]
