"""The commands for adapters: what there is, and what somebody needs who writes one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from compiler.cli import complete, shared
from compiler.report import Report, Span


@click.group()
def adapters() -> None:
    """List, show, try and write the adapters of database engines."""


@adapters.command("list")
@shared.adapters_option
@click.option(
    "--needs",
    shell_complete=complete.needs,
    help="Only those with all of these capabilities, such as vector,relational.",
)
@shared.format_option("markdown")
def list_adapters(adapters: Path | None, needs: str | None, form: str) -> None:
    """List the adapters: their versions, aliases and capabilities.

    \b
    stackc adapters list --needs vector
    """
    from compiler.pages.catalog import catalog_rows, markdown_rows, render_rows

    registry, report = shared.load_registry(adapters), Report()
    rows = catalog_rows(registry, report, needs.split(",") if needs else [])
    shared.answer(rows, form, markdown_rows if form == "markdown" else render_rows)
    shared.finish(report, [registry])


@adapters.command("show")
@click.argument("name", shell_complete=complete.adapters)
@click.option("--source", is_flag=True, help="Print its file as it is written, to copy from.")
@shared.adapters_option
@shared.format_option()
def show_adapter(name: str, source: bool, adapters: Path | None, form: str) -> None:
    """Show one adapter: its versions, its options with their defaults, its drivers; or its file.

    \b
    stackc adapters show NAME
    stackc adapters show NAME --source
    """
    from compiler.pages.catalog import adapter_page, adapter_source, render_page

    if source and form != "text":
        raise click.UsageError("--source prints YAML; leave --format out")
    registry, report = shared.load_registry(adapters), Report()
    adapter = registry.find(name, Span(path="stackc adapters show"), report)
    shared.finish(report, [registry])
    if adapter and source:
        click.echo(adapter_source(adapter, registry))
    elif adapter:
        shared.answer(adapter_page(adapter, shared.today()), form, render_page)


@adapters.command("detect")
@click.argument("word", metavar="URL|IMAGE|NAME")
@shared.adapters_option
def detect_adapter(word: str, adapters: Path | None) -> None:
    """Name the adapter of a URL, of an image or of an alias.

    \b
    stackc adapters detect IMAGE
    """
    from compiler.pages.catalog import detect

    registry, report = shared.load_registry(adapters), Report()
    words = detect(word, registry, report)
    shared.finish(report, [registry])
    click.echo(" ".join(words))


@adapters.command("test")
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...", shell_complete=complete.adapters)
@shared.adapters_option
@shared.format_option()
@click.option("--boot", is_flag=True, help="Try them on their engines too, with Docker.")
def test_adapters(names: Sequence[str], adapters: Path | None, form: str, boot: bool) -> None:
    """Try adapters without an engine: schema, probe, hostile passwords, every version, every driver.

    \b
    stackc adapters test adapters/acme.yaml --boot
    """
    from compiler.pages.trials.trial import CHECKS, render_trials, run_trials

    report = Report()
    rows, registry = run_trials(names, adapters, report)
    checks: Sequence[str] = CHECKS
    if boot:
        from compiler.pages.trials import boot as engines

        rows, checks = engines.boot_all(rows, registry, report), engines.CHECKS
    shared.answer(rows, form, partial(render_trials, checks=checks))
    shared.finish(report, [registry])


@adapters.command("new")
@click.argument("name")
@click.option(
    *("--extends", "base"),
    default="",
    show_default=False,
    shell_complete=complete.adapters,
    help="The adapter that it changes.",
)
@click.option(
    "--image", default="", show_default=False, help="The image of its engine, such as acme/base:2.1."
)
@shared.adapters_option
def new_adapter(name: str, base: str, image: str, adapters: Path | None) -> None:
    """Write a first adapters/NAME.yaml, with comments, on top of another adapter or for an image.

    \b
    stackc adapters new acme --image acme/base:2.1
    """
    from compiler.output import Refusal, tell_refusal
    from compiler.pages import starter

    if base and image:
        raise click.UsageError("--extends has the images of that adapter; leave --image out")
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,40}", name):
        raise click.BadParameter("write small letters, digits and -", param_hint="NAME")
    if image and not starter.is_image(image):
        told = "write it as in `docker pull`, with the tag of one version: acme/base:2.1"
        raise click.BadParameter(told, param_hint="--image")
    report, file = Report(), (adapters or Path("adapters")) / f"{name}.yaml"
    text = starter.new_adapter(name, base, image, shared.load_registry(adapters), report)
    if file.is_symlink() or file.exists():
        report.error("file-exists", "the file is there already", Span(str(file)), "choose another name")
    if not report.errors:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        except OSError as failure:
            tell_refusal(report, Refusal(file, failure), "written")
    shared.finish(report)
    click.echo(f"wrote {file}\nnext: stackc adapters test {file}")


@adapters.command("guide")
def show_guide() -> None:
    """Print the guide to writing an adapter, in Markdown.

    \b
    stackc adapters guide | less
    """
    from compiler.pages.starter import guide

    click.echo(guide())
