"""Paths on this machine: written relative to the stack, rendered relative to the files that Compose reads.

https://docs.docker.com/reference/compose-file/ names the places; a path inside an image is none of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from posixpath import join, normpath
from typing import Any

from compiler.model import Path
from compiler.project.values import change

# Returns what is written at a path, reached by way of the first.
Rewrite = Callable[[str, Any, "Path"], Any]
_REMOTE = re.compile(r"\w[\w+.-]*://|git@|github\.com/|(?:service|target|docker-image|oci-layout):")
_ABSOLUTE = re.compile(r"[/~$\\]|[A-Za-z]:[\\/]")
_DEFAULT = re.compile(r"(\$\{\w+:?-)([^${}]*)(\}.*)", re.DOTALL)


def rebase(tree: Any, kind: str, base: str) -> Any:
    """Returns an entry of a section, in long form, with its host paths reached by way of `base`."""
    for steps, rewrite in _PLACES[kind].items() if base else ():
        tree = change(tree, steps.split("."), partial(rewrite, base))
    return tree


def _where(is_path: Callable[[str], object]) -> Rewrite:
    """Rewrites each text that is a relative path; its kind stays, such as Raw."""

    def rewrite(base: str, value: Any, at: Path) -> Any:
        if not isinstance(value, str):
            return value
        if match := _DEFAULT.fullmatch(value):
            return type(value)(f"{match[1]}{rewrite(base, match[2], at)}{match[3]}")
        if not value or _ABSOLUTE.match(value) or not is_path(value):
            return value
        found = normpath(join(base, value))
        return type(value)(found if found.startswith(".") else f"./{found}")

    return rewrite


def _volume(base: str, mount: Mapping[str, Any], at: Path) -> Mapping[str, Any]:
    # Without a type it may be the name of a volume.
    rewrite = {"bind": _PATH, None: _MARKED}.get(mount.get("type"))
    return change(mount, ("source",), partial(rewrite, base)) if rewrite else mount


_PATH = _where(lambda text: True)
# Anything else may be a name.
_MARKED = _where(lambda text: text.startswith(("./", "../")) or text in (".", ".."))
_CONTEXT = _where(lambda text: not _REMOTE.match(text))
_PLACES: Mapping[str, Mapping[str, Rewrite]] = {
    "services": {
        "build.context": _CONTEXT,
        "build.additional_contexts.*": _CONTEXT,
        "build.ssh.*": _MARKED,
        "develop.watch.*.path": _PATH,
        # `.env` stands beside the rendered files: stackc writes it there.
        "env_file.*.path": _where(lambda text: normpath(text) != ".env"),
        "extends.file": _PATH,
        "label_file.*": _PATH,
        "volumes.*": _volume,
    },
    "configs": {"file": _PATH},
    "secrets": {"file": _PATH},
    "volumes": {"driver_opts.device": _MARKED},
    "networks": {},
}
