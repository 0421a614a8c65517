"""The command `stackc`: the one place that reads arguments, prints, catches and exits.

Exit status: 0 nothing wrong, 1 findings, 2 wrong usage, 3 a bug in stackc itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compiler import __version__

if TYPE_CHECKING:
    from compiler.diagnostics import Diagnostic
    from compiler.output import Change
    from compiler.project import Outcome, Project

FINDINGS, BUG = 1, 3
_FORMATS = click.Choice(["text", "json", "github", "sarif"])
_STACK = "stack.yaml"

stacks_argument = click.argument("stacks", nargs=-1, type=click.Path(path_type=Path), metavar="[STACK]...")
environment_option = click.option("-e", "--env", "environment", default="local", show_default=True, help="Environment to compile for.")
output_option = click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for the rendered files; beside the stack by default.")
adapters_option = click.option("--adapters", type=click.Path(path_type=Path, exists=True, file_okay=False), help="A folder with more adapters.")
format_option = click.option("--format", "form", type=_FORMATS, default="text", show_default=True, help="Format of the findings.")
verbose_option = click.option("-v", "--verbose", is_flag=True, help="Log each pass.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stackc")
def cli() -> None:
    """Compile a stack.yaml into a Docker Compose project that works the first time."""


@cli.command("compile")
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
    _log(verbose)
    found: list[Diagnostic] = []
    sources: dict[str, str] = {}
    stale = False
    for project in _projects(stacks, environment, output, adapters):
        outcome = project.compile(force=force, write=not (check_only or diff_only))
        found += outcome.diagnostics
        sources |= project.sources
        refused = any(change.status in ("edited", "foreign") for change in outcome.changes) and not force
        if diff_only or refused:
            _show_diff(outcome.changes, edited_only=not diff_only)
        elif form == "text" and not _failed(outcome.diagnostics):
            _say_changes(project, outcome, would=check_only)
        stale |= any(change.status != "unchanged" for change in outcome.changes)
    _report(found, sources, form)
    sys.exit(FINDINGS if _failed(found) or (check_only and stale) else 0)


@cli.command()
@stacks_argument
@environment_option
@output_option
@adapters_option
@format_option
@verbose_option
def check(
    stacks: Sequence[Path], environment: str, output: Path | None, adapters: Path | None, form: str, verbose: bool
) -> None:
    """Check that each STACK is valid and its rendered files are up to date; write nothing."""
    _log(verbose)
    found: list[Diagnostic] = []
    sources: dict[str, str] = {}
    for project in _projects(stacks, environment, output, adapters):
        found += project.check().diagnostics
        sources |= project.sources
    _report(found, sources, form)
    sys.exit(FINDINGS if _failed(found) else 0)


@cli.command()
@click.option("--from", "example", default="minimal", show_default=True, help="Shipped stack to start from.")
@click.option("--list", "list_only", is_flag=True, help="List the shipped stacks.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
def init(example: str, list_only: bool, folder: Path) -> None:
    """Write a first stack.yaml into FOLDER (the current one by default)."""
    from compiler.starter import copy_example, example_names

    if list_only:
        click.echo("\n".join(example_names()))
        return
    if example not in example_names():
        raise click.BadParameter(f'no shipped stack is named "{example}"; one of: {", ".join(example_names())}', param_hint="--from")
    written, diagnostics = copy_example(example, folder)
    _report(diagnostics, {}, "text")
    if diagnostics:
        sys.exit(FINDINGS)
    for path in written:
        click.echo(f"wrote {path}")
    click.echo("next: stackc compile" + ("" if folder == Path() else f" {folder / _STACK}"))


@cli.group()
def adapters() -> None:
    """List and show the adapters of database engines."""


@adapters.command("list")
@adapters_option
@click.option("--needs", help="Only those with all of these capabilities, such as vector,relational.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Format of the list.")
def list_adapters(adapters: Path | None, needs: str | None, form: str) -> None:
    """List the adapters: their versions, aliases and capabilities."""
    from compiler.catalog import catalog_rows, render_rows

    registry = _registry(adapters)
    rows, diagnostics = catalog_rows(registry, needs.split(",") if needs else [])
    click.echo(_json(rows) if form == "json" else render_rows(rows))
    _report(diagnostics, registry.sources, "text")
    sys.exit(FINDINGS if _failed(diagnostics) else 0)


@adapters.command("show")
@click.argument("name")
@adapters_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Format of the page.")
def show_adapter(name: str, adapters: Path | None, form: str) -> None:
    """Show one adapter: its versions, its options with their defaults, its drivers."""
    from compiler.catalog import adapter_page, render_page
    from compiler.diagnostics import Span

    registry = _registry(adapters)
    adapter, diagnostics = registry.find(name, Span(path="stackc adapters show"))
    if adapter is None:
        _report(diagnostics, registry.sources, "text")
        sys.exit(FINDINGS)
    page = adapter_page(adapter)
    click.echo(_json(page) if form == "json" else render_page(page))


@adapters.command("detect")
@click.argument("word", metavar="URL|IMAGE|NAME")
@adapters_option
def detect_adapter(word: str, adapters: Path | None) -> None:
    """Name the adapter of a URL, of an image or of an alias."""
    from compiler.catalog import detect

    registry = _registry(adapters)
    adapter, version, diagnostics = detect(word, registry)
    if adapter is None:
        _report(diagnostics, registry.sources, "text")
        sys.exit(FINDINGS)
    click.echo(f"{adapter.name} {version}" if version else adapter.name)


@adapters.command("test")
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...")
@adapters_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Format of the table.")
def test_adapters(names: Sequence[str], adapters: Path | None, form: str) -> None:
    """Try adapters without an engine: schema, probe, hostile passwords, every version, every driver."""
    from compiler.trial import render_trials, run_trials

    trials, sources = run_trials(names, adapters)
    click.echo(_json([trial.row() for trial in trials]) if form == "json" else render_trials(trials))
    _report([finding for trial in trials for finding in trial.diagnostics], sources, "text")
    sys.exit(0 if trials and all(trial.passed for trial in trials) else FINDINGS)


@cli.command()
@click.argument("database")
@click.option("-f", "--stack", type=click.Path(path_type=Path), default=Path(_STACK), show_default=True, help="The stack file.")
@environment_option
@output_option
@adapters_option
@click.option("--driver", help="Only the connection of this driver.")
@click.option("--from", "origin", type=click.Choice(["network", "host"]), default="network", show_default=True, help="Where the client runs: in the stack's network or on this machine.")
@click.option("--reveal", is_flag=True, help="Show passwords, from the rendered .env.")
@click.option("--query", "query", is_flag=True, help="Show the nearest-neighbour query of the database's vector index.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Format of the answer.")
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
    from compiler.access import find_connections, render_connections

    project = next(iter(_projects((stack,), environment, output, adapters)))
    answer, diagnostics = find_connections(project, database, driver=driver, origin=origin, reveal=reveal)
    _report(diagnostics, project.sources, "text")
    if answer is None:
        sys.exit(FINDINGS)
    if query:
        click.echo(answer.query or f'database "{database}" has no vector index')
    else:
        click.echo(_json(answer.data()) if form == "json" else render_connections(answer))


@cli.command()
@click.argument("code")
def explain(code: str) -> None:
    """Explain a finding by its CODE, such as unknown-option."""
    from compiler.codes import CODES
    from compiler.diagnostics import suggest

    if code not in CODES:
        raise click.BadParameter(f'no finding has the code "{code}"; {suggest(code, CODES)}', param_hint="CODE")
    click.echo(f"{code}: {CODES[code].summary}\n\n{CODES[code].explanation}")


@cli.command()
@adapters_option
def schema(adapters: Path | None) -> None:
    """Print one JSON Schema of stack.yaml for the editor, with every adapter that is found."""
    from compiler.catalog import editor_schema

    click.echo(_json(editor_schema(_registry(adapters))))


def _registry(adapters: Path | None) -> Any:
    from compiler.resources import folders
    from compiler.registry import Registry

    return Registry(folders(Path(), adapters))


def _projects(
    stacks: Sequence[Path], environment: str, output: Path | None, adapters: Path | None
) -> Iterable[Project]:
    from datetime import date

    from compiler.project import Project

    if output is not None and len(stacks) > 1:
        raise click.UsageError("-o takes one stack: two would overwrite each other's files")
    today = os.environ.get("STACKC_TODAY") or date.today().isoformat()
    for stack in stacks or (Path(_STACK),):
        yield Project(stack, output or stack.parent, environment, adapters, today)


def _failed(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(diagnostic.severity == "error" for diagnostic in diagnostics)


def _report(diagnostics: Iterable[Diagnostic], sources: dict[str, str], form: Any) -> None:
    from compiler.report import render_report

    color = form == "text" and sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    text = render_report(diagnostics, sources, form, color=color, version=__version__)
    if text:
        click.echo(text, err=form == "text", color=color or None)


def _say_changes(project: Project, outcome: Outcome, would: bool) -> None:
    words = {"new": "wrote", "changed": "updated", "edited": "overwrote", "foreign": "overwrote"}
    if would:
        words = {"new": "would write", "changed": "would update", "edited": "would overwrite", "foreign": "would overwrite"}
    changed = [change for change in outcome.changes if change.status in words]
    for change in changed:
        click.echo(f"{words[change.status]} {project.output / change.path}")
    if not changed:
        click.echo(f"{project.output / 'docker-compose.yml'} is up to date")


def _show_diff(changes: Iterable[Change], edited_only: bool) -> None:
    from compiler.output import unified_diff

    for change in changes:
        if not edited_only or change.status in ("edited", "foreign"):
            click.echo(unified_diff(change), nl=False)


def _json(data: Any) -> str:
    import json

    return json.dumps(data, indent=2, ensure_ascii=False)


def _log(verbose: bool) -> None:
    if verbose:
        import logging

        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s")


def main() -> None:
    """Runs the command; an exception that nobody expected is told as a bug of stackc, without its values."""
    try:
        cli(prog_name="stackc")
    except Exception as fault:
        last = fault.__traceback__
        while last and last.tb_next:
            last = last.tb_next
        place = f"{Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}" if last else "an unknown place"
        click.echo(f"stackc: bug: {type(fault).__name__} at {place}", err=True)
        click.echo("This is a fault of stackc, not of your files; please report it with the stack that shows it.", err=True)
        if os.environ.get("STACKC_TRACEBACK"):
            raise
        sys.exit(BUG)
