"""Files below a folder: read where no link leads to them, and replaced together, all of them whole or none."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

_TEMPORARY = ".stackc-{}.tmp"


class Replacement(NamedTuple):
    """What a file is to be; without content only its mode changes. Only its owner enters a `closed` folder."""

    path: Path
    content: bytes | None
    mode: int
    closed: bool = False


class Refusal(Exception):
    """The file or folder that cannot be read or written, and the operating system's reason."""

    def __init__(self, path: Path, failure: OSError) -> None:
        super().__init__(f"{path}: {failure}")
        self.path, self.failure = path, failure


def read_below(folder: Path, path: str) -> bytes | None:
    """Returns the content of a file, or None where there is none; what stands in the way raises a Refusal."""
    names = path.split("/")
    if ".." in names or "" in names:
        raise ValueError(f"{path!r} is not a path below the output folder")
    place = folder
    try:
        mode = place.stat().st_mode
        for name in names:
            if not stat.S_ISDIR(mode):
                raise OSError(errno.ENOTDIR, "it is not a folder")
            place = place / name
            mode = place.lstat().st_mode
            if stat.S_ISLNK(mode):
                raise OSError(errno.ELOOP, "it is a symbolic link")
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return place.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as failure:
        raise Refusal(place, failure) from failure


def replace_files(replacements: Sequence[Replacement]) -> None:
    """Makes every replacement, with the folders it needs, or raises a Refusal and leaves all as it was."""
    with ExitStack() as steps:
        staged = [(each, _stage(each, steps)) for each in replacements]
        for each, new in staged:
            with _blamed_on(each.path):
                if new:
                    _replace(each.path, new, steps)
                else:
                    _change_mode(each.path, each.mode, steps)
        for folder in {each.path.parent for each, new in staged if new}:
            with suppress(OSError):
                os.fsync(_open(folder.resolve(), os.O_RDONLY, steps))


def remove_leftovers(folders: Iterable[Path]) -> None:
    """Removes the temporary files of killed runs: those whose lock nobody holds."""
    for folder in folders:
        for path in folder.glob(_TEMPORARY.format("*")):
            with suppress(OSError), ExitStack() as steps:
                descriptor = _open(path, os.O_RDONLY | os.O_NONBLOCK, steps)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


@contextmanager
def _blamed_on(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        raise Refusal(path, failure) from failure


def _on_failure(steps: ExitStack, undo: Callable[[], object]) -> None:
    def leave(failure: object, *_: object) -> None:
        if failure:
            with suppress(OSError):
                undo()

    steps.push(leave)


def _stage(replacement: Replacement, steps: ExitStack) -> Path | None:
    """Returns a file with the new content beside the old one; None where only the mode changes."""
    if replacement.content is None:
        return None
    folder = replacement.path.parent
    with _blamed_on(folder):
        _make_folder(folder, steps)
        if replacement.closed:
            _change_mode(folder, 0o700, steps)
        path, descriptor = _create(folder, steps)
    with _blamed_on(replacement.path):
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(replacement.content)
        os.fchmod(descriptor, replacement.mode)
        os.fsync(descriptor)
    return path


def _make_folder(folder: Path, steps: ExitStack) -> None:
    if folder.exists() or folder == folder.parent:
        status = folder.stat()
        times = status.st_atime_ns, status.st_mtime_ns
        _on_failure(steps, lambda: os.utime(folder, ns=times))
    else:
        _make_folder(folder.parent, steps)
        folder.mkdir(exist_ok=True)
        _on_failure(steps, folder.rmdir)


def _create(folder: Path, steps: ExitStack) -> tuple[Path, int]:
    """Returns a new file that only its owner can read, locked for as long as this run needs it."""
    while True:
        path = _name(folder, steps)
        descriptor = _open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, steps)
        with suppress(OSError):  # Some network file systems have no locks.
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        # Another run may have taken it for a leftover before it was locked.
        if os.fstat(descriptor).st_nlink:
            return path, descriptor


def _name(folder: Path, steps: ExitStack) -> Path:
    """Returns a path for a temporary file, which is gone in the end."""
    path = folder / _TEMPORARY.format(os.urandom(8).hex())
    steps.callback(_remove, path)
    return path


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _open(path: Path, flags: int, steps: ExitStack) -> int:
    descriptor = os.open(path, flags | os.O_NOFOLLOW, 0o600)
    steps.callback(os.close, descriptor)
    return descriptor


def _change_mode(path: Path, mode: int, steps: ExitStack) -> None:
    before = stat.S_IMODE(path.stat().st_mode)
    if before != mode:
        path.chmod(mode)
        _on_failure(steps, lambda: path.chmod(before))


def _replace(target: Path, new: Path, steps: ExitStack) -> None:
    old = _back_up(target, steps) if target.exists() else None
    new.replace(target)
    _on_failure(steps, lambda: old.replace(target) if old else target.unlink())


def _back_up(target: Path, steps: ExitStack) -> Path:
    backup = _name(target.parent, steps)
    try:
        backup.hardlink_to(target)
    except OSError:  # Not every file system has hard links, nor may every user make them.
        from shutil import copy2

        backup, _ = _create(target.parent, steps)
        copy2(target, backup)
    else:
        with suppress(OSError):
            fcntl.flock(_open(backup, os.O_RDONLY, steps), fcntl.LOCK_SH | fcntl.LOCK_NB)
    return backup
