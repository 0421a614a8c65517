"""The output folder: what a compile would change in it, and writing all of that or nothing."""

from __future__ import annotations

import errno
import re
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from compiler.output.files import ReplaceError, Replacement, remove_leftovers, replace_files
from compiler.report import Diagnostic, Span, error

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
_CODES = {
    errno.ENOTDIR: "output-not-a-folder",
    errno.EEXIST: "output-not-a-folder",
    errno.EISDIR: "output-is-a-folder",
    errno.ELOOP: "output-is-a-symlink",
    errno.ENOSPC: "disk-full",
    errno.EDQUOT: "disk-full",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a compile means for one file; `blocked` is a path where no file can be read."""

    path: str
    status: Status
    # Not in the repr: they may hold secrets.
    old: str = field(repr=False)
    new: str = field(repr=False)
    secret: bool = False


class _Refused(Exception):
    def __init__(self, code: str, reason: str, place: str) -> None:
        super().__init__(code)
        self.diagnostic = _problem(code, reason, place)


def _problem(code: str, reason: str, place: str) -> Diagnostic:
    message, help = _PROBLEMS[code]
    name = "the output folder" if place == "." else place
    return error(code, message.format(name, reason), Span(path=place), help)


@contextmanager
def _refused_at(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        raise _Refused(*_fault(failure, "read"), place) from failure


def _fault(failure: OSError, verb: str) -> tuple[str, str]:
    code = _CODES.get(failure.errno or 0, "output-not-writable")
    return code, f"{verb}: {failure.strerror or failure}".lower()


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


def compare(artifacts: Sequence[Artifact], directory: Path) -> list[Change]:
    """Returns the change of each artifact, in their order."""
    return check_artifacts(artifacts, directory, force=True, shown=".")[0]


def stale(
    artifacts: Sequence[Artifact], directory: Path, *, shown: str = ".", stack: str = "stack.yaml"
) -> list[Diagnostic]:
    """Returns a finding for each signed artifact that is missing or not what the stack renders now."""
    signed = [artifact for artifact in artifacts if artifact.signed]
    changes, diagnostics = check_artifacts(signed, directory, force=True, shown=shown)
    differing = [change for change in changes if change.status not in ("unchanged", "blocked")]
    return diagnostics + [_problem("stale-output", stack, _join(shown, each.path)) for each in differing]


def check_artifacts(
    artifacts: Sequence[Artifact], directory: Path, *, force: bool, shown: str
) -> tuple[list[Change], list[Diagnostic]]:
    """Returns the changes, and what stands in their way as far as that is seen without writing."""
    changes: list[Change] = []
    diagnostics: list[Diagnostic] = []
    for artifact in artifacts:
        place = _join(shown, artifact.path)
        try:
            change = _change(artifact, _existing(artifact.path, directory, shown))
        except _Refused as refused:
            change = _change(artifact, None, "blocked")
            diagnostics.append(refused.diagnostic)
        if change.status in ("edited", "foreign") and not force:
            diagnostics.append(_problem(f"{change.status}-output", "", place))
        changes.append(change)
    return changes, list(dict.fromkeys(diagnostics))


def _change(artifact: Artifact, old: bytes | None, status: Status | None = None) -> Change:
    new = content_of(artifact)
    return Change(
        path=artifact.path,
        status=status or _status(old, new, artifact.signed),
        old=_text(old or b""),
        new=_text(new),
        secret=artifact.secret,
    )


def _status(old: bytes | None, new: bytes, signed: bool) -> Status:
    if old is None:
        return "new"
    if old == new:
        return "unchanged"
    made = signature(old) if signed else "intact"
    return "changed" if made == "intact" else made


def _text(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")


def _existing(path: str, directory: Path, shown: str) -> bytes | None:
    names = path.split("/")
    if ".." in names or "" in names:
        raise ValueError(f"{path!r} is not a path below the output folder")
    place, seen = directory, _join(shown, ".")
    mode = _mode(place, seen, follow=True)
    for name in names:
        if mode is None:
            return None
        if not stat.S_ISDIR(mode):
            raise _Refused("output-not-a-folder", "", seen)
        place, seen = place / name, _join(seen, name)
        mode = _mode(place, seen, follow=False)
    return None if mode is None else _read(place, mode, seen)


def _mode(path: Path, place: str, *, follow: bool) -> int | None:
    with _refused_at(place):
        try:
            mode = path.stat(follow_symlinks=follow).st_mode
        except FileNotFoundError:
            return None
    if stat.S_ISLNK(mode):
        raise _Refused("output-is-a-symlink", "", place)
    return mode


def _read(path: Path, mode: int, place: str) -> bytes:
    if stat.S_ISDIR(mode):
        raise _Refused("output-is-a-folder", "", place)
    if not stat.S_ISREG(mode):
        raise _Refused("output-not-writable", "replaced: it is not a regular file", place)
    with _refused_at(place):
        return path.read_bytes()


def _join(shown: str, path: str) -> str:
    if path == ".":
        return shown or "."
    return path if shown in ("", ".") else f"{shown.rstrip('/')}/{path}"


def write_artifacts(
    artifacts: Sequence[Artifact], directory: Path, *, force: bool, shown: str
) -> tuple[list[Change], list[Diagnostic]]:
    """Brings the folder up to date, or leaves it as it was and says why."""
    changes, diagnostics = check_artifacts(artifacts, directory, force=force, shown=shown)
    if diagnostics:
        return changes, diagnostics
    try:
        replace_files(list(_replacements(artifacts, changes, directory)))
    except ReplaceError as refused:
        place = _join(shown, refused.path.relative_to(directory).as_posix())
        return changes, [_problem(*_fault(refused.failure, "written"), place)]
    remove_leftovers({(directory / artifact.path).parent for artifact in artifacts})
    return changes, []


def _replacements(
    artifacts: Sequence[Artifact], changes: Sequence[Change], directory: Path
) -> Iterator[Replacement]:
    # Signed files last: what they refer to is there first, should the machine stop in between.
    for artifact, change in sorted(zip(artifacts, changes, strict=True), key=lambda pair: pair[0].signed):
        mode = artifact.mode & ~0o007 if artifact.secret and not artifact.closed else artifact.mode
        unchanged = change.status == "unchanged"
        if artifact.secret or not unchanged:
            content = None if unchanged else content_of(artifact)
            yield Replacement(
                path=directory / artifact.path, content=content, mode=mode, closed=artifact.closed
            )


def unified_diff(change: Change) -> str:
    """Returns what changes in the file, with `***` for each value of a secret one."""
    from compiler.output.diff import render_diff

    return render_diff(change.path, change.old, change.new, secret=change.secret)
