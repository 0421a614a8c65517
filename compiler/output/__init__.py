"""The output folder: what a compile would change in it, and writing all of that or nothing."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal

from compiler.model import Artifact
from compiler.output import written
from compiler.output.files import Refusal, read_below
from compiler.output.lock import hold
from compiler.output.rivals import RIVALS, tell_rivals
from compiler.output.transaction import Replacement, is_interrupted, is_open_to, replace_files
from compiler.output.written import Written, read_written
from compiler.report import Report, Span

__all__ = ["RIVALS", "Refusal", "hold", "is_interrupted", "read_written"]

Status = Literal["new", "changed", "unchanged", "edited", "foreign", "blocked"]

STATE = written.FILE
_HEADER = re.compile(rb"(?:#[^\n]*\n)*")
_SIGNATURE = re.compile(rb"(?:#[^\n]*\n)*?# sha256: ([0-9a-f]{64})\n")
_ELSEWHERE = "or choose another folder"
_AWAY = f"move it away, {_ELSEWHERE}"
_ROOM = "free some space and compile again"
# What keeps a file from being overwritten unless that is forced, and what to do about it.
_KEPT = {
    "edited": (
        "was edited by hand",
        "move the edit into the stack file, or let --force overwrite it and keep it as a backup",
    ),
    "foreign": (
        "exists and was not made by stackc",
        f"move it away, let --force overwrite it and keep it as a backup, {_ELSEWHERE}",
    ),
}
_REFUSALS = {
    errno.ENOTDIR: ("output-not-a-folder", "is not a folder", _AWAY),
    errno.EEXIST: ("output-not-a-folder", "is not a folder", _AWAY),
    errno.EISDIR: ("output-is-a-folder", "is a folder, and stackc writes a file there", _AWAY),
    errno.ELOOP: ("output-is-a-symlink", "is a symbolic link, which stackc leaves alone", _AWAY),
    errno.EOVERFLOW: ("output-too-large", "is larger than 16 MiB, which stackc does not read", _AWAY),
    errno.EAGAIN: ("output-locked", "is held by another run of stackc", "compile again when that has ended"),
    errno.ENOSPC: ("disk-full", "does not fit on the disk", _ROOM),
    errno.EDQUOT: ("disk-full", "does not fit on the disk", _ROOM),
}


@dataclass(frozen=True, slots=True)
class Change:
    """What a compile means for one file; `blocked` is a path where no file can be read.

    `backup` is the path at which a file that is not stackc's is kept when it is overwritten.
    """

    path: str
    status: Status
    # Not in the repr: they may hold secrets.
    old: str = field(repr=False)
    new: str = field(repr=False)
    secret: bool = False
    backup: str = ""


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


def stale(
    artifacts: Sequence[Artifact],
    directory: Path,
    *,
    environment: str,
    command: Callable[..., str],
    report: Report,
) -> None:
    """Reports each file that is missing or not what the stack renders now, and what keeps Compose from reading it.

    `command` returns the one that compiles it, with further options.
    """
    known, help = read_written(directory), f"run `{command()}`"
    if is_interrupted(directory):
        told = "holds what a compile that was stopped left half done"
        _tell(report, directory, "interrupted-compile", told, f"{help} to finish it")
    elif known.environment not in ("", environment):
        told = f"holds what was rendered for the environment {known.environment}"
        help = f"check it with `-e {known.environment}`, or choose another folder with -o"
        _tell(report, directory, "other-environment", told, help)
        return
    tell_rivals(directory, report)
    changes = check_artifacts(artifacts, directory, force=True, report=report)
    for artifact, change in zip(artifacts, changes, strict=True):
        if change.status not in ("unchanged", "blocked"):
            _tell(report, directory / change.path, "stale-output", *_stale(change, command))
        elif change.status == "unchanged" and not _is_open(directory, artifact):
            told = "has other permissions than stackc gives it, or belongs to another user"
            _tell(report, directory / change.path, "open-output", told, help)


def _stale(change: Change, command: Callable[..., str]) -> tuple[str, str]:
    if change.status == "new":
        return "is missing", f"run `{command()}`"
    if change.status == "changed":
        return "is not what the stack renders now", f"run `{command()}`"
    told, help = _KEPT[change.status]
    return told, help.replace("--force", f"`{command('--force')}`")


def check_artifacts(
    artifacts: Sequence[Artifact], directory: Path, *, force: bool, report: Report
) -> list[Change]:
    """Returns the changes, and reports what stands in their way as far as that is seen without writing."""
    changes, known = [], read_written(directory)
    for artifact in artifacts:
        place, old, new, backup = directory / artifact.path, b"", content_of(artifact), ""
        try:
            found = read_below(directory, artifact.path)
        except Refusal as refusal:
            status: Status = "blocked"
            tell_refusal(report, refusal, "read")
        else:
            old, status = found or b"", _status(artifact, found, new, known)
        if status in _KEPT and force:
            backup = _free_name(directory, artifact.path)
        elif status in _KEPT:
            _tell(report, place, f"{status}-output", *_KEPT[status])
        changes.append(Change(artifact.path, status, _text(old), _text(new), artifact.secret, backup))
    return changes


def write_artifacts(
    artifacts: Sequence[Artifact],
    directory: Path,
    *,
    stack: Path | None = None,
    environment: str = "",
    force: bool,
    report: Report,
) -> list[Change]:
    """Brings a folder that is held up to date, or leaves it as it was and reports why.

    What another `stack` has rendered there is replaced only by `force`.
    """
    known, way = read_written(directory), os.path.relpath(stack, directory) if stack else ""
    if way and known.stack not in ("", way) and not force:
        help = "choose another folder with -o, or let --force take this one"
        _tell(report, directory, "other-stack", f"holds what {known.stack} renders", help)
        return []
    tell_rivals(directory, report)
    changes = check_artifacts(artifacts, directory, force=force, report=report)
    # Not a count of errors: what a report leaves out must not be overwritten.
    if any(one.status == "blocked" or (one.status in _KEPT and not force) for one in changes):
        return changes
    generated = [name for one in artifacts for name in one.generated]
    now = known.then(way, environment, ((one.path, content_of(one)) for one in artifacts), generated)
    is_known = now == known and is_open_to(directory, written.FILE, 0o600, closed=True)
    state = [] if is_known else [Replacement(written.FILE, now.encoded(), 0o600)]
    made = [*_replacements(artifacts, changes, directory)]
    try:
        if made:
            replace_files(directory, [*made, *state])
    except Refusal as refusal:
        tell_refusal(report, refusal, "written")
    if state and not made:
        # What is known only saves questions: a folder that needs nothing else may be read-only.
        with suppress(Refusal):
            replace_files(directory, state)
    return changes


def _text(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")


def _status(artifact: Artifact, old: bytes | None, new: bytes, known: Written) -> Status:
    if old is None:
        return "new"
    if old == new:
        return "unchanged"
    if artifact.shared or known.has(artifact.path, old):
        return "changed"
    made = signature(old) if artifact.signed else "edited" if artifact.path in known.digests else "foreign"
    return "changed" if made == "intact" else made


def _free_name(directory: Path, path: str) -> str:
    names = [f"{path}.bak", *(f"{path}.bak{number}" for number in range(2, 1000))]
    return next(
        name for name in names if not (directory / name).is_symlink() and not (directory / name).exists()
    )


def tell_refusal(report: Report, refusal: Refusal, verb: str) -> None:
    """Reports what the operating system refused; `verb` says what was to be done."""
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
        if change.status != "unchanged" or not _is_open(directory, artifact):
            content, mode = content_of(artifact), _mode_of(artifact)
            yield Replacement(artifact.path, content, mode, artifact.closed, change.backup)


def _is_open(directory: Path, artifact: Artifact) -> bool:
    """Says whether a file and its folder are open to whom they have to be, whatever the file holds."""
    return is_open_to(directory, artifact.path, _mode_of(artifact), artifact.closed)


def _mode_of(artifact: Artifact) -> int:
    return artifact.mode & ~0o007 if artifact.secret and not artifact.closed else artifact.mode
