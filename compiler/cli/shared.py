"""What the commands share: their options, and the one place that prints."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compiler import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from compiler.output import Change
    from compiler.registry.registry import Registry
    from compiler.report import Diagnostic
    from compiler.run.workspace import Outcome, Project

FINDINGS, BUG = 1, 3
_FORMATS = click.Choice(["text", "json", "github", "sarif"])
STACK = "stack.yaml"

stacks_argument = click.argument("stacks", nargs=-1, type=click.Path(path_type=Path), metavar="[STACK]...")
environment_option = click.option(
    "-e", "--env", "environment", default="local", show_default=True, help="Environment to compile for."
)
output_option = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for the rendered files; beside the stack by default.",
)
adapters_option = click.option(
    "--adapters",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder with more adapters.",
)
format_option = click.option(
    "--format", "form", type=_FORMATS, default="text", show_default=True, help="Format of the findings."
)


def data_format_option(*further: str) -> Callable[[Any], Any]:
    """Returns the option of a command that prints data: text, JSON and what else it offers."""
    choices = click.Choice(["text", "json", *further])
    return click.option(
        "--format", "form", type=choices, default="text", show_default=True, help="Format of the answer."
    )


verbose_option = click.option("-v", "--verbose", is_flag=True, help="Log each pass.")


def load_registry(adapters: Path | None) -> Registry:
    from compiler.registry.registry import Registry
    from compiler.source.shipped import folders

    return Registry(folders(Path(), adapters))


def iter_projects(
    stacks: Sequence[Path], environment: str, output: Path | None, adapters: Path | None
) -> Iterable[Project]:
    from compiler.run.workspace import Project

    taken: dict[Path, Path] = {}
    for stack in stacks:
        other = taken.setdefault((output or stack.parent).resolve(), stack)
        if other != stack:
            told = f"{other} and {stack} would overwrite each other's files; compile each with its own -o"
            raise click.UsageError(told)
    for stack in dict.fromkeys(stacks or (Path(STACK),)):
        yield Project(stack, output or stack.parent, environment, adapters, _today())


def _today() -> str:
    """Returns this day, or that of https://reproducible-builds.org/specs/source-date-epoch/, as an ISO date."""
    from datetime import date
    from time import time

    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    try:
        return date.fromtimestamp(int(epoch) if epoch else time()).isoformat()
    except (ValueError, OverflowError, OSError):
        raise click.UsageError("SOURCE_DATE_EPOCH is not a number of seconds") from None


def failed(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(diagnostic.severity == "error" for diagnostic in diagnostics)


def show_report(diagnostics: Iterable[Diagnostic], sources: dict[str, str], form: Any) -> None:
    from compiler.pages.findings import render_report

    # There is no stderr where it was closed.
    color = form == "text" and bool(sys.stderr and sys.stderr.isatty()) and not os.environ.get("NO_COLOR")
    text = render_report(diagnostics, sources, form, color=color, version=__version__)
    if text:
        click.echo(text, err=form == "text", color=color or None)


def say_changes(project: Project, outcome: Outcome, would: bool) -> None:
    words = {"new": "wrote", "changed": "updated", "edited": "overwrote", "foreign": "overwrote"}
    if would:
        words = {
            "new": "would write",
            "changed": "would update",
            "edited": "would overwrite",
            "foreign": "would overwrite",
        }
    first = any(change.status == "new" and change.path == "docker-compose.yml" for change in outcome.changes)
    changed = [change for change in outcome.changes if change.status in words]
    for change in changed:
        click.echo(f"{words[change.status]} {project.output / change.path}")
    if first and not would:
        there = "" if project.output == Path() else f"cd {project.output} && "
        click.echo(f"next: {there}docker compose up --wait")
    if not changed:
        click.echo(f"{project.output / 'docker-compose.yml'} is up to date")


def show_diff(changes: Iterable[Change], edited_only: bool) -> None:
    from compiler.output.diff import unified_diff

    for change in changes:
        if not edited_only or change.status in ("edited", "foreign"):
            click.echo(unified_diff(change), nl=False)


def to_json(data: Any) -> str:
    import json

    return json.dumps(data, indent=2, ensure_ascii=False)


def log_passes(verbose: bool) -> None:
    if verbose:
        import logging

        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s")
