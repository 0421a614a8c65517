"""The stacks that ship with stackc, for `stackc init`."""

from __future__ import annotations

import os
from pathlib import Path

from compiler.report import Report, Span
from compiler.source.shipped import EXAMPLES


def example_names() -> list[str]:
    return sorted(file.parent.name for file in EXAMPLES.glob("*/stack.yaml"))


def copy_example(name: str, folder: Path, report: Report) -> list[Path]:
    """Copies a shipped stack with its adapters and a .gitignore; refuses where one of the files is there."""
    example = EXAMPLES / name
    shipped = [example / "stack.yaml", *sorted(example.glob("adapters/*.yaml"))]
    files = {folder / file.relative_to(example): file.read_bytes() for file in shipped}
    there = [path for path in files if os.path.lexists(path)]
    for path in there:
        help = "move it away, or name another folder"
        report.error("file-exists", "the file is there already", Span(path=str(path)), help)
    if there:
        return []
    if not (folder / ".gitignore").exists():
        files[folder / ".gitignore"] = b".env\n*.key\n"
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
