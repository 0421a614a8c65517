"""Paths on this machine: written relative to the stack, rendered relative to the files that Compose reads.

https://docs.docker.com/reference/compose-file/ names the places; a path inside an image is none of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from posixpath import join, normpath
from typing import Any

Rewrite = Callable[[Any, str], Any]
_REMOTE = re.compile(r"\w[\w+.-]*://|git@|github\.com/|(?:service|target|docker-image|oci-layout):")
_DEFAULT = re.compile(r"(\$\{\w+:?-)([^${}]*)(\}.*)", re.DOTALL)


def rebase(tree: Any, kind: str, base: str) -> Any:
    """Returns an entry of a section, in long form, with its host paths reached by way of `base`."""
    if not base or not isinstance(tree, Mapping):
        return tree
    for steps, rewrite in _PLACES[kind]:
        tree = _at(tree, steps, rewrite, base)
    return tree


def _at(tree: Any, steps: tuple[str, ...], rewrite: Rewrite, base: str) -> Any:
    if not steps:
        return rewrite(tree, base)
    step, *rest = steps
    if step == "*" and isinstance(tree, list):
        return [_at(item, tuple(rest), rewrite, base) for item in tree]
    if not isinstance(tree, Mapping):
        return tree
    chosen = tree if step == "*" else (step,)
    return {
        key: _at(value, tuple(rest), rewrite, base) if key in chosen else value for key, value in tree.items()
    }


def _texts(rewrite: Callable[[str, str], str]) -> Rewrite:
    """Lets the kind of a text, such as Raw, and everything that is no text through."""
    return lambda value, base: type(value)(rewrite(value, base)) if isinstance(value, str) else value


def _path(text: str, base: str) -> str:
    if match := _DEFAULT.fullmatch(text):
        return f"{match[1]}{_path(match[2], base)}{match[3]}"
    if not text or text.startswith(("/", "~", "$")) or re.match(r"[A-Za-z]:[\\/]|\\\\", text):
        return text
    found = normpath(join(base, text))
    return found if found.startswith(".") else f"./{found}"


def _marked_path(text: str, base: str) -> str:
    """Rewrites what is a path for sure; anything else may be the name of a volume."""
    if match := _DEFAULT.fullmatch(text):
        return f"{match[1]}{_marked_path(match[2], base)}{match[3]}"
    return _path(text, base) if text.startswith(("./", "../")) or text in (".", "..") else text


def _volume(value: Any, base: str) -> Any:
    if not isinstance(value, Mapping) or "source" not in value or value.get("type", "bind") != "bind":
        return value
    # Without a type it may be the name of a volume.
    rewrite = _path if "type" in value else _marked_path
    return {**value, "source": _texts(rewrite)(value["source"], base)}


def _context(text: str, base: str) -> str:
    return text if _REMOTE.match(text) else _path(text, base)


def _named_context(text: str, base: str) -> str:
    """Rewrites a value, or the right side of `NAME=VALUE`, the form of an item in a list."""
    name, sign, path = text.partition("=")
    return f"{name}={_context(path, base)}" if sign and "/" not in name else _context(text, base)


def _key_file(text: str, base: str) -> str:
    name, sign, path = text.partition("=")
    return f"{name}={_marked_path(path, base)}" if sign else _marked_path(text, base)


def _env_file(text: str, base: str) -> str:
    # `.env` stands beside the rendered files: stackc writes it there.
    return text if normpath(text) == ".env" else _path(text, base)


_PLACES: Mapping[str, tuple[tuple[tuple[str, ...], Rewrite], ...]] = {
    "services": (
        (("build", "context"), _texts(_context)),
        (("build", "additional_contexts", "*"), _texts(_named_context)),
        (("build", "ssh", "*"), _texts(_key_file)),
        (("develop", "watch", "*", "path"), _texts(_path)),
        (("env_file", "*", "path"), _texts(_env_file)),
        (("extends", "file"), _texts(_path)),
        (("label_file", "*"), _texts(_path)),
        (("volumes", "*"), _volume),
    ),
    "configs": ((("file",), _texts(_path)),),
    "secrets": ((("file",), _texts(_path)),),
    "volumes": ((("driver_opts", "device"), _texts(_marked_path)),),
    "networks": (),
}
