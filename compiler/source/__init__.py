"""YAML text to data in which every key and value knows its place; the only reader of YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from compiler.source.reader import LARGEST, load_yaml, parse_yaml, read_file

if TYPE_CHECKING:
    from compiler.source.document import Document, Location, merge_patch, patch

__all__ = ["LARGEST", "Document", "Location", "load_yaml", "merge_patch", "parse_yaml", "patch", "read_file"]


def __getattr__(name: str) -> Any:
    """Imports what `check` does not need where nothing changed: 5 of its 70 ms."""
    if name not in __all__:
        raise AttributeError(f"module 'compiler.source' has no attribute '{name}'")
    from compiler.source import document

    return getattr(document, name)
