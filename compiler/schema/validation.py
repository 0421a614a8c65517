"""Validators, made once for each schema: references inlined, and every fault an error of its own.

Inlining is what makes checks fast: jsonschema resolves a `$ref` again for each value.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from jsonschema import Draft202012Validator, ValidationError, validators

from compiler.schema.bundling import Bundle
from compiler.schema.naming import types_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jsonschema.protocols import Validator


def _additional_properties(
    validator: Any, allowed: Any, data: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if not isinstance(data, dict):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for key, value in data.items():
        if key in known or any(re.search(pattern, key) for pattern in patterns):
            continue
        if allowed is False:
            yield ValidationError("", path=[key])
        else:
            yield from validator.descend(value, allowed, path=key)


def _required(validator: Any, names: Any, data: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(data, dict):
        for name in names:
            if name not in data:
                yield ValidationError("", validator_value=name)


def _dependent_required(validator: Any, rules: Any, data: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(data, dict):
        for name, others in rules.items():
            lacking = [other for other in others if other not in data]
            if name in data and lacking:
                yield ValidationError("", path=[name], validator_value=lacking)


def _property_names(validator: Any, rule: Any, data: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(data, dict):
        for key in data:
            if any(True for _ in validator.descend(key, rule)):
                yield ValidationError("", path=[key])


def _unique_items(validator: Any, wanted: Any, data: Any, schema: Any) -> Iterator[ValidationError]:
    """Finds each repeated item in linear time, where jsonschema compares every pair."""
    if not wanted or not isinstance(data, list):
        return
    first: dict[Any, int] = {}
    for index, item in enumerate(data):
        seen = first.setdefault(_frozen(item), index)
        if seen != index:
            yield ValidationError("", path=[index], validator_value=seen, instance=item)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return "map", frozenset((key, _frozen(item)) for key, item in value.items())
    if isinstance(value, list):
        return "list", tuple(_frozen(item) for item in value)
    return isinstance(value, bool), value


def _multiple_of(validator: Any, unit: Any, data: Any, schema: Any) -> Iterator[ValidationError]:
    """Divides exactly: 0.3 is a multiple of 0.1, and no number is too large."""
    if not validator.is_type(data, "number"):
        return
    if data in (float("inf"), float("-inf")) or data != data or _exact(data) % _exact(unit):
        yield ValidationError("")


def _exact(number: float) -> Fraction:
    return Fraction(number) if isinstance(number, int) else Fraction(repr(number))


class _Types:
    """Answers what jsonschema asks a map in Rust for, and that map aborts where the stack ends."""

    checks: ClassVar[Mapping[str, Callable[[Any], bool]]] = {
        "array": lambda value: isinstance(value, list),
        "boolean": lambda value: isinstance(value, bool),
        "integer": lambda value: "integer" in types_of(value),
        "null": lambda value: value is None,
        "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
        "object": lambda value: isinstance(value, dict),
        "string": lambda value: isinstance(value, str),
    }

    def is_type(self, value: Any, name: str) -> bool:
        return self.checks[name](value)


@lru_cache(maxsize=1)
def _class() -> type[Validator]:
    keywords = {
        "additionalProperties": _additional_properties,
        "dependentRequired": _dependent_required,
        "multipleOf": _multiple_of,
        "propertyNames": _property_names,
        "required": _required,
        "uniqueItems": _unique_items,
    }
    extend: Callable[..., type[Validator]] = validators.extend
    return extend(Draft202012Validator, keywords, type_checker=_Types())


class _Same:
    """A key that compares schemas by identity; it holds the schema, so that its id stays its own."""

    __slots__ = ("schema",)

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.schema is self.schema


@lru_cache(maxsize=64)
def _bundle(document: _Same) -> Bundle:
    return Bundle(document.schema)


@lru_cache(maxsize=256)
def _validator(document: _Same, pointer: str) -> Validator:
    return make_validator(_bundle(document).at(pointer))


def make_validator(schema: Any) -> Validator:
    return _class()(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def validator_for(schema: Mapping[str, Any], pointer: str = "") -> Validator:
    """Returns the validator of the definition at `pointer`; a schema must not change after its first use."""
    return _validator(_Same(schema), pointer)


def find_errors(validator: Validator, data: Any) -> list[ValidationError] | None:
    """Returns all errors of the data, or None where it is nested too deeply or holds a number too long to print."""
    try:
        return list(validator.iter_errors(data))
    # jsonschema puts values into its messages, and Python refuses to print a number of thousands of digits.
    except (RecursionError, OverflowError, ValueError):
        return None
