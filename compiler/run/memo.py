"""What earlier checks found, in the user's cache folder, so that `check` need not do the same twice.

An entry is keyed by everything that the passes read, so it is never out of date; losing one costs only time.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from functools import cache
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compiler import __version__
from compiler.report import Diagnostic, Note, Span
from compiler.source.shipped import SCHEMAS, user_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LARGEST = 1024 * 1024
_ENTRIES = 64
_SECONDS = 30 * 24 * 60 * 60
_LIBRARIES = ("jinja2-", "jsonschema-", "pyyaml-")


def key_of(words: Iterable[str], files: Iterable[tuple[str, bytes]]) -> str:
    """Returns the key of a run: words such as the environment, files by name, and the program that reads them."""
    read = [(name, digest_of(content)) for name, content in files]
    return digest_of(repr((_program(), tuple(words), read)).encode())


@cache
def _program() -> list[str]:
    # The folders' names hold the versions, and importlib.metadata takes longer to import than the whole check.
    near = {name for folder in sys.path for _, names, _ in islice(os.walk(folder), 1) for name in names}
    libraries = sorted(name for name in near if name.lower().startswith(_LIBRARIES))
    trees = [walked for folder in (Path(__file__).parents[1], SCHEMAS) for walked in os.walk(folder)]
    own = [os.path.join(place, name) for place, _, names in trees for name in names if name[-4:] != ".pyc"]
    # stackc itself changes at one version while it is worked on.
    states = [f"{file} {os.stat(file).st_size} {os.stat(file).st_mtime_ns}" for file in sorted(own)]
    return [__version__, sys.version, *libraries, *states]


def digest_of(content: bytes) -> str:
    return sha256(content).hexdigest()


def bytes_of(file: Path, flags: int = 0) -> bytes:
    """Returns the bytes of a file; OSError where it is none, such as a pipe or something without an end."""
    with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | flags), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError("not a regular file")
        content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise OSError("too large")
    return content


def recall(key: str, output: Path) -> list[Diagnostic] | None:
    """Returns the warnings of an earlier run with this key, where the folder holds what it rendered; else None."""
    import json

    folder = _folder()
    with suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
        digests, found = json.loads(bytes_of(folder / key)) if folder else ({}, [])
        same = (digest_of(bytes_of(output / path, os.O_NOFOLLOW)) == one for path, one in digests.items())
        return [_warning(*one) for one in found] if digests and all(same) else None
    return None


def remember(key: str, digests: Mapping[str, str], warnings: Iterable[Diagnostic]) -> None:
    """Keeps what a run rendered and found, and forgets what is old."""
    import json
    from time import time

    folder = _folder()
    with suppress(OSError):
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{key}.{os.getpid()}"
        part.write_text(json.dumps((digests, list(warnings))))
        part.replace(folder / key)
        ages = sorted((time() - file.stat().st_mtime, file) for file in folder.iterdir())
        for _, file in [*ages[_ENTRIES:], *(one for one in ages[:_ENTRIES] if one[0] > _SECONDS)]:
            file.unlink(missing_ok=True)


def _folder() -> Path | None:
    cache = user_folder("XDG_CACHE_HOME", ".cache")
    return cache and cache / "check"


def _warning(id: Any, severity: Any, message: Any, span: Any, help: Any, notes: Any) -> Diagnostic:
    told = [_text(message) for message, _ in notes]
    if severity != "warning":
        raise ValueError
    found = Diagnostic(_text(id), "warning", _text(message), _span(*span), help and _text(help))
    return found._replace(notes=tuple(map(Note, told, (_span(*at) for _, at in notes))))


def _span(path: Any, *numbers: Any) -> Span:
    if not all(type(one) is int and 0 < one <= _LARGEST for one in numbers):
        raise ValueError
    return Span(_text(path), *numbers)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value
