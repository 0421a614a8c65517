"""What earlier checks found, in the user's cache folder, so that `check` need not do the same twice.

An entry is keyed by everything that the passes read, so it is never out of date; losing one costs only time.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compiler import __version__
from compiler.report import Diagnostic, Note, Report, Span
from compiler.source import LARGEST, read_file
from compiler.source.shipped import SCHEMAS, user_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ENTRIES = 64
_SECONDS = 30 * 24 * 60 * 60
_LIBRARIES = ("jinja2-", "jsonschema-", "pyyaml-")


def key_of(words: Iterable[str], files: Iterable[tuple[str, bytes]]) -> str:
    """Returns the key of a run: words such as the environment, files by name, and the program that reads them."""
    read = [(name, digest_of(content)) for name, content in files]
    return digest_of(repr((_program(), list(words), read)).encode())


@cache
def _program() -> list[object]:
    # Folders have the versions in their names, and importlib.metadata takes long to import.
    near = {info.name for folder in sys.path for info in Path(folder).glob("*-info")}
    libraries = sorted(name for name in near if name.lower().startswith(_LIBRARIES))
    # stackc itself changes at one version while it is worked on.
    own = sorted([*Path(__file__).parents[1].rglob("*.py"), *SCHEMAS.iterdir()])
    states = [(str(file), state.st_size, state.st_mtime_ns) for file in own for state in [file.stat()]]
    return [__version__, sys.version, *libraries, *states]


def digest_of(content: bytes) -> str:
    return sha256(content).hexdigest()


def recall(key: str, output: Path) -> list[Diagnostic] | None:
    """Returns the warnings of an earlier run with this key, where the folder holds what it rendered; else None."""
    import json

    folder = _folder()
    with suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
        digests, found = json.loads(_read(folder / key)) if folder else ({}, [])
        same = (digest_of(_read(output / path)) == digest for path, digest in digests.items())
        return [*map(_warning, found)] if digests and all(same) else None
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
