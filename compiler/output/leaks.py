"""What takes the secrets of an output folder elsewhere: git, which would commit them, and builds, which copy them."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from compiler.model import Path as TreePath
from compiler.output.written import read_written
from compiler.report import Diagnostic, Report, Span

if TYPE_CHECKING:
    from compiler.project.project import Project

Read = Callable[[Path], bytes | None]
_PRIVATE = re.compile(r"\.env|secrets/[^.].*|.*\.key")
_GLOB = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
_INSTRUCTION = re.compile(r"(?im)^[ \t]*(?:ONBUILD[ \t]+)?(?:COPY|ADD)[ \t]+(.*)$")


def private_files(folder: Path) -> list[str]:
    """Returns the files with secrets that stackc has written into a folder, by their paths from there."""
    known = read_written(folder).digests
    return [path for path in known if _PRIVATE.fullmatch(path) and os.path.lexists(folder / path)]


def tell_committed(folder: Path, report: Report) -> None:
    """Warns of secrets in a work tree of git that git does not ignore.

    https://git-scm.com/docs/git-check-ignore
    """
    here, paths = Path(os.path.abspath(folder)), private_files(folder)  # noqa: PTH100
    if not paths or not any(os.path.lexists(place / ".git") for place in (here, *here.parents)):
        return
    import subprocess

    words = ["git", "-c", "core.fsmonitor=false", "check-ignore", "-z", "--stdin"]
    # A hook of git has variables of its own, which name another place.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    with suppress(OSError, subprocess.SubprocessError):
        asked = os.fsencode("\0".join(paths))
        done = subprocess.run(
            words, cwd=here, env=environment, input=asked, capture_output=True, timeout=10, check=False
        )
        ignored = os.fsdecode(done.stdout).split("\0")
        found = [path for path in paths if path not in ignored]
        if done.returncode in (0, 1) and found:
            place = folder / found[0]
            help = f"add `{found[0]}` to {folder / '.gitignore'}"
            report.warning(
                "unignored-secret", f"git would commit {_all(folder, found)}", Span(str(place)), help
            )


def tell_copied(project: Project, folder: Path, read: Read, report: Report) -> None:
    """Warns of each service whose build copies secrets into its image; `read` returns what a file holds."""
    from compiler.project.values import plain

    here, paths = Path(os.path.abspath(folder)), private_files(folder)  # noqa: PTH100
    for name, service in project.own_services() if paths else ():
        if not (build := service.get("build")):
            continue
        context, file = plain(build.get("context") or "."), plain(build.get("dockerfile") or "Dockerfile")
        root = Path(os.path.normpath(here / (context or "")))
        # Where a variable or a URL names it, it is not known.
        if context is None or file is None or not os.path.lexists(root):
            continue
        text = plain(build.get("dockerfile_inline") or "") or _text(read(root / file))
        own = read(root / f"{file}.dockerignore")
        ignored = _text(read(root / ".dockerignore") if own is None else own).splitlines()
        inside = [path for path in paths if here.joinpath(path).is_relative_to(root)]
        taken = [path for path in inside if _is_taken(here.joinpath(path).relative_to(root), text, ignored)]
        if taken:
            at: TreePath = ("services", name, "build")
            told = f'the image of "{name}" takes in {_all(folder, taken)}, which nothing keeps out'
            line = here.joinpath(taken[0]).relative_to(root)
            help = f"add `{line}` to {Path(os.path.relpath(root)) / '.dockerignore'}"
            report.add(Diagnostic("secret-in-image", "warning", told, project.places.value(at), help))


def _all(folder: Path, paths: Sequence[str]) -> str:
    return str(folder / paths[0]) + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")


def _text(content: bytes | None) -> str:
    return (content or b"").decode(errors="replace")


def _is_taken(path: Path, dockerfile: str, ignored: Sequence[str]) -> bool:
    """Says whether a build copies a file of its context; one whose Dockerfile is not there may copy all.

    https://docs.docker.com/build/concepts/context/#dockerignore-files
    """
    kept_out = False
    for line in filter(None, map(str.strip, ignored)):
        if not line.startswith("#") and _covers(line.lstrip("!"), path):
            kept_out = not line.startswith("!")
    return not kept_out and (not dockerfile or any(_covers(one, path) for one in _sources(dockerfile)))


def _sources(dockerfile: str) -> Iterator[str]:
    """Yields what the instructions of a Dockerfile copy from the context."""
    import shlex

    for text in _INSTRUCTION.findall(re.sub(r"\\[ \t]*\n", " ", dockerfile)):
        with suppress(ValueError):
            words = shlex.split(re.sub(r'[][",]', " ", text) if "[" in text else text)
            if not any(word.startswith("--from") for word in words):
                yield from [word for word in words if not word.startswith("--")][:-1]


def _covers(pattern: str, path: Path) -> bool:
    """Says whether a pattern of Docker's names a file or a folder around it."""
    named = posixpath.normpath(pattern.strip().lstrip("/") or ".")
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", named)
    form = "".join(_GLOB.get(part) or re.escape(part) for part in parts)
    return named == "." or re.fullmatch(f"{form}(?:/.*)?", path.as_posix(), re.DOTALL) is not None
