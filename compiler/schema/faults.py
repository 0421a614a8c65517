"""A validator's errors, reduced to what a person did wrong: one fault for each mistake, in the form meant."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from compiler.schema.fault import Fault
from compiler.schema.naming import types_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jsonschema.exceptions import ValidationError

    from compiler.model import Path

_DEEPEST = 5
# Where one value breaks several of these rules, the first says the most.
_RANKED = """type enum const minLength maxLength minItems maxItems items unevaluatedItems minProperties
maxProperties pattern format minimum exclusiveMinimum maximum exclusiveMaximum multipleOf contains
minContains maxContains uniqueItems"""
_LACKS = ("required", "one-of")
_RANKS = {word: rank for rank, word in enumerate(_RANKED.split())}


def find_faults(errors: list[ValidationError] | None, data: Any, *, noun: str, at: Path) -> list[Fault]:
    """Returns each fault of the data once; without errors, the data was too large to find any."""
    reader = _Reader(noun, at)
    if errors is None:
        return [reader.fault("endless", None, data, {}, ())]
    return _distinct(list(reader.faults(errors)))


@dataclass(frozen=True, slots=True)
class _Reader:
    noun: str
    at: Path

    def fault(self, keyword: str, rule: Any, data: Any, schema: Any, path: Path) -> Fault:
        schema = schema if isinstance(schema, dict) else {}
        return Fault(
            keyword=keyword, rule=rule, data=data, schema=schema, path=path, at=self.at, noun=self.noun
        )

    def faults(self, errors: Iterable[ValidationError]) -> Iterator[Fault]:
        for error in errors:
            if error.validator in ("anyOf", "oneOf"):
                yield from self._alternatives(error)
            elif error.validator == "unevaluatedProperties":
                yield from self._unevaluated(error)
            else:
                yield self._like(error, str(error.validator or "never"), error.validator_value)

    def _like(self, error: ValidationError, keyword: str, rule: Any) -> Fault:
        return self.fault(keyword, rule, error.instance, error.schema, tuple(error.absolute_path))

    def _alternatives(self, error: ValidationError) -> Iterator[Fault]:
        branches = _list(error.validator_value)
        if not error.context:
            yield self._like(error, "exclusive", branches)
            return
        choices = [_choices(branch) for branch in branches]
        if all(choices):
            yield self._like(error, "enum", [value for part in choices for value in part])
            return
        found: dict[int, list[ValidationError]] = {}
        for part in error.context:
            found.setdefault(int(part.relative_schema_path[0]), []).append(part)
        types = types_of(error.instance)
        fitting = [parts for index, parts in found.items() if _fits(types, _accepted(branches[index]))]
        if not fitting:
            expected = [_accepted(branch) or frozenset() for branch in branches]
            fault = self._like(error, "type", sorted(frozenset().union(*expected)))
            values = [value for part in choices for value in part]
            yield replace(fault, schema={**fault.schema, "enum": values}) if values else fault
        elif len(fitting) > 1 and all(_is_lack(part) for parts in fitting for part in parts):
            names = tuple(tuple(str(part.validator_value) for part in parts) for parts in fitting)
            yield self._like(error, "one-of", names)
        else:
            for fault in self.faults(min(fitting, key=_distance)):
                yield _with_notes(fault, error)

    def _unevaluated(self, error: ValidationError) -> Iterator[Fault]:
        parts = _parts(error.schema)
        unknown = [key for key in _list(error.instance) if not any(_knows(part, key) for part in parts)]
        schema = {"properties": {name: True for part in parts for name in part.get("properties", ())}}
        for key in unknown:
            path = (*error.absolute_path, key)
            yield self.fault("additionalProperties", False, error.instance, schema, path)
        if not unknown:
            yield self._like(error, "mixed", None)


def _with_notes(fault: Fault, error: ValidationError) -> Fault:
    """Lets a form without a description take that of the option it is a form of."""
    if fault.path != tuple(error.absolute_path) or not isinstance(error.schema, dict):
        return fault
    notes = {word: error.schema[word] for word in ("description", "x-help") if word in error.schema}
    return replace(fault, schema={**notes, **fault.schema})


def _list(value: Any) -> list[Any]:
    return list(value)


def _fits(types: frozenset[str], accepted: frozenset[str] | None) -> bool:
    return accepted is None or bool(types & accepted)


def _accepted(schema: Any, depth: int = 0) -> frozenset[str] | None:
    """Returns the types of the values that a schema can accept, or None where it may accept any."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return frozenset() if schema is False else None
    if "type" in schema:
        return frozenset((schema["type"],) if isinstance(schema["type"], str) else schema["type"])
    if choices := _choices(schema):
        return frozenset().union(*(types_of(choice) for choice in choices))
    for word in ("anyOf", "oneOf"):
        parts = [_accepted(part, depth + 1) for part in schema.get(word, ())]
        if parts and None not in parts:
            return frozenset().union(*(part for part in parts if part))
    limits = (_accepted(part, depth + 1) for part in schema.get("allOf", ()))
    return next((limit for limit in limits if limit is not None), None)


