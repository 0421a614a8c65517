"""The difference of two texts as a unified diff that neither tells a secret nor steers a terminal."""

from __future__ import annotations

import re

# Upper case only: a line inside a key may look like an assignment, too.
_ASSIGNMENT = re.compile(r"(?:export +)?([A-Z_][A-Z0-9_]*) *[=:]")
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code != ord("\t")}


def render_diff(path: str, old: str, new: str, *, secret: bool) -> str:
    """Returns the diff, or nothing where the texts are equal; of a secret file it shows keys only."""
    from difflib import unified_diff

    show = (_key if path.rpartition("/")[2].startswith(".env") else _nothing) if secret else _plain
    before, after = ([f"{show(line)}\0{line}" for line in _lines(text)] for text in (old, new))
    diff = unified_diff(before, after, path if old else "/dev/null", path, lineterm="")
    return "".join(line.partition("\0")[0] + "\n" for line in diff)


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    if lines[-1]:
        lines[-1] += "\n\\ No newline at end of file"
    else:
        lines.pop()
    return lines


def _plain(line: str) -> str:
    return "\n".join(part.translate(_CONTROLS) for part in line.split("\n"))


def _key(line: str) -> str:
    found = _ASSIGNMENT.match(line)
    return f"{found[1]}=***" if found else _nothing(line)


def _nothing(line: str) -> str:
    return "***" if line.strip() else ""
