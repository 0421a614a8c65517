"""A schema itself, checked: against the metaschema of draft 2020-12, and for what that lets pass."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from compiler.report import suggest
from compiler.schema.bundling import Bundle, leads_somewhere, walk
from compiler.schema.faults import find_faults
from compiler.schema.naming import owner, quoted
from compiler.schema.validation import find_errors, make_validator, validator_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema.protocols import Validator

    from compiler.model import Path
    from compiler.schema.fault import Fault

_BASE = "https://json-schema.org/draft/2020-12/"
_ANNOTATIONS = """$anchor $comment $defs $id $schema contentEncoding contentMediaType contentSchema default
deprecated description else examples maxContains minContains readOnly then title writeOnly"""
_KEYWORDS = {*Draft202012Validator.VALIDATORS, *_ANNOTATIONS.split()} - {"$dynamicRef"}


def schema_faults(schema: Any, noun: str) -> list[Fault]:
    """Returns what the metaschema says against a schema."""
    return find_faults(find_errors(_metaschema_validator(), schema), schema, noun=noun, at=())


def iter_traps(schema: Any, noun: str) -> Iterator[tuple[Path, str]]:
    """Yields what a check by this schema would stumble over or silently ignore."""
    broken = False
    for path, part in walk(schema):
        for keyword in part:
            if keyword not in _KEYWORDS and not keyword.startswith("x-"):
                broken = True
                close = suggest(keyword, _KEYWORDS)
                told = f"{owner(path, noun)} has no keyword {quoted(keyword)}"
                yield (*path, keyword), f"{told}, {close}" if close.startswith("did") else told
        if "$ref" in part and not leads_somewhere(schema, part["$ref"]):
            broken = True
            told = f"{owner(path, noun)} refers to {quoted(part['$ref'])}, which is not in it"
            yield (*path, "$ref"), told
    if not broken and _is_endless(schema):
        yield (), f"{noun} refers to itself without end"


def _is_endless(schema: Mapping[str, Any]) -> bool:
    """Answers whether a schema refers back to itself without a step into the data."""
    samples: tuple[Any, ...] = (None, False, 0, "", [], {})
    try:
        for sample in samples:
            validator_for(schema).is_valid(sample)
    except RecursionError:
        return True
    return False


@lru_cache(maxsize=1)
def _metaschema_validator() -> Validator:
    return make_validator(Bundle(_metaschema()).at(""))


def _metaschema() -> dict[str, Any]:
    """Returns the metaschema as one document: its vocabularies become definitions."""
    published: Any = import_module("jsonschema_specifications").REGISTRY  # it has no types
    root = _rebased(published.contents(f"{_BASE}schema"), "")
    names = [part["$ref"].removeprefix("#/$defs/") for part in root["allOf"]]
    parts = {name: _rebased(published.contents(f"{_BASE}meta/{name}"), name) for name in names}
    return {**root, "$defs": parts}


def _rebased(node: Any, vocabulary: str) -> Any:
    if isinstance(node, list):
        return [_rebased(item, vocabulary) for item in node]
    if not isinstance(node, dict):
        return node
    result = {key: _rebased(value, vocabulary) for key, value in node.items()}
    if isinstance(node.get("$dynamicRef"), str):
        del result["$dynamicRef"]
        return {**result, "$ref": "#"}
    if isinstance(node.get("$ref"), str):
        name, _, pointer = node["$ref"].removeprefix("meta/").partition("#")
        return {**result, "$ref": f"#/$defs/{name or vocabulary}{pointer}"}
    return result
