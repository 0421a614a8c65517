"""Several files replaced together: each of them whole, and all of them or none."""

from __future__ import annotations

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


class ReplaceError(Exception):
    """The operating system's refusal, and the file or folder that it is about."""

    def __init__(self, path: Path, failure: OSError) -> None:
        super().__init__(f"{path}: {failure}")
        self.path, self.failure = path, failure


def replace_files(replacements: Sequence[Replacement]) -> None:
    """Makes every replacement, with the folders it needs, or raises and leaves all as it was."""
    with ExitStack() as held, ExitStack() as undo:
        staged = [(_stage(each, held, undo), each) for each in replacements if each.content is not None]
        for each in replacements:
            if each.content is None:
                with _blamed_on(each.path):
                    _change_mode(each.path, each.mode, undo)
        for temporary, each in staged:
            with _blamed_on(each.path):
                _replace(temporary, each.path, held, undo)
        for folder in {each.path.parent for _, each in staged}:
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
        raise ReplaceError(path, failure) from failure


def _stage(replacement: Replacement, held: ExitStack, undo: ExitStack) -> Path:
    folder = replacement.path.parent
    with _blamed_on(folder):
        _make_folder(folder, undo)
        if replacement.closed:
            _change_mode(folder, 0o700, undo)
        temporary, descriptor = _create(folder, held, undo)
    with _blamed_on(replacement.path):
        _fill(descriptor, replacement.content or b"", replacement.mode)
        os.fsync(descriptor)
    return temporary


def _make_folder(folder: Path, undo: ExitStack) -> None:
    missing = []
    while not folder.exists() and folder != folder.parent:
        missing.append(folder)
        folder = folder.parent
    status = folder.stat()
    undo.callback(_quietly, os.utime, folder, ns=(status.st_atime_ns, status.st_mtime_ns))
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        undo.callback(_quietly, path.rmdir)


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
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fchmod(descriptor, mode)


def _change_mode(path: Path, mode: int, undo: ExitStack) -> None:
    before = stat.S_IMODE(path.stat().st_mode)
    if before != mode:
        path.chmod(mode)
        undo.callback(path.chmod, before)


def _replace(temporary: Path, target: Path, held: ExitStack, undo: ExitStack) -> None:
    if target.exists():
        backup = _back_up(target, held, undo)
        temporary.replace(target)
        undo.callback(backup.replace, target)
    else:
        temporary.replace(target)
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
