"""A file or its bytes to a Document, or to every reason why there is none."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING, Any

from compiler.report import Diagnostic, Span, error, suggest
from compiler.source.composer import compose
from compiler.source.document import Document, Location
from compiler.source.nodes import Entries, Items, Scalar, resolve_alias

if TYPE_CHECKING:
    from pathlib import Path

    from compiler import model
    from compiler.source.document import Area
    from compiler.source.nodes import Node

LARGEST = 1024 * 1024
_BYTE_ORDER_MARKS = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
# YAML 1.1 takes the last three for line breaks, YAML 1.2 does not.
_UNPRINTABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\ufffe|\uffff|\u2028|\u2029")


def load_yaml(file: Path, shown: str | None = None) -> tuple[Document | None, list[Diagnostic]]:
    """Reads a file; there is a document if, and only if, nothing is wrong with it."""
    path = str(file) if shown is None else shown
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):
            return None, [_not_a_file(path, mode)]
        with file.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None, [_missing_file(file, path)]
    except OSError as fault:
        reason = (fault.strerror or "unknown reason").lower()
        message = f'the file "{path}" cannot be read: {reason}'
        return None, [
            error("unreadable-file", message, Span(path=path), "give yourself the right to read it")
        ]
    return parse_yaml(content, path)


def parse_yaml(content: bytes, path: str) -> tuple[Document | None, list[Diagnostic]]:
    """Reads YAML from bytes; there is a document if, and only if, nothing is wrong with it."""
    if len(content) > LARGEST:
        help = "move certificates, SQL and other data to files of their own"
        return None, [error("file-too-large", "the file is larger than 1 MiB", Span(path=path), help)]
    try:
        text = content.decode("utf-8").lstrip("\ufeff")
    except UnicodeDecodeError as fault:
        return None, [_not_utf8(content, fault, path)]
    if unprintable := _find_unprintable(text):
        return None, [_unprintable(text, at, path) for at in unprintable]
    root, diagnostics = compose(text, path)
    if not diagnostics:
        diagnostics = _check_root(root, text, path)
    if diagnostics or root is None:
        return None, diagnostics
    spans: dict[model.Path, Location] = {}
    data = _expand(root, (), root.area, spans)
    return Document(path=path, text=text, data=data, spans=spans), []


def _expand(node: Node, path: model.Path, key: Area, spans: dict[model.Path, Location]) -> Any:
    spans[path] = Location(key, node.area)
    node = resolve_alias(node)
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Items):
        return [_expand(item, (*path, n), item.area, spans) for n, item in enumerate(node.items)]
    return {name: _expand(value, (*path, name), area, spans) for name, (area, value) in node.entries.items()}


def _check_root(root: Node | None, text: str, path: str) -> list[Diagnostic]:
    if isinstance(root, Entries):
        return []
    help = 'write keys at the top level, such as "name: demo"'
    if root is None:
        message = "the file holds nothing but comments" if text.strip() else "the file is empty"
        return [error("empty-file", message, Span(path=path), help)]
    line, column, end_line, end_column = root.area
    span = Span(path=path, line=line, column=column, end_line=end_line, end_column=end_column)
    if isinstance(root, Scalar) and root.value is None:
        return [error("empty-file", "the file holds nothing but null", span, help)]
    kind = "a list" if isinstance(root, Items) else "a single value"
    return [error("not-a-mapping", f"the file holds {kind}, expected keys with values", span, help)]


def _find_unprintable(text: str) -> list[int]:
    """Where each character first stands that YAML forbids, or that only YAML 1.1 takes for a line break."""
    first: dict[str, int] = {}
    for found in _UNPRINTABLE.finditer(text):
        first.setdefault(found.group(), found.start())
    return list(first.values())


def _missing_file(file: Path, path: str) -> Diagnostic:
    help = "write a first one with `stackc init`" if file.name == "stack.yaml" else "check the path"
    try:
        beside = [f.name for f in file.parent.iterdir() if f.suffix in (".yaml", ".yml")]
    except (OSError, ValueError):
        beside = []
    if beside and (likely := suggest(file.name, beside)).startswith("did you mean"):
        help = likely
    return error("missing-file", f'there is no file "{path}"', Span(path=path), help)


def _not_a_file(path: str, mode: int) -> Diagnostic:
    if stat.S_ISDIR(mode):
        message, help = f'"{path}" is a folder, expected a file', "name the YAML file in it"
    else:
        message, help = f'"{path}" is a device or pipe, expected a file', "save its content to a file"
    return error("not-a-file", message, Span(path=path), help)


def _not_utf8(content: bytes, fault: UnicodeDecodeError, path: str) -> Diagnostic:
    help = "save the file as UTF-8"
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return error("not-utf-8", f"the file is in {encoding}, expected UTF-8", Span(path=path), help)
    before = content[: fault.start].decode("utf-8").lstrip("\ufeff")
    message = f"the byte 0x{content[fault.start]:02X} is not UTF-8"
    return error("not-utf-8", message, _character_span(before, path), help)


def _unprintable(text: str, at: int, path: str) -> Diagnostic:
    code = f"U+{ord(text[at]):04X}"
    if text[at] in "\x85\u2028\u2029":
        message = f"the line separator {code} means different things to different YAML readers"
        help = "replace it with a plain line break"
    else:
        message = f"the control character {code} is not allowed in YAML"
        help = "delete it"
    return error("unprintable-character", message, _character_span(text[:at], path), help)


def _character_span(before: str, path: str) -> Span:
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", before)
    line, column = len(lines), len(lines[-1]) + 1
    return Span(path=path, line=line, column=column, end_line=line, end_column=column + 1)
