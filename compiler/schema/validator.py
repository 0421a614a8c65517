"""jsonschema, made to take time in proportion to the data, and to tell the `x-id` around a broken rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial, reduce
from operator import getitem
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import ValidationError

_MOST = 256
# By the id of a schema, which is kept so that the id stays its own.
_MADE: dict[int, tuple[Mapping[str, Any], Any]] = {}


def find_errors(data: Any, schema: Mapping[str, Any]) -> list[ValidationError]:
    """Returns the errors of `data`; each, but for those in the `context` of another, has its `x-id` as `rule_id`."""
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

    # jsonschema itself compares every pair of items, which a long list makes endless.
    extend: Any = validators.extend
    made = extend(Draft202012Validator, {"uniqueItems": _unique_items})
    made.descend = _descend
    # Which of the other formats it checks depends on what else is installed.
    return partial(made, format_checker=FormatChecker(("regex",)))


def _descend(
    self: Any, instance: Any, schema: Any, path: Any = None, schema_path: Any = None, resolver: Any = None
) -> Iterator[ValidationError]:
    """Does what jsonschema does, but for a new validator for each value: no schema here has references of its own."""
    rules = schema if isinstance(schema, dict) else {} if schema else {"not": {}}
    for word, rule in rules.items():
        check = self.VALIDATORS.get(word)
        for error in (check(self, rule, instance, rules) or ()) if check else ():
            error._set(validator=word, validator_value=rule, instance=instance, schema=rules)
            error.rule_id = getattr(error, "rule_id", None) or rules.get("x-id")
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
        return frozenset((key, _frozen(item)) for key, item in value.items())
    return tuple(map(_frozen, value)) if isinstance(value, list) else (isinstance(value, bool), value)
