"""Commands on stacks: compile, check, init, connect."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from compiler.cli.shared import (
    FINDINGS,
    STACK,
    adapters_option,
    data_format_option,
    environment_option,
    failed,
    format_option,
    iter_projects,
    log_passes,
    output_option,
    say_changes,
    show_diff,
    show_report,
    stacks_argument,
    to_json,
    verbose_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from compiler.report import Diagnostic


@click.command("compile")
@stacks_argument
@environment_option
@output_option
@adapters_option
@format_option
@verbose_option
@click.option("--check", "check_only", is_flag=True, help="Write nothing; exit 1 if a file would change.")
@click.option("--diff", "diff_only", is_flag=True, help="Write nothing; show what would change.")
@click.option("--force", is_flag=True, help="Overwrite files that were edited by hand or made by others.")
def compile_command(
    stacks: Sequence[Path],
    environment: str,
    output: Path | None,
    adapters: Path | None,
    form: str,
    verbose: bool,
    check_only: bool,
    diff_only: bool,
    force: bool,
) -> None:
    """Render docker-compose.yml and .env from each STACK (stack.yaml by default)."""
    log_passes(verbose)
    found: list[Diagnostic] = []
    sources: dict[str, str] = {}
    stale = False
    for project in iter_projects(stacks, environment, output, adapters):
        outcome = project.compile(force=force, write=not (check_only or diff_only))
        found += outcome.diagnostics
        sources |= project.sources
        refused = any(change.status in ("edited", "foreign") for change in outcome.changes) and not force
        if diff_only or refused:
            show_diff(outcome.changes, edited_only=not diff_only)
        elif form == "text" and not failed(outcome.diagnostics):
            say_changes(project, outcome, would=check_only)
        stale |= any(change.status != "unchanged" for change in outcome.changes)
    show_report(found, sources, form)
    sys.exit(FINDINGS if failed(found) or (check_only and stale) else 0)


@click.command()
@stacks_argument
@environment_option
@output_option
@adapters_option
@format_option
@verbose_option
def check(
    stacks: Sequence[Path],
    environment: str,
    output: Path | None,
    adapters: Path | None,
    form: str,
    verbose: bool,
) -> None:
    """Check that each STACK is valid and its rendered files are up to date; write nothing."""
    log_passes(verbose)
    found: list[Diagnostic] = []
    sources: dict[str, str] = {}
    for project in iter_projects(stacks, environment, output, adapters):
        found += project.check().diagnostics
        sources |= project.sources
    show_report(found, sources, form)
    sys.exit(FINDINGS if failed(found) else 0)


@click.command()
@click.option("--from", "example", default="minimal", show_default=True, help="Shipped stack to start from.")
@click.option("--list", "list_only", is_flag=True, help="List the shipped stacks.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
def init(example: str, list_only: bool, folder: Path) -> None:
    """Write a first stack.yaml into FOLDER (the current one by default)."""
    from compiler.pages.starter import copy_example, example_names

    if list_only:
        click.echo("\n".join(example_names()))
        return
    if example not in example_names():
        raise click.BadParameter(
            f'no shipped stack is named "{example}"; one of: {", ".join(example_names())}',
            param_hint="--from",
        )
    written, diagnostics = copy_example(example, folder)
    show_report(diagnostics, {}, "text")
    if diagnostics:
        sys.exit(FINDINGS)
    for path in written:
        click.echo(f"wrote {path}")
    click.echo("next: stackc compile" + ("" if folder == Path() else f" {folder / STACK}"))


@click.command()
@click.argument("database")
@click.option(
    "-f",
    "--stack",
    type=click.Path(path_type=Path),
    default=Path(STACK),
    show_default=True,
    help="The stack file.",
)
@environment_option
@output_option
@adapters_option
@click.option("--driver", help="Only the connection of this driver.")
@click.option(
    "--from",
    "origin",
    type=click.Choice(["network", "host"]),
    default="network",
    show_default=True,
    help="Where the client runs: in the stack's network or on this machine.",
)
@click.option("--reveal", is_flag=True, help="Show passwords, from the rendered .env.")
@click.option(
    "--query", "query", is_flag=True, help="Show the nearest-neighbour query of the database's vector index."
)
@data_format_option()
def connect(
    database: str,
    stack: Path,
    environment: str,
    output: Path | None,
    adapters: Path | None,
    driver: str | None,
    origin: str,
    reveal: bool,
    query: bool,
    form: str,
) -> None:
    """Show how to connect to DATABASE, with passwords masked."""
    from compiler.pages.access import find_connections, render_connections

    project = next(iter(iter_projects((stack,), environment, output, adapters)))
    answer, diagnostics = find_connections(project, database, driver=driver, origin=origin, reveal=reveal)
    show_report(diagnostics, project.sources, "text")
    if answer is None:
        sys.exit(FINDINGS)
    if query:
        click.echo(answer.query or f'database "{database}" has no vector index')
    else:
        click.echo(to_json(answer.data()) if form == "json" else render_connections(answer))
