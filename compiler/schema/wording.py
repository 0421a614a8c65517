"""Faults of single values, in sentences of the stack's own words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from compiler.schema.fault import Fault, Finding, advice
from compiler.schema.naming import described, listed, quoted, scalar, type_names
from compiler.schema.rewriting import closest, rewritten
from compiler.schema.wording_options import WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def word(fault: Fault) -> Finding:
    return _WORDS.get(fault.keyword, _pattern)(fault)


def _value(fault: Fault, code: str, predicate: str, help: str | None = None) -> Finding:
    message = f"{fault.thing} {predicate}"
    return Finding(code=code, message=message, path=fault.path, help=help or advice(fault.schema))


def _type(fault: Fault) -> Finding:
    types = [fault.rule] if isinstance(fault.rule, str) else list(fault.rule)
    predicate = f"is {described(fault.data, fault.hidden)}, expected {type_names(types)}"
    choices = fault.schema.get("enum")
    if choices and fault.data is not None:
        help: str | None = closest(fault.data, choices, fault.hidden)
    else:
        help = rewritten(fault.data, types, fault.schema, fault.hidden)
    return _value(fault, "wrong-type", predicate, help)


def _enum(fault: Fault) -> Finding:
    help = closest(fault.data, fault.rule, fault.hidden)
    return _value(fault, "not-allowed-value", f"cannot be {_shown(fault)}", help)


def _shown(fault: Fault) -> str:
    return "the given value" if fault.hidden else quoted(fault.data)


def _const(fault: Fault) -> Finding:
    return _value(fault, "not-allowed-value", f"cannot be {_shown(fault)}", f"write {quoted(fault.rule)}")


def _bounds(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{scalar(low)} to {scalar(high)}"
    words = {
        "minimum": "at least {}",
        "exclusiveMinimum": "more than {}",
        "maximum": "at most {}",
        "exclusiveMaximum": "less than {}",
        "multipleOf": "a multiple of {}",
    }
    return listed(
        [form.format(scalar(schema[name])) for name, form in words.items() if name in schema], "and"
    )


def _range(fault: Fault) -> Finding:
    shown = "out of range" if fault.hidden else scalar(fault.data)
    unit = f"a multiple of {scalar(fault.rule)}" if fault.keyword == "multipleOf" else ""
    return _value(fault, "out-of-range", f"is {shown}, expected {unit or _bounds(fault.schema)}")


def _size(fault: Fault) -> Finding:
    noun = {"minLength": "character", "maxLength": "character", "minItems": "item", "maxItems": "item"}
    unit, size = noun.get(fault.keyword, "entry"), len(fault.data)
    limit = f"at {'least' if fault.keyword.startswith('min') else 'most'} {_count(int(fault.rule), unit)}"
    predicate = f"has {_count(size, unit)}" if size else "is empty"
    return _value(fault, "out-of-range", f"{predicate}, expected {limit}")


def _count(number: int, unit: str) -> str:
    plural = "entries" if unit == "entry" else f"{unit}s"
    return f"{number} {unit if number == 1 else plural}"


def _items(fault: Fault) -> Finding:
    limit = len(fault.schema.get("prefixItems", ()))
    return _value(fault, "out-of-range", f"has {_count(len(fault.data), 'item')}, expected at most {limit}")


def _contains(fault: Fault) -> Finding:
    help = advice(fault.schema.get("contains"))
    return _value(fault, "out-of-range", "has too few or too many items of the kind that it needs", help)


def _unique(fault: Fault) -> Finding:
    is_shown = isinstance(fault.data, (str, int, float)) and not fault.hidden
    shown = quoted(fault.data) if is_shown else f"item {fault.rule + 1}"
    finding = _value(fault, "duplicate-item", f"repeats {shown}", "remove it")
    return replace(finding, first=fault.rule)


def _pattern(fault: Fault) -> Finding:
    shown = "" if fault.hidden else f": {quoted(fault.data)}"
    help = advice(fault.schema) or (f"it has to match {fault.rule}" if fault.keyword == "pattern" else None)
    return _value(fault, "wrong-format", f"has the wrong form{shown}", help)


def _format(fault: Fault) -> Finding:
    known = {
        "date": "a date such as 2028-11-09",
        "date-time": "a time such as 2028-11-09T12:00:00Z",
        "email": "an e-mail address",
        "ipv4": "an IPv4 address",
        "ipv6": "an IPv6 address",
        "regex": "a regular expression",
    }
    shown = "of another form" if fault.hidden else quoted(fault.data)
    return _value(fault, "wrong-format", f"is {shown}, expected {known.get(fault.rule, f'a {fault.rule}')}")


_WORDS: dict[str, Callable[[Fault], Finding]] = {
    **WORDS,
    "const": _const,
    "contains": _contains,
    "enum": _enum,
    "exclusiveMaximum": _range,
    "exclusiveMinimum": _range,
    "format": _format,
    "items": _items,
    "maxContains": _contains,
    "maxItems": _size,
    "maxLength": _size,
    "maxProperties": _size,
    "maximum": _range,
    "minContains": _contains,
    "minItems": _size,
    "minLength": _size,
    "minProperties": _size,
    "minimum": _range,
    "multipleOf": _range,
    "pattern": _pattern,
    "type": _type,
    "unevaluatedItems": _items,
    "uniqueItems": _unique,
}
