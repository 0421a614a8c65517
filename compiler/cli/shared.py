"""What the commands share: their options, and the one place that prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compiler.report import Report

if TYPE_CHECKING:
    from compiler.registry.registry import Registry
    from compiler.run.workspace import Outcome, Project

FINDINGS, BUG, INTERRUPTED = 1, 3, 130
STACK = Path("stack.yaml")
# What cannot be read is a finding.
FILE = click.Path(path_type=Path, readable=False)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
# What a compile does, by the state of a file: one word when it is done, one when it would be.
_WORDS = {
    "new": ("wrote", "would write"),
    "changed": ("updated", "would update"),
    "edited": ("overwrote", "would overwrite"),
    "foreign": ("overwrote", "would overwrite"),
}

environment_option = click.option(
    "-e", "--env", "environment", default="local", help="Environment to compile for."
)
output_option = click.option(
    "-o", "--output", type=FILE, help="Folder for the rendered files; beside the stack by default."
)
adapters_option = click.option("--adapters", type=FOLDER, help="A folder with more adapters.")


def format_option(*further: str) -> Callable[[Any], Any]:
    """Returns the option for the format of what a command tells: text, JSON and what else it offers."""
    kind = click.Choice(["text", "json", *further])
    return click.option("--format", "form", type=kind, default="text", help="Format of what is told.")


def _log_passes(context: click.Context, option: click.Parameter, verbose: bool) -> None:
    if verbose:
        import logging

        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s")


def stack_options(command: Any) -> Any:
    """Adds what every command on rendered stacks takes."""
    for option in (
        click.option(
            "-v", "--verbose", is_flag=True, expose_value=False, callback=_log_passes, help="Log each pass."
        ),
        format_option("github", "sarif"),
        adapters_option,
        output_option,
        environment_option,
        click.argument("stacks", nargs=-1, type=FILE, metavar="[STACK]..."),
    ):
        command = option(command)
    return command


def load_registry(adapters: Path | None) -> Registry:
    from compiler.registry.registry import Registry
    from compiler.source.shipped import folders, tell_unusable

    places, report = folders(Path(), adapters), Report()
    tell_unusable(places, report)
    finish(report)
    return Registry(places)


def load_projects(
    stacks: Sequence[Path], environment: str, output: Path | None, adapters: Path | None
) -> list[Project]:
    """Returns the stacks that are named, each once, as they are on this day."""
    from datetime import date
    from time import time

    from compiler.run.workspace import Project

    try:
        # https://reproducible-builds.org/specs/source-date-epoch/
        today = date.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH") or time())).isoformat()
    except (ValueError, OverflowError, OSError):
        raise click.UsageError("SOURCE_DATE_EPOCH is not a number of seconds") from None
    projects: dict[Path, Project] = {}
    for stack in stacks or (STACK,):
        project = Project(stack, output or stack.parent, environment, adapters, today)
        other = projects.setdefault(project.output.resolve(), project).stack
        if other != stack:
            told = f"{other} and {stack} would overwrite each other's files; compile each with its own -o"
            raise click.UsageError(told)
    return list(projects.values())


def finish(
    report: Report, read: Sequence[Project | Registry] = (), form: str = "text", changes: Sequence[Any] = ()
) -> None:
    """Shows what was found in what was read, and exits where that is an error."""
    if form == "text" and not len(report):
        return
    from compiler.pages.findings import render_report

    sources = {shown: text for one in read for shown, text in one.sources.items()}
    private = {value for one in read if len(report) for value in getattr(one, "private", ())}
    # There is no stderr where it was closed.
    color = form == "text" and bool(sys.stderr and sys.stderr.isatty()) and not os.environ.get("NO_COLOR")
    text = render_report(report, sources, form, color=color, changes=changes, private=private)
    if text:
        click.echo(text, err=form == "text", color=color or None)
    if report.errors:
        sys.exit(FINDINGS)


def answer(data: Any, form: str, render: Callable[[Any], str]) -> None:
    """Prints what was asked for, as JSON or as `render` writes it."""
    import json

    click.echo(json.dumps(data, indent=2, ensure_ascii=False) if form == "json" else render(data))


def _makes_secrets(outcome: Outcome) -> bool:
    made = outcome.compiled
    return made is not None and any(one.generate for one in made.project.secrets)


def say_changes(project: Project, outcome: Outcome, would: bool) -> None:
    changed = [change for change in outcome.changes if change.status in _WORDS]
    for change in changed:
        kept = f" and kept what was there as {project.output / change.backup}" if change.backup else ""
        is_first = (change.path, change.status) == (".env", "new")
        new = ", with new secrets" if is_first and _makes_secrets(outcome) else ""
        told = f"{_WORDS[change.status][would]} {project.output / change.path}{new}"
        click.echo(told if would else told + kept)
    if not changed:
        click.echo(f"{project.output / 'docker-compose.yml'} is up to date")
        return
    status = next((one.status for one in changed if one.path == "docker-compose.yml"), "")
    if would or not status or outcome.compiled is None:
        return
    from compiler.pages.notes import iter_notes, next_command

    for note in iter_notes(outcome.compiled.project):
        click.echo(f"note: {note}")
    if status == "new":
        there = "" if project.output == Path() else f"cd {project.output} && "
        databases = outcome.compiled.stack.databases.values()
        for adapter in {one.adapter.name: one.adapter for one in databases if "note" in one.spec}.values():
            click.echo(f"note on {adapter.name}: {adapter.data['note']}")
        click.echo(f"next: {there}{next_command(outcome.compiled.project)}")
