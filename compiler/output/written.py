"""What stackc wrote last into a folder: only that is replaced without being asked.

It is known by digests, under a key of their own, in a file that stays on this machine. Losing it costs no data: what is
not known counts as a person's own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from compiler.output.files import AREA, Refusal, read_below

FILE = f"{AREA}/written"


class Written(NamedTuple):
    """The digests of the files that were written last, by path, and the stack and environment that they render.

    The stack is named by its path from the folder; `generated` are the keys of `.env` whose values were made here.
    """

    key: bytes
    environment: str
    digests: Mapping[str, str]
    generated: tuple[str, ...] = ()
    stack: str = ""

    def has(self, path: str, content: bytes) -> bool:
        return self.digests.get(path) == self._digest(content)

    def then(
        self, stack: str, environment: str, files: Iterable[tuple[str, bytes]], generated: Iterable[str]
    ) -> Written:
        """Returns what is known after these files were written."""
        digests = {path: self._digest(content) for path, content in files}
        names = dict.fromkeys([*self.generated, *generated])
        return Written(self.key, environment, {**self.digests, **digests}, tuple(names), stack)

    def encoded(self) -> bytes:
        data = {**self._asdict(), "key": self.key.hex()}
        return json.dumps(data, indent=1).encode() + b"\n"

    def _digest(self, content: bytes) -> str:
        return blake2b(content, digest_size=32, key=self.key).hexdigest()


def read_written(folder: Path) -> Written:
    """Returns what is known of a folder; nothing where the file is missing, damaged or out of reach."""
    with suppress(Refusal, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        data = json.loads(read_below(folder, FILE) or b"")
        digests = {str(path): str(digest) for path, digest in data["digests"].items()}
        generated, stack = tuple(map(str, data["generated"])), str(data["stack"])
        return Written(bytes.fromhex(data["key"])[:64], str(data["environment"]), digests, generated, stack)
    return Written(os.urandom(32), "", {})
