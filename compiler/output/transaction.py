"""Several files of one folder replaced together: what a killed run left half done, the next one finishes or takes back.

New contents are staged in a folder of stackc's own. Once the list of what goes where is there too, the change is
decided; until then nothing has changed.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from compiler.output.files import AREA, Refusal, read_below
from compiler.output.owners import Owner, belongs, heir_of, leave

_DECIDED, _TAKEN_BACK = "replace", "restore"
_OPEN, _CLOSED = 0o755, 0o700

log = logging.getLogger("stackc")


class Replacement(NamedTuple):
    """What a file below the folder is to be.

    Only its owner enters a `closed` folder. `backup` is the path at which what was there is kept.
    """

    path: str
    content: bytes
    mode: int
    closed: bool = False
    backup: str = ""


class _Row(NamedTuple):
    """A line of the list: one replacement, the names of its new content in the area and of the old one, if any.

    `missing` counts the folders that have to be made for it.
    """

    path: str
    mode: int
    closed: bool
    backup: str
    new: str
    old: str
    missing: int


def replace_files(folder: Path, replacements: Sequence[Replacement]) -> None:
    """Makes every replacement in a folder that is held, or raises a Refusal and leaves every file as it was."""
    area = folder / AREA
    with _blamed_on(area):
        heir = heir_of(folder)
        is_first = _make_area(area, heir)
    try:
        rows = [_stage(folder, number, one, heir) for number, one in enumerate(replacements)]
        with _blamed_on(area):
            _write(area / "list", json.dumps([area.stat().st_ino, rows]).encode(), 0o600, heir)
            (area / "list").replace(area / _DECIDED)
            _sync(area)
        _finish(folder, rows)
    except Refusal:
        with suppress(OSError):
            if is_interrupted(folder):
                (area / _DECIDED).replace(area / _TAKEN_BACK)
                _take_back(folder, rows)
            _clear(area)
            if is_first:
                (area / ".gitignore").unlink(missing_ok=True)
                area.rmdir()
        raise
    _clear(area)


def is_open_to(folder: Path, path: str, mode: int, closed: bool) -> bool:
    """Says whether a file, if it is there, and its folder are open to whom they should be, and theirs."""
    target = folder / path
    if _mode(target) not in (None, mode) or not belongs(target, folder):
        return False
    return not closed or (_mode(target.parent) == _CLOSED and belongs(target.parent, folder))


def is_interrupted(folder: Path) -> bool:
    """Says whether a run that was killed left a folder half changed."""
    with suppress(PermissionError):  # What another user left is mended by that one.
        return any((folder / AREA / name).exists() for name in (_DECIDED, _TAKEN_BACK))
    return False


def recover(folder: Path) -> None:
    """Finishes or takes back what a killed run left in a folder; a list that is not whole is removed."""
    area = folder / AREA
    if area.is_symlink() or not area.is_dir():
        return
    for name, act in ((_TAKEN_BACK, _take_back), (_DECIDED, _finish)):
        rows = _rows(folder, name)
        if rows:
            log.warning("mending what a run of stackc that was stopped left in %s", folder)
            with _blamed_on(area):
                act(folder, rows)
            break
    _clear(area)


def _rows(folder: Path, name: str) -> list[_Row]:
    """Returns the list where a run in this very folder made it, and none that came with a copy or from a repository."""
    with suppress(Refusal, ValueError, TypeError, RecursionError):
        inode, rows = json.loads(read_below(folder, f"{AREA}/{name}") or b"[0, []]")
        if inode == (folder / AREA).stat().st_ino:
            return [_Row(*row) for row in rows]
    return []


def _make_area(area: Path, heir: Owner | None) -> bool:
    """Makes the folder for what is staged, and says whether it was not there."""
    if area.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link")
    is_first = not area.exists()
    area.mkdir(_CLOSED, exist_ok=True)
    if _mode(area) != _CLOSED:
        area.chmod(_CLOSED)
    leave(area, heir)
    if not (area / ".gitignore").exists():
        _write(area / ".gitignore", b"*\n", 0o644, heir)
    return is_first


def _stage(folder: Path, number: int, one: Replacement, heir: Owner | None) -> _Row:
    """Puts the new content and the old one into the area, the latter as a second name of its file if possible."""
    area, target, new, old = folder / AREA, folder / one.path, f"new-{number}", ""
    with _blamed_on(target):
        _write(area / new, one.content, one.mode, heir)
        if target.exists():
            old = f"old-{number}"
            _keep(target, area / old)
    missing = sum(not path.exists() for path in target.parents)
    return _Row(one.path, one.mode, one.closed, one.backup, new, old, missing)


def _write(file: Path, content: bytes, mode: int, heir: Owner | None) -> None:
    """Writes a file that only its owner can read until it is complete."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        leave(descriptor, heir)
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)


def _keep(target: Path, name: Path) -> None:
    try:
        name.hardlink_to(target)
    except OSError:  # Not every file system has hard links, nor may every user make them.
        from shutil import copy2

        copy2(target, name)


def _finish(folder: Path, rows: Iterable[_Row]) -> None:
    """Puts everything in its place; what is there already stays, so that it can be done again."""
    area, heir, touched = folder / AREA, heir_of(folder), set()
    for row in rows:
        target = folder / row.path
        with _blamed_on(target.parent):
            _make_folder(target.parent, _CLOSED if row.closed else None, heir)
        with _blamed_on(target):
            if row.backup and (area / row.old).exists() and not (folder / row.backup).exists():
                _keep(area / row.old, folder / row.backup)
            if (area / row.new).exists():
                (area / row.new).replace(target)
                touched.add(target.parent)
    for path in touched:
        with suppress(OSError):
            _sync(path)


def _make_folder(path: Path, mode: int | None, heir: Owner | None) -> None:
    if not path.exists():
        _make_folder(path.parent, None, heir)
        path.mkdir()
        path.chmod(mode or _OPEN)  # Whatever the umask is.
    elif mode is not None and _mode(path) != mode:
        path.chmod(mode)
    leave(path, heir)


def _take_back(folder: Path, rows: Sequence[_Row]) -> None:
    """Puts every file back as it was; what is back already stays, so that it can be done again."""
    for row in reversed(rows):
        target, old = folder / row.path, folder / AREA / row.old
        # What was refused on the way there may be refused here, and then nothing has changed.
        with suppress(OSError):
            if row.old and old.exists() and not (target.exists() and target.samefile(old)):
                old.replace(target)
            elif not row.old:
                target.unlink(missing_ok=True)
            if row.backup:
                (folder / row.backup).unlink(missing_ok=True)
            for path in [*target.parents][: row.missing]:
                path.rmdir()


def _clear(area: Path) -> None:
    """Removes the lists first: without one what is staged means nothing."""
    with suppress(OSError):
        staged = [path.name for path in area.iterdir() if path.name.startswith(("list", "new-", "old-"))]
        for name in (_DECIDED, _TAKEN_BACK, *staged):
            (area / name).unlink(missing_ok=True)


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _blamed_on(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        raise Refusal(path, failure) from failure