def _choices(schema: Any) -> list[Any]:
    if not isinstance(schema, dict):
        return []
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


def _is_lack(error: ValidationError) -> bool:
    return error.validator == "required" and not error.relative_path


def _distance(errors: Iterable[ValidationError]) -> tuple[int, int, int]:
    """Orders alternatives: by wrong words that tell forms apart, then by number, then by depth."""
    errors = list(errors)
    telling = sum(error.validator in ("const", "enum") and len(error.relative_path) < 2 for error in errors)
    depths = [len(error.relative_path) for error in errors]
    return telling, len(depths), -max(depths)


def _parts(schema: Any) -> list[dict[str, Any]]:
    """Returns the schemas that speak about the options of the same mapping."""
    found, waiting = {}, [schema]
    while waiting:
        part = waiting.pop()
        if not isinstance(part, dict) or id(part) in found:
            continue
        found[id(part)] = part
        waiting += [part[word] for word in ("if", "then", "else") if word in part]
        waiting += [inner for word in ("allOf", "anyOf", "oneOf") for inner in part.get(word, ())]
        waiting += part.get("dependentSchemas", {}).values()
    return list(found.values())


def _knows(schema: Mapping[str, Any], key: str) -> bool:
    if key in schema.get("properties", ()):
        return True
    return any(re.search(pattern, key) for pattern in schema.get("patternProperties", ()))


def _distinct(faults: list[Fault]) -> list[Fault]:
    best: dict[Path, Fault] = {}
    beside: dict[Path, list[Fault]] = {}
    for fault in faults:
        rank = _RANKS.get(fault.keyword)
        if rank is not None and (fault.path not in best or rank < _RANKS[best[fault.path].keyword]):
            best[fault.path] = fault
        if fault.path:
            beside.setdefault(fault.path[:-1], []).append(fault)
    kept = [fault for fault in faults if fault.keyword not in _RANKS or best[fault.path] is fault]
    kept = [fault for fault in kept if not _is_asked(fault, beside.get(fault.path, ()))]
    lacking = {fault.path for fault in kept if fault.keyword in _LACKS}
    kept = [fault for fault in kept if fault.keyword != "minProperties" or fault.path not in lacking]
    # Options of a mapping with another fault are not recognised only because of that one.
    within = {
        fault.path[:size] for fault in kept if fault.keyword != "mixed" for size in range(len(fault.path) + 1)
    }
    return [fault for fault in kept if fault.keyword != "mixed" or fault.path not in within]


def _is_asked(fault: Fault, beside: Iterable[Fault]) -> bool:
    """Answers whether a missing option is asked for by another fault, or is there under nearly its name."""
    if fault.keyword not in _LACKS:
        return False
    names = [fault.rule] if fault.keyword == "required" else [name for names in fault.rule for name in names]
    return any(_covers(other, names) for other in beside)


def _covers(fault: Fault, names: list[str]) -> bool:
    if fault.keyword == "dependentRequired":
        return any(name in names for name in fault.rule)
    if fault.keyword != "additionalProperties":
        return False
    from difflib import get_close_matches

    close = get_close_matches(str(fault.path[-1]), list(fault.schema.get("properties", ())), n=1, cutoff=0.6)
    return any(name in names for name in close)
