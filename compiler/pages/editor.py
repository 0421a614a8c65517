"""Schemas as an editor reads them: of a stack, in which each database is checked by its own adapter; of an adapter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any

from compiler.registry.adapter import Adapter
from compiler.registry.bundle import Schema, adapter_schema, bundle, database_schema, further_schema
from compiler.registry.registry import Registry
from compiler.schema.patterns import with_end

_ENTRIES = {"services": "service", "databases": "database", "secrets": "secret"}
_MAPS = ("properties", "patternProperties")
_LISTS = ("allOf", "anyOf", "oneOf")
_ONES = ("additionalProperties", "contains", "if", "items", "not", "propertyNames", "then")
# What asks for something that a change to a stack need not say again, or compares two things that it may say apart.
_WHOLE = ("default", "dependentRequired", "if", "minProperties", "required", "then")
_RULES_OF = {
    "string": "minLength maxLength pattern",
    "number": "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf",
    "array": "items contains minItems maxItems uniqueItems",
    "object": "properties patternProperties additionalProperties propertyNames required dependentRequired "
    "minProperties maxProperties",
}


def editor_schema(registry: Registry) -> Schema:
    """Returns one JSON Schema of a stack that refuses what `check` refuses, as far as a schema can say it.

    It has no words of stackc's own and passes the strict mode of ajv.
    """
    schema = deepcopy(bundle())
    defs, adapters, words = schema["$defs"], registry.adapters(), registry.words()
    database = defs["database"]
    for adapter in adapters:
        named = {"pattern": _any_case(word for word, name in words.items() if name == adapter.name)}
        then = {"allOf": [*_versions(adapter, defs)]}
        asked = {"required": ["adapter"], "properties": {"adapter": named}}
        database["allOf"].append({"if": asked, "then": then})
    each = {
        name: rule for one in adapters for line in one.versions for name, rule in _further(one, line).items()
    }
    database["allOf"].append({"if": {"required": ["on"]}, "then": {"propertyNames": {"enum": sorted(each)}}})
    database["properties"]["adapter"]["anyOf"] = [{"enum": [*words, "auto"]}, {"pattern": _any_case(words)}]
    database["properties"]["needs"]["items"]["enum"] = registry.capabilities()
    drivers = {driver for one in adapters for driver in one.data["connections"]}
    defs["use"]["properties"]["driver"]["enum"] = sorted(drivers)
    options = {name for one in adapters for line in one.versions for name in one.at(line).get("options", ())}
    defs["overlay"] = _overlay(defs, dict.fromkeys(sorted(options), True) | database["properties"])
    strict: Schema = _strict(schema)
    return strict


def adapter_editor_schema() -> Schema:
    """Returns the JSON Schema of an adapter file: of a whole one, or of a change to the one that it extends."""
    whole = deepcopy(adapter_schema())
    about = {word: whole.pop(word) for word in ("$schema", "$id", "title", "description")}
    defs, wanted = {**whole.pop("$defs"), "whole": whole}, ["whole"]
    for name in wanted:
        defs[f"patch-{name}"] = _change(defs[name], wanted)
    forms = {"then": {"$ref": "#/$defs/patch-whole"}, "else": {"$ref": "#/$defs/whole"}}
    named = {"type": "object", "required": ["adapter"], "if": {"required": ["extends"]}}
    schema: Schema = _strict({**about, **named, **forms, "$defs": defs})
    return schema


def _further(adapter: Adapter, version: str) -> Schema:
    """Returns the options of a database on the server of another one."""
    options: Schema = further_schema(adapter, version)["properties"]
    return options


def _any_case(names: Iterable[str]) -> str:
    """Returns a pattern for these names in upper and lower case, as `check` takes them."""
    words = ("".join(f"[{c.upper()}{c}]" if c.isalpha() else c for c in name) for name in names)
    return f"^({'|'.join(words)})$"


def _versions(adapter: Adapter, defs: dict[str, Any]) -> Iterator[Schema]:
    """Yields the versions that a stack may name, and the schema of an entry for each of them."""
    spellings = {version: _spellings(version) for version in adapter.versions}
    yield {"properties": {"version": {"enum": [word for words in spellings.values() for word in words]}}}
    for version, words in spellings.items():
        name = f"database-{adapter.name}-{version}"
        defs[name] = {**database_schema(adapter, version)}
        del defs[name]["$defs"]
        named = {} if version == adapter.default_version else {"required": ["version"]}
        asked = {"properties": {"version": {"enum": words}}, **named}
        yield {"if": asked, "then": {"$ref": f"#/$defs/{name}"}}


def _spellings(version: str) -> list[Any]:
    """Returns how a version line may be written: as text, as a number, and without its last `.0`."""
    words = dict.fromkeys((version, version.removesuffix(".0")))
    # 3.10 is read as 3.1, which is another version.
    return [*words, *(json.loads(word) for word in words if re.fullmatch(r"[1-9]\d*(\.\d*[1-9])?", word))]


def _overlay(defs: dict[str, Any], options: Schema) -> Schema:
    """Returns the schema of one environment, a JSON merge patch; the definitions that it needs are added."""
    base = {**defs["database"], "properties": options, "additionalProperties": False}
    sources = {**defs, "database": base}
    wanted = [*_ENTRIES.values()]
    for name in wanted:
        defs[f"patch-{name}"] = _change(sources[name], wanted)
    properties = {}
    for plural, name in _ENTRIES.items():
        form = bundle()["properties"][plural]
        properties[plural] = {**form, "additionalProperties": _or_null({"$ref": f"#/$defs/patch-{name}"})}
    return {**defs["overlay"], "properties": properties}


def _change(schema: Any, wanted: list[str]) -> Any:
    """Returns the schema of a change to what a schema describes: nothing is required, and null removes.

    A change goes into mappings; a list takes the place of another one as a whole. Referenced names become `wanted`.
    """
    if not isinstance(schema, dict):
        return schema
    made: Schema = {}
    for word, value in schema.items():
        if word == "$ref":
            name = value.removeprefix("#/$defs/")
            wanted += [name] if name not in wanted else []
            made[word] = f"#/$defs/patch-{name}"
        elif word in _MAPS:
            made[word] = {name: _or_null(_change(part, wanted)) for name, part in value.items()}
        elif word == "additionalProperties":
            made[word] = _or_null(_change(value, wanted))
        elif word in _LISTS:
            # Where nothing is required, several forms may fit.
            name = "allOf" if word == "allOf" else "anyOf"
            made[name] = [_change(part, wanted) for part in value]
        elif word not in _WHOLE and not (word == "not" and "required" in value):
            made[word] = value
    return made


def _or_null(schema: Any) -> Any:
    return {"anyOf": [schema, {"type": "null"}]} if isinstance(schema, dict) else schema


def _strict(schema: Any) -> Any:
    """Returns the same schema as ajv takes it in its strict mode: each rule beside the one type that it is for."""
    if not isinstance(schema, dict):
        return [_strict(part) for part in schema] if isinstance(schema, list) else schema
    # What check only warns of is no error here.
    dropped = ("x-", "not") if "x-severity" in schema else ("x-",)
    made: Schema = {word: value for word, value in schema.items() if not word.startswith(dropped)}
    for word, value in made.items():
        if word in (*_MAPS, "$defs"):
            made[word] = {name: _strict(part) for name, part in value.items()}
        elif word in (*_LISTS, *_ONES):
            made[word] = _strict(value)
    # Who is required is also known.
    for name in made.get("required", ()):
        made.setdefault("properties", {}).setdefault(name, True)
    types = made.get("type", [])
    rules: list[Schema] = []
    for kind, names in _RULES_OF.items():
        found = {name: _portable(name, made.pop(name)) for name in names.split() if name in made}
        if types == kind or (types, kind) == ("integer", "number"):
            made |= found
        elif found and not isinstance(types, str):
            rules.append({"if": {"type": kind}, "then": {"type": kind, **found}})
    if isinstance(types, list) and types:
        rules.append({"anyOf": [{"type": name} for name in made.pop("type")]})
    return {**made, "allOf": [*made.get("allOf", ()), *rules]} if rules else made


def _portable(word: str, rule: Any) -> Any:
    """Returns a rule in which a pattern ends where the text does in every language, which `$` in Python does not."""
    return with_end(rule, r"(?![\s\S])") if word == "pattern" else rule
