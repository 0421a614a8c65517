"""The `docker compose` commands that a person types for the rendered files of one stack."""

from __future__ import annotations

import os
from collections.abc import Sequence

from compiler.pages.notes import start_words
from compiler.report import Report, Span, suggest
from compiler.run.workspace import Project


def compose_words(project: Project, report: Report, *words: str) -> list[str]:
    """Returns a command on what a stack has rendered, as words; an error says where it has rendered nothing."""
    file = project.output / "docker-compose.yml"
    if not os.path.lexists(file):
        report.error("stale-output", f"{file} is missing", Span(str(file)), f"run `{project.command()}`")
    return ["docker", "compose", "-f", str(file), *words]


def up_words(project: Project, report: Report, services: Sequence[str]) -> list[str]:
    """Returns the command that starts a stack that is in order; nothing if an error says why."""
    report.extend(project.check().diagnostics)
    compiled = None if report.errors else project.compiled(Report())
    return compose_words(project, report, *start_words(compiled.project), *services) if compiled else []


def shell_words(project: Project, name: str, report: Report, *, piped: bool) -> list[str]:
    """Returns the command that opens a database's own client, or a shell in any other container.

    The client logs in as the application's user, by the file of its secret; what it is asked may be `piped` in. Nothing
    if an error says why.
    """
    no_terminal = ["-T"] if piped else []
    compiled = project.compiled(report)
    if compiled is None:
        return []
    made, document = compiled.project, compiled.stack.document
    if name in made.shells:
        container, script = made.shells[name]
        if made.kinds[container] == "job":
            # A job has ended: one more container of it is made, which has its secrets and goes when it is left.
            words = ["run", *no_terminal, "--rm", "--entrypoint", "/bin/sh", container, "-ec", script]
        else:
            words = ["exec", *no_terminal, container, "/bin/sh", "-ec", script]
        return compose_words(project, report, *words)
    if name in made.databases:
        adapter = made.databases[name].adapter.name
        told, place = f"{adapter} has no client that stackc can open", document.key(("databases", name))
        help = f"connect with a client of yours, as `stackc connect {name} --from host` shows"
        report.error("no-shell", told, place, help)
    elif name not in made.services:
        told, place = f'the stack has no service or database "{name}"', document.value(())
        known = [*made.databases, *(one for one, _ in made.own_services())]
        report.error("unknown-reference", told, place, suggest(name, known))
    return compose_words(project, report, "exec", *no_terminal, name, "sh")
