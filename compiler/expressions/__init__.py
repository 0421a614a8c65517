"""`${{ … }}`: expressions in texts; how values enter a text of one language.

A dotted name, whether it is one of several words, and a choice between two such names or plain values, which is nearly
every expression, is looked up here, so that most runs never import jinja2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from compiler.expressions.budget import MAX_VALUE, SPLIT, current_budget
from compiler.expressions.budget import ExpressionError as ExpressionError
from compiler.expressions.budget import bounded as bounded
from compiler.model import Reference, Text
from compiler.report import suggest

EXPRESSION = re.compile(r"""\$\$\{\{|\$\{\{((?:[^}"']|"[^"]*"|'[^']*'|\}(?!\}))*)\}\}|\$\{\{.*""")
_NAME = r"[A-Za-z_]\w*(?:\.[A-Za-z_][\w-]*)*"
_TERM = rf"{_NAME}|'[^'\\]*'|[0-9]{{1,9}}"
_SIMPLE = re.compile(rf"\s*(not\s+)?({_NAME})\s*(?:\|\s*(\w+)\s*)?\Z")
_CHOICE = re.compile(rf"\s*({_TERM}) if (not )?({_NAME}) else ({_TERM})\s*\Z")
_MEMBER = re.compile(r"\s*([a-z_]+(?:\.[a-z_]+)*)( \| lower)?( not)? in \[((?:'[\w.-]*'(?:,\s*)?)*)\]\s*\Z")
_HYPHENED = re.compile(r"\.([A-Za-z_]\w*-[\w-]*)(?=[^']*(?:'[^']*'[^']*)*$)")
_MAX_LENGTH = 1000
_CONSTANTS = {"true": True, "True": True, "false": False, "False": False, "none": None, "None": None}
IN_BRACES = "an expression stands here as it is", 'write it without "${{" and "}}"'
UNCLOSED = (
    "an expression, or a quote in it, is not closed",
    'close it with "}}", or write "$${{" for the text itself',
)
# What a value counts beside its characters.
NODE = 16


class Quoted(str):
    """Text that a filter has made safe for its sink: it is not quoted again."""


@dataclass(frozen=True, slots=True, eq=False)
class Sink:
    """How values enter a text of one language: `quote` for each value, `filters` for what else its author may say.

    Without a `quote` they enter as they are, and one whole expression keeps its type.
    """

    quote: Callable[[Any], str] | None
    filters: Mapping[str, Callable[[Any], str | Reference]]

    def quoted(self, value: Any, by: str | None = None) -> Quoted | Reference:
        """Returns a value as it enters a text, or as the filter `by` writes it, which may be when it is known."""
        if by is None and (isinstance(value, Quoted) or (isinstance(value, Reference) and value.filter)):
            return value
        try:
            write = self.filters[by] if by else self.quote or str
            made = write(value)
            return made if isinstance(made, Reference) else Quoted(made)
        except (AttributeError, TypeError, ValueError) as fault:
            raise ExpressionError(str(fault)) from fault


class Group(dict[str, Any]):
    """Names and their values; `added` is how a person adds one, in which {name} stands for it."""

    added = ""

    def help_for(self, name: str) -> str:
        """Returns the help for a name that it lacks."""
        return suggest(name, self, self.added.replace("{name}", name))


def lacking(name: object, value: Any, owner: str = "") -> ExpressionError:
    """Returns the error for a name that a value lacks, with the closest one that it has; `owner` names the value."""
    if not isinstance(value, Mapping):
        return ExpressionError(f'a {"list" if isinstance(value, list) else "single value"} has no "{name}"')
    told = f'"{owner}" has no "{name}"' if owner else f'nothing is named "{name}"'
    help = value.help_for(str(name)) if isinstance(value, Group) else suggest(name, value)
    return ExpressionError(told, help, "unknown-reference")


def evaluate(
    text: str, scope: Mapping[str, Any], sink: Sink | None = None, literal: Callable[[str], str] = str
) -> Any:
    """Returns the value of a scalar: typed where it is one whole expression, else a string or a Text.

    With a `sink` that quotes, every value is quoted for it and the result is a string. `literal` marks the text around
    the expressions. Raises ExpressionError.
    """
    if "${{" not in text:
        return literal(text)
    parts: list[str | Reference] = []
    end = size = 0
    budget = current_budget()
    for match in EXPRESSION.finditer(text):
        if match.start() > end:
            _add(parts, literal(text[end : match.start()]))
        end = match.end()
        if match[0] == "$${{":
            _add(parts, "${{")
            continue
        try:
            value = _value(match[1], scope, sink)
            is_quoted = sink is not None and sink.quote is not None
            is_whole = not is_quoted and match.span() == (0, len(text))
            made = sink.quoted(value) if sink and is_quoted else value
            made = str(made) if isinstance(made, Quoted) else made
            size += _size(made)
            if size > MAX_VALUE:
                raise ExpressionError(f"a value is longer than {MAX_VALUE >> 20} MiB", SPLIT)
            budget.spend(_size(made) - len(match[0]))
            if is_whole:
                return value
            _add(parts, made)
        except ExpressionError as fault:
            fault.source = match[0]
            raise
    if len(text) > end:
        _add(parts, literal(text[end:]))
    alone = parts[0] if parts else ""
    return alone if len(parts) < 2 and isinstance(alone, str) else Text(tuple(parts))


def ask(condition: str, scope: Mapping[str, Any]) -> Any:
    """Returns the value of an expression that stands alone, in no `${{ }}`. Raises ExpressionError."""
    try:
        if "${{" in condition:
            raise ExpressionError(*IN_BRACES)
        value = _value(condition, scope, None)
        current_budget().spend(_size(value))
        return value
    except ExpressionError as fault:
        fault.source = condition
        raise


def _size(value: Any) -> int:
    """Returns how many characters a value holds at least, with what a list or a mapping takes by itself."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Text):
        return sum(len(part) for part in value.parts if isinstance(part, str))
    return NODE * len(value) if isinstance(value, dict | list) else 0


def _add(parts: list[str | Reference], value: Any) -> None:
    """Adds a value as it is written inside a text; strings of one kind become one."""
    if isinstance(value, dict | list):
        told, help = "a list or a map stands inside a text", "let the expression be the whole value"
        raise ExpressionError(told, help)
    if not isinstance(value, str | Reference | Text):
        value = plain(value)
    for piece in value.parts if isinstance(value, Text) else (value,):
        last = parts[-1] if parts else None
        is_alike = type(piece) is type(last) or (isinstance(piece, str) and "$" not in piece)
        if is_alike and isinstance(piece, str) and isinstance(last, str):
            parts[-1] = type(last)(last + piece)
        elif piece != "":
            parts.append(piece)


def plain(value: Any) -> str:
    """Returns a single value as it is written inside a text."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _value(expression: str | None, scope: Mapping[str, Any], sink: Sink | None) -> Any:
    if expression is None:
        raise ExpressionError(*UNCLOSED)
    if len(expression) > _MAX_LENGTH:
        told = f"an expression is longer than {_MAX_LENGTH} characters"
        raise ExpressionError(told, "split it over several values")
    simple = _SIMPLE.match(expression)
    if simple and (simple[3] is None or (sink and simple[3] in sink.filters)):
        value = _look_up(simple[2], scope)
        if simple[1]:
            return not value
        return sink.quoted(value, simple[3]) if sink and simple[3] else value
    member = _MEMBER.match(expression)
    if member and isinstance(word := _look_up(member[1], scope), str):
        word = word.lower() if member[2] else word
        return (word in re.findall("'([^']*)'", member[4])) is not bool(member[3])
    if choice := _CHOICE.match(expression):
        taken, negated, condition, other = choice.groups()
        return _term(other if bool(_look_up(condition, scope)) == bool(negated) else taken, scope)
    from compiler.expressions.sandbox import run

    return run(expression, scope, sink)


def as_jinja(expression: str, sink: Sink | None) -> str:
    """Returns a dotted name, or a choice of some, as jinja2 reads them, to which a hyphen is a minus; else nothing."""
    simple = _SIMPLE.match(expression)
    is_simple = simple and (simple[3] is None or (sink and simple[3] in sink.filters))
    return _HYPHENED.sub(r"['\1']", expression) if is_simple or _CHOICE.match(expression) else ""


def _term(text: str, scope: Mapping[str, Any]) -> Any:
    return text[1:-1] if text[0] == "'" else int(text) if text.isdigit() else _look_up(text, scope)


def _look_up(dotted: str, scope: Mapping[str, Any]) -> Any:
    if dotted in _CONSTANTS:
        return _CONSTANTS[dotted]
    value, names = scope, dotted.split(".")
    for index, name in enumerate(names):
        if not isinstance(value, dict) or name not in value:
            raise lacking(name, value, ".".join(names[:index]))
        value = value[name]
    return value
