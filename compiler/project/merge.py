"""Merging as Compose merges its files: https://docs.docker.com/reference/compose-file/merge/"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compiler.model import Path
    from compiler.project.project import Places

_REPLACED = ("command", "entrypoint", "test")
# Items of these lists are the same thing where they mount or bind the same.
_IDENTITY: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "volumes": lambda mount: mount.get("target"),
    "secrets": lambda mount: mount.get("target", mount.get("source")),
    "configs": lambda mount: mount.get("target", mount.get("source")),
    "ports": lambda port: tuple(map(port.get, ("host_ip", "published", "target", "protocol"))),
}


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
            merged[key] = _joined(key, known, value, path, places, theirs)
        else:
            merged[key] = value
            places.adopt(path, theirs, path)
    return merged


def _joined(
    key: str, known: list[Any], added: list[Any], at: Path, places: Places, theirs: Places
) -> list[Any]:
    identity = _IDENTITY.get(key, lambda item: item)
    joined = list(known)
    names = [_named(identity, item) for item in known]
    for index, item in enumerate(added):
        name = _named(identity, item)
        place = names.index(name) if name in names else len(joined)
        joined[place : place + 1] = [item]
        names[place : place + 1] = [name]
        places.adopt((*at, place), theirs, (*at, index))
    return joined


def _named(identity: Callable[[Mapping[str, Any]], Any], item: Any) -> Any:
    return identity(item) if isinstance(item, Mapping) else item
