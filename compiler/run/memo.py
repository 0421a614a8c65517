"""What earlier runs found, in the user's cache folder, so that none need do the same twice.

An entry is keyed by everything that the passes read, so it is never out of date; losing one costs only time.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from compiler import __version__
from compiler.report import Diagnostic, Note, Report, Span
from compiler.source import read_file
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


class Known(NamedTuple):
    """The warnings of an earlier run, and the paths of what it rendered."""

    told: list[Diagnostic]
    made: list[str]


class Memory(NamedTuple):
    """The key of a run, the text of each file that it reads, and what the same run found before."""

    key: str
    texts: dict[str, str]
    known: Known | None


def look_up(words: Iterable[str], files: list[tuple[str, bytes]]) -> Memory:
    """Returns what is known of a run of these words and files; without files nothing is, nor will be."""
    key = key_of(words, files) if files else ""
    # Of two files with one name the first is read.
    texts = {shown: text_of(content) for shown, content in reversed(files)}
    return Memory(key, texts, recall(key) if key else None)


def text_of(content: bytes) -> str:
    """Returns the text of a file as findings show it, whatever it holds."""
    return content.decode(errors="replace").lstrip("\ufeff")


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


def recall(key: str) -> Known | None:
    """Returns what an earlier run with this key found, where every file is as that run left it; else None."""
    import json

    folder = _folder()
    with suppress(OSError, ValueError):
        content = _content(folder / key) if folder else None
        seal, entry = (content or b"").decode().split("\n")
        if seal == _seal(key, entry):
            state, paths, warnings, made = json.loads(entry)
            if state == _state((path, _content(Path(path))) for path in paths):
                return Known([_diagnostic(*row) for row in warnings], made)
    return None


def _content(file: Path) -> bytes | None:
    """Returns what a file holds, None where there is none; OSError for what is no file or cannot be read."""
    if not os.path.lexists(file):
        return None
    content = None if file.is_symlink() else read_file(file, "", Report())
    if content is None:
        raise OSError
    return content


def _state(files: Iterable[tuple[str, bytes | None]]) -> str:
    """Returns one digest over all files, so that none of them can be guessed by its own; None is no file."""
    known = [
        (path, content and digest_of(content), _mode(Path(path)), _mode(Path(path).parent))
        for path, content in files
    ]
    return digest_of(repr(known).encode())


def _mode(path: Path) -> int | None:
    return path.lstat().st_mode if os.path.lexists(path) else None


def _diagnostic(id: str, severity: Any, message: str, span: Any, help: str | None, notes: Any) -> Diagnostic:
    told = tuple(Note(text, Span(*place)) for text, place in notes)
    return Diagnostic(id, severity, message, Span(*span), help, told)


def _seal(key: str, entry: str) -> str:
    """Returns the digest by which an entry that is damaged, cut short or another run's is known."""
    return digest_of(f"{key}\n{entry}".encode())


def remember(
    key: str, files: Mapping[str, bytes | None], warnings: Iterable[Diagnostic], made: Iterable[str] = ()
) -> None:
    """Keeps how a run left its files, by their paths, what it told and made, and forgets what is old."""
    import json
    from time import time

    folder = _folder()
    with suppress(OSError):
        if folder is None:
            return
        folder.mkdir(0o700, parents=True, exist_ok=True)
        part = folder / f"{key}.{os.getpid()}"
        entry = json.dumps([_state(files.items()), [*files], [*warnings], [*made]])
        part.write_text(f"{_seal(key, entry)}\n{entry}")
        part.replace(folder / key)
        entries = (file for file in folder.iterdir() if not file.is_dir())
        ages = sorted((time() - file.lstat().st_mtime, file) for file in entries)
        for number, (age, file) in enumerate(ages):
            if number >= _ENTRIES or age > _SECONDS:
                file.unlink(missing_ok=True)


def _folder() -> Path | None:
    cache = user_folder("XDG_CACHE_HOME", ".cache")
    return cache and cache / "check"
