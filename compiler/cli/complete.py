"""What the shell offers while a command is typed: the names that this stack, the adapters and the findings have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from compiler.cli import shared
from compiler.report import Report

if TYPE_CHECKING:
    from compiler.registry.registry import Registry

Offer = Callable[[click.Context, click.Parameter, str], list[str]]


def _offer(names: Callable[[click.Context], Iterable[str]]) -> Offer:
    """Returns what click asks: those of the names that begin like the word; nothing where they cannot be had."""

    def complete(context: click.Context, parameter: click.Parameter, word: str) -> list[str]:
        with suppress(Exception):
            return [name for name in names(context) if name.startswith(word)]
        return []

    return complete


def _stack(context: click.Context) -> dict[str, Any]:
    from compiler.source import parse_yaml, read_file

    named = context.params.get("file") or shared.nearest()
    file = shared.stack_in(named) or named
    document = parse_yaml(read_file(file, "", Report()) or b"", "", Report())
    return document.data if document else {}


def _registry(context: click.Context) -> Registry:
    return shared.load_registry(context.params.get("adapters"))


def _drivers(context: click.Context) -> Iterable[str]:
    from compiler.report import Span

    # While an option lacks its value, click leaves the arguments as they are.
    name = context.params.get("database") or context.args[0]
    entry = _stack(context)["databases"][name]
    adapter = _registry(context).find(entry["adapter"], Span(""), Report())
    return adapter.data["connections"] if adapter else ()


def _codes(context: click.Context) -> Iterable[str]:
    from compiler.pages.findings import load_pages

    return load_pages()


def _examples(context: click.Context) -> Iterable[str]:
    from compiler.source.shipped import example_names

    return example_names()


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
