"""Single values of a Compose file: what they say as far as it is known now, and how their short forms are split."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from compiler.model import Raw

_DOLLAR = re.compile(r"\$\$|\$(?=\{|[A-Za-z_])")
_PATH_START = ("/", ".", "~", "\\")


def plain(value: Any) -> str | None:
    """Returns the text of a value; None where it has none, or only Compose or `.env` knows it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Raw):
        unknown = any(match[0] == "$" for match in _DOLLAR.finditer(value))
        return None if unknown else str(value).replace("$$", "$")
    return str(value) if isinstance(value, str | int | float) else None


def written_text(value: Any) -> str:
    """Returns a value as it is written, with its variables; "$" stands for a secret."""
    if value is None:
        return ""
    return str(value) if isinstance(value, str | int | float) else "$"


def inside(tree: Any, *steps: str) -> Any:
    """Returns what stands at a path of keys; an empty mapping where nothing does."""
    for step in steps:
        tree = tree.get(step) if isinstance(tree, Mapping) else None
    return {} if tree is None else tree


def number(value: Any) -> float | None:
    """Returns a number that is known now, whether it is written as a number or as text."""
    text = plain(value)
    return float(text) if text is not None and re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", text) else None


def sections(text: str) -> list[str]:
    """Splits a port or a volume at its colons, but not inside `${…}`, `[…]` or behind the letter of a drive.

    The parts are of the kind of the text, such as Raw.
    """
    found = [""]
    depth = 0
    for character in text:
        depth += (character in "{[") - (character in "}]" and depth > 0)
        if character == ":" and depth == 0:
            found.append("")
        else:
            found[-1] += character
    if _is_drive(found):
        found[:2] = [f"{found[0]}:{found[1]}"]
    return [type(text)(part) for part in found]


def _is_drive(found: list[str]) -> bool:
    if len(found) < 2 or not re.fullmatch(r"[A-Za-z]", found[0]):
        return False
    return found[1].startswith("\\") or (len(found) > 2 and found[1][:1] == found[2][:1] == "/")


def is_host_path(source: str) -> bool:
    return source.startswith(_PATH_START) or bool(re.match(r"[A-Za-z]:[\\/]", source))


def named_volume(mount: Any) -> str | None:
    """Returns the name of the volume that an entry of `volumes` mounts; None where it mounts something else."""
    source = mount.get("source") if isinstance(mount, Mapping) and mount.get("type") == "volume" else None
    text = written_text(source)
    return text if text and not is_host_path(text) and "$" not in text else None
