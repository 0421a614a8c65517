"""What somebody needs who writes a first adapter: its file, and the guide."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from compiler.model import env_key
from compiler.registry.bundle import adapter_schema
from compiler.registry.registry import Registry
from compiler.report import Report, Span
from compiler.schema.patterns import is_match
from compiler.source.shipped import ADAPTERS


def is_image(text: str) -> bool:
    """Says whether an adapter can have this image: one with a tag of its own, or a digest."""
    form = adapter_schema()["$defs"]["image"]["pattern"]
    return is_match(form, text) and bool(re.fullmatch(r"[A-Za-z0-9./:@_-]+(?<!:latest)", text))


def new_adapter(name: str, base: str, image: str, registry: Registry, report: Report) -> str:
    """Returns the text of a first adapter file: on top of another one, or of an image; nothing if an error says why."""
    from jinja2 import Environment

    place = Span(path="stackc adapters new")
    if name in adapter_schema()["properties"]["adapter"]["allOf"][0]["not"]["enum"]:
        report.error("wrong-format", f'"{name}" is a word of stackc itself', place, "choose another name")
        return ""
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


def guide() -> str:
    """Returns the guide of adapters, in Markdown."""
    return ADAPTERS.joinpath("README.md").read_text("utf-8").rstrip()
