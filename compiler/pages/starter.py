"""What somebody needs who begins: a first stack; a first adapter, and the guide to writing one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from compiler.model import env_key
from compiler.registry.registry import Registry
from compiler.report import Report, Span
from compiler.source.shipped import ADAPTERS


def new_adapter(name: str, base: str, image: str, registry: Registry, report: Report) -> str:
    """Returns the text of a first adapter file: on top of another one, or of an image; nothing if an error says why."""
    from jinja2 import Environment

    place = Span(path="stackc adapters new")
    if name in registry.words():
        help = f"write `stackc adapters new OTHER --extends {name}`, or another name"
        report.error(
            "shadowed-adapter", f'"{name}" stands for the adapter {registry.words()[name]}', place, help
        )
        return ""
    known = registry.find(base, place, report) if base else None
    if base and known is None:
        return ""
    bare, _, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
    words: dict[str, Any] = {
        "name": name,
        "title": (bare or name).replace("-", " ").replace("_", " ").title(),
        "path": f"adapters/{name}.yaml",
        "base": known.name if known else "",
        "image": image or f"registry.example.com/{name}:1.0",
        "version": tag.partition("-")[0] or "1.0",
        "variable": env_key(name),
    }
    template = Path(__file__).with_name("starter.j2").read_text("utf-8")
    return Environment(trim_blocks=True, keep_trailing_newline=True).from_string(template).render(words)


def first_stack(example: Path, folder: Path) -> str:
    """Returns a shipped stack under the name of the folder that it goes to, as no two projects can have one name."""
    text = (example / "stack.yaml").read_text("utf-8")
    name = re.sub("[^a-z0-9_-]+", "-", folder.resolve().name.lower()).lstrip("_-")[:63]
    return re.sub("(?m)^name: .*$", f"name: {name}", text, count=1) if name else text


def ignoring(known: bytes) -> bytes:
    """Returns a `.gitignore` with lines for what holds secrets, at its end where they are not there."""
    lines = {line.strip() for line in known.split(b"\n")}
    added = b"".join(line + b"\n" for line in (b".env", b".env.bak*", b"*.key") if line not in lines)
    return known + (b"\n" if added and known and not known.endswith(b"\n") else b"") + added


def guide() -> str:
    """Returns the guide of adapters, in Markdown."""
    return ADAPTERS.joinpath("README.md").read_text("utf-8").rstrip()
