"""The output folder: what a compile would change in it, and writing all of that or nothing."""

from __future__ import annotations

import errno
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from compiler.output.files import ReplaceError, Replacement, remove_leftovers, replace_files
from compiler.report import Report, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from compiler.model import Artifact

Status = Literal["new", "changed", "unchanged", "edited", "foreign", "blocked"]

_SIGNATURE = re.compile(rb"(?:#[^\n]*\n)*?# sha256: ([0-9a-f]{64})\n")
_ELSEWHERE = "or choose another folder with -o"
_PROBLEMS = {
    "output-not-a-folder": ("{} is not a folder", "choose another folder with -o"),
    "output-is-a-folder": ("{} is a folder, and stackc writes a file there", f"move it away, {_ELSEWHERE}"),
    "output-is-a-symlink": (
        "{} is a symbolic link, which stackc neither follows nor replaces",
        f"remove the link, {_ELSEWHERE}",
    ),
    "output-not-writable": ("{} cannot be {}", f"change its permissions, {_ELSEWHERE}"),
    "disk-full": ("the disk has no room for {}", "free some space and compile again"),
    "edited-output": (
        "{} was edited by hand after stackc wrote it",
        "move the edit into the stack file, or overwrite it with --force",
    ),
    "foreign-output": ("{} exists and was not made by stackc", f"overwrite it with --force, {_ELSEWHERE}"),
    "stale-output": ("{} is not what {} renders", "run `stackc compile`"),
}
_IDS = {
    errno.ENOTDIR: "output-not-a-folder",
    errno.EEXIST: "output-not-a-folder",
    errno.EISDIR: "output-is-a-folder",
    errno.ELOOP: "output-is-a-symlink",
    errno.ENOSPC: "disk-full",
    errno.EDQUOT: "disk-full",
}


@dataclass(frozen=True, slots=True)
class Change:
    """What a compile means for one file; `blocked` is a path where no file can be read."""

    path: str
    status: Status
    # Not in the repr: they may hold secrets.
    old: str = field(repr=False)
    new: str = field(repr=False)
    secret: bool = False


def sign(content: bytes) -> bytes:
    """Returns the content with a digest of all that follows it as the last line of the comments on top."""
    end = 0
    while content.startswith(b"#", end) and (newline := content.find(b"\n", end)) >= 0:
        end = newline + 1
    return content[:end] + f"# sha256: {_digest(content[end:])}\n".encode() + content[end:]


def signature(content: bytes) -> Literal["intact", "edited", "foreign"]:
    """Tells whether stackc made this content, and whether it was changed since."""
    found = _SIGNATURE.match(content)
    if not found:
        return "foreign"
    return "intact" if found[1].decode() == _digest(content[found.end() :]) else "edited"


def _digest(content: bytes) -> str:
    from hashlib import sha256

    return sha256(content).hexdigest()


def content_of(artifact: Artifact) -> bytes:
    """Returns the bytes of the file: signed, where the artifact asks for it."""
    if artifact.signed and signature(artifact.content) != "intact":
        return sign(artifact.content)
    return artifact.content


def stale(artifacts: Sequence[Artifact], directory: Path, *, shown: str, stack: str, report: Report) -> None:
    """Reports each signed artifact that is missing or not what the stack renders now."""
    signed = [artifact for artifact in artifacts if artifact.signed]
    for change in check_artifacts(signed, directory, force=True, shown=shown, report=report):
        if change.status not in ("unchanged", "blocked"):
            _tell(report, "stale-output", _join(shown, change.path), stack)


def check_artifacts(
    artifacts: Sequence[Artifact], directory: Path, *, force: bool, shown: str, report: Report
) -> list[Change]:
    """Returns the changes, and reports what stands in their way as far as that is seen without writing."""
    changes = []
    for artifact in artifacts:
        old, new = b"", content_of(artifact)
        try:
            found = _existing(artifact.path, directory, shown)
            status, old = _status(found, new, artifact.signed), found or b""
        except _Refused as refused:
            status = "blocked"
            _tell(report, *refused.args)
        else:
            if _is_kept(status, force):
                _tell(report, f"{status}-output", _join(shown, artifact.path))
        changes.append(Change(artifact.path, status, _text(old), _text(new), artifact.secret))
    return changes


def write_artifacts(
    artifacts: Sequence[Artifact], directory: Path, *, force: bool, shown: str, report: Report
) -> list[Change]:
    """Brings the folder up to date, or leaves it as it was and reports why."""
    changes = check_artifacts(artifacts, directory, force=force, shown=shown, report=report)
    # Not a count of errors: what a report leaves out must not be overwritten.
    if any(_is_kept(change.status, force) for change in changes):
        return changes
    try:
        replace_files(list(_replacements(artifacts, changes, directory)))
    except ReplaceError as refused:
        place = _join(shown, refused.path.relative_to(directory).as_posix())
        _tell(report, *_fault(refused.failure, "written", place))
    else:
        remove_leftovers({(directory / artifact.path).parent for artifact in artifacts})
    return changes


def _text(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")


def _is_kept(status: Status, force: bool) -> bool:
    return status == "blocked" or (status in ("edited", "foreign") and not force)


def _status(old: bytes | None, new: bytes, signed: bool) -> Status:
    if old is None:
        return "new"
    if old == new:
        return "unchanged"
    made = signature(old) if signed else "intact"
    return "changed" if made == "intact" else made


class _Refused(Exception):
    """The id of a problem, its place, and the reason."""


def _tell(report: Report, id: str, place: str, reason: str = "") -> None:
    message, help = _PROBLEMS[id]
    name = "the output folder" if place == "." else place
    report.error(id, message.format(name, reason), Span(path=place), help)


def _fault(failure: OSError, verb: str, place: str) -> tuple[str, str, str]:
    id = _IDS.get(failure.errno or 0, "output-not-writable")
    return id, place, f"{verb}: {failure.strerror or failure}".lower()


def _existing(path: str, directory: Path, shown: str) -> bytes | None:
    """Returns the bytes of a file below the folder, to which no link leads; None where there is none."""
    names = path.split("/")
    if ".." in names or "" in names:
        raise ValueError(f"{path!r} is not a path below the output folder")
    place, seen = directory, _join(shown, ".")
    try:
        mode = place.stat().st_mode
        for name in names:
            if not stat.S_ISDIR(mode):
                raise _Refused("output-not-a-folder", seen)
            place, seen = place / name, _join(seen, name)
            mode = place.lstat().st_mode
            if stat.S_ISLNK(mode):
                raise _Refused("output-is-a-symlink", seen)
        if stat.S_ISDIR(mode):
            raise _Refused("output-is-a-folder", seen)
        if not stat.S_ISREG(mode):
            raise _Refused("output-not-writable", seen, "replaced: it is not a regular file")
        return place.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as failure:
        raise _Refused(*_fault(failure, "read", seen)) from failure


def _join(shown: str, path: str) -> str:
    if path == ".":
        return shown or "."
    return path if shown in ("", ".") else f"{shown.rstrip('/')}/{path}"


def _replacements(
    artifacts: Sequence[Artifact], changes: Sequence[Change], directory: Path
) -> Iterator[Replacement]:
    # Signed files last: what they refer to is there first, should the machine stop in between.
    for artifact, change in sorted(zip(artifacts, changes, strict=True), key=lambda pair: pair[0].signed):
        mode = artifact.mode & ~0o007 if artifact.secret and not artifact.closed else artifact.mode
        unchanged = change.status == "unchanged"
        if artifact.secret or not unchanged:
            content = None if unchanged else content_of(artifact)
            yield Replacement(directory / artifact.path, content, mode, artifact.closed)
