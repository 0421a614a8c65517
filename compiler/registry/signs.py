"""What an adapter is found by: its aliases, and what of a URL or of an image is a sign of its engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from compiler.model import Path

_TAG = re.compile(r"(?::(?P<tag>[^/:@]*))?(?:@.*)?$")
_SECTIONS: tuple[Path, ...] = (("aliases",), ("detect", "schemes"), ("detect", "images"))


def bare_image(image: str) -> str:
    """Returns the name of an image as adapters have it: without tag, digest, and what Docker adds by itself."""
    return _TAG.sub("", image).removeprefix("docker.io/").removeprefix("library/")


def tag_of(image: str) -> str:
    """Returns the tag of an image; empty where it has none."""
    found = _TAG.search(image)
    return (found and found["tag"]) or ""


def iter_signs(data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yields each sign of an adapter that may not be in order, with its place."""
    for section in _SECTIONS:
        for index, word in enumerate(signs_in(data, section)):
            yield (*section, index), word


def signs_in(data: Mapping[str, Any], section: Path) -> list[str]:
    """Returns the signs in one section; nothing where it is not in order."""
    found: Any = data
    for step in section:
        found = found.get(step) if isinstance(found, dict) else None
    return [word for word in found if isinstance(word, str)] if isinstance(found, list) else []
