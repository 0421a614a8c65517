"""The difference of two texts as a unified diff that neither tells a secret nor steers a terminal."""

from __future__ import annotations

import re

from compiler.output import Change

# Upper case only: a line inside a key may look like an assignment, too.
_ASSIGNMENT = re.compile(r"(?:export +)?([A-Z_][A-Z0-9_]*) *[=:]")
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code not in b"\t\n"}


def unified_diff(change: Change) -> str:
    """Returns what changes in a file, or nothing where nothing does; of a secret one it shows keys only."""
    from difflib import unified_diff

    show = _plain
    if change.secret:
        show = _key if change.path.rpartition("/")[2].startswith(".env") else _nothing
    # A line is compared as it is, and shown by what stands before the NUL.
    before, after = ([f"{show(line)}\0{line}" for line in _lines(text)] for text in (change.old, change.new))
    diff = unified_diff(before, after, change.path if change.old else "/dev/null", change.path, lineterm="")
    return "".join(line.partition("\0")[0] + "\n" for line in diff)


def _lines(text: str) -> list[str]:
    *lines, last = text.split("\n")
    return [*lines, f"{last}\n\\ No newline at end of file"] if last else lines


def _plain(line: str) -> str:
    return line.translate(_CONTROLS)


def _key(line: str) -> str:
    found = _ASSIGNMENT.match(line)
    return f"{found[1]}=***" if found else _nothing(line)


def _nothing(line: str) -> str:
    return "***" if line.strip() else ""
