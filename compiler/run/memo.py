"""What earlier checks found, in the user's cache folder, so that `check` need not do the same twice.

An entry is keyed by everything that the passes read, so it is never out of date; losing one costs only time.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compiler import __version__
from compiler.report import Diagnostic, Note, Report, Span
from compiler.source import LARGEST, read_file
from compiler.source.shipped import SCHEMAS, user_folder

try:
    # hashlib would load OpenSSL, which takes longer than all that is hashed here.
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_ENTRIES = 64
_SECONDS = 30 * 24 * 60 * 60
_LIBRARIES = ("jinja2-", "jsonschema-", "pyyaml-")


def key_of(words: Iterable[str], files: Iterable[tuple[str, bytes]]) -> str:
    """Returns the key of a run: words such as the environment, files by name, and the program that reads them."""
    read = [(name, digest_of(content)) for name, content in files]
    return digest_of(repr((_program(), list(words), read)).encode())


@cache
def _program() -> list[str]:
    # Folders have the versions in their names, and importlib.metadata takes long to import.
    near = {name for folder in sys.path for _, names, _ in islice(os.walk(folder), 1) for name in names}
    libraries = sorted(name for name in near if name.lower().startswith(_LIBRARIES))
    # stackc itself changes at one version while it is worked on.
    own = [state for folder in (Path(__file__).parents[1], SCHEMAS) for state in _states(folder)]
    return [__version__, sys.version, *libraries, *own]


def _states(folder: str | Path) -> Iterator[str]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_file():
            yield f"{entry.path} {entry.stat().st_size} {entry.stat().st_mtime_ns}"
        elif entry.name != "__pycache__":
            yield from _states(entry.path)


def digest_of(content: bytes) -> str:
    return blake2b(content, digest_size=32).hexdigest()


def recall(key: str, output: Path) -> list[Diagnostic] | None:
    """Returns the warnings of an earlier run with this key, where the folder holds what it rendered; else None."""
    folder = _folder()
    with suppress(OSError, ValueError, TypeError, RecursionError):
        *lines, found = (_read(folder / key).decode() if folder else "").split("\n")
        pairs = [line.partition(" ") for line in lines]
        if pairs and all(digest_of(_read(output / path)) == digest for digest, _, path in pairs):
            return _warnings(found)
    return None


def remember(key: str, digests: Mapping[str, str], warnings: Iterable[Diagnostic]) -> None:
    """Keeps what a run rendered and found, and forgets what is old.

    An entry has a line for each file, and the warnings as JSON on the last, by which one that was cut short is known.
    """
    import json
    from time import time

    folder = _folder()
    with suppress(OSError):
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{key}.{os.getpid()}"
        lines = [f"{digest} {path}" for path, digest in digests.items()]
        part.write_text("\n".join([*lines, json.dumps([*warnings])]))
        part.replace(folder / key)
        ages = sorted(
            (time() - file.lstat().st_mtime, file) for file in folder.iterdir() if not file.is_dir()
        )
        for number, (age, file) in enumerate(ages):
            if number >= _ENTRIES or age > _SECONDS:
                file.unlink(missing_ok=True)


def _folder() -> Path | None:
    cache = user_folder("XDG_CACHE_HOME", ".cache")
    return cache and cache / "check"


def _read(file: Path) -> bytes:
    content = None if file.is_symlink() or not file.exists() else read_file(file, "", Report())
    if content is None:
        raise OSError
    return content


def _warnings(text: str) -> list[Diagnostic]:
    if text == "[]":
        return []
    import json

    return [*map(_warning, json.loads(text))]


def _warning(data: Any) -> Diagnostic:
    match data:
        case [str(id), "warning", str(message), span, None | str() as help, list(notes)]:
            return Diagnostic(id, "warning", message, _span(span), help, tuple(map(_note, notes)))
    raise ValueError


def _note(data: Any) -> Note:
    match data:
        case [str(message), span]:
            return Note(message, _span(span))
    raise ValueError


def _span(data: Any) -> Span:
    match data:
        case [str(path), *numbers] if len(numbers) == 4 and all(type(one) is int for one in numbers):
            if all(0 < one <= LARGEST for one in numbers):
                return Span(path, *numbers)
    raise ValueError
