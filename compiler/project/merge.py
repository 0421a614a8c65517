"""Merging as Compose merges its files: https://docs.docker.com/reference/compose-file/merge/"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compiler.model import Path
from compiler.project.project import Places

_REPLACED = ("command", "entrypoint", "test")


def merge(
    base: Mapping[str, Any], overlay: Mapping[str, Any], at: Path, places: Places, theirs: Places
) -> dict[str, Any]:
    """Returns a tree in long form with another one on top of it; null removes a key.

    Both stand at `at`; what comes from the overlay keeps its own places.
    """
    merged = dict(base)
    for key, value in overlay.items():
        path, known = (*at, key), merged.get(key)
        if value is None and key in merged and at[-1] not in ("environment", "networks"):
            del merged[key]
        elif isinstance(known, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(known, value, path, places, theirs)
        elif isinstance(known, list) and isinstance(value, list) and key not in _REPLACED:
            merged[key] = _joined(known, value, path, places, theirs)
        else:
            merged[key] = value
            places.adopt(path, theirs, path)
    return merged


def _joined(known: list[Any], added: list[Any], at: Path, places: Places, theirs: Places) -> list[Any]:
    joined = list(known)
    for index, item in enumerate(added):
        names = [_identity(at[-1], one) for one in joined]
        name = _identity(at[-1], item)
        place = names.index(name) if name in names else len(joined)
        joined[place : place + 1] = [item]
        places.adopt((*at, place), theirs, (*at, index))
    return joined


def _identity(key: str | int, item: Any) -> Any:
    """Returns what is the same in two items of a list that mount or bind the same."""
    if key == "ports" and isinstance(item, Mapping):
        return tuple(map(item.get, ("host_ip", "published", "target", "protocol")))
    if key in ("volumes", "secrets", "configs") and isinstance(item, Mapping):
        return item.get("target", item.get("source"))
    return item
