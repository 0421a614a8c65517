"""What each part of a stack is built with, and its texts with their references resolved."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from compiler.expressions import ExpressionError, evaluate
from compiler.model import Connection, Path, Raw, Reference, Text
from compiler.project.connections import mask
from compiler.project.project import Project
from compiler.project.values import as_text
from compiler.report import Report
from compiler.stack.stack import Stack


class Workshop(NamedTuple):
    """What every service is built with; `base` is the way from the rendered files to the stack."""

    stack: Stack
    project: Project
    report: Report
    base: str


def evaluated(shop: Workshop, tree: Any, names: Mapping[str, Any], at: Path) -> Any:
    """Returns what a person wrote at a place of the stack, in Compose's syntax and with its references resolved."""
    if isinstance(tree, list):
        return [evaluated(shop, item, names, (*at, index)) for index, item in enumerate(tree)]
    if isinstance(tree, dict):
        for key in (key for key in tree if "${" in key):
            help = 'write it as a list of "name=value", where both sides may hold one'
            told, place = "a key cannot hold an expression or a variable", shop.project.places.key((*at, key))
            shop.report.error("expression-in-key", told, place, help)
        return {key: evaluated(shop, value, names, (*at, key)) for key, value in tree.items()}
    if not isinstance(tree, str) or shop.report.is_full:
        return tree
    try:
        return _with_one_query(_single(evaluate(tree, names, literal=Raw)), shop.project)
    except ExpressionError as fault:
        place = shop.stack.document.within(at, fault.source)
        shop.report.error(fault.code, fault.message, place, fault.help)
        return None


def _single(value: Any) -> Any:
    """Returns the value of an expression as Compose takes it anywhere: numbers as text, no lists or groups."""
    if isinstance(value, Mapping):
        told, help = "the expression names a group and not a single value", f"add one of: {', '.join(value)}"
        raise ExpressionError(told, help)
    if isinstance(value, list):
        raise ExpressionError("the expression makes a list and not a single value", "write the list out")
    if value is None:
        raise ExpressionError("the expression has no value", "leave the option out")
    return as_text(value)


def _with_one_query(value: Any, project: Project) -> Any:
    """Returns a text in which what is written behind a URL, such as `?schema=public`, goes on with its query."""
    if not isinstance(value, Text):
        return value
    parts = list(value.parts)
    for index, (url, rest) in enumerate(pairwise(parts)):
        known = project.connections.get(url.key) if isinstance(url, Reference) else None
        if known and isinstance(known.value, Connection) and isinstance(rest, str) and rest[:1] in ("?", "&"):
            sign = "&" if "?" in mask(known.value) else "?"
            parts[index + 1] = type(rest)(sign + rest[1:])
    return Text(tuple(parts))
