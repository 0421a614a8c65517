"""The JSON Schemas of a stack: its own, Compose's and those of adapters in one, the same for check and editor."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from compiler.source.shipped import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compiler.registry.adapter import Adapter

Schema = dict[str, Any]

_END = "(?![\\s\\S])"
_DOLLAR = re.compile(r"(\\.|\[(?:\\.|[^\]\\])*\])|\$")


@lru_cache(maxsize=8)
def read_schema(name: str, prefix: str = "") -> Schema:
    """Returns a shipped schema, with `prefix` before the names of its definitions; callers do not change it."""
    text = SCHEMAS.joinpath(name).read_text(encoding="utf-8")
    schema: Schema = json.loads(text.replace('"#/$defs/', f'"#/$defs/{prefix}'), object_hook=_ended)
    return schema


def _ended(schema: Schema) -> Schema:
    """Python's `$` also matches before a last line break; here, as in every other language, it is the end."""
    if isinstance(schema.get("pattern"), str):
        schema["pattern"] = _DOLLAR.sub(lambda match: match[1] or _END, schema["pattern"])
    return schema


@lru_cache(maxsize=1)
def bundle() -> Schema:
    """Returns the stack's schema with the definitions of Compose (`compose-`) and of its values (`values-`) in it.

    A service is Compose's, with `uses` and `healthcheck.http` beside its own keys.
    """
    own = read_schema("stack.schema.json")
    values = read_schema("service-values.schema.json", "values-")["$defs"]
    compose = {
        name: dict(part) for name, part in read_schema("compose-spec.json", "compose-")["$defs"].items()
    }
    for part in compose.values():
        # A closed mapping that is made of parts is one mapping: the same rule, and one look-up for each key.
        if part.pop("unevaluatedProperties", True) is False:
            parts = [compose[one["$ref"].removeprefix("#/$defs/compose-")] for one in part.pop("allOf")]
            for word in ("patternProperties", "properties"):
                part[word] = {
                    name: rule for one in (*parts, part) for name, rule in one.get(word, {}).items()
                }
            part |= {"type": "object", "additionalProperties": False}
    health = {**compose["healthcheck"]["properties"], "http": {"$ref": "#/$defs/http"}}
    compose["healthcheck"]["properties"] = health
    service = {**compose["service"], "description": own["$defs"]["service"]["description"]}
    service["properties"] = {**service["properties"], "uses": {"$ref": "#/$defs/uses"}}
    service["allOf"] = [{"$ref": "#/$defs/values-service"}]
    properties = dict(own["properties"])
    for plural in ("volumes", "networks", "configs"):
        forms = [{"$ref": f"#/$defs/{kind}-{plural[:-1]}"} for kind in ("compose", "values")]
        properties[plural] = {
            **properties[plural],
            "allOf": [{"$ref": "#/$defs/values-section"}],
            "additionalProperties": {"allOf": forms},
        }
    defs = {f"compose-{name}": part for name, part in compose.items()}
    defs |= {f"values-{name}": part for name, part in values.items()}
    defs |= {"compose-service": {"$ref": "#/$defs/service"}}
    database = own["$defs"]["database"]
    image = database["properties"]["image"]
    image = {**image, "allOf": [*image["allOf"], {"$ref": "#/$defs/values-image"}]}
    defs["database"] = {**database, "properties": {**database["properties"], "image": image}}
    return {**own, "properties": properties, "$defs": {**own["$defs"], **defs, "service": service}}


@lru_cache(maxsize=1)
def outer() -> Schema:
    """Returns the schema of a stack around its services and databases, of which each is checked by its own."""
    groups = {
        name: {**bundle()["properties"][name], "additionalProperties": True}
        for name in ("services", "databases")
    }
    return {**bundle(), "properties": {**bundle()["properties"], **groups}}


