"""Data against a JSON Schema: one fault for each mistake, in the form that was meant.

Three annotations of a schema word the fault of the rule beside them, in place of the sentences of `words`: `x-says` is
the message, `x-help` the help and `x-id` the id, which also holds for every rule inside. In the first two, {value} and
{text} stand for what was written, quoted and bare, {name} for its key, and {owner} for the whole that is checked.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

    from compiler.model import Path
    from compiler.report import Report, Span

# Where one value breaks several of these rules, the first says the most.
_RANKS = [
    "type",
    "enum",
    "const",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "items",
    "minProperties",
    "maxProperties",
    "pattern",
    "format",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "multipleOf",
    "contains",
    "uniqueItems",
]


class Locate(Protocol):
    """Where values and their keys stand in a file."""

    def value(self, path: Path) -> Span: ...

    def key(self, path: Path) -> Span: ...


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


def check_schema(
    data: Any,
    schema: Mapping[str, Any],
    report: Report,
    *,
    noun: str,
    locate: Locate,
    at: Path = (),
    pointer: str = "",
) -> bool:
    """Adds what is wrong with `data`, which stands at `at` in its document; says whether nothing is.

    A schema does not change after its first use; `pointer` selects a definition in it.
    """
    validator = _validator(_Same(schema), pointer)
    errors = list(validator.iter_errors(data))
    if not errors:
        return True
    from compiler.report import Note
    from compiler.schema.words import word

    told = set()
    for fault in _distinct(list(_Reader(validator.schema, at, noun).faults(errors))):
        found = word(fault)
        if (found.path, found.message) in told:
            continue
        told.add((found.path, found.message))
        path = (*at, *found.path)
        is_key = found.on_key and path and isinstance(path[-1], str)
        notes = []
        if fault.keyword == "uniqueItems":
            notes = [Note("the first is here", locate.value((*path[:-1], fault.rule)))]
        place = locate.key(path) if is_key else locate.value(path)
        report.error(found.id, found.message, place, found.help, notes)
    return False


class _Same:
    """A schema as a key, by identity; it holds the schema, so that its id stays its own."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.schema is self.schema


@lru_cache(maxsize=256)
def _validator(schema: _Same, pointer: str) -> Validator:
    rule = {"$ref": f"#{pointer}"} if pointer else schema.schema
    return _class()(_inlined(rule, schema.schema, {}), format_checker=_class().FORMAT_CHECKER)


def _inlined(node: Any, root: Any, done: dict[str, Any]) -> Any:
    """Returns a schema with its references inlined, since jsonschema resolves one again for each value.

    One that leads back to itself becomes a cycle of Python objects.
    """
    if isinstance(node, list):
        return [_inlined(part, root, done) for part in node]
    if not isinstance(node, dict):
        return node
    own = {word: _inlined(part, root, done) for word, part in node.items() if word != "$defs"}
    name = own.get("$ref")
    if not isinstance(name, str):
        return own
    if name not in done:
        done[name] = {}
        target = root
        for step in name.split("/")[1:]:
            target = target[step]
        done[name].update(_inlined(target, root, done))
    del own["$ref"]
    if done[name] and all(word == "description" or word.startswith("x-") for word in own):
        return {**done[name], **own}
    return {**own, "allOf": [done[name], *own.get("allOf", ())]}


@lru_cache(maxsize=1)
def _class() -> Any:
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.validators import extend

    # jsonschema itself compares every pair of items, which a long list makes endless.
    made = extend(Draft202012Validator, {"uniqueItems": _unique_items})
    # Which of the others it checks depends on what else is installed.
    made.FORMAT_CHECKER = FormatChecker(("regex",))
    return made


def _unique_items(validator: Any, wanted: Any, data: Any, schema: Any) -> Iterator[ValidationError]:
    from jsonschema import ValidationError

    first: dict[Any, int] = {}
    for index, item in enumerate(data if wanted and isinstance(data, list) else ()):
        seen = first.setdefault(_frozen(item), index)
        if seen != index:
            yield ValidationError("", path=[index], validator_value=seen, instance=item)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return "map", frozenset((key, _frozen(item)) for key, item in value.items())
    if isinstance(value, list):
        return "list", tuple(map(_frozen, value))
    return isinstance(value, bool), value


class _Reader(NamedTuple):
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
            match fault.keyword:
                case _ if "propertyNames" in error.absolute_schema_path:
                    path = (*fault.path, error.instance)
                    yield fault._replace(keyword="propertyNames", rule=schema, path=path)
                case "anyOf" | "oneOf":
                    yield from self._branch(error, fault)
                case "required":
                    # jsonschema has an error for each name, without saying which.
                    yield from (fault._replace(rule=name) for name in fault.rule if name not in fault.data)
                case "dependentRequired":
                    for key, names in fault.rule.items():
                        lacking = [name for name in names if name not in fault.data]
                        if key in fault.data and lacking:
                            yield fault._replace(rule=lacking, path=(*fault.path, key))
                case "additionalProperties":
                    for key in fault.data:
                        if not _is_known(schema, key):
                            yield fault._replace(path=(*fault.path, key))
                case _:
                    yield fault

    def _id(self, path: Iterable[str | int]) -> str | None:
        """Returns the innermost `x-id` around a rule."""
        node, found = self.root, self.root.get("x-id")
        for step in path:
            node = node[step]
            found = node.get("x-id", found) if isinstance(node, dict) else found
        return found

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
        return {
            *([error.validator_value] if isinstance(error.validator_value, str) else error.validator_value)
        }
    kinds = {kind for value in _choices(error.schema) for kind in types_of(value)}
    return set() if kinds & types_of(error.instance) else kinds


def _is_lack(error: ValidationError) -> bool:
    return error.validator == "required" and not error.relative_path


def _distance(errors: list[ValidationError]) -> tuple[int, int, int]:
    """Orders forms: by wrong words that tell them apart, then by number of faults, then by depth."""
    telling = sum(error.validator in ("const", "enum") and len(error.relative_path) < 2 for error in errors)
    return telling, len(errors), -max(len(error.relative_path) for error in errors)


def _distinct(faults: list[Fault]) -> list[Fault]:
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
