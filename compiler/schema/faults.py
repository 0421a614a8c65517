"""Errors of a validator read as faults: one for each mistake, in the form that was meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jsonschema import ValidationError

    from compiler.model import Path

# Where one value breaks several of these rules, the first says the most.
_RANKS = (
    *(
        "type",
        "enum",
        "const",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
    ),
    *(
        "pattern",
        "format",
        "minimum",
        "exclusiveMinimum",
        "maximum",
        "exclusiveMaximum",
        "multipleOf",
        "contains",
    ),
    *("uniqueItems", "exclusive"),
)


class Fault(NamedTuple):
    """One broken rule: the keyword and its value, the data, the schema around the keyword, and the place."""

    keyword: str
    rule: Any
    data: Any
    schema: Mapping[str, Any]
    path: Path
    at: Path
    noun: str
    id: str | None = None

    @property
    def rank(self) -> int | None:
        if self.keyword != "type" and "x-says" in self.schema and not isinstance(self.data, dict):
            return 1
        return 2 * _RANKS.index(self.keyword) if self.keyword in _RANKS else None


class Reader(NamedTuple):
    """Reads faults out of the errors of one run of a validator."""

    root: Any
    at: Path
    noun: str

    def faults(self, errors: Iterable[ValidationError]) -> Iterator[Fault]:
        for error in errors:
            schema = error.schema if isinstance(error.schema, dict) else {}
            fault = Fault(
                str(error.validator or "never"),
                error.validator_value,
                error.instance,
                schema,
                tuple(error.absolute_path),
                self.at,
                self.noun,
                self._id(error.absolute_schema_path),
            )
            if "propertyNames" in error.absolute_schema_path:
                path = (*fault.path, str(error.instance))
                yield fault._replace(keyword="propertyNames", rule=schema, path=path)
            elif fault.keyword in ("anyOf", "oneOf"):
                yield from self._branch(error, fault)
            else:
                yield from _single(fault)

    def _id(self, path: Iterable[str | int]) -> str | None:
        """Returns the innermost `x-id` around a rule."""
        node, found = self.root, self.root.get("x-id")
        for step in path:
            node = node[step]
            found = node.get("x-id", found) if isinstance(node, dict) else found
        return None if found is None else str(found)

    def _branch(self, error: ValidationError, fault: Fault) -> Iterator[Fault]:
        """Yields the faults of the form that was meant: of the right type, and with the fewest faults."""
        choices = [value for branch in fault.rule for value in _choices(branch)]
        branches: dict[int, list[ValidationError]] = {}
        for part in error.context or ():
            branches.setdefault(int(part.relative_schema_path[0]), []).append(part)
        fits = [parts for parts in branches.values() if not any(map(_kinds, parts))]
        if not branches:
            yield fault._replace(keyword="exclusive")
        elif "x-says" in fault.schema:
            yield fault._replace(keyword="choice", rule=choices)
        elif all(_choices(branch) for branch in fault.rule):
            yield fault._replace(keyword="enum", rule=choices)
        elif not fits:
            kinds = {kind for parts in branches.values() for part in parts for kind in _kinds(part)}
            schema = {**fault.schema, **({"enum": choices} if choices else {})}
            yield fault._replace(keyword="type", rule=sorted(kinds), schema=schema)
        elif len(fits) > 1 and all(map(_is_lack, (part for parts in fits for part in parts))):
            yield fault._replace(keyword="one-of", rule=[parts[0].validator_value for parts in fits])
        else:
            # A form without a description takes that of the option it is a form of.
            notes = {word: fault.schema[word] for word in ("description", "x-help") if word in fault.schema}
            for inner in self.faults(min(fits, key=_distance)):
                own = {**notes, **inner.schema} if inner.path == fault.path else inner.schema
                yield inner._replace(schema=own)


def _single(fault: Fault) -> Iterator[Fault]:
    """Yields a fault for each name that an error is about, which jsonschema does not do."""
    match fault.keyword:
        case "required":
            yield from (fault._replace(rule=name) for name in fault.rule if name not in fault.data)
        case "dependentRequired":
            for key, names in fault.rule.items():
                lacking = [name for name in names if name not in fault.data]
                if key in fault.data and lacking:
                    yield fault._replace(rule=lacking, path=(*fault.path, key))
        case "additionalProperties":
            unknown = (key for key in fault.data if not _is_known(fault.schema, key))
            yield from (fault._replace(path=(*fault.path, key)) for key in unknown)
        case _:
            yield fault


def _is_known(schema: Mapping[str, Any], key: str) -> bool:
    patterns: Iterable[str] = schema.get("patternProperties", ())
    return key in schema.get("properties", ()) or any(re.search(pattern, key) for pattern in patterns)


def _choices(schema: Any) -> list[Any]:
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


def types_of(value: Any) -> set[str]:
    """Returns the JSON Schema types that a value has."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"number", "integer"} if value == value // 1 else {"number"}
    names = {bool: "boolean", str: "string", list: "array", dict: "object"}
    return {names.get(type(value), "null")}


def _kinds(error: ValidationError) -> set[str]:
    """Returns the types that a form has where the value has none of them."""
    if error.relative_path:
        return set()
    if error.validator == "type":
        wanted: Any = error.validator_value
        return {wanted} if isinstance(wanted, str) else {*wanted}
    kinds = {kind for value in _choices(error.schema) for kind in types_of(value)}
    return set() if kinds & types_of(error.instance) else kinds


def _is_lack(error: ValidationError) -> bool:
    return error.validator == "required" and not error.relative_path


def _distance(errors: Iterable[ValidationError]) -> tuple[int, int, int]:
    """Orders forms: by wrong words that tell them apart, then by number of faults, then by depth."""
    telling = sum(error.validator in ("const", "enum") and len(error.relative_path) < 2 for error in errors)
    return telling, len(list(errors)), -max(len(error.relative_path) for error in errors)


def distinct(faults: list[Fault]) -> list[Fault]:
    """Returns the fault that says most of each value, and no missing option that another fault asks for."""
    best: dict[Path, int] = {}
    for fault in faults:
        if fault.rank is not None:
            best[fault.path] = min(fault.rank, best.get(fault.path, fault.rank))
    lacking = {fault.path for fault in faults if fault.keyword in ("required", "one-of")}
    asked = {(fault.path[:-1], name) for fault in faults for name in _asked(fault)}
    kept: dict[Any, Fault] = {}
    for index, fault in enumerate(faults):
        if fault.keyword == "required":
            is_kept = (fault.path, fault.rule) not in asked
        elif fault.keyword == "minProperties" and fault.path in lacking:
            is_kept = False
        else:
            is_kept = fault.rank is None or fault.rank == best[fault.path]
        if is_kept:
            kept.setdefault(fault.path if fault.rank == 1 else index, fault)
    return list(kept.values())


def _asked(fault: Fault) -> Iterable[str]:
    """Returns the options that a fault asks for by itself, such as one that is there under nearly its name."""
    if fault.keyword == "dependentRequired":
        return list(fault.rule)
    if fault.keyword != "additionalProperties":
        return ()
    from difflib import get_close_matches

    return get_close_matches(str(fault.path[-1]), list(fault.schema.get("properties", ())), n=1, cutoff=0.6)
