"""The output folder: what a compile would change in it, and writing all of that or nothing."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal

from compiler.model import Artifact
from compiler.output.files import Refusal, Replacement, read_below, remove_leftovers, replace_files
from compiler.report import Report, Span

Status = Literal["new", "changed", "unchanged", "edited", "foreign", "blocked"]

_HEADER = re.compile(rb"(?:#[^\n]*\n)*")
_SIGNATURE = re.compile(rb"(?:#[^\n]*\n)*?# sha256: ([0-9a-f]{64})\n")
_ELSEWHERE = "or choose another folder"
_AWAY = f"move it away, {_ELSEWHERE}"
_ROOM = "free some space and compile again"
# What keeps a file from being overwritten unless that is forced, and what to do about it.
_KEPT = {
    "edited": ("was edited by hand", "move the edit into the stack file, or overwrite it with --force"),
    "foreign": ("exists and was not made by stackc", f"overwrite it with --force, {_ELSEWHERE}"),
}
_REFUSALS = {
    errno.ENOTDIR: ("output-not-a-folder", "is not a folder", _AWAY),
    errno.EEXIST: ("output-not-a-folder", "is not a folder", _AWAY),
    errno.EISDIR: ("output-is-a-folder", "is a folder, and stackc writes a file there", _AWAY),
    errno.ELOOP: ("output-is-a-symlink", "is a symbolic link, which stackc leaves alone", _AWAY),
    errno.ENOSPC: ("disk-full", "does not fit on the disk", _ROOM),
    errno.EDQUOT: ("disk-full", "does not fit on the disk", _ROOM),
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
    body = _HEADER.sub(b"", content, count=1)
    return content.removesuffix(body) + f"# sha256: {sha256(body).hexdigest()}\n".encode() + body


def signature(content: bytes) -> Literal["intact", "edited", "foreign"]:
    """Tells whether stackc made this content, and whether it was changed since."""
    found = _SIGNATURE.match(content)
    if not found:
        return "foreign"
    return "intact" if found[1].decode() == sha256(content[found.end() :]).hexdigest() else "edited"


def content_of(artifact: Artifact) -> bytes:
    """Returns the bytes of the file: signed, where the artifact asks for it."""
    return sign(artifact.content) if artifact.signed else artifact.content


def stale(artifacts: Sequence[Artifact], directory: Path, *, stack: str, report: Report) -> None:
    """Reports each signed artifact that is missing or not what the stack renders now."""
    signed = [artifact for artifact in artifacts if artifact.signed]
    for change in check_artifacts(signed, directory, force=True, report=report):
        if change.status not in ("unchanged", "blocked"):
            told, help = f"is not what {stack} renders", "run `stackc compile`"
            _tell(report, directory / change.path, "stale-output", told, help)


def check_artifacts(
    artifacts: Sequence[Artifact], directory: Path, *, force: bool, report: Report
) -> list[Change]:
    """Returns the changes, and reports what stands in their way as far as that is seen without writing."""
    changes = []
    for artifact in artifacts:
        place, old, new = directory / artifact.path, b"", content_of(artifact)
        try:
            found = read_below(directory, artifact.path)
        except Refusal as refusal:
            status: Status = "blocked"
            _tell_refusal(report, refusal, "read")
        else:
            old, status = found or b"", _status(found, new, artifact.signed)
        if status in _KEPT and not force:
            _tell(report, place, f"{status}-output", *_KEPT[status])
        changes.append(Change(artifact.path, status, _text(old), _text(new), artifact.secret))
    return changes


def write_artifacts(
    artifacts: Sequence[Artifact], directory: Path, *, force: bool, report: Report
) -> list[Change]:
    """Brings the folder up to date, or leaves it as it was and reports why."""
    changes = check_artifacts(artifacts, directory, force=force, report=report)
    # Not a count of errors: what a report leaves out must not be overwritten.
    if any(one.status == "blocked" or (one.status in _KEPT and not force) for one in changes):
        return changes
    try:
        replace_files(list(_replacements(artifacts, changes, directory)))
    except Refusal as refusal:
        _tell_refusal(report, refusal, "written")
    else:
        remove_leftovers({(directory / artifact.path).parent for artifact in artifacts})
    return changes


def _text(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")


def _status(old: bytes | None, new: bytes, signed: bool) -> Status:
    if old is None:
        return "new"
    if old == new:
        return "unchanged"
    made = signature(old) if signed else "intact"
    return "changed" if made == "intact" else made


def _tell_refusal(report: Report, refusal: Refusal, verb: str) -> None:
    reason = str(refusal.failure.strerror or refusal.failure).lower()
    unknown = ("output-not-writable", f"cannot be {verb}: {reason}", f"change its permissions, {_ELSEWHERE}")
    _tell(report, refusal.path, *_REFUSALS.get(refusal.failure.errno or 0, unknown))


def _tell(report: Report, place: Path, id: str, told: str, help: str) -> None:
    name = "the output folder" if str(place) == "." else place
    report.error(id, f"{name} {told}", Span(path=str(place)), help)


def _replacements(
    artifacts: Sequence[Artifact], changes: Sequence[Change], directory: Path
) -> Iterator[Replacement]:
    # Signed files last: what they refer to is there first, should the machine stop in between.
    for artifact, change in sorted(zip(artifacts, changes, strict=True), key=lambda pair: pair[0].signed):
        mode = artifact.mode & ~0o007 if artifact.secret and not artifact.closed else artifact.mode
        content = None if change.status == "unchanged" else content_of(artifact)
        if artifact.secret or content is not None:
            yield Replacement(directory / artifact.path, content, mode, artifact.closed)
