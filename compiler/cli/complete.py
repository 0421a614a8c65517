"""What the shell offers while a command is typed: the names that this stack, the adapters and the findings have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from compiler.report import Report

Offer = Callable[[click.Context, click.Parameter, str], list[str]]


def _offer(names: Callable[[click.Context], Iterable[str]]) -> Offer:
    """Returns what click asks: those of the names that begin like the word; nothing where they cannot be had."""

    def complete(context: click.Context, parameter: click.Parameter, word: str) -> list[str]:
        with suppress(Exception):
            return [name for name in names(context) if name.startswith(word)]
        return []

    return complete


def _stack(context: click.Context) -> dict[str, Any]:
    from compiler.cli.stacks import nearest
    from compiler.source import parse_yaml, read_file

    named = context.params.get("file") or nearest()
    file = named / "stack.yaml" if named.is_dir() else named
    document = parse_yaml(read_file(file, "", Report()) or b"", "", Report())
    return document.data if document else {}


def _registry(context: click.Context, beside: Path = Path()) -> Any:
    from compiler.registry.registry import Registry
    from compiler.source.shipped import folders

    return Registry(folders(beside, context.params.get("adapters")))


def _drivers(context: click.Context) -> Iterable[str]:
    from compiler.report import Span

    entry = _stack(context)["databases"][context.params["database"]]
    adapter = _registry(context).find(entry["adapter"], Span(""), Report())
    return adapter.data["connections"] if adapter else ()


def _codes(context: click.Context) -> Iterable[str]:
    from compiler.pages.findings import load_pages

    return load_pages()


def _examples(context: click.Context) -> Iterable[str]:
    from compiler.source.shipped import EXAMPLES

    return sorted(file.parent.name for file in EXAMPLES.glob("*/stack.yaml"))


environments = _offer(lambda context: ("local", *_stack(context).get("environments", ())))
databases = _offer(lambda context: _stack(context)["databases"])
containers = _offer(
    lambda context: [*_stack(context).get("databases", ()), *_stack(context).get("services", ())]
)
drivers = _offer(_drivers)
codes = _offer(_codes)
adapters = _offer(lambda context: sorted(_registry(context).words()))
needs = _offer(lambda context: _registry(context).capabilities())
examples = _offer(_examples)
