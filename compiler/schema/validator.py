"""jsonschema, made to take time in proportion to the data, and to tell the `x-id` around a broken rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial, reduce
from operator import getitem
from typing import TYPE_CHECKING, Any

from compiler.schema.patterns import SlowPattern, is_match, is_pattern

if TYPE_CHECKING:
    from jsonschema import ValidationError

_MOST = 256
# By the id of a schema, which is kept so that the id stays its own.
_MADE: dict[int, tuple[Mapping[str, Any], Any]] = {}


def find_errors(data: Any, schema: Mapping[str, Any]) -> list[ValidationError]:
    """Returns the errors of `data`; each, but for those in the `context` of another, has its `x-id` as `rule_id`.

    SlowPattern for data that are not checked to the end.
    """
    if id(schema) not in _MADE:
        if len(_MADE) >= _MOST:
            _MADE.clear()
        _MADE[id(schema)] = schema, _maker()(_inlined(schema, schema, {}))
    validator = _MADE[id(schema)][1]
    return list(validator.descend(data, validator.schema))


def _inlined(node: Any, root: Any, done: dict[str, Any]) -> Any:
    """Returns a schema with its references inlined, since jsonschema resolves one again for each value.

    Beside a reference stands at most what words it. One that leads back to itself becomes a cycle of Python objects.
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
        target = reduce(getitem, name.split("/")[1:], root)
        done[name].update(_inlined(target, root, done))
    del own["$ref"]
    return {**done[name], **own} if own and done[name] else done[name]


@lru_cache(maxsize=1)
def _maker() -> Any:
    from jsonschema import Draft202012Validator, FormatChecker, validators

    # jsonschema itself compares every pair of items, which a long list makes endless, and lets patterns run.
    extend: Any = validators.extend
    own = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
    }
    made = extend(Draft202012Validator, own)
    made.descend = _descend
    # Which of the other formats it checks depends on what else is installed.
    formats = FormatChecker(())
    formats.checkers = {"regex": (lambda value: not isinstance(value, str) or is_pattern(value), ())}
    return partial(made, format_checker=formats)


def _descend(
    self: Any, instance: Any, schema: Any, path: Any = None, schema_path: Any = None, resolver: Any = None
) -> Iterator[ValidationError]:
    """Does what jsonschema does, but for a new validator for each value: no schema here has references of its own."""
    rules = schema if isinstance(schema, dict) else {} if schema else {"not": {}}
    for word, rule in rules.items():
        check = self.VALIDATORS.get(word)
        try:
            for error in (check(self, rule, instance, rules) or ()) if check else ():
                error._set(validator=word, validator_value=rule, instance=instance, schema=rules)
                error.rule_id = getattr(error, "rule_id", None) or rules.get("x-id")
                error.schema_path.appendleft(word)
                if path is not None:
                    error.path.appendleft(path)
                if schema_path is not None:
                    error.schema_path.appendleft(schema_path)
                yield error
        except SlowPattern as fault:
            fault.path = fault.path if path is None else (path, *fault.path)
            raise


def _pattern(validator: Any, wanted: str, data: Any, schema: Any) -> Iterator[ValidationError]:
    from jsonschema import ValidationError

    if isinstance(data, str) and not is_match(wanted, data):
        yield ValidationError("")


def _pattern_properties(validator: Any, forms: Any, data: Any, schema: Any) -> Iterator[ValidationError]:
    for form, part in forms.items() if isinstance(data, dict) else ():
        for key in data:
            if is_match(form, key):
                yield from validator.descend(data[key], part, path=key, schema_path=form)


def _additional_properties(validator: Any, rule: Any, data: Any, schema: Any) -> Iterator[ValidationError]:
    from jsonschema import ValidationError

    known, forms = schema.get("properties", {}), schema.get("patternProperties", {})
    keys = [key for key in data if key not in known] if isinstance(data, dict) else []
    others = (key for key in keys if not any(is_match(form, key) for form in forms))
    if isinstance(rule, dict):
        for key in others:
            yield from validator.descend(data[key], rule, path=key)
    elif not rule and next(others, None) is not None:
        yield ValidationError("")


def _unique_items(validator: Any, wanted: Any, data: Any, schema: Any) -> Iterator[ValidationError]:
    from jsonschema import ValidationError

    first: dict[Any, int] = {}
    for index, item in enumerate(data if wanted and isinstance(data, list) else ()):
        seen = first.setdefault(_frozen(item), index)
        if seen != index:
            yield ValidationError("", path=[index], validator_value=seen, instance=item)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return frozenset((key, _frozen(item)) for key, item in value.items())
    return tuple(map(_frozen, value)) if isinstance(value, list) else (isinstance(value, bool), value)
