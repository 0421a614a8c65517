"""`${{ … }}`: expressions in texts, and with guards in trees; how values enter a text of one language.

A dotted name, and whether it is one of several words, which is nearly every expression, is looked up here, so that most
runs never import jinja2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from compiler.expressions.budget import MAX_VALUE, SPLIT, Budget, current_budget
from compiler.expressions.budget import ExpressionError as ExpressionError
from compiler.expressions.budget import bounded as bounded
from compiler.model import Path, Reference, Text
from compiler.report import suggest

_EXPRESSION = re.compile(r"""\$\$\{\{|\$\{\{((?:[^}"']|"[^"]*"|'[^']*'|\}(?!\}))*)\}\}|\$\{\{.*""")
_SIMPLE = re.compile(r"\s*(not\s+)?([A-Za-z_]\w*(?:\.[A-Za-z_][\w-]*)*)\s*(?:\|\s*(\w+)\s*)?\Z")
_MEMBER = re.compile(r"\s*([a-z_]+(?:\.[a-z_]+)*) in \[((?:'[\w.-]*'(?:,\s*)?)*)\]\s*\Z")
_MAX_LENGTH = 1000
_CONSTANTS = {"true": True, "True": True, "false": False, "False": False, "none": None, "None": None}
_NOTHING: Any = object()
# What `each` may make in one section, all of them together.
_MAX_ROUNDS = 10_000
# What a value that `each` repeats counts beside its characters.
_NODE = 16

Faults = dict[Path, ExpressionError]
"""What has no value, by its place: of each place the first fault, as a loop comes by again."""


class Quoted(str):
    """Text that a filter has made safe for its sink: it is not quoted again."""


@dataclass(frozen=True, slots=True, eq=False)
class Sink:
    """How values enter a text of one language: `quote` for each value, `filters` for what else its author may say."""

    quote: Callable[[Any], str]
    filters: Mapping[str, Callable[[Any], str]]

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
    parts: list[str | Reference] = []
    end = size = 0
    budget = current_budget()
    for match in _EXPRESSION.finditer(text):
        if match.start() > end:
            _add(parts, literal(text[end : match.start()]))
        end = match.end()
        if match[0] == "$${{":
            _add(parts, "${{")
            continue
        try:
            value = _value(match[1], scope, sink)
            is_whole = sink is None and match.span() == (0, len(text))
            made = str(sink.quoted(value)) if sink else value
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


def _size(value: Any) -> int:
    """Returns how many characters a value holds at least, with what a list or a mapping takes by itself."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Text):
        return sum(len(part) for part in value.parts if isinstance(part, str))
    return _NODE * len(value) if isinstance(value, dict | list) else 0


def _add(parts: list[str | Reference], value: Any) -> None:
    """Adds a value as it is written inside a text; strings of one kind become one."""
    if isinstance(value, dict | list):
        told, help = "a list or a map stands inside a text", "let the expression be the whole value"
        raise ExpressionError(told, help)
    if not isinstance(value, str | Reference | Text):
        value = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    for piece in value.parts if isinstance(value, Text) else (value,):
        last = parts[-1] if parts else None
        is_alike = type(piece) is type(last) or (isinstance(piece, str) and "$" not in piece)
        if is_alike and isinstance(piece, str) and isinstance(last, str):
            parts[-1] = type(last)(last + piece)
        elif piece != "":
            parts.append(piece)


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
    member = _MEMBER.match(expression)
    if member and isinstance(word := _look_up(member[1], scope), str):
        return word in re.findall("'([^']*)'", member[2])
    from compiler.expressions.sandbox import run

    return run(expression, scope, sink)


def _look_up(dotted: str, scope: Mapping[str, Any]) -> Any:
    if dotted in _CONSTANTS:
        return _CONSTANTS[dotted]
    value, names = scope, dotted.split(".")
    for index, name in enumerate(names):
        if not isinstance(value, dict) or name not in value:
            raise lacking(name, value, ".".join(names[:index]))
        value = value[name]
    return value


def evaluate_tree(
    tree: Any, scope: Mapping[str, Any], faults: Faults, at: Path = (), sink: Sink | None = None
) -> Any:
    """Returns the tree with its expressions evaluated and its guards taken.

    A guard is `{when, then, else}` or `{each, then}` (with `item`). Where it stands in a list and holds a list it is
    spliced; where its condition fails and it has no `else` it leaves nothing behind. What has a fault becomes None.
    """
    value = _Walk(scope, sink, faults, [0], current_budget()).value(tree, at)
    return None if value is _NOTHING else value


class _Walk(NamedTuple):
    scope: Mapping[str, Any]
    sink: Sink | None
    faults: Faults
    rounds: list[int]
    budget: Budget
    is_repeated: bool = False

    def value(self, tree: Any, at: Path) -> Any:
        if self.is_repeated:
            try:
                self.budget.spend(_NODE + (len(tree) if isinstance(tree, str) else 0))
            except ExpressionError as fault:
                self.faults.setdefault(at, fault)
                return None
        if isinstance(tree, str):
            try:
                return evaluate(tree, self.scope, self.sink)
            except ExpressionError as fault:
                self.faults.setdefault(at, fault)
                return None
        if isinstance(tree, list):
            made: list[Any] = []
            for index, item in enumerate(tree):
                value = self.value(item, (*at, index))
                is_spliced = _is_guard(item) and isinstance(value, list)
                made += value if is_spliced else [] if value is _NOTHING else [value]
            return made
        if not isinstance(tree, dict):
            return tree
        if _is_guard(tree):
            return self.guard(tree, at)
        entries = ((key, self.value(value, (*at, key))) for key, value in tree.items())
        return {key: value for key, value in entries if value is not _NOTHING}

    def guard(self, tree: dict[str, Any], at: Path) -> Any:
        key = "each" if "each" in tree else "when"
        # What a guard asks for stands in no text, and so has no sink.
        asked = self._replace(sink=None).value(tree[key], (*at, key))
        if key == "when":
            chosen = "then" if asked else "else"
            return self.value(tree[chosen], (*at, chosen)) if chosen in tree else _NOTHING
        items = [] if asked is None else asked
        if not isinstance(items, list):
            fault = ExpressionError("`each` takes a list", "let it name an option that is a list")
        elif self.rounds[0] + len(items) > _MAX_ROUNDS:
            if self.rounds[0] > _MAX_ROUNDS:
                return []  # which is told already
            self.rounds[0] = _MAX_ROUNDS + 1
            told = f"`each` makes more than {_MAX_ROUNDS} items"
            fault = ExpressionError(told, "take a shorter list, or fewer lists inside of one another")
        else:
            self.rounds[0] += len(items)
            walks = (self._replace(scope={**self.scope, "item": item}, is_repeated=True) for item in items)
            made = (walk.value(tree["then"], (*at, "then")) for walk in walks)
            return [value for value in made if value is not _NOTHING]
        self.faults.setdefault((*at, key), fault)
        return []


def _is_guard(tree: Any) -> bool:
    return isinstance(tree, dict) and "then" in tree and ("when" in tree or "each" in tree)
