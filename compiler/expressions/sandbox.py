"""Runs an expression in jinja2's immutable sandbox: no calls, no attributes of Python objects, no loops.

https://jinja.palletsprojects.com/en/stable/sandbox/
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any, NoReturn

import jinja2
import jinja2.nodes
import jinja2.parser
import jinja2.runtime
import jinja2.sandbox

from compiler.expressions import ExpressionError, Sink, lacking
from compiler.expressions.budget import current_budget
from compiler.model import Reference
from compiler.report import suggest

_MAX_RESULT = 100_000
_FILTERS = "abs default first float int last length lower max min string trim upper"
_FAULTS = (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)


def run(expression: str, scope: Mapping[str, Any], sink: Sink | None) -> Any:
    """Returns the value of an expression, or raises ExpressionError."""
    with _explained(expression, sink):
        return _result(_compiled(expression.strip(), sink)(**scope))


def parse(expression: str, sink: Sink | None) -> jinja2.nodes.Node:
    """Returns an expression as a tree, or raises ExpressionError."""
    with _explained(expression, sink):
        parser = jinja2.parser.Parser(_environment(sink), _filled(expression.strip()), state="variable")
        tree = parser.parse_expression()
        if not parser.stream.eos:
            raise jinja2.TemplateSyntaxError("it goes on after its end", 1)
        return tree


def unknown_word(kind: str, name: str, sink: Sink | None) -> ExpressionError | None:
    """Returns the error for a filter or a test that expressions do not have; None for one that they have."""
    known = getattr(_environment(sink), f"{kind}s")
    told = f'no {kind} of expressions is named "{name}"'
    return None if name in known else ExpressionError(told, suggest(name, known))


@contextmanager
def _explained(expression: str, sink: Sink | None) -> Iterator[None]:
    """Says what was wrong with an expression in which Python or jinja2 has found a fault."""
    help = None
    try:
        yield
        return
    except (RecursionError, SyntaxError, MemoryError):
        told, help = "it is nested too deeply", "split it over several values"
    except NameError:  # of "inf", which is how Python writes 1e400
        told = "a number is too large"
    except _FAULTS as fault:
        said = (str(fault) or "it is not an expression").splitlines()[0].rstrip(".")
        found = re.match(r"No (filter|test) named '(\w+)'", said)
        if found and (unknown := unknown_word(found[1], found[2], sink)):
            raise unknown from fault
        told = said[:1].lower() + re.sub("'?end of template'?", "end", said[1:])
    short = " ".join(expression.split())
    short = short if len(short) <= 60 else short[:57] + "..."
    raise ExpressionError(f'the expression "{short}" has no value: {told}', help)


class _Missing(jinja2.StrictUndefined):
    """What is named and not there: any use of it but `default` and `is defined` says so."""

    @property
    def _undefined_message(self) -> str:
        if isinstance(self._undefined_obj, Mapping):
            raise lacking(self._undefined_name, self._undefined_obj)
        return self._undefined_hint or f"it has no more than {len(self._undefined_obj)} items"


class _Names(jinja2.runtime.Context):
    """The names of an expression, which a missing one is compared with."""

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.parent:
            return self.parent[key]
        return self.environment.undefined(obj=self.parent, name=key)


def _result(value: Any) -> Any:
    """Returns a value as plain data, or raises where a part of it is none."""
    if isinstance(value, jinja2.Undefined):
        value()  # which says what is not there
    is_wide = isinstance(value, int) and value.bit_length() > 64
    if is_wide or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError("the number is too large")
    if isinstance(value, str | list | tuple | dict):
        _check_length(len(value))
    if isinstance(value, list | tuple):
        return [_result(item) for item in value]
    if isinstance(value, dict):
        return {str(_result(key)): _result(item) for key, item in value.items()}
    return value


@lru_cache(maxsize=1024)
def _compiled(expression: str, sink: Sink | None) -> Callable[..., Any]:
    current_budget().compile()
    return _environment(sink).compile_expression(_filled(expression), undefined_to_none=False)


def _filled(expression: str) -> str:
    if not expression:
        raise ExpressionError("an expression is empty", 'name a value, or write "$${{" for the text itself')
    return expression


@lru_cache(maxsize=16)
def _environment(sink: Sink | None) -> jinja2.sandbox.SandboxedEnvironment:
    environment = _Sandbox(undefined=_Missing, autoescape=False, optimized=False)
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in _FILTERS.split()}
    environment.filters |= {"join": _join, "replace": _replace, "round": _round}
    if sink:
        environment.filters |= {name: partial(sink.quoted, by=name) for name in sink.filters}
    return environment


class _Sandbox(jinja2.sandbox.ImmutableSandboxedEnvironment):
    context_class = _Names
    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%", "**"))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        for side in (left, right):
            if isinstance(side, Reference | jinja2.Undefined):
                str(side)  # which says why it cannot take part
        kinds: tuple[Any, ...] = (int | float, str, list) if operator == "+" else (int | float,)
        if operator == "**" or not any(isinstance(left, kind) and isinstance(right, kind) for kind in kinds):
            help = "calculate with + - * / // % and numbers, and join texts with ~"
            raise ExpressionError(f'"{operator}" cannot stand between these two values', help)
        return self.binop_table[operator](left, right)

    def call(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise ExpressionError("expressions call nothing", "use a filter, as in ${{ name | upper }}")

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        try:
            return obj[argument]
        except LookupError:
            return self.undefined(obj=obj, name=argument)
        except TypeError as fault:
            raise lacking(argument, obj) from fault


def _join(values: Any, separator: str = "") -> str:
    if not isinstance(values, list):
        raise TypeError("only a list can be joined")
    separator, items = str(separator), [str(value) for value in values]
    _check_length(sum(map(len, items)) + len(items) * len(separator))
    return separator.join(items)


def _replace(value: Any, old: str, new: str) -> str:
    text = str(value)
    _check_length(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def _check_length(length: int) -> None:
    if length > _MAX_RESULT:
        raise ValueError("it makes something that is too long")


def _round(value: float, digits: int = 0) -> float:
    if not isinstance(value, int | float):
        raise TypeError("only a number can be rounded")
    if not isinstance(digits, int) or abs(digits) > 15:
        raise ValueError("a number is rounded to at most 15 digits")
    return round(value, digits)
