"""YAML text to data in which every key and value knows its place, or to every reason why it cannot be read."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

from compiler.report import Report, Span, suggest
from compiler.source.document import Document, Location, merge_patch, patch

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LARGEST", "Document", "Location", "load_yaml", "merge_patch", "parse_yaml", "patch", "read_file"]

LARGEST = 1024 * 1024
# YAML 1.1 takes three of them for line breaks, YAML 1.2 does not.
_UNPRINTABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\u2028\u2029]")


def load_yaml(file: Path, shown: str, report: Report) -> Document | None:
    """Returns a file as a document if, and only if, nothing is wrong with it; `shown` is its path in reports."""
    content = read_file(file, shown, report)
    return None if content is None else parse_yaml(content, shown, report)


def read_file(file: Path, shown: str, report: Report) -> bytes | None:
    """Returns the bytes of a regular file of at most 1 MiB; of any other file nothing is read."""
    try:
        if stat.S_ISREG(file.stat().st_mode):
            with file.open("rb") as stream:
                content = stream.read(LARGEST + 1)
            return content if _is_small(content, shown, report) else None
        told = f'"{shown}" is a folder, a device or a pipe, expected a file'
        report.error("not-a-file", told, Span(shown), "name the file itself")
    except (FileNotFoundError, NotADirectoryError, ValueError):
        report.error("missing-file", f'there is no file "{shown}"', Span(shown), _likely_file(file))
    except OSError as fault:
        told = f'the file "{shown}" cannot be read: {(fault.strerror or "unknown reason").lower()}'
        report.error("unreadable-file", told, Span(shown), "give yourself the right to read it")
    return None


def _likely_file(file: Path) -> str:
    other = "write a first one with `stackc init`" if file.name == "stack.yaml" else "check the path"
    return suggest(file.name, [one.name for one in file.parent.glob("*.y*ml")], other)


def parse_yaml(content: bytes, path: str, report: Report) -> Document | None:
    """Returns bytes as a document if, and only if, nothing is wrong with them."""
    if not _is_small(content, path, report) or (text := _text(content, path, report)) is None:
        return None
    from compiler.source.tree import read_tree

    return read_tree(text, path, report)


def _is_small(content: bytes, path: str, report: Report) -> bool:
    if len(content) > LARGEST:
        help = "move certificates, SQL and other data to files of their own"
        report.error("file-too-large", "the file is larger than 1 MiB", Span(path), help)
    return len(content) <= LARGEST


def _text(content: bytes, path: str, report: Report) -> str | None:
    """Returns the text if all readers of YAML read it alike."""
    try:
        text = content.decode().lstrip("\ufeff")
    except UnicodeDecodeError as fault:
        told = f"the byte 0x{content[fault.start]:02X} is not UTF-8"
        place = _after(content[: fault.start].decode().lstrip("\ufeff"), path)
        report.error("not-utf-8", told, place, "save the file as UTF-8, not as UTF-16 or Latin-1")
        return None
    unprintable = dict.fromkeys(_UNPRINTABLE.findall(text))
    for character in unprintable:
        told = f"the character U+{ord(character):04X} is not allowed here"
        help = "delete it, or write it as an escape in double quotes"
        report.error("unprintable-character", told, _after(text[: text.index(character)], path), help)
    return None if unprintable else text


def _after(before: str, path: str) -> Span:
    """Returns the place of the character that follows a text."""
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", before)
    line, column = len(lines), len(lines[-1]) + 1
    return Span(path, line, column, line, column + 1)
