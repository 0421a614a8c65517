"""YAML text to data in which every key and value knows its place; the only reader of YAML."""

from __future__ import annotations

from compiler.source.document import Area, Document, Location, merge_patch
from compiler.source.reader import LARGEST, load_yaml, parse_yaml

__all__ = ["LARGEST", "Area", "Document", "Location", "load_yaml", "merge_patch", "parse_yaml"]
