"""The commands: each reads its arguments, asks for one thing and prints it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from compiler import __version__
from compiler.cli import complete, shared
from compiler.cli.adapters import adapters
from compiler.cli.docker import logs, ps, shell, up
from compiler.cli.init import init
from compiler.cli.moving import import_command
from compiler.cli.stacks import hook_option, load_project, load_projects, stack_options, stacks_argument
from compiler.report import Report, suggest

# What other tools call it.
_COMMANDS = {
    **dict.fromkeys(("validate", "verify", "lint", "test"), "stackc check"),
    **dict.fromkeys(("render", "build", "generate", "gen", "convert"), "stackc compile"),
    **dict.fromkeys(("start", "run", "deploy", "apply"), "stackc up"),
    **dict.fromkeys(("diff", "plan", "config"), "stackc compile --diff"),
    **dict.fromkeys(("down", "stop", "restart", "exec", "pull"), "docker compose {}"),
    **{"new": "stackc init", "create": "stackc init", "migrate": "stackc import", "help": "stackc --help"},
}


class _Commands(click.Group):
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in _COMMANDS:
            ctx.fail(f"no such command '{args[0]}'; write `{_COMMANDS[args[0]].format(args[0])}`")
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(__version__, prog_name="stackc")
def cli() -> None:
    """Compile a stack.yaml into a Docker Compose project that works the first time."""
    try:
        Path.cwd()
    except OSError:
        raise click.UsageError("the current folder is not there any more") from None


@cli.command("compile")
@stack_options
@stacks_argument
@shared.format_option("github", "sarif")
@click.option("--check", "check_only", is_flag=True, help="Write nothing; exit 1 if a file would change.")
@click.option("--diff", "diff_only", is_flag=True, help="Write nothing; show what would change.")
@click.option("--force", is_flag=True, help="Overwrite files that were edited by hand or made by others.")
@hook_option
@click.option("--new-secrets", is_flag=True, help="Make new values for secrets that .env has lost.")
def compile_command(
    form: str, check_only: bool, diff_only: bool, force: bool, new_secrets: bool, hook: bool, **given: Any
) -> None:
    """Render docker-compose.yml and .env from each STACK: a file, a folder, or - for stdin.

    \b
    stackc compile                          # the stack.yaml of this folder, or above
    stackc compile shop -e staging -o out
    stackc compile --diff
    """
    report, rows = Report(), []
    write = not (check_only or diff_only)
    projects = load_projects(**given, writes=write, hook=hook)
    added = False
    for project in projects:
        outcome = project.compile(
            force=force, new_secrets=new_secrets, write=write, again=force or new_secrets or not write
        )
        report.extend(outcome.diagnostics)
        for change in outcome.changes:
            added |= not change.secret and change.status != "unchanged"
            row = {"path": str(project.output / change.path), "status": change.status}
            rows.append(row)
            if diff_only or (change.status in ("edited", "foreign") and not force):
                from compiler.output.diff import unified_diff

                row["diff"] = unified_diff(change, project.private)
                if form != "json":
                    click.echo(row["diff"], nl=False, err=True)
        failed = any(finding.severity == "error" for finding in outcome.diagnostics)
        if form == "text" and not (diff_only or failed):
            shared.say_changes(project, outcome, would=check_only)
    shared.finish(report, projects, form, rows)
    if check_only and any(row["status"] != "unchanged" for row in rows):
        sys.exit(shared.FINDINGS)
    if hook and added:
        shared.say("stackc: add these files to the commit", err=True)
        sys.exit(shared.FINDINGS)


@cli.command()
@stack_options
@stacks_argument
@hook_option
@shared.format_option("github", "sarif")
def check(form: str, **given: Any) -> None:
    """Check that each STACK is valid and its rendered files are up to date; write nothing.

    \b
    stackc check
    stackc check */stack.yaml --format github
    """
    report, projects = Report(), load_projects(**given)
    for project in projects:
        report.extend(project.check().diagnostics)
    shared.finish(report, projects, form)


@cli.command()
@click.argument("database", shell_complete=complete.databases)
@stack_options
@shared.format_option()
@click.option("--driver", shell_complete=complete.drivers, help="Only the connection of this driver.")
@click.option(
    "--from",
    "origin",
    type=click.Choice(["network", "host"]),
    default="network",
    help="Where the client runs: in the stack's network or on this machine.",
)
@click.option("--reveal", is_flag=True, help="Show passwords, from the rendered .env.")
@click.option("--query", is_flag=True, help="Show the nearest-neighbour query of the vector index.")
def connect(
    database: str, form: str, driver: str | None, origin: str, reveal: bool, query: bool, **given: Any
) -> None:
    """Show how to connect to DATABASE, with passwords masked.

    \b
    stackc connect main
    stackc connect main --driver psycopg --from host --reveal
    """
    from compiler.pages.access import find_connections, render_connections

    project, report = load_project(**given), Report()
    drivers, nearest = find_connections(
        project, database, report, driver=driver, origin=origin, reveal=reveal
    )
    shared.finish(report, [project])
    if drivers and query:
        click.echo(nearest or f'database "{database}" has no vector index')
    elif drivers:
        shared.answer(drivers, form, render_connections)


@cli.command()
@click.argument("id", required=False, shell_complete=complete.codes)
@click.option("--symptoms", is_flag=True, help="What Compose and engines print, with cause and remedy.")
def explain(id: str | None, symptoms: bool) -> None:
    """Explain a finding by its ID, or the messages of others.

    \b
    stackc explain unknown-option
    stackc explain --symptoms | grep -i "port is already"
    """
    from compiler.pages.findings import load_pages, render_explanation

    if symptoms:
        from compiler.pages.reference import render_symptoms

        click.echo(render_symptoms(), nl=False)
        return
    if id is None:
        raise click.UsageError("name a finding, or ask for --symptoms")
    pages = load_pages()
    if id not in pages:
        raise click.BadParameter(f'no finding has the id "{id}"; {suggest(id, pages)}', param_hint="ID")
    click.echo(f"{id}: {pages[id].what}\n\n{render_explanation(pages[id])}")


@cli.command()
@shared.adapters_option
@click.option("--adapter", "of_adapters", is_flag=True, help="That of adapter files.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "markdown"]),
    default="json",
    help="For an editor or a reader.",
)
def schema(adapters: Path | None, of_adapters: bool, form: str) -> None:
    """Print one JSON Schema of stack.yaml for the editor, with every adapter that is found, or all keys as tables.

    \b
    stackc schema > stack.schema.json
    stackc schema --format markdown
    """
    from compiler.pages.editor import adapter_editor_schema, editor_schema

    if form == "markdown":
        from compiler.pages.reference import render_reference

        if of_adapters:
            raise click.UsageError("`stackc adapters guide` is the reference of adapter files")
        click.echo(render_reference(shared.load_registry(adapters)), nl=False)
        return
    made = adapter_editor_schema() if of_adapters else editor_schema(shared.load_registry(adapters))
    shared.answer(made, "json", str)


for command in (init, import_command, up, ps, logs, shell, adapters):
    cli.add_command(command)
