"""A collection with a vector index: checked against what one engine in one version can do, and typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compiler.report import Diagnostic, error, has_errors, suggest
from compiler.schema import check_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compiler.registry.adapter import Adapter
    from compiler.registry.registry import Registry
    from compiler.source import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """A collection with a vector index, its defaults filled in; `parameters` are those of the method."""

    collection: str
    field: str
    dimensions: int
    metric: str
    method: str
    parameters: Mapping[str, Any]
    managed: bool


def able(registry: Registry, adapter: Adapter, need: str) -> str:
    """Returns the help for a missing capability: the version of the same adapter that has it, or other adapters."""
    versions = [name for name in adapter.versions if need in adapter.capabilities(name)]
    if versions:
        return f'write `version: "{versions[-1]}"`'
    known = {
        one.name: {word for name in one.versions for word in one.capabilities(name)}
        for one in registry.adapters()
    }
    fit = [name for name, words in known.items() if need in words]
    if fit:
        return f"adapters that have it: {', '.join(fit)}"
    return suggest(need, sorted(set().union(*known.values())))


def type_vector(
    document: Document, registry: Registry, key: str, adapter: Adapter, version: str, trusted: bool
) -> tuple[Vector | None, list[Diagnostic]]:
    """Returns the vector section of a database with its defaults; `trusted` skips the schema of its parameters."""
    at = ("databases", key, "vector")
    written: Mapping[str, Any] = document.data["databases"][key]["vector"]
    rules = adapter.at(version).get("vector")
    whole = f"{adapter.name} {version}"
    if not rules:
        help = able(registry, adapter, "vector")
        return None, [error("missing-capability", f"{whole} has no vector search", document.key(at), help)]
    faults: list[Diagnostic] = []
    metric = written.get("metric", "cosine")
    if metric not in rules["metrics"]:
        help = f"one of: {', '.join(rules['metrics'])}"
        told = f'{whole} has no vector metric "{metric}"'
        faults.append(error("not-allowed-value", told, document.value((*at, "metric")), help))
    method = written.get("method", next(iter(rules["methods"])))
    if method not in rules["methods"]:
        told = f'{whole} has no vector index method "{method}"'
        help = suggest(method, rules["methods"])
        return None, [*faults, error("not-allowed-value", told, document.value((*at, "method")), help)]
    limit = rules["dimensions"][-1]["up_to"]
    if written["dimensions"] > limit:
        told = f"{whole} indexes vectors of at most {limit} dimensions, not {written['dimensions']}"
        help = _deeper(registry, written["dimensions"])
        faults.append(error("out-of-range", told, document.value((*at, "dimensions")), help))
    known, given = rules["methods"][method], written.get("parameters", {})
    if not trusted:
        schema = {"type": "object", "properties": known, "additionalProperties": False}
        noun = f'the vector index method "{method}"'
        faults += check_schema(given, schema, noun=noun, locate=document, at=(*at, "parameters"))
    if has_errors(faults):
        return None, faults
    vector = Vector(
        collection=written.get("collection", "documents"),
        field=written.get("field", "embedding"),
        dimensions=written["dimensions"],
        metric=metric,
        method=method,
        parameters={
            name: given.get(name, rule.get("default"))
            for name, rule in known.items()
            if "default" in rule or name in given
        },
        managed=written.get("managed", True),
    )
    return vector, faults


def _deeper(registry: Registry, dimensions: int) -> str:
    """Returns the help for too many dimensions: the newest version of each adapter that can index them."""
    fit = []
    for adapter in registry.adapters():
        for version in reversed(list(adapter.versions)):
            rules = adapter.at(version).get("vector")
            if rules and rules["dimensions"][-1]["up_to"] >= dimensions:
                fit.append(f"{adapter.name} {version}")
                break
    return f"these can: {', '.join(fit[:5])}" if fit else "use a smaller embedding"
