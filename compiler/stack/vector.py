"""A collection with a vector index, typed; and which engines have what another one lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.report import suggest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compiler.registry.adapter import Adapter
    from compiler.registry.registry import Registry


class Vector(NamedTuple):
    """A collection with a vector index, its defaults filled in; `parameters` are those of the method."""

    collection: str
    field: str
    dimensions: int
    metric: str
    method: str
    parameters: Mapping[str, Any]
    managed: bool


def type_vector(written: Mapping[str, Any], rules: Mapping[str, Any]) -> Vector:
    """Returns the vector section of a database with its defaults; it has passed the schema of its adapter."""
    method = written.get("method", next(iter(rules["methods"])))
    given = written.get("parameters", {})
    known = rules["methods"][method].items()
    return Vector(
        collection=written.get("collection", "documents"),
        field=written.get("field", "embedding"),
        dimensions=written["dimensions"],
        metric=written.get("metric", "cosine"),
        method=method,
        parameters={
            name: given.get(name, rule.get("default"))
            for name, rule in known
            if "default" in rule or name in given
        },
        managed=written.get("managed", True),
    )


def able(registry: Registry, adapter: Adapter, need: str) -> str:
    """Returns the help for a missing capability: the version of the same adapter that has it, or other adapters."""
    versions = [name for name in adapter.versions if need in adapter.capabilities(name)]
    if versions:
        return f'write `version: "{versions[-1]}"`'
    known = {one.name: one.every_capability() for one in registry.adapters()}
    fit = [name for name, words in known.items() if need in words]
    return (
        f"adapters that have it: {', '.join(fit)}"
        if fit
        else suggest(need, sorted(set().union(*known.values())))
    )


def deeper(registry: Registry, dimensions: int) -> str:
    """Returns the help for too many dimensions: the newest version of each adapter that can index them."""
    fit = []
    for adapter in registry.adapters():
        for version in reversed(list(adapter.versions)):
            rules = adapter.at(version).get("vector")
            if rules and rules["dimensions"][-1]["up_to"] >= dimensions:
                fit.append(f"{adapter.name} {version}")
                break
    return f"these can: {', '.join(fit[:5])}" if fit else "use a smaller embedding"
