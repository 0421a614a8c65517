"""The JSON Schemas of a stack: its own, Compose's and those of adapters' options in one."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from compiler.source.shipped import load_schema

if TYPE_CHECKING:
    from compiler.registry.adapter import Adapter


@lru_cache(maxsize=1)
def bundle() -> dict[str, Any]:
    """Returns the stack's schema with the Compose Specification's definitions in it, `compose-` before their names.

    A service is Compose's, with `uses` and `healthcheck.http` beside its own keys.
    """
    import json

    own = load_schema("stack.schema.json")
    text = json.dumps(load_schema("compose-spec.json")).replace('"#/$defs/', '"#/$defs/compose-')
    compose = json.loads(text)
    defs: dict[str, Any] = {f"compose-{name}": schema for name, schema in compose["$defs"].items()}
    service = defs.pop("compose-service")
    health = defs["compose-healthcheck"]
    health["properties"]["http"] = {"$ref": "#/$defs/http"}
    service["properties"]["uses"] = {"$ref": "#/$defs/uses"}
    service["description"] = own["$defs"]["service"]["description"]
    defs["compose-service"] = {"$ref": "#/$defs/service"}
    properties = dict(own["properties"])
    for plural, singular in (("volumes", "volume"), ("networks", "network"), ("configs", "config")):
        entry = {"$ref": f"#/$defs/compose-{singular}"}
        properties[plural] = {**properties[plural], "additionalProperties": entry}
    return {**own, "properties": properties, "$defs": {**own["$defs"], **defs, "service": service}}


@lru_cache(maxsize=256)
def database_schema(adapter: Adapter, version: str) -> dict[str, Any]:
    """Returns the closed schema of a database entry: what every database takes, and its own adapter's options."""
    base = load_schema("stack.schema.json")["$defs"]["database"]
    options: dict[str, Any] = adapter.at(version).get("options", {})
    return {**base, "properties": {**base["properties"], **options}, "additionalProperties": False}
