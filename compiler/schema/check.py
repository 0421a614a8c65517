"""Data against a JSON Schema: one fault for each mistake, in the form that was meant.

Three annotations of a schema word the fault of the rule beside them, in place of the sentences of `words`: `x-says` is
the message, `x-help` the help and `x-id` the id, which also holds for every rule inside. In the first two, {value} and
{text} stand for what was written, quoted and bare, {name} for its key, and {owner} for the whole that is checked.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from compiler.schema.faults import Reader, distinct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

    from compiler.model import Path
    from compiler.report import Report, Span


class Locate(Protocol):
    """Where values and their keys stand in a file."""

    def value(self, path: Path) -> Span: ...

    def key(self, path: Path) -> Span: ...


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
    for fault in distinct(list(Reader(validator.schema, at, noun).faults(errors))):
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
    made: Validator = _class()(_inlined(rule, schema.schema, {}), format_checker=_class().FORMAT_CHECKER)
    return made


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
    from jsonschema import Draft202012Validator, FormatChecker, validators

    # jsonschema itself compares every pair of items, which a long list makes endless.
    extend: Any = validators.extend
    made = extend(Draft202012Validator, {"uniqueItems": _unique_items})
    # Which of the others it checks depends on what else is installed.
    made.FORMAT_CHECKER = FormatChecker(("regex",))
    made.descend = _descend
    return made


def _descend(
    validator: Any,
    instance: Any,
    schema: Any,
    path: str | int | None = None,
    schema_path: str | int | None = None,
    resolver: object = None,
) -> Iterator[ValidationError]:
    """Does what jsonschema does, but for a new validator for each value: no schema here has references of its own."""
    if schema is False:
        from jsonschema import ValidationError

        failed: Any = ValidationError
        yield failed("", validator=None, validator_value=None, instance=instance, schema=schema)
    for word, rule in schema.items() if isinstance(schema, dict) else ():
        check = validator.VALIDATORS.get(word)
        for error in (check(validator, rule, instance, schema) or ()) if check else ():
            error._set(validator=word, validator_value=rule, instance=instance, schema=schema)
            if word != "if":
                error.schema_path.appendleft(word)
            if path is not None:
                error.path.appendleft(path)
            if schema_path is not None:
                error.schema_path.appendleft(schema_path)
            yield error


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
