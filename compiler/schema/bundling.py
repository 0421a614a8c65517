"""A schema with its references inlined; a recursive reference becomes a cycle of Python objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from compiler.model import Path

SINGLE = frozenset(
    [
        "additionalProperties",
        "contains",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    ]
)
SEVERAL = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
NAMED = frozenset(("dependentSchemas", "patternProperties", "properties"))
_HEADER = frozenset(("$comment", "$defs", "$id", "$schema", "$vocabulary"))
_NOTES = frozenset(("default", "deprecated", "description", "examples", "readOnly", "title", "writeOnly"))
_NEVER: dict[str, Any] = {"not": {}}
_PLAIN = frozenset(("patternProperties", "properties", "required", "type"))


def walk(schema: Any, path: Path = ()) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yields a schema and all schemas within it, each with its path."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for word, value in schema.items():
        if word in SINGLE:
            yield from walk(value, (*path, word))
        elif word in SEVERAL:
            for index, part in enumerate(value):
                yield from walk(part, (*path, word, index))
        elif word in NAMED or word == "$defs":
            for name, part in value.items():
                yield from walk(part, (*path, word, name))


def resolve(document: Any, pointer: str) -> Any:
    """Returns what a JSON pointer points at, or raises LookupError."""
    found = document
    for part in unquote(pointer).split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        found = found[int(name) if isinstance(found, list) and name.isdecimal() else name]
    return found


def is_local(reference: object) -> bool:
    return isinstance(reference, str) and (reference == "#" or reference.startswith("#/"))


def leads_somewhere(document: Any, reference: str) -> bool:
    """Answers whether a `$ref` refers to a schema in its own document."""
    try:
        return is_local(reference) and isinstance(resolve(document, reference[1:]), (dict, bool))
    except (LookupError, TypeError):
        return False


class Bundle:
    """One schema document, its definitions inlined as they are asked for."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._done: dict[str, Any] = {}
        self._open: set[int] = set()

    def at(self, pointer: str) -> Any:
        if pointer in self._done:
            return self._done[pointer]
        target = resolve(self._document, pointer)
        if not isinstance(target, dict):
            return target
        result: dict[str, Any] = {}
        self._done[pointer] = result
        self._open.add(id(result))
        result.update(self._inline(target))
        self._open.discard(id(result))
        return result

    def _inline(self, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return schema
        own = {word: self._keyword(word, value) for word, value in schema.items() if word not in _HEADER}
        reference = own.get("$ref")
        if is_local(reference):
            del own["$ref"]
            target = self.at(str(reference)[1:])
            if self._is_finished(target) and all(_is_note(word) for word in own):
                return {**target, **own}
            own["allOf"] = [target, *own.get("allOf", ())]
        return self._flat(own)

    def _keyword(self, word: str, value: Any) -> Any:
        if word in SINGLE:
            return self._inline(value)
        # A branch that is `false` gives an error without a place; one that is never fulfilled gives its own.
        if word in SEVERAL:
            return [_NEVER if part is False else self._inline(part) for part in value]
        if word in NAMED:
            return {name: _NEVER if part is False else self._inline(part) for name, part in value.items()}
        return value

    def _is_finished(self, schema: Any) -> bool:
        return isinstance(schema, dict) and id(schema) not in self._open

    def _flat(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Joins a closed mapping that is made of parts: the same rule, and one look-up for each key."""
        parts = schema.get("allOf")
        if not parts or schema.get("unevaluatedProperties") is not False:
            return schema
        own = {
            word: value for word, value in schema.items() if word not in ("allOf", "unevaluatedProperties")
        }
        if not all(self._is_finished(part) and _is_plain(part) for part in (own, *parts)):
            return schema
        for part in parts:
            own = _joined(own, part)
        return {**own, "additionalProperties": False}


def _is_note(word: str) -> bool:
    return word in _NOTES or word.startswith("x-")


def _is_plain(schema: Mapping[str, Any]) -> bool:
    return schema.get("type", "object") == "object" and all(
        word in _PLAIN or _is_note(word) for word in schema
    )


def _joined(one: dict[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(one)
    for word in ("properties", "patternProperties"):
        names = dict(one.get(word, {}))
        for name, schema in other.get(word, {}).items():
            names[name] = {"allOf": [names[name], schema]} if names.get(name) else schema
        if names:
            result[word] = names
    if "required" in other:
        result["required"] = list(dict.fromkeys((*one.get("required", ()), *other["required"])))
    if "type" in other:
        result["type"] = other["type"]
    return result
