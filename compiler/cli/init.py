"""The command that writes a first stack, with questions where somebody is there to answer."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compiler.cli import complete, shared
from compiler.report import Report, Span, suggest

if TYPE_CHECKING:
    from compiler.registry.registry import Registry

# https://distribution.github.io/distribution/spec/api/ and the reference of images
_IMAGE = r"[a-z0-9][a-z0-9._/:-]*(:\w[\w.-]*)?(@sha256:[0-9a-f]{64})?"
_ENVIRONMENT = r"[a-z][a-z0-9_-]*"


@click.command()
@click.option(
    *("--from", "example"),
    shell_complete=complete.examples,
    help="Shipped stack to start from; without questions the minimal one.",
)
@click.option("--list", "list_only", is_flag=True, help="List the shipped stacks.")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing.")
@shared.quiet_option
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
def init(example: str | None, list_only: bool, yes: bool, folder: Path) -> None:
    """Write a first stack.yaml into FOLDER, this one by default, and what belongs beside it.

    \b
    stackc init
    stackc init --from librechat chat
    """
    from compiler.output import Refusal, tell_refusal
    from compiler.pages import first
    from compiler.source.shipped import EXAMPLES, example_names

    names = example_names()
    if list_only:
        click.echo("\n".join(names))
        return
    if example not in (None, *names):
        told = f'no shipped stack is named "{example}"; one of: {", ".join(names)}'
        raise click.BadParameter(told, param_hint="--from")
    report, path, notes = Report(), folder / shared.STACKS[0], list[str]()
    if os.path.lexists(path):
        help = "move it away, or name another folder"
        report.error("file-exists", "the file is there already", Span(path=str(path)), help)
    shared.finish(report)
    registry = shared.load_registry(None, folder)
    is_asked = example is None and not yes and shared.is_terminal(sys.stdin, sys.stdout)
    text = (
        _ask(folder, registry) if is_asked else first.shipped_stack(EXAMPLES / (example or "minimal"), folder)
    )
    text = first.pinned(text, registry, shared.today(), notes)
    done = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        done.append(f"wrote {path}")
        known = {name: _content(path := folder / name) for name in first.BESIDE}
        for name, content in first.files_beside(text, registry, known):
            path = folder / name
            path.write_bytes(content)
            done.append(f"{'wrote' if known[name] is None else 'updated'} {path}")
    except OSError as failure:
        tell_refusal(report, Refusal(path, failure), "written")
    shared.finish(report)
    paths = [
        path for path in first.named_paths(text, registry, shared.today()) if not (folder / path).exists()
    ]
    if paths:
        notes.append(f"note: the stack names {', '.join(paths)}, which are yours to put beside it")
    told = "next: stackc compile" + ("" if folder == Path() else f" {folder}")
    shared.say("\n".join([*done, *notes, told]))


def _content(file: Path) -> bytes | None:
    return file.read_bytes() if os.path.lexists(file) else None


def _ask(folder: Path, registry: Registry) -> str:
    """Returns the stack that a person at the terminal describes."""
    from compiler.pages import first

    known = registry.words()

    def adapters(answer: str) -> list[Any]:
        words = _words("[a-z0-9-]+")(answer.lower())
        for word in words:
            if word not in known:
                raise click.UsageError(f'no adapter is named "{word}"; {suggest(word, known)}')
        found = dict.fromkeys(known[word] for word in words)
        return [registry.find(name, Span("stackc init"), Report()) for name in found]

    default = registry.names()[0]
    chosen = click.prompt(
        "Databases of `stackc adapters list`, or none", default=default, value_proc=adapters
    )
    images = click.prompt(
        "Images of services, or none", default="nginx:1.29-alpine", value_proc=_words(_IMAGE)
    )
    others = click.prompt(
        "Environments beside local, such as staging",
        default="",
        show_default=False,
        value_proc=_words(_ENVIRONMENT),
    )
    return first.asked_stack(folder, chosen, images, others)


def _words(pattern: str) -> Callable[[str], list[str]]:
    """Returns what reads the words of an answer, each of which has this form."""

    def read(answer: str) -> list[str]:
        words = [word for word in re.split(r"[\s,]+", answer.strip()) if word not in ("", "none")]
        for word in words:
            if not re.fullmatch(pattern, word):
                raise click.UsageError(f'"{word}" cannot be one; separate them by blanks')
        return words

    return read
