"""Whose the files of an output folder are: its owner's where root compiles, else those of the user who does."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

Owner = tuple[int, int]
"""A user and a group."""


def heir_of(folder: Path) -> Owner | None:
    """Returns to whom root leaves what it makes in a folder that is there; None where anyone else makes it."""
    if os.geteuid() != 0:
        return None
    status = folder.stat()
    return status.st_uid, status.st_gid


def leave(place: int | Path, heir: Owner | None) -> None:
    """Gives an open file, or a folder, to its heir."""
    if heir:
        with suppress(PermissionError):  # Some network file systems let nobody give a file away.
            os.chown(place, *heir)


def belongs(path: Path, folder: Path) -> bool:
    """Says whether a file or folder, if it is there, is its folder's owner's or, unless that is root, the user's."""
    if not path.exists():
        return True
    theirs = folder.stat().st_uid
    return path.stat().st_uid in (theirs, os.geteuid() or theirs)
