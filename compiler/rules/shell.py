"""Command lines of a service: Compose splits them into words itself, and runs them without a shell."""

from __future__ import annotations

import re
from typing import Any

from compiler.model import Text
from compiler.project.values import inside, plain
from compiler.rules.rule import Service, Tell

_LINES = ("command", "entrypoint")
_TEST = ("healthcheck", "test")
_VARIABLE = re.compile(r"(\$\$)|\$\{(?:[^{}]|\{[^{}]*\})*\}|\$[A-Za-z_]\w*")
_WORD = re.compile(
    r"""\\.|'[^']*'|"(?:\\.|[^"\\])*"|`[^`]*`|\$\([^)]*\)|(&&|\|\||[;&|<>])|(['"`(])|.""", re.DOTALL
)
_OPERATORS = ("&&", "||", ";", "|", "&", ">", ">>", "<", "2>&1")


def command_without_shell(service: Service, tell: Tell) -> None:
    for key in _LINES:
        line = service.get(key)
        operator, _ = _first_mark(line)
        if operator:
            is_plain = isinstance(line, str) and not set('"\\\n') & set(line)
            told = f"no shell runs this command: Compose drops everything from `{operator}` on"
            tell(told, (key,), f'write ["/bin/sh", "-c", "{line if is_plain else "..."}"]')


def unclosed_quote(service: Service, tell: Tell) -> None:
    for key in _LINES:
        _, mark = _first_mark(service.get(key))
        if mark:
            told = "a bracket stands outside quotes" if mark == "(" else f"a quote {mark} is not closed"
            tell(told, (key,), "put the words in quotes, or write the command as a list")


def _first_mark(line: Any) -> tuple[str, str]:
    """Returns what stands first outside of quotes: an operator, or a quote or bracket that is not closed."""
    parts = line.parts if isinstance(line, Text) else (line,) if isinstance(line, str) else ()
    # A word stands for each variable and secret.
    known = "".join(
        _VARIABLE.sub(lambda match: "$" if match[1] else "x", part) if isinstance(part, str) else "x"
        for part in parts
    )
    return next((marks for marks in _WORD.findall(known) if any(marks)), ("", ""))


def health_check_words(service: Service, tell: Tell) -> None:
    first, *words = _health_check(service) or [None]
    if first == "CMD-SHELL" and len(words) > 1:
        told = "a shell runs the first text after CMD-SHELL, and the others are lost"
        tell(told, (*_TEST, 2), "write them as one text, or CMD in place of CMD-SHELL")
    elif first == "CMD" and len(words) == 1 and re.search(r"\s", words[0] or ""):
        told = f'no program is named "{words[0]}": CMD takes the words one by one'
        tell(told, (*_TEST, 1), "write CMD-SHELL in place of CMD")


def health_check_without_shell(service: Service, tell: Tell) -> None:
    words = _health_check(service)
    operator = next((word for word in words if word in _OPERATORS), None)
    if words[:1] == ["CMD"] and operator:
        told = f"no shell runs this check: `{operator}` is passed on as a word"
        tell(told, (*_TEST, words.index(operator)), "write CMD-SHELL and the whole check as one text")


def _health_check(service: Service) -> list[str | None]:
    test = inside(service, *_TEST)
    return [plain(word) for word in test] if isinstance(test, list) else []
