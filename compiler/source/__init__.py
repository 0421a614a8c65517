"""YAML text to data in which every key and value knows its place; the only reader of YAML."""

from __future__ import annotations

from compiler.source.document import Document, Location, merge_patch, patch
from compiler.source.reader import LARGEST, load_yaml, parse_yaml, read_file

__all__ = ["LARGEST", "Document", "Location", "load_yaml", "merge_patch", "parse_yaml", "patch", "read_file"]
