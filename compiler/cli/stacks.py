"""Commands on stacks: compile, check, init, connect."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from compiler.cli.shared import (
    FINDINGS,
    PATH,
    STACK,
    adapters_option,
    change_row,
    environment_option,
    finish,
    format_option,
    iter_projects,
    output_option,
    say_changes,
    show_report,
    stack_options,
    to_json,
)
from compiler.report import Report


@click.command("compile")
@stack_options
@click.option("--check", "check_only", is_flag=True, help="Write nothing; exit 1 if a file would change.")
@click.option("--diff", "diff_only", is_flag=True, help="Write nothing; show what would change.")
@click.option("--force", is_flag=True, help="Overwrite files that were edited by hand or made by others.")
def compile_command(form: str, check_only: bool, diff_only: bool, force: bool, **given: Any) -> None:
    """Render docker-compose.yml and .env from each STACK (stack.yaml by default)."""
    report, rows = Report(), []
    sources: dict[str, str] = {}
    for project in iter_projects(**given):
        outcome = project.compile(force=force, write=not (check_only or diff_only))
        report.extend(outcome.diagnostics)
        sources |= project.sources
        refused = {one.path for one in outcome.changes if one.status in ("edited", "foreign") and not force}
        for change in outcome.changes:
            rows.append(change_row(project, change, form, diff_only or change.path in refused))
        failed = any(finding.severity == "error" for finding in outcome.diagnostics)
        if form == "text" and not (diff_only or refused or failed):
            say_changes(project, outcome.changes, would=check_only)
    show_report(report, sources, form, rows)
    stale = check_only and any(row["status"] != "unchanged" for row in rows)
    sys.exit(FINDINGS if report.errors or stale else 0)


@click.command()
@stack_options
def check(form: str, **given: Any) -> None:
    """Check that each STACK is valid and its rendered files are up to date; write nothing."""
    report = Report()
    sources: dict[str, str] = {}
    for project in iter_projects(**given):
        report.extend(project.check().diagnostics)
        sources |= project.sources
    show_report(report, sources, form)
    sys.exit(FINDINGS if report.errors else 0)


@click.command()
@click.option("--from", "example", default="minimal", show_default=True, help="Shipped stack to start from.")
@click.option("--list", "list_only", is_flag=True, help="List the shipped stacks.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
def init(example: str, list_only: bool, folder: Path) -> None:
    """Write a first stack.yaml into FOLDER (the current one by default)."""
    from compiler.pages.starter import copy_example, example_names

    names = example_names()
    if list_only:
        click.echo("\n".join(names))
        return
    if example not in names:
        told = f'no shipped stack is named "{example}"; one of: {", ".join(names)}'
        raise click.BadParameter(told, param_hint="--from")
    report = Report()
    written = copy_example(example, folder, report)
    finish(report, {})
    for path in written:
        click.echo(f"wrote {path}")
    click.echo("next: stackc compile" + ("" if folder == Path() else f" {folder / STACK}"))


@click.command()
@click.argument("database")
@click.option("-f", "--stack", type=PATH, default=Path(STACK), show_default=True, help="The stack file.")
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
    "--query", is_flag=True, help="Show the nearest-neighbour query of the database's vector index."
)
@format_option("answer")
def connect(
    database: str,
    stack: Path,
    driver: str | None,
    origin: str,
    reveal: bool,
    query: bool,
    form: str,
    **given: Any,
) -> None:
    """Show how to connect to DATABASE, with passwords masked."""
    from compiler.pages.access import find_connections, render_connections

    (project,) = iter_projects((stack,), **given)
    report = Report()
    answer = find_connections(project, database, report, driver=driver, origin=origin, reveal=reveal)
    finish(report, project.sources)
    if answer is None:
        return
    if query:
        click.echo(answer.query or f'database "{database}" has no vector index')
    else:
        click.echo(to_json(answer.data()) if form == "json" else render_connections(answer))
