"""What earlier runs found, in the user's cache folder: the same inputs need not be checked twice.

An entry is keyed by everything that the passes read, so it is never out of date; losing one costs only time.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from compiler import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Digests = dict[str, str]


def key_of(words: Iterable[str], files: Iterable[tuple[str, bytes]]) -> str:
    """Returns the key of a run: stackc's version, plain words such as the environment, and each file's name and bytes."""
    digest = sha256()
    for word in (__version__, *words):
        digest.update(f"{len(word)}:{word}".encode("utf-8", "surrogatepass"))
    for name, content in files:
        digest.update(f"{len(name)}:{name}:{len(content)}:".encode("utf-8", "surrogatepass") + content)
    return digest.hexdigest()


def digest_of(content: bytes) -> str:
    return sha256(content).hexdigest()


def _file(key: str) -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "stackc" / key[:2] / key[2:]


def recall(key: str) -> Digests | None:
    """Returns the digests that a run with this key made, by artifact; None where there was none without an error."""
    try:
        lines = _file(key).read_text().splitlines()
    except (OSError, ValueError):
        return None
    return {path: digest for digest, _, path in (line.partition(" ") for line in lines)}


def remember(key: str, digests: Mapping[str, str]) -> None:
    """Keeps what a run made; a run with warnings keeps nothing but that its schemas were passed."""
    file = _file(key)
    part = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_text("".join(f"{digest} {path}\n" for path, digest in digests.items()))
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
