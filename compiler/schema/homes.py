"""Where the options of the mappings inside a mapping belong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_MOST = 64
# By the id of a schema, which is kept so that the id stays its own.
_HOMES: dict[int, tuple[Mapping[str, Any], dict[str, tuple[str, ...]]]] = {}


def first_homes(schema: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Returns for each option of the mappings inside this one the shortest way to it, of equals the first."""
    if id(schema) not in _HOMES:
        if len(_HOMES) >= _MOST:
            _HOMES.clear()
        nearest = sorted(_homes(schema), key=lambda found: len(found[1]))
        _HOMES[id(schema)] = schema, dict(reversed(nearest))
    return _HOMES[id(schema)][1]


def _homes(schema: Mapping[str, Any], depth: int = 4) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yields each option of the mappings inside this one, and the names on the way to it."""
    for name, part in schema.get("properties", {}).items() if depth else ():
        for form in (part, *part.get("oneOf", ())) if isinstance(part, dict) else ():
            yield from ((key, (name,)) for key in form.get("properties", ()))
            yield from ((key, (name, *home)) for key, home in _homes(form, depth - 1))
