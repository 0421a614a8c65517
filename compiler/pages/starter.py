"""The stacks that ship with stackc, for `stackc init`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.report import Span
from compiler.source.shipped import EXAMPLES

if TYPE_CHECKING:
    from pathlib import Path

    from compiler.report import Report

_IGNORED = ".env\n*.key\n"


def example_names() -> list[str]:
    return sorted(entry.name for entry in EXAMPLES.iterdir() if entry.joinpath("stack.yaml").is_file())


def copy_example(name: str, folder: Path, report: Report) -> list[Path]:
    """Copies a shipped stack with its adapters and a .gitignore; refuses where one of the files is there."""
    files = {folder / "stack.yaml": EXAMPLES.joinpath(name, "stack.yaml").read_bytes()}
    for file in _adapters(EXAMPLES.joinpath(name, "adapters")):
        files[folder / "adapters" / file.name] = file.read_bytes()
    there = [path for path in files if path.exists() or path.is_symlink()]
    for path in there:
        help = "move it away, or name another folder"
        report.error("file-exists", "the file is there already", Span(path=str(path)), help)
    if there:
        return []
    if not (folder / ".gitignore").exists():
        files[folder / ".gitignore"] = _IGNORED.encode()
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as fault:
        told = f"the folder cannot be written: {(fault.strerror or 'unknown reason').lower()}"
        place = Span(path=str(fault.filename or folder))
        report.error("output-not-writable", told, place, "name another folder")
        return []
    return list(files)


def _adapters(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), key=lambda one: one.name) if folder.is_dir() else []
