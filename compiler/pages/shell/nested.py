"""Programs that run other commands: shells with a text of their own, and what stands before a command."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from compiler.pages.shell.values import Value

# What runs another program, and how many words of its own come before that.
WRAPPERS = {"timeout": 1, "gosu": 1, "su-exec": 1, "env": 0, "nice": 0, "nohup": 0, "stdbuf": 0, "setsid": 0}
SHELLS = frozenset(("sh", "bash", "dash", "ash", "ksh", "zsh", "busybox"))


class Inner(NamedTuple):
    text: str
    flags: str
    arguments: Sequence[Value]
    is_stdin: bool


def script_of(values: Sequence[Value], stdin: Value) -> Inner | None:
    """Returns the script that a shell is given as an argument or by its input; none where that is not known."""
    words, flags, index = [value.text for value in values], "", 1
    if words[0].endswith("busybox"):
        index += words[1:2] == ["sh"]
    while index < len(words) and re.fullmatch(r"-[A-Za-z]+", words[index]):
        flags += words[index][1:]
        index += 1
    if "c" in flags:
        rest = values[index + 1 :]
        return (
            Inner(words[index], flags, rest[1:], False)
            if index < len(words) and values[index].is_known
            else None
        )
    is_stdin = "s" in flags or index >= len(words)
    return Inner(stdin.text, flags, values[index:], True) if is_stdin and stdin.is_known else None


def unwrapped(values: Sequence[Value]) -> Sequence[Value]:
    own, rest = WRAPPERS[values[0].text.rpartition("/")[2]], list(values[1:])
    while len(rest) > 1 and (rest[0].text.startswith("-") or re.match(r"\w+=", rest[0].text) or own):
        own -= not rest.pop(0).text.startswith("-")
    return rest
