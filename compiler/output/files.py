"""Files below a folder: read where no link leads to them, and replaced together, all of them whole or none."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path


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
    with ExitStack() as held, ExitStack() as undo:
        staged = [(each.path, each.mode, _stage(each, held, undo)) for each in replacements]
        for path, mode, temporary in staged:
            with _blamed_on(path):
                if temporary:
                    _replace(temporary, path, held, undo)
                else:
                    _change_mode(path, mode, undo)
        for folder in {path.parent for path, _, temporary in staged if temporary}:
            with suppress(OSError):
                os.fsync(_open(folder, os.O_RDONLY, held))
        undo.pop_all()


def remove_leftovers(folders: Iterable[Path]) -> None:
    """Removes the temporary files of killed runs: those whose lock nobody holds."""
    for folder in folders:
        for path in folder.glob(".stackc-*.tmp"):
            with suppress(OSError), ExitStack() as held:
                descriptor = _open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, held)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


@contextmanager
def _blamed_on(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        raise Refusal(path, failure) from failure


def _stage(replacement: Replacement, held: ExitStack, undo: ExitStack) -> Path | None:
    """Returns the new file, which lies beside the one that it is to replace."""
    if replacement.content is None:
        return None
    folder = replacement.path.parent
    with _blamed_on(folder):
        _make_folder(folder, undo)
        if replacement.closed:
            _change_mode(folder, 0o700, undo)
        temporary, descriptor = _create(folder, held, undo)
    with _blamed_on(replacement.path):
        _fill(descriptor, replacement.content, replacement.mode)
    return temporary


def _make_folder(folder: Path, undo: ExitStack) -> None:
    if folder.exists() or folder == folder.parent:
        status = folder.stat()
        undo.callback(_quietly, os.utime, folder, ns=(status.st_atime_ns, status.st_mtime_ns))
    else:
        _make_folder(folder.parent, undo)
        folder.mkdir(exist_ok=True)
        undo.callback(_quietly, folder.rmdir)


def _create(folder: Path, held: ExitStack, undo: ExitStack) -> tuple[Path, int]:
    """Returns a new file that only its owner can read, locked for as long as this run needs it."""
    while True:
        path = _name(folder, held, undo)
        descriptor = _lock(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, held)
        # Another run may have taken it for a leftover before it was locked.
        if os.fstat(descriptor).st_nlink:
            return path, descriptor


def _name(folder: Path, held: ExitStack, undo: ExitStack) -> Path:
    """Returns a path for a temporary file, which is gone in the end, and before what is undone after it."""
    path = folder / f".stackc-{os.urandom(8).hex()}.tmp"
    held.callback(_quietly, path.unlink)
    undo.callback(_quietly, path.unlink)
    return path


def _open(path: Path, flags: int, held: ExitStack) -> int:
    descriptor = os.open(path, flags, 0o600)
    held.callback(os.close, descriptor)
    return descriptor


def _lock(path: Path, flags: int, held: ExitStack, patience: int = 0) -> int:
    descriptor = _open(path, flags | os.O_NOFOLLOW, held)
    with suppress(OSError):  # Some network file systems have no locks.
        fcntl.flock(descriptor, fcntl.LOCK_SH | patience)
    return descriptor


def _fill(descriptor: int, content: bytes, mode: int) -> None:
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(content)
    os.fchmod(descriptor, mode)
    os.fsync(descriptor)


def _change_mode(path: Path, mode: int, undo: ExitStack) -> None:
    before = stat.S_IMODE(path.stat().st_mode)
    if before != mode:
        path.chmod(mode)
        undo.callback(path.chmod, before)


def _replace(temporary: Path, target: Path, held: ExitStack, undo: ExitStack) -> None:
    backup = _back_up(target, held, undo) if target.exists() else None
    temporary.replace(target)
    if backup:
        undo.callback(backup.replace, target)
    else:
        undo.callback(_quietly, target.unlink)


def _back_up(target: Path, held: ExitStack, undo: ExitStack) -> Path:
    backup = _name(target.parent, held, undo)
    try:
        backup.hardlink_to(target)
    except OSError:  # Not every file system has hard links, nor may every user make them.
        status = target.stat()
        backup, descriptor = _create(target.parent, held, undo)
        _fill(descriptor, target.read_bytes(), stat.S_IMODE(status.st_mode))
        os.utime(descriptor, ns=(status.st_atime_ns, status.st_mtime_ns))
    else:
        _quietly(_lock, backup, os.O_RDONLY, held, fcntl.LOCK_NB)
    return backup


def _quietly(function: Callable[..., object], *arguments: object, **options: object) -> None:
    with suppress(OSError):
        function(*arguments, **options)
