"""Expressions in one text, their errors, and how values enter a text of one language.

A dotted name, which is nearly every expression, is looked up here, so that most runs never import jinja2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from compiler.model import Reference, Text
from compiler.report import suggest

_EXPRESSION = re.compile(r"""\$\$\{\{|\$\{\{((?:[^}"']|"[^"]*"|'[^']*'|\}(?!\}))*)\}\}|\$\{\{""")
_SIMPLE = re.compile(r"\s*(not\s+)?([A-Za-z_]\w*(?:\.[A-Za-z_][\w-]*)*)\s*(?:\|\s*(\w+)\s*)?\Z")
_MAX_LENGTH = 1000
_CONSTANTS = {"true": True, "True": True, "false": False, "False": False, "none": None, "None": None}


class ExpressionError(Exception):
    """An expression that has no value: a plain message, what to do, and the code of such findings in a stack.

    `source` is the expression as it is written, where that is known.
    """

    source = ""

    def __init__(self, message: str, help: str | None = None, code: str = "expression") -> None:
        super().__init__(message)
        self.message, self.help, self.code = message, help, code


class Quoted(str):
    """Text that a filter has made safe for its sink: it is not quoted again."""

    __slots__ = ()


class Sink:
    """How values enter a text of one language: `quote` for each value, `filters` for what else its author may say."""

    def __init__(self, quote: Callable[[Any], str], filters: Mapping[str, Callable[[Any], str]]) -> None:
        self.quote, self.filters = quote, filters

    def quoted(self, value: Any, by: str | None = None) -> Quoted:
        """Returns a value as it enters a text, or as the filter `by` writes it."""
        if by is None and isinstance(value, Quoted):
            return value
        try:
            return Quoted(self.filters[by](value) if by else self.quote(value))
        except (AttributeError, TypeError, ValueError) as fault:
            raise ExpressionError(str(fault)) from fault


def lacking(name: object, value: Any, owner: str = "") -> ExpressionError:
    """Returns the error for a name that a value lacks, with the closest one that it has; `owner` names the value."""
    if not isinstance(value, Mapping):
        return ExpressionError(f'a {"list" if isinstance(value, list) else "single value"} has no "{name}"')
    told = f'"{owner}" has no "{name}"' if owner else f'nothing is named "{name}"'
    return ExpressionError(told, suggest(name, value), "unknown-reference")


def evaluate(
    text: str, scope: Mapping[str, Any], sink: Sink | None = None, literal: Callable[[str], str] = str
) -> Any:
    """Returns the value of a scalar: typed where it is one whole expression, else a string or a Text.

    With a `sink`, every value is quoted for it and the result is a string. `literal` marks the text around the
    expressions. Raises ExpressionError.
    """
    if "${{" not in text:
        return literal(text)
    parts: list[str | Reference | Text] = []
    end = 0
    for match in _EXPRESSION.finditer(text):
        parts.append(literal(text[end : match.start()]))
        end = match.end()
        if match[0] == "$${{":
            parts.append("${{")
            continue
        try:
            value = _value(match[1], scope, sink)
            if sink is None and match.span() == (0, len(text)):
                return value
            parts.append(str(sink.quoted(value)) if sink else _plain(value))
        except ExpressionError as fault:
            fault.source = match[0] if match[1] is not None else text[match.start() :].partition("\n")[0]
            raise
    parts.append(literal(text[end:]))
    return _joined(parts)


def _value(expression: str | None, scope: Mapping[str, Any], sink: Sink | None) -> Any:
    if expression is None:
        told = "an expression, or a quote in it, is not closed"
        raise ExpressionError(told, 'close it with "}}", or write "$${{" for the text itself')
    if len(expression) > _MAX_LENGTH:
        told = f"an expression is longer than {_MAX_LENGTH} characters"
        raise ExpressionError(told, "split it over several values")
    simple = _SIMPLE.match(expression)
    if simple and (simple[3] is None or (sink and simple[3] in sink.filters)):
        value = _look_up(simple[2], scope)
        if simple[1]:
            return not value
        return sink.quoted(value, simple[3]) if sink and simple[3] else value
    from compiler.expressions.sandbox import run

    return run(expression, scope, sink)


def _look_up(dotted: str, scope: Mapping[str, Any]) -> Any:
    if dotted in _CONSTANTS:
        return _CONSTANTS[dotted]
    value, owner = scope, ""
    for name in dotted.split("."):
        if not isinstance(value, Mapping) or name not in value:
            raise lacking(name, value, owner)
        value, owner = value[name], f"{owner}.{name}".lstrip(".")
    return value


def _plain(value: Any) -> str | Reference | Text:
    if isinstance(value, Mapping | list):
        told, help = "a list or a map stands inside a text", "let the expression be the whole value"
        raise ExpressionError(told, help)
    if isinstance(value, str | Reference | Text):
        return value
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _joined(parts: list[str | Reference | Text]) -> str | Text:
    joined: list[str | Reference] = []
    for piece in (piece for part in parts for piece in (part.parts if isinstance(part, Text) else (part,))):
        last = joined[-1] if joined else None
        is_alike = type(piece) is type(last) or (isinstance(piece, str) and "$" not in piece)
        if is_alike and isinstance(piece, str) and isinstance(last, str):
            joined[-1] = type(last)(last + piece)
        elif piece != "":
            joined.append(piece)
    alone = joined[0] if joined else ""
    return alone if len(joined) < 2 and isinstance(alone, str) else Text(tuple(joined))