@lru_cache(maxsize=256)
def database_schema(adapter: Adapter, version: str) -> Schema:
    """Returns the closed schema of a database entry: what every database takes, as this engine and version takes it."""
    base, spec = bundle()["$defs"]["database"], adapter.at(version)
    options = json.loads(json.dumps(spec.get("options", {})), object_hook=_ended)
    own: Schema = {**base["properties"], **options}
    whole = f"{adapter.name} {version}"
    told = f"{whole} has no capability {{value}}"
    need = {"enum": spec["capabilities"], "x-id": "missing-capability", "x-says": told}
    own["needs"] = {**own["needs"], "items": {**own["needs"]["items"], **need}}
    for part in ("database", "user"):
        own[part] = {**own[part], **_name(part, (spec.get("credentials") or {}).get(part))}
    conflicts: Schema = {}
    if "tls" not in spec:
        own["tls"] = _lacks("has no TLS", adapter, "tls", {"const": "off"})
    if "read_only" not in spec["container"]:
        own["read_only"] = _lacks(
            "cannot run with a read-only file system", adapter, "read_only", {"const": False}
        )
    else:
        # Compose mounts only files of this machine there, and their owner is not the server's user.
        both = {"properties": {"read_only": {"const": True}, "tls": {"not": {"const": "off"}}}}
        told = "`read_only` and `tls` exclude each other: the server could not own its private key"
        conflicts = _worded(
            {"not": {"type": "object", "required": ["tls", "read_only"], **both}}, told, "remove one of them"
        )
        conflicts = {"allOf": [conflicts]}
    timeout = spec.get("query_timeout") or {"applies": "nowhere"}
    if timeout["applies"] == "nowhere":
        help = timeout.get("help", "set it in the application's code")
        own["query_timeout"] = _lacks("has no query timeout", adapter, "query_timeout", {"not": {}}, help)
    own["vector"] = _vector(own["vector"], spec.get("vector"), whole)
    return {**base, "properties": own, "additionalProperties": False, **conflicts, "$defs": bundle()["$defs"]}


def _worded(rule: Schema, says: str, help: str | None, id: str | None = None) -> Schema:
    return {**rule, "x-says": says} | ({"x-help": help} if help else {}) | ({"x-id": id} if id else {})


def _lacks(what: str, adapter: Adapter, option: str, rule: Schema, help: str = "") -> Schema:
    return _worded(rule, f"{adapter.name} {what}", help or f"remove `{option}`", "unsupported-option")


def _name(part: str, rule: Mapping[str, Any] | None) -> Schema:
    if rule is None:
        return _worded(
            {"not": {}}, f"{{owner}} cannot have a {part}", f"remove `{part}`", "unsupported-option"
        )
    form = rule["pattern"].removeprefix("^").removesuffix("$")
    told, help = f"the {part} {{value}} of {{owner}}", f"write a `{part}:` of the form {form}"
    taken = _worded(
        {"not": {"enum": rule.get("refuse") or [""]}},
        f"{told} is reserved by the engine",
        f"write another `{part}:`",
        "reserved-name",
    )
    return {
        "allOf": [
            _worded({"pattern": f"^(?:{form}){_END}"}, f"{told} is not a name that the engine takes", help),
            taken,
        ]
    }


def _vector(base: Schema, rules: Mapping[str, Any] | None, whole: str) -> Schema:
    if not rules:
        return _worded({"not": {}}, f"{whole} has no vector search", None, "missing-capability")
    own, limit = dict(base["properties"]), rules["dimensions"][-1]["up_to"]
    told = f"{whole} indexes vectors of at most {limit} dimensions, not {{value}}"
    own["dimensions"] = {**own["dimensions"], "allOf": [_worded({"maximum": limit}, told, None)]}
    for option, words in (("metric", "vector metric"), ("method", "vector index method")):
        told = f"{whole} has no {words} {{value}}"
        own[option] = _worded({**own[option], "enum": list(rules[f"{option}s"])}, told, None)
    methods, forms = json.loads(json.dumps(rules["methods"]), object_hook=_ended), []
    for index, (method, parameters) in enumerate(methods.items()):
        # The first method is that of a vector that names none.
        named = {"required": ["method"]} if index else {}
        form = {"properties": {"parameters": {"properties": parameters, "additionalProperties": False}}}
        forms.append({"if": {"properties": {"method": {"const": method}}, **named}, "then": form})
    required = base["required"] + ([] if "cosine" in rules["metrics"] else ["metric"])
    return {**base, "properties": own, "required": required, "allOf": forms}
