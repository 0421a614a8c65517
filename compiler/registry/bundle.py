"""The JSON Schemas of a stack: its own, Compose's and those of adapters in one, the same for check and editor."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from compiler.schema.patterns import Shipped
from compiler.source.shipped import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from compiler.registry.adapter import Adapter

Schema = dict[str, Any]

# The names of their definitions in the one schema begin with these.
_PREFIXES = {"compose-spec.json": "compose-", "service-values.schema.json": "values-"}

# One variable of Compose's with a default; variables among any text; and among text of one form.
_DEFAULT = r"\$\{\w+:?-[^${}]*\}$"
_ANYTHING = r"([^$]|\$\$|\$(?![A-Za-z_{$]))*\$[A-Za-z_{]"
_AMONG = r"(?=[^$]*\$)(%s|\$[A-Za-z_]\w*(?!\w)|\$\{\{[^{}]*\}\}|\$\{[^{}]*\})*(\$\{[^{}]*\$\{.*)?$"


def _read(name: str) -> Schema:
    text = SCHEMAS.joinpath(name).read_text(encoding="utf-8")
    text = text.replace('"#/$defs/', f'"#/$defs/{_PREFIXES.get(name, "")}')
    for file, prefix in _PREFIXES.items():
        text = text.replace(f'"{file}#/$defs/', f'"#/$defs/{prefix}')
    schema: Schema = json.loads(text, object_hook=_spec if name == "compose-spec.json" else _shipped)
    return schema


def _spec(schema: Schema) -> Schema:
    """Leaves out that items are unique: Compose drops most repeated ones, and `service-values` has the others."""
    schema.pop("uniqueItems", None)
    return _shipped(schema)


def _shipped(schema: Schema) -> Schema:
    """Writes out the pattern that `x-value` and `x-beside` stand for, and marks each as the compiler's own."""
    if "x-value" in schema:
        form, beside = schema.pop("x-value"), schema.pop("x-beside", None)
        around = _ANYTHING if beside is None else _AMONG % beside
        schema["pattern"] = rf"^(?!{_DEFAULT}){around}|^(?={_DEFAULT}|[^{{}}]*$)(\$\{{\w+:?-)?({form})\}}?$"
    if isinstance(schema.get("pattern"), str):
        schema["pattern"] = Shipped(schema["pattern"])
    return schema


@lru_cache(maxsize=1)
def compose_schema() -> Schema:
    """Returns the Compose Specification's schema by itself, as Compose takes files; callers do not change it."""
    schema: Schema = json.loads(SCHEMAS.joinpath("compose-spec.json").read_bytes(), object_hook=_spec)
    return schema


@lru_cache(maxsize=1)
def adapter_schema() -> Schema:
    """Returns the schema of an adapter; callers do not change it."""
    return _read("adapter.schema.json")


