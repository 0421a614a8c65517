"""Expressions in one text.

A dotted name, which is nearly every expression, is looked up here, so that most runs never import jinja2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from compiler.expressions.sandbox import run
from compiler.expressions.values import ExpressionError, Sink, unknown
from compiler.model import Reference, Text

_EXPRESSION = re.compile(r"""\$\$\{\{|\$\{\{((?:[^}"']|"[^"]*"|'[^']*'|\}(?!\}))*)\}\}|\$\{\{""")
_SIMPLE = re.compile(r"\s*(not\s+)?([A-Za-z_]\w*(?:\.[A-Za-z_][\w-]*)*)\s*(?:\|\s*(\w+)\s*)?\Z")
_MAX_LENGTH = 1000
_CONSTANTS = {"true": True, "True": True, "false": False, "False": False, "none": None, "None": None}


def evaluate(
    text: str, scope: Mapping[str, Any], sink: Sink | None = None, literal: Callable[[str], str] = str
) -> Any:
    """Returns the value of a scalar: typed where it is one whole expression, else a string or a Text.

    With a `sink`, every value is quoted for it and the result is a string. `literal` marks the text around the
    expressions. Raises ExpressionError.
    """
    if "${{" not in text:
        return literal(text)
    parts: list[Any] = []
    end = 0
    for match in _EXPRESSION.finditer(text):
        parts.append(literal(text[end : match.start()]))
        end = match.end()
        if match.group() == "$${{":
            parts.append("${{")
        elif match.group(1) is None:
            told = "an expression, or a quote in it, is not closed"
            fault = ExpressionError(told, 'close it with "}}", or write "$${{" for the text itself')
            fault.source = text[match.start() :].partition("\n")[0]
            raise fault
        else:
            try:
                value = _value(match.group(1), scope, sink)
                if sink is None and match.span() == (0, len(text)):
                    return value
                parts.append(sink.quoted(value) if sink else value)
            except ExpressionError as fault:
                fault.source = match.group()
                raise
    parts.append(literal(text[end:]))
    return _joined(parts)


def _value(expression: str, scope: Mapping[str, Any], sink: Sink | None) -> Any:
    if len(expression) > _MAX_LENGTH:
        told = f"an expression is longer than {_MAX_LENGTH} characters"
        raise ExpressionError(told, "split it over several values")
    simple = _SIMPLE.match(expression)
    if simple and (simple[3] is None or (sink and simple[3] in sink.filters)):
        value = _look_up(simple[2], scope)
        if simple[1]:
            return not value
        return sink.filtered(simple[3], value) if sink and simple[3] else value
    return run(expression, scope, sink)


def _look_up(dotted: str, scope: Mapping[str, Any]) -> Any:
    if dotted in _CONSTANTS:
        return _CONSTANTS[dotted]
    value: Any = scope
    seen: list[str] = []
    for name in dotted.split("."):
        if not isinstance(value, Mapping):
            kind = "a list" if isinstance(value, list) else "a single value"
            raise ExpressionError(f'"{".".join(seen)}" is {kind} and has no "{name}"')
        if name not in value:
            raise unknown(name, value, ".".join(seen))
        value = value[name]
        seen.append(name)
    return value


def _joined(parts: list[Any]) -> str | Text:
    joined: list[str | Reference] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Text) else (part,):
            if isinstance(piece, Mapping | list):
                told, help = "a list or a map stands inside a text", "let the expression be the whole value"
                raise ExpressionError(told, help)
            text = piece if isinstance(piece, str | Reference) else _plain(piece)
            last = joined[-1] if joined else None
            if isinstance(text, str) and isinstance(last, str) and _is_alike(text, last):
                joined[-1] = type(last)(last + text)
            elif text != "":
                joined.append(text)
    if not joined:
        return ""
    return joined[0] if len(joined) == 1 and isinstance(joined[0], str) else Text(tuple(joined))


def _is_alike(text: str, last: str) -> bool:
    return type(text) is type(last) or "$" not in text


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
