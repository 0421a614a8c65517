"""The difference of two texts as a unified diff that neither tells a secret nor steers a terminal."""

from __future__ import annotations

import re
from collections.abc import Collection

from compiler.output import Change
from compiler.source.masking import masked_lines

# Upper case only: a line inside a key may look like an assignment, too.
_ASSIGNMENT = re.compile(r"(?:export +)?([A-Z_][A-Z0-9_]*) *[=:]")
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code not in b"\t\n"}
_LARGEST = 1024 * 1024
_NO_END = "\\ No newline at end of file"


def unified_diff(change: Change, private: Collection[str] = ()) -> str:
    """Returns what changes in a file, or nothing where nothing does; of a secret one it shows keys only.

    `private` are values that are never shown, beside all that may be secret.
    """
    from difflib import unified_diff

    if max(len(change.old), len(change.new)) > _LARGEST:
        return (
            f"--- {change.path}\n+++ {change.path}\n(larger than 1 MiB, so it is not compared line by line)\n"
        )

    def shown(text: str) -> list[str]:
        lines = text.split("\n")
        if change.secret:
            return [(_key if is_env else _nothing)(line) for line in lines]
        return [line.translate(_CONTROLS) for line in masked_lines(lines, private)]

    is_env = change.path.rpartition("/")[2].startswith(".env")
    # A line is compared as it is, and shown by what stands before the NUL.
    before, after = (
        _ended([f"{new}\0{old}" for new, old in zip(shown(text), text.split("\n"), strict=True)])
        for text in (change.old, change.new)
    )
    diff = unified_diff(before, after, change.path if change.old else "/dev/null", change.path, lineterm="")
    return "".join(_visible(line) + "\n" for line in diff)


def _ended(lines: list[str]) -> list[str]:
    """Returns lines without the empty one at the end of a text; where there is none, that is said."""
    *rest, last = lines
    return rest if last == "\0" else [*rest, f"{last}\0{_NO_END}"]


def _visible(line: str) -> str:
    shown, *rest = line.split("\0")
    return f"{shown}\n{_NO_END}" if _NO_END in rest else shown


def _key(line: str) -> str:
    found = _ASSIGNMENT.match(line)
    return f"{found[1]}=***" if found else _nothing(line)


def _nothing(line: str) -> str:
    return "***" if line.strip() else ""
