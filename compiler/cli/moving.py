"""`stackc import`: a first stack from what Compose reads."""

from __future__ import annotations

import os
from pathlib import Path

import click

from compiler.cli import shared
from compiler.report import Report, Span


@click.command("import")
@click.argument("paths", nargs=-1, type=shared.FILE, metavar="[FOLDER|FILE]...")
@click.option(
    "-f", "--file", "files", multiple=True, type=shared.FILE, help="A Compose file; several are merged."
)
@click.option(
    "-o", "--output", type=shared.FILE, help="Folder for stack.yaml; that of the Compose files by default."
)
@click.option(
    "--dry-run", is_flag=True, help="Write nothing; print the stack, and what there is to tell on stderr."
)
@shared.adapters_option
def import_command(
    paths: tuple[Path, ...],
    files: tuple[Path, ...],
    output: Path | None,
    dry_run: bool,
    adapters: Path | None,
) -> None:
    """Write a stack.yaml that deploys what Compose reads in FOLDER, with its databases as databases.

    \b
    stackc import --dry-run
    stackc import ../shop -o shop
    """
    from compiler.importing.moving import import_compose
    from compiler.importing.reading import Reader
    from compiler.output import Refusal, hold, tell_refusal
    from compiler.output.transaction import Replacement, replace_files
    from compiler.pages.imported import next_command, render_lines

    report = Report()
    reader = Reader(report)
    compose = reader.compose([*paths, *files], output)
    folder = output or (compose.folder if compose else Path())
    is_here = compose is None or folder.resolve() == compose.folder.resolve()
    for path in (folder / name for name in ("stack.yaml", ".env")[: 1 if is_here else 2]):
        if not dry_run and os.path.lexists(path):
            help = "move it away, or name another folder with -o"
            report.error("file-exists", "the file is there already", Span(str(path)), help)
    if report.errors or compose is None:
        shared.finish(report, [reader])
        return
    made = import_compose(compose, shared.load_registry(adapters), shared.today())
    if dry_run:
        click.echo(made.stack, nl=False)
        click.echo(render_lines(made.lines), err=True)
        return
    written = [Replacement("stack.yaml", made.stack.encode(), 0o644)]
    if env := made.env or ("" if is_here else compose.dotenv.text):
        written.append(Replacement(".env", env.encode(), 0o600))
    told = [
        f"{'updated' if (folder / one.path).exists() else 'wrote'} {folder / one.path}" for one in written
    ]
    try:
        with hold(folder):
            replace_files(folder, written)
    except Refusal as refusal:
        tell_refusal(report, refusal, "written")
    shared.finish(report)
    click.echo(render_lines(made.lines))
    click.echo("\n".join([*told, f"next: {next_command(folder)}"]))
