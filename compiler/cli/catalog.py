"""Commands on what stackc knows: adapters, schema, explain."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from compiler.cli.shared import (
    FINDINGS,
    adapters_option,
    finish,
    format_option,
    load_registry,
    show_report,
    to_json,
)
from compiler.report import Report, Span, suggest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@click.group()
def adapters() -> None:
    """List and show the adapters of database engines."""


@adapters.command("list")
@adapters_option
@click.option("--needs", help="Only those with all of these capabilities, such as vector,relational.")
@format_option("answer", "markdown")
def list_adapters(adapters: Path | None, needs: str | None, form: str) -> None:
    """List the adapters: their versions, aliases and capabilities."""
    from compiler.pages.catalog import catalog_rows, markdown_rows, render_rows

    registry, report = load_registry(adapters), Report()
    rows = catalog_rows(registry, report, needs.split(",") if needs else [])
    click.echo({"json": to_json, "markdown": markdown_rows, "text": render_rows}[form](rows))
    finish(report, registry.sources)


@adapters.command("show")
@click.argument("name")
@adapters_option
@format_option("answer")
def show_adapter(name: str, adapters: Path | None, form: str) -> None:
    """Show one adapter: its versions, its options with their defaults, its drivers."""
    from compiler.pages.catalog import adapter_page, render_page

    registry, report = load_registry(adapters), Report()
    adapter = registry.find(name, Span(path="stackc adapters show"), report)
    finish(report, registry.sources)
    if adapter is not None:
        page = adapter_page(adapter)
        click.echo(to_json(page) if form == "json" else render_page(page))


@adapters.command("detect")
@click.argument("word", metavar="URL|IMAGE|NAME")
@adapters_option
def detect_adapter(word: str, adapters: Path | None) -> None:
    """Name the adapter of a URL, of an image or of an alias."""
    from compiler.pages.catalog import detect

    registry, report = load_registry(adapters), Report()
    words = detect(word, registry, report)
    finish(report, registry.sources)
    click.echo(" ".join(words))


@adapters.command("test")
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...")
@adapters_option
@format_option("answer")
def test_adapters(names: Sequence[str], adapters: Path | None, form: str) -> None:
    """Try adapters without an engine: schema, probe, hostile passwords, every version, every driver."""
    from compiler.pages.trial import render_trials, run_trials

    trials, sources = run_trials(names, adapters)
    click.echo(to_json([trial.row() for trial in trials]) if form == "json" else render_trials(trials))
    show_report([finding for trial in trials for finding in trial.report], sources)
    sys.exit(0 if trials and all(trial.passed for trial in trials) else FINDINGS)


@click.command()
@click.argument("id")
def explain(id: str) -> None:
    """Explain a finding by its ID, such as unknown-option."""
    from compiler.pages.explain import load_pages, render_explanation

    pages = load_pages()
    if id not in pages:
        raise click.BadParameter(f'no finding has the id "{id}"; {suggest(id, pages)}', param_hint="ID")
    click.echo(f"{id}: {pages[id].what}\n\n{render_explanation(pages[id])}")


@click.command()
@adapters_option
def schema(adapters: Path | None) -> None:
    """Print one JSON Schema of stack.yaml for the editor, with every adapter that is found."""
    from compiler.pages.editor import editor_schema

    click.echo(to_json(editor_schema(load_registry(adapters))))
