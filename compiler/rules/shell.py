"""Command lines of a service: Compose splits them into words itself, and runs them without a shell."""

from __future__ import annotations

import re
from typing import Any

from compiler.model import Text
from compiler.project.values import inside, plain
from compiler.report import Report
from compiler.rules.place import Place, Service

_VARIABLE = re.compile(r"(\$\$)|\$\{(?:[^{}]|\{[^{}]*\})*\}|\$[A-Za-z_]\w*")
_WORD = re.compile(
    r"""\\.|'[^']*'|"(?:\\.|[^"\\])*"|`[^`]*`|\$\([^)]*\)|(&&|\|\||[;&|<>])|(['"`(])|.""", re.DOTALL
)
_OPERATORS = ("&&", "||", ";", "|", "&", ">", ">>", "<", "2>&1")


def check_commands(service: Service, at: Place, report: Report) -> None:
    for key in ("command", "entrypoint"):
        line, place = service.get(key), at.value(key)
        operator, mark = _first_mark(line)
        if operator:
            is_plain = isinstance(line, str) and not set('"\\\n') & set(line)
            told = f"no shell runs this command: Compose drops everything from `{operator}` on"
            help = f'write ["/bin/sh", "-c", "{line if is_plain else "..."}"]'
            report.error("command-without-shell", told, place, help)
        elif mark:
            told = "a bracket stands outside quotes" if mark == "(" else f"a quote {mark} is not closed"
            help = "put the words in quotes, or write the command as a list"
            report.error("unclosed-quote", told, place, help)


def _first_mark(line: Any) -> tuple[str, str]:
    """Returns what stands first outside of quotes: an operator, or a quote or bracket that is not closed."""
    parts = line.parts if isinstance(line, Text) else (line,) if isinstance(line, str) else ()
    # A word stands for each variable and secret.
    known = "".join(
        _VARIABLE.sub(lambda match: "$" if match[1] else "x", part) if isinstance(part, str) else "x"
        for part in parts
    )
    return next((marks for marks in _WORD.findall(known) if any(marks)), ("", ""))


def check_health(service: Service, at: Place, report: Report) -> None:
    test = inside(service, "healthcheck", "test")
    kind, *words = [plain(word) or "" for word in test] if isinstance(test, list) and test else [""]
    operator = next((word for word in words if word in _OPERATORS), None)
    if kind == "CMD-SHELL" and len(words) > 1:
        told = "a shell runs the first text after CMD-SHELL, and the others are lost"
        help = "write them as one text, or CMD in place of CMD-SHELL"
        report.error("health-check-words", told, at.value("healthcheck", "test", 2), help)
    elif kind == "CMD" and len(words) == 1 and re.search(r"\s", words[0]):
        told = f'no program is named "{words[0]}": CMD takes the words one by one'
        help = "write CMD-SHELL in place of CMD"
        report.error("health-check-words", told, at.value("healthcheck", "test", 1), help)
    elif kind == "CMD" and operator:
        told = f"no shell runs this check: `{operator}` is passed on as a word"
        place = at.value("healthcheck", "test", 1 + words.index(operator))
        help = "write CMD-SHELL and the whole check as one text"
        report.warning("health-check-without-shell", told, place, help)
