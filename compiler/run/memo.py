"""What earlier runs found, in the user's cache folder: the same inputs need not be checked twice.

An entry is keyed by everything that the passes read, so it is never out of date; losing one costs only time.
"""

from __future__ import annotations

import os
import stat
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from compiler import __version__
from compiler.source.shipped import SCHEMAS, user_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Digests = dict[str, str]
_LARGEST = 1024 * 1024


def key_of(words: Iterable[str], files: Iterable[tuple[str, bytes]]) -> str:
    """Returns the key of a run: stackc's version, words such as the environment, and each file's name and bytes."""
    digest = sha256()
    for word in (__version__, *_program(), *words):
        digest.update(f"{len(word)}:{word}".encode("utf-8", "surrogatepass"))
    for name, content in files:
        digest.update(f"{len(name)}:{name}:{len(content)}:".encode("utf-8", "surrogatepass") + content)
    return digest.hexdigest()


@cache
def _program() -> tuple[str, ...]:
    """Returns the state of stackc's own files, which change at one version while it is worked on."""
    package = Path(__file__).parent
    files = [
        Path(folder, name) for folder, _, names in os.walk(package) for name in names if name.endswith(".py")
    ]
    states = [(file, file.stat()) for file in sorted([*files, *SCHEMAS.glob("*.json")])]
    return tuple(f"{file.name} {state.st_size} {state.st_mtime_ns}" for file, state in states)


def digest_of(content: bytes) -> str:
    return sha256(content).hexdigest()


def bytes_of(file: Path) -> bytes:
    """Returns the bytes of an input; OSError where it is none, such as a pipe or something without an end."""
    if not stat.S_ISREG(file.stat().st_mode):
        raise OSError("not a regular file")
    with file.open("rb") as stream:
        content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise OSError("too large")
    return content


def _file(key: str) -> Path | None:
    cache = user_folder("XDG_CACHE_HOME", ".cache")
    return cache and cache / key[:2] / key[2:]


def recall(key: str) -> Digests | None:
    """Returns the digests that a run with this key made, by artifact; None where there was none without an error."""
    file = _file(key)
    try:
        head, _, body = file.read_text().partition("\n") if file else ("", "", "")
    except (OSError, ValueError):
        return None
    # A file that was cut short would say that less has to be current.
    if head != digest_of(body.encode()):
        return None
    return {path: digest for digest, _, path in (line.partition(" ") for line in body.splitlines())}


def remember(key: str, digests: Mapping[str, str]) -> None:
    """Keeps what a run made; a run with warnings keeps nothing but that its schemas were passed."""
    file = _file(key)
    if file is None:
        return
    part = file.with_name(f"{file.name}.{os.getpid()}")
    body = "".join(f"{digest} {path}\n" for path, digest in digests.items())
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(f"{digest_of(body.encode())}\n{body}")
        part.replace(file)
    except OSError:
        return


def is_current(digests: Mapping[str, str], folder: Path) -> bool:
    """Says whether the folder holds exactly these artifacts."""
    try:
        return bool(digests) and all(
            digest_of((folder / path).read_bytes()) == digest for path, digest in digests.items()
        )
    except OSError:
        return False
