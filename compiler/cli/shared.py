"""What the commands share: their options, and the one place that prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compiler.report import Report

if TYPE_CHECKING:
    from compiler.registry.registry import Registry
    from compiler.run.workspace import Outcome, Project

FINDINGS, BUG, INTERRUPTED = 1, 3, 130
STACKS = ("stack.yaml", "stack.yml")
_QUIET = "stackc.quiet"
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

adapters_option = click.option("--adapters", type=FOLDER, help="A folder with more adapters.")


def format_option(*further: str) -> Callable[[Any], Any]:
    """Returns the option for the format of what a command tells: text, JSON and what else it offers."""
    kind = click.Choice(["text", "json", *further])
    return click.option("--format", "form", type=kind, default="text", help="Format of what is told.")


def _log_passes(context: click.Context, option: click.Parameter, verbose: bool) -> None:
    if verbose:
        import logging

        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s")


def _keep_quiet(context: click.Context, option: click.Parameter, quiet: bool) -> None:
    context.meta[_QUIET] = quiet


verbose_option = click.option(
    "-v", "--verbose", is_flag=True, expose_value=False, callback=_log_passes, help="Log each pass."
)
quiet_option = click.option(
    "-q", "--quiet", is_flag=True, expose_value=False, callback=_keep_quiet, help="Tell nothing but findings."
)


def say(text: str, err: bool = False) -> None:
    """Tells what was done, unless it is to be quiet."""
    if not click.get_current_context().meta.get(_QUIET):
        click.echo(text, err=err)


def is_terminal(*streams: Any) -> bool:
    """Says whether a person is there; a stream that was closed is None."""
    return all(stream and stream.isatty() for stream in streams)


def today() -> str:
    """Returns the ISO date of this day, or of the one that the environment names."""
    from datetime import date
    from time import time

    try:
        # https://reproducible-builds.org/specs/source-date-epoch/
        return date.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH") or time())).isoformat()
    except (ValueError, OverflowError, OSError):
        raise click.UsageError("SOURCE_DATE_EPOCH is not a number of seconds") from None


def nearest() -> Path:
    """Returns the stack of this folder or of the nearest one above it; where there is none, this folder's."""
    with suppress(OSError):
        for height in range(len(Path.cwd().parts)):
            folder = Path(*[".."] * height)
            if any(os.path.lexists(folder / name) for name in STACKS):
                return stack_in(folder) or folder
    return Path(STACKS[0])


def stack_in(folder: Path) -> Path | None:
    """Returns the file of the stack that belongs to a folder, there or not; None where that is no folder."""
    # Unlike pathlib it takes what is out of reach for no folder.
    if not os.path.isdir(folder):  # noqa: PTH112
        return None
    return next((folder / name for name in STACKS if os.path.lexists(folder / name)), folder / STACKS[0])


def load_registry(adapters: Path | None, beside: Path | None = None) -> Registry:
    """Returns the adapters that a stack in a folder can use, by default in that of the nearest stack."""
    from compiler.registry.registry import Registry
    from compiler.source.shipped import folders, tell_unusable

    places, report = folders(beside or nearest().parent, adapters), Report()
    tell_unusable(places, report)
    finish(report)
    return Registry(places)


def finish(report: Report, read: Sequence[Any] = (), form: str = "text", changes: Sequence[Any] = ()) -> None:
    """Shows what was found in what was read, and exits where that is an error."""
    if form == "text" and not len(report):
        return
    from compiler.pages.findings import render_report

    sources = {shown: text for one in read for shown, text in one.sources.items()}
    private = {value for one in read if len(report) for value in getattr(one, "private", ())}
    # There is no stderr where it was closed.
    color = form == "text" and bool(sys.stderr and sys.stderr.isatty()) and not os.environ.get("NO_COLOR")
    places = _root_around() if form in ("github", "sarif") else None
    text = render_report(report, sources, form, color=color, changes=changes, private=private, places=places)
    if text:
        click.echo(text, err=form == "text", color=color or None)
    if report.errors:
        sys.exit(FINDINGS)


def _root_around() -> tuple[str, str] | None:
    """Returns this folder and the root of its git repository, from which machines count paths."""
    with suppress(OSError):
        here = Path.cwd()
        roots = (folder for folder in (here, *here.parents) if os.path.lexists(folder / ".git"))
        return (str(here), str(root)) if (root := next(roots, None)) else None
    return None


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
        say(told if would else told + kept)
    if not changed:
        say(f"{project.output / 'docker-compose.yml'} is up to date")
        return
    status = next((one.status for one in changed if one.path == "docker-compose.yml"), "")
    if would or not status or outcome.compiled is None:
        return
    from compiler.pages.notes import by_hand, iter_notes, next_command

    for note in iter_notes(outcome.compiled.project):
        say(f"note: {note}")
    if status == "new":
        there = "" if project.output == Path() else f"cd {project.output} && "
        databases = outcome.compiled.stack.databases.values()
        if hint := by_hand(outcome.compiled.project, load_registry(project.adapters, project.stack.parent)):
            say(f"note: {hint}")
        for adapter in {one.adapter.name: one.adapter for one in databases if "note" in one.spec}.values():
            say(f"note on {adapter.name}: {adapter.data['note']}")
        say(f"next: {there}{next_command(outcome.compiled.project)}")
