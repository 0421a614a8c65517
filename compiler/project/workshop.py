"""What each part of a stack is built with, and its texts with their references resolved."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

from compiler.expressions import ExpressionError, Sink, evaluate
from compiler.model import Connection, Path, Raw, Reference, Text, Variable, env_key
from compiler.project.adapter_texts import filtered
from compiler.project.connections import query_sign
from compiler.project.project import Project
from compiler.project.values import as_text
from compiler.report import Report
from compiler.stack.stack import Stack

# What a person writes has one filter beside those of every expression.
_ENCODED = "encoded"
_ENCODING = Sink(None, {"url": partial(filtered, "url")})


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
        value = _single(evaluate(tree, names, _ENCODING, literal=Raw))
        return _with_one_query(_with_encoded(value, shop.project), shop.project)
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


def _with_encoded(value: Any, project: Project) -> Any:
    """Returns a value in which each secret that is to be percent-encoded is a line of `.env` that holds it so."""
    if isinstance(value, Text):
        return Text(tuple(_with_encoded(part, project) for part in value.parts))
    if not isinstance(value, Reference) or not value.filter:
        return value
    key = env_key(value.key, _ENCODED)
    if any(key == one.key for one in project.secrets):
        told = f'two things have the key "{key}" of .env: a secret, and {value.key} as it stands in a URL'
        raise ExpressionError(told, "rename the secret", "key-collision")
    encoded = Connection(_ENCODED, "text", {"text": [value]})
    told = f"{value.key}, percent-encoded for URLs"
    project.connections.setdefault(key, Variable(key, encoded, told))
    return Reference(key)


def is_encoded(line: Variable) -> bool:
    """Says whether a line of `.env` is a part of a URL and not a connection string."""
    return isinstance(line.value, Connection) and line.value.driver == _ENCODED


def _with_one_query(value: Any, project: Project) -> Any:
    """Returns a text in which what is written behind a URL, such as `?schema=public`, goes on with its query."""
    if not isinstance(value, Text):
        return value
    parts = list(value.parts)
    for index, (url, rest) in enumerate(pairwise(parts)):
        line = project.connections.get(url.key) if isinstance(url, Reference) else None
        if line is None or is_encoded(line) or not isinstance(rest, str) or rest[:1] not in ("?", "&"):
            continue
        if isinstance(line.value, Connection):
            parts[index + 1] = type(rest)(query_sign(line.value) + rest[1:])
    return Text(tuple(parts))
