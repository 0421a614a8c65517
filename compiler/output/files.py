"""Files below a folder, read where no link leads to them."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

AREA = ".stackc"
LARGEST = 16 * 1024 * 1024


class Refusal(Exception):
    """The file or folder that cannot be read or written, and the operating system's reason."""

    def __init__(self, path: Path, failure: OSError) -> None:
        super().__init__(f"{path}: {failure}")
        self.path, self.failure = path, failure


def read_below(folder: Path, path: str) -> bytes | None:
    """Returns the content of a file of at most 16 MiB, or None where there is none.

    What stands in the way raises a Refusal.
    """
    names = path.split("/")
    if ".." in names or "" in names:
        raise ValueError(f"{path!r} is not a path below the output folder")
    place = folder
    try:
        status = place.stat()
        for name in names:
            if not stat.S_ISDIR(status.st_mode):
                raise OSError(errno.ENOTDIR, "it is not a folder")
            place = place / name
            status = place.lstat()
            if stat.S_ISLNK(status.st_mode):
                raise OSError(errno.ELOOP, "it is a symbolic link")
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        if status.st_size > LARGEST:
            raise OSError(errno.EOVERFLOW, "it is larger than 16 MiB")
        return place.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as failure:
        raise Refusal(place, failure) from failure
