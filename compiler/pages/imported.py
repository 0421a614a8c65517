"""What an import did, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from compiler.importing import Line
from compiler.output import RIVALS

_HEADS = {
    "moved": "moved",
    "improved": "improved",
    "stayed": "stayed a plain service",
    "decide": "for you to decide",
}


def render_lines(lines: Sequence[Line]) -> str:
    """Returns what there is to tell, by its kind; a kind of which there is nothing is left out."""
    text = []
    for kind, head in _HEADS.items():
        told = [
            f"  {one.name}: {one.text}" if one.name else f"  {one.text}" for one in lines if one.kind == kind
        ]
        text += [head, *told] if told else []
    return "\n".join(text)


def next_command(folder: Path) -> str:
    """Returns what to run next in a folder, where files that Compose reads now may stand in the way."""
    there = [name for name in RIVALS if (folder / name).exists()]
    away = [f"mv {name} {name}.bak" for name in there]
    foreign = any((folder / name).exists() for name in ("docker-compose.yml", ".env.example"))
    command = "stackc compile --force" if foreign else "stackc compile"
    steps = [*([f"cd {quote(str(folder))}"] if folder != Path() else []), *away, command]
    return " && ".join(steps)
