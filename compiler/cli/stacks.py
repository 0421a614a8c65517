"""Which stack a command is about: the options that say so, and the file, folder or pipe that they name."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compiler.cli import complete, shared

if TYPE_CHECKING:
    from compiler.run.workspace import Project

# More than a stack may have, so that it is refused for its size.
_MOST_BYTES = 2 * 1024 * 1024


def stack_options(command: Any) -> Any:
    """Adds what every command that takes a stack takes."""
    options: Sequence[Callable[[Any], Any]] = (
        shared.verbose_option,
        shared.quiet_option,
        shared.adapters_option,
        click.option(
            "-o",
            "--output",
            type=shared.FILE,
            help="Folder of the rendered files; the stack's own by default.",
        ),
        click.option(
            *("-e", "--env", "environment"),
            default="local",
            shell_complete=complete.environments,
            help="Environment to compile for.",
        ),
        click.option(
            *("-f", "--file"),
            type=shared.FILE,
            help="The stack: a file, its folder, or - for stdin; by default the nearest stack.yaml, here or above.",
        ),
    )
    for option in options:
        command = option(command)
    return command


hook_option = click.option(
    "--hook",
    is_flag=True,
    help="For a hook of git: take the stack beside each file, if there is one, and fail where git has more to add.",
)
stacks_argument = click.argument("stacks", nargs=-1, type=shared.FILE, metavar="[STACK]...")


def load_projects(
    file: Path | None,
    environment: str,
    output: Path | None,
    adapters: Path | None,
    stacks: Sequence[Path] = (),
    writes: bool = False,
    hook: bool = False,
) -> list[Project]:
    """Returns the stacks that are named, each once, as they are on this day.

    A `hook` names all files that were changed, of which some are stacks and some are rendered.
    """
    from compiler.run.workspace import Project

    today, projects = shared.today(), dict[Path, Project]()
    if hook:
        beside = (shared.stack_in(named.parent) for named in stacks)
        stacks = [stack for stack in beside if stack and os.path.lexists(stack)]
    names = [*stacks, *([file] if file else [])]
    if hook and not names:
        return []
    if not names and (found := shared.nearest()).parent != Path():
        shared.say(f"stackc: the stack is {found}", err=True)
    for named in names or [shared.nearest()]:
        stack, content = _read(named)
        if content is not None and writes and output is None:
            raise click.UsageError("a stack from stdin has no folder; name one with -o")
        folder = output or stack.parent
        project = Project(stack, folder, environment, adapters, today, content)
        other = projects.setdefault(project.output.resolve(), project).stack
        if other != stack:
            told = f"{other} and {stack} would overwrite each other's files; compile each with its own -o"
            raise click.UsageError(told)
    return list(projects.values())


def load_project(**given: Any) -> Project:
    """Returns the one stack that is named."""
    return load_projects(**given)[0]


def _read(named: Path) -> tuple[Path, bytes | None]:
    """Returns the file of a stack, and its content where that comes through a pipe."""
    if named == Path("-"):
        return Path("stdin"), sys.stdin.buffer.read(_MOST_BYTES) if sys.stdin else b""
    if named.parts[:2] in (("/", "dev"), ("/", "proc")):
        try:
            with named.open("rb") as stream:
                return Path("stdin"), stream.read(_MOST_BYTES)
        except OSError:
            return Path("stdin"), b""
    return shared.stack_in(named) or named, None
