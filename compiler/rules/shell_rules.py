"""Command lines of a service: Compose splits them into words itself, and runs them without a shell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from compiler.model import Text
from compiler.project.entries import plain
from compiler.report import suggest

if TYPE_CHECKING:
    from compiler.model import Path
    from compiler.rules.findings import Findings

_VARIABLE = re.compile(r"(\$\$)|\$\{(?:[^{}]|\{[^{}]*\})*\}|\$[A-Za-z_]\w*")
_WORD = re.compile(
    r"""\\.|'[^']*'|"(?:\\.|[^"\\])*"|`[^`]*`|\$\([^)]*\)|(&&|\|\||[;&|<>])|(['"`(])|.""", re.DOTALL
)
_FIRST_WORDS = ("CMD", "CMD-SHELL", "NONE")
_OPERATORS = ("&&", "||", ";", "|", "&", ">", ">>", "<", "2>&1")


def check_command(found: Findings, value: Any, at: Path) -> None:
    """Finds what Compose drops from a command line, or cannot read in it."""
    for operator, mark in _WORD.findall(_known(value)):
        if operator:
            told = f"no shell runs this command: Compose drops everything from `{operator}` on"
            found.error("shell-syntax", told, at, f'write ["/bin/sh", "-c", {_shown(value)}]')
            return
        if mark:
            told = "a bracket stands outside quotes" if mark == "(" else f"a quote {mark} is not closed"
            found.error("shell-syntax", told, at, "put the words in quotes, or write the command as a list")
            return


def _shown(value: Any) -> str:
    is_short = isinstance(value, str) and len(value) <= 60 and not set('"\\\n') & set(value)
    return f'"{value}"' if is_short else '"..."'


def _known(value: Any) -> str:
    """Returns a command line with a word in place of each variable and secret."""
    parts = value.parts if isinstance(value, Text) else (value,) if isinstance(value, str) else ()
    return "".join(
        _VARIABLE.sub(lambda match: "$" if match[1] else "x", part) if isinstance(part, str) else "x"
        for part in parts
    )


def check_test(found: Findings, test: Any, at: Path) -> None:
    """Finds what is wrong with the form of a health check's `test`."""
    if not isinstance(test, list) or not test:
        return
    first, *words = map(plain, test)
    if first is not None and first not in _FIRST_WORDS:
        told = f'a health check starts with CMD, CMD-SHELL or NONE, not with "{first}"'
        help = (
            suggest(first.upper(), _FIRST_WORDS)
            if first.upper() in _FIRST_WORDS
            else "write the whole check as one text"
        )
        found.error("not-allowed-value", told, (*at, 0), help)
    elif first == "CMD-SHELL" and len(words) > 1:
        told = "a shell runs the first text after CMD-SHELL, and the others are lost"
        found.error("shell-syntax", told, (*at, 2), "write them as one text, or CMD in place of CMD-SHELL")
    elif first == "CMD" and len(words) == 1 and words[0] and re.search(r"\s", words[0]):
        told = f'no program is named "{words[0]}": CMD takes the words one by one'
        found.error("shell-syntax", told, (*at, 1), "write CMD-SHELL in place of CMD")
    elif first == "CMD":
        for index, word in enumerate(words, 1):
            if word in _OPERATORS:
                told = f"no shell runs this check: `{word}` is passed on as a word"
                found.warning(
                    "shell-syntax", told, (*at, index), "write CMD-SHELL and the whole check as one text"
                )
                return
