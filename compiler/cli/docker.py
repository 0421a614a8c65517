"""The commands that name, or run, what `docker compose` does with the rendered files."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from compiler.cli import complete, shared
from compiler.cli.stacks import load_project, stack_options
from compiler.report import Report

if TYPE_CHECKING:
    from compiler.run.workspace import Project

_run_option = click.option("--run", is_flag=True, help="Run the command instead of printing it.")
_services_argument = click.argument("services", nargs=-1, shell_complete=complete.containers)


@click.command()
@stack_options
@_run_option
@_services_argument
def up(run: bool, services: Sequence[str], **given: Any) -> None:
    """Check the stack, and print or run what starts it and waits until all is healthy.

    \b
    stackc up                     # docker compose -f docker-compose.yml up --wait
    stackc up --run app
    """
    from compiler.pages.docker import up_words

    project, report = load_project(**given), Report()
    _finish(project, up_words(project, report, services), run, report)


@click.command()
@stack_options
@_run_option
@_services_argument
def ps(run: bool, services: Sequence[str], **given: Any) -> None:
    """Print or run what lists the containers of the stack, those that have ended included.

    \b
    stackc ps --run
    """
    _do(load_project(**given), ["ps", "--all", *services], run, Report())


@click.command()
@stack_options
@_run_option
@click.option("--follow", is_flag=True, help="Go on with what is logged from now on.")
@_services_argument
def logs(run: bool, follow: bool, services: Sequence[str], **given: Any) -> None:
    """Print or run what shows the last 100 lines of each log.

    \b
    stackc logs --run main main-init
    stackc logs --run --follow
    """
    words = ["logs", "--tail", "100", *(["--follow"] if follow else []), *services]
    _do(load_project(**given), words, run, Report())


@click.command()
@stack_options
@_run_option
@click.argument("name", metavar="DATABASE|SERVICE", shell_complete=complete.containers)
def shell(run: bool, name: str, **given: Any) -> None:
    """Print or run what opens the engine's own client, logged in as the application, or a service's shell.

    \b
    stackc shell main --run
    stackc shell main --run < report.sql
    """
    from compiler.pages.docker import shell_words

    project, report = load_project(**given), Report()
    piped = not shared.is_terminal(sys.stdin)
    _finish(project, shell_words(project, name, report, piped=piped), run, report)


def _do(project: Project, words: Sequence[str], run: bool, report: Report) -> None:
    from compiler.pages.docker import compose_words

    _finish(project, compose_words(project, report, *words), run, report)


def _finish(project: Project, words: list[str], run: bool, report: Report) -> None:
    shared.finish(report, [project])
    if not run:
        click.echo(shlex.join(words))
        return
    sys.stdout.flush()
    try:
        os.execvp(words[0], words)
    except OSError as failure:
        told = f"{words[0]} cannot be run: {str(failure.strerror).lower()}"
        raise click.ClickException(told) from failure
