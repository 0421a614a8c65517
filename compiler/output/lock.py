"""One run at a time in a folder."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from compiler.output.files import Refusal
from compiler.output.owners import heir_of, leave
from compiler.output.transaction import recover

PATIENCE = 60.0

log = logging.getLogger("stackc")


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Makes a folder if need be and holds it for this run, after mending what a killed one left there.

    Raises a Refusal where that is not possible, or where another run holds it for longer than `PATIENCE` seconds.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        try:
            heir = (
                heir_of(next((path for path in folder.parents if path.exists()), folder)) if missing else None
            )
            folder.mkdir(parents=True, exist_ok=True)
            for path in missing:
                leave(path, heir)
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as failure:
            raise Refusal(folder, failure) from failure
        try:
            _lock(descriptor, folder)
            recover(folder)
            yield
        finally:
            os.close(descriptor)
    finally:
        for path in missing:
            with suppress(OSError):
                path.rmdir()


def _lock(descriptor: int, folder: Path) -> None:
    end, is_told = monotonic() + PATIENCE, False
    while not _is_locked(descriptor):
        if monotonic() > end:
            raise Refusal(folder, BlockingIOError(errno.EAGAIN, "another run of stackc holds it"))
        if not is_told:
            log.warning("waiting for another run of stackc in %s", folder)
        is_told = True
        sleep(0.05)


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # Some network file systems have no locks.
    return True
