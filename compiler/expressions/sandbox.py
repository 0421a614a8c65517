"""Runs an expression in jinja2's immutable sandbox: no calls, no attributes of Python objects, no loops.

https://jinja.palletsprojects.com/en/stable/sandbox/
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NoReturn

import jinja2
import jinja2.sandbox

from compiler.expressions.text import ExpressionError, Quoted, Sink, unknown
from compiler.model import Reference
from compiler.report import suggest

_MAX_RESULT = 100_000
_MAX_DIGITS = 15
_FILTERS = (
    *("abs", "default", "first", "float", "int", "last", "length", "lower", "max", "min", "string", "trim"),
    "upper",
)


def run(expression: str, scope: Mapping[str, Any], sink: Sink | None) -> Any:
    """Returns the value of an expression, or raises ExpressionError."""
    short = " ".join(expression.split())
    shown = f'the expression "{short if len(short) <= 60 else short[:57] + "..."}"'
    try:
        return _result(_compiled(expression.strip(), sink)(**scope))
    except _Absent as fault:
        raise _absent(shown, scope, *fault.args) from fault
    except jinja2.TemplateSyntaxError as fault:
        raise _unreadable(shown, fault.message or "", sink) from fault
    except (RecursionError, SyntaxError, MemoryError) as fault:
        raise ExpressionError(f"{shown} is nested too deeply", "split it over several values") from fault
    except NameError as fault:  # of "inf", which is how Python writes 1e400
        raise ExpressionError(f"{shown} has no value: a number is too large") from fault
    except (
        jinja2.TemplateError,
        TypeError,
        ValueError,
        ArithmeticError,
        LookupError,
        AttributeError,
    ) as fault:
        raise ExpressionError(f"{shown} has no value: {_lower(str(fault))}") from fault


def _lower(text: str | None) -> str:
    line = (text or "").splitlines()[0].rstrip(".") if text else "it is not an expression"
    return line[:1].lower() + line[1:].replace("'end of template'", "end").replace("end of template", "end")


def _unreadable(shown: str, told: str, sink: Sink | None) -> ExpressionError:
    found = re.match(r"No (filter|test) named '(\w+)'", told)
    if not found:
        return ExpressionError(f"{shown} cannot be read: {_lower(told)}")
    known = _environment(sink).filters if found[1] == "filter" else _environment(sink).tests
    return ExpressionError(f'no {found[1]} of expressions is named "{found[2]}"', suggest(found[2], known))


class _Absent(Exception):
    """Something that an expression names and that is not there: its name, its owner, and what jinja2 says of it."""


def _absent(shown: str, scope: Mapping[str, Any], name: Any, owner: Any, hint: str | None) -> ExpressionError:
    if name is None:
        return ExpressionError(f"{shown} has no value: {_lower(hint)}")
    if isinstance(owner, Mapping):
        return ExpressionError(f'{shown} asks for "{name}", which is not there', suggest(name, owner))
    if isinstance(owner, list):
        return ExpressionError(f"{shown} has no value: the list has {len(owner)} items")
    return unknown(str(name), scope, "")


class _Missing(jinja2.StrictUndefined):
    def _fail_with_undefined_error(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise _Absent(self._undefined_name, self._undefined_obj, self._undefined_hint)

    __str__ = __iter__ = __len__ = __eq__ = __ne__ = __bool__ = __hash__ = _fail_with_undefined_error
    __add__ = __radd__ = __lt__ = __le__ = __gt__ = __ge__ = __call__ = _fail_with_undefined_error


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
    if not expression:
        raise ExpressionError("an expression is empty", 'name a value, or write "$${{" for the text itself')
    compiled: Callable[..., Any] = _environment(sink).compile_expression(expression, undefined_to_none=False)
    return compiled


@lru_cache(maxsize=16)
def _environment(sink: Sink | None) -> jinja2.sandbox.SandboxedEnvironment:
    environment = _Sandbox(undefined=_Missing, autoescape=False, optimized=False)
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in _FILTERS}
    environment.filters |= {"join": _join, "replace": _replace, "round": _round}
    for name, function in (sink.filters if sink else {}).items():
        environment.filters[name] = lambda value, function=function: Quoted(function(value))
    return environment


class _Sandbox(jinja2.sandbox.ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%", "**"))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        _check_operands(operator, (left, right))
        return self.binop_table[operator](left, right)

    def call(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise ExpressionError("expressions call nothing", "use a filter, as in ${{ name | upper }}")

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, jinja2.Undefined):
            str(obj)  # which says what is not there
        is_place = isinstance(obj, str | list) and isinstance(argument, int | slice)
        if not is_place and not isinstance(obj, Mapping):
            kind = "list" if isinstance(obj, list) else "single value"
            raise ExpressionError(f'a {kind} has no "{argument}"')
        try:
            return obj[argument]
        except LookupError:
            return self.undefined(obj=obj, name=argument)


def _check_operands(operator: str, sides: tuple[Any, Any]) -> None:
    for side in sides:
        if isinstance(side, Reference | jinja2.Undefined):
            str(side)  # which says why it cannot take part
    if operator == "**":
        raise ExpressionError('expressions have no "**"', "write the number itself")
    if all(isinstance(side, int | float) for side in sides):
        return
    if operator != "+":
        raise ExpressionError(f'"{operator}" takes two numbers')
    if not any(all(isinstance(side, kind) for side in sides) for kind in (str, list)):
        raise ExpressionError('"+" takes two numbers, two texts or two lists', 'join a text with "~"')


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
    if abs(digits) > _MAX_DIGITS:
        raise ValueError(f"a number is rounded to at most {_MAX_DIGITS} digits")
    return round(value, digits)
