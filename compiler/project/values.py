"""Single values of a Compose file: what they say as far as it is known now, and how their short forms are split."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from compiler.model import Path, Raw

_DOLLAR = re.compile(r"\$\$|\$(?=\{|[A-Za-z_])")
_MARKS = re.compile(r"[][{}:]")
_DRIVE = re.compile(r"[A-Za-z]:(?:\\|/[^:]*:/)")
_SIZE = re.compile(r"(\d{1,18}(?:\.\d{1,9})?) ?(?:([kmgtp])(?:i?b)?|b)?", re.IGNORECASE)


def as_text(value: Any) -> Any:
    """Returns a number or a truth value as the text that a container sees, and anything else as it is."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def plain(value: Any) -> str | None:
    """Returns the text of a value; None where it has none, or only Compose or `.env` knows it."""
    text = as_text(value)
    if not isinstance(text, Raw):
        return text if isinstance(text, str) else None
    unknown = any(match[0] == "$" for match in _DOLLAR.finditer(text))
    return None if unknown else text.replace("$$", "$")


def written_text(value: Any) -> str:
    """Returns a value as it is written, with its variables; "$" stands for a secret."""
    text = "" if value is None else as_text(value)
    return str(text) if isinstance(text, str) else "$"


def number(value: Any) -> float | None:
    """Returns a number that is known now, whether it is written as a number or as text."""
    text = plain(value)
    return float(text) if text is not None and re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", text) else None


def parse_size(text: str) -> int | None:
    """Returns a size in bytes; None where the text is not one.

    https://docs.docker.com/reference/compose-file/extension/#specifying-byte-values
    """
    match = _SIZE.fullmatch(text)
    return int(float(match[1]) * 1024 ** "bkmgtp".index((match[2] or "b").lower())) if match else None


def inside(tree: Any, *steps: str) -> Any:
    """Returns what stands at a path of keys; an empty mapping where nothing does."""
    for step in steps:
        tree = tree.get(step) if isinstance(tree, Mapping) else None
    return {} if tree is None else tree


def change(tree: Any, steps: Sequence[str], make: Callable[[Any, Path], Any], at: Path = ()) -> Any:
    """Returns a tree with `make(value, path)` in the place of each value to which the steps lead.

    A step is a key, or `*` for every key or item. A key without a value is left alone.
    """
    if not steps:
        return make(tree, at)
    step, *rest = steps
    if isinstance(tree, dict) and step != "*":
        inner = tree.get(step)
        return tree if inner is None else {**tree, step: change(inner, rest, make, (*at, step))}
    if isinstance(tree, dict):
        return {key: change(inner, rest, make, (*at, key)) for key, inner in tree.items()}
    if isinstance(tree, list) and step == "*":
        return [change(inner, rest, make, (*at, index)) for index, inner in enumerate(tree)]
    return tree


def sections(text: str) -> list[str]:
    """Splits a port or a volume at its colons, but not inside `${…}`, `[…]` or behind the letter of a drive.

    The parts are of the kind of the text, such as Raw.
    """
    found, start, depth = [], 0, 0
    for mark in _MARKS.finditer(text, 2 if _DRIVE.match(text) else 0):
        depth += (mark[0] in "{[") - (mark[0] in "}]" and depth > 0)
        if mark[0] == ":" and depth == 0:
            found.append(text[start : mark.start()])
            start = mark.end()
    return [type(text)(part) for part in (*found, text[start:])]


def is_host_path(source: str) -> bool:
    """Says whether the source of a mount is a path on this machine and not the name of a volume."""
    return source.startswith(("/", ".", "~", "\\")) or bool(re.match(r"[A-Za-z]:[\\/]", source))


def named_volume(mount: Mapping[str, Any]) -> str | None:
    """Returns the name of the volume that an entry of `volumes` mounts; None where it mounts something else."""
    source = written_text(mount.get("source")) if mount.get("type") == "volume" else ""
    return source if source and "$" not in source and not is_host_path(source) else None