def with_defaults(data: Any, schema: Schema) -> Any:
    """Returns a part of an adapter with what its schema states where it says nothing, in the order of the schema."""
    if "$ref" in schema:
        schema = adapter_schema()["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    if not isinstance(data, dict):
        return data
    known, other = schema.get("properties", {}), schema.get("additionalProperties")
    stated = {name: rule["default"] for name, rule in known.items() if "default" in rule and name not in data}
    names = [*(name for name in known if name in data or name in stated), *data] if stated else data
    rest = other if isinstance(other, dict) else {}
    return {
        name: with_defaults(data[name], known.get(name, rest)) if name in data else stated[name]
        for name in names
    }


@lru_cache(maxsize=1)
def bundle() -> Schema:
    """Returns the stack's schema with the definitions of Compose (`compose-`) and of its values (`values-`) in it.

    A service is Compose's, with `uses` and `healthcheck.http` beside its own keys. Callers do not change it.
    """
    own = _read("stack.schema.json")
    defs = own["$defs"]
    for file, prefix in _PREFIXES.items():
        defs |= {f"{prefix}{name}": part for name, part in _read(file)["$defs"].items()}
    for whole in defs.values():
        # A closed mapping of parts as one mapping: the same rule, and one look-up for each key.
        if whole.pop("unevaluatedProperties", True) is False:
            parts = [defs[part["$ref"].removeprefix("#/$defs/")] for part in whole.pop("allOf")] + [whole]
            for word in ("patternProperties", "properties"):
                whole[word] = {name: rule for part in parts for name, rule in part.get(word, {}).items()}
            whole |= {"type": "object", "additionalProperties": False}
    defs["compose-list_or_dict"]["oneOf"][1]["items"]["x-help"] = "write `{pair}`"
    defs["compose-healthcheck"]["properties"]["http"] = {"$ref": "#/$defs/http"}
    defs["service"] = defs.pop("compose-service") | defs["service"]
    defs["service"]["properties"]["uses"] = {"$ref": "#/$defs/uses"}
    return own


@lru_cache(maxsize=1)
def outer() -> Schema:
    """Returns the schema of a stack around its services and databases, of which each is checked by its own."""
    properties = bundle()["properties"]
    groups = {name: {**properties[name], "additionalProperties": True} for name in ("services", "databases")}
    return {**bundle(), "properties": {**properties, **groups}}


@lru_cache(maxsize=2)
def definition(name: str) -> Schema:
    """Returns the schema of what a stack has several of: a service, or a database of whatever engine."""
    return {"$ref": f"#/$defs/{name}", "$defs": bundle()["$defs"]}


@lru_cache(maxsize=256)
def database_schema(adapter: Adapter, version: str) -> Schema:
    """Returns the closed schema of a database entry: what every database takes, as this engine and version takes it.

    An option that the engine lacks is as its `x-without` says.
    """
    base, spec = bundle()["$defs"]["database"], adapter.at(version)
    server, credentials = spec["containers"]["server"], dict(spec.get("credentials") or {})
    if not isinstance(credentials.get("admin"), dict):
        credentials["admin"] = None
    sections = {"password": spec["secrets"].get("password"), "volume": server.get("volumes")}
    known = {**spec, **credentials, **{name: server.get(name) for name in ("read_only", "tls")}, **sections}
    own = {**base["properties"], **spec.get("options", {})}
    see = f"which ones fit is in {spec['documentation']}"
    own["needs"] = {**own["needs"], "items": {**own["needs"]["items"], "enum": spec["capabilities"]}}
    for name, option in base["properties"].items():
        if "x-without" in option and known.get(name) is None:
            own[name] = option["x-without"]
        elif name in ("admin", "database", "user"):
            named, refused = option["allOf"]
            form = known[name]["pattern"].removeprefix("^").removesuffix("$")
            help = known[name].get("reason", f"write another `{name}:`; {see}")
            named = named | {"pattern": f"^(?:{form})$", "x-help": help}
            refused = refused | {"not": {"enum": known[name].get("refuse") or [""]}}
            own[name] = {**option, "allOf": [named, refused]}
        elif name in _NARROWED:
            own[name] = {**option, **_NARROWED[name](option, known[name])}
    own["environment"] = {**own["environment"], "properties": _owned(server.get("environment") or {})}
    text = json.dumps(own).replace("{engine}", json.dumps(f"{adapter.name} {version}")[1:-1])
    closed = {"additionalProperties": False, "required": ["adapter", *spec.get("required", ())]}
    return {**base, "properties": json.loads(text), **closed, "$defs": bundle()["$defs"]}


@lru_cache(maxsize=256)
def further_schema(adapter: Adapter, version: str) -> Schema:
    """Returns the schema of an entry that is on the server of another one: what is of one database alone."""
    whole, told = database_schema(adapter, version), "{owner} has the {name} of the server that it is on"
    of_server = {"not": {}, "x-id": "unsupported-option", "x-says": told, "x-help": "write it there"}
    own = {
        name: one for name, one in whole["properties"].items() if name in _FURTHER or one.get("x-database")
    }
    other = {name: of_server for name in whole["properties"] if name not in own}
    return {
        "type": "object",
        "required": ["on"],
        "properties": own,
        "patternProperties": {f"^{name}$": one for name, one in other.items()},
        "additionalProperties": False,
        "$defs": whole["$defs"],
    }


def _owned(variables: Mapping[str, Any]) -> Schema:
    """Returns the schema of the variables that stackc sets itself, which a stack cannot."""
    told, help = "stackc itself sets the variable {name} of {owner}", "remove it"
    return {name: {"not": {}, "x-id": "owned-variable", "x-says": told, "x-help": help} for name in variables}


def _settings(base: Schema, rules: Mapping[str, Any]) -> Schema:
    told = "stackc itself sets {name} of {owner}"
    refused = {
        rf"^(?:{pattern})$": {"not": {}, "x-id": "owned-setting", "x-says": told, "x-help": help}
        for pattern, help in rules.get("refuse", {}).items()
    }
    named = {"pattern": rules["pattern"], "x-help": "write the engine's own name of it"}
    return {"propertyNames": named, "patternProperties": refused}


def _rights(base: Schema, words: Mapping[str, str]) -> Schema:
    return {"items": {**base["items"], "enum": list(words)}}


def _scripts(base: Schema, rules: Mapping[str, Any]) -> Schema:
    help = rules.get("reason", "name a file of the kind that the engine's client runs")
    return {"items": {**base["items"], "pattern": rules["pattern"], "x-help": help}}


def _vector(base: Schema, rules: Mapping[str, Any]) -> Schema:
    own, limit = dict(base["properties"]), rules["dimensions"][-1]["up_to"]
    told = f"{{engine}} indexes vectors of at most {limit} dimensions, not {{value}}"
    limited = {"type": "integer", "maximum": limit, "x-says": told}
    own["dimensions"] = {**own["dimensions"], "allOf": [limited]}
    for option, words in (("metric", "vector metric"), ("method", "vector index method")):
        choices = list(rules[f"{option}s"])
        own[option] = {**own[option], "enum": choices, "x-says": f"{{engine}} has no {words} {{value}}"}
    parts = zip(own["field"]["allOf"], ("refuse", "makes"), strict=True)
    kept, made = (part | {"not": {"enum": rules.get(word) or [""]}} for part, word in parts)
    own["field"] = {**own["field"], "allOf": [kept]}
    # Where a vector says nothing, it is managed.
    managed = {"properties": {"managed": {"const": True}}}
    forms: list[Schema] = []
    for method, parameters in rules["methods"].items():
        # The first method is that of a vector that names none.
        named = {"required": ["method"]} if forms else {}
        form = {"properties": {"parameters": {"properties": parameters, "additionalProperties": False}}}
        forms.append({"if": {"properties": {"method": {"const": method}}, **named}, "then": form})
    forms.append({"if": managed, "then": {"properties": {"field": made}}})
    required = base["required"] + ([] if "cosine" in rules["metrics"] else ["metric"])
    return {"properties": own, "required": required, "allOf": forms}


# What a database on the server of another one says for itself.
_FURTHER = ("on", "database", "user", "password", "pool", "query_timeout", "vector", "rights", "scripts")
# What an engine makes narrower of an option that it has.
_NARROWED: Mapping[str, Callable[[Schema, Any], Schema]] = {
    "rights": _rights,
    "scripts": _scripts,
    "settings": _settings,
    "vector": _vector,
}
