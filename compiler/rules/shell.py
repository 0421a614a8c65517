"""Command lines of a service: Compose splits them into words itself, and runs them without a shell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from compiler.model import Text
from compiler.project.values import plain
from compiler.rules.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compiler.model import Path
    from compiler.project.project import Project
    from compiler.rules.rule import Tell

_VARIABLE = re.compile(r"(\$\$)|\$\{(?:[^{}]|\{[^{}]*\})*\}|\$[A-Za-z_]\w*")
_WORD = re.compile(
    r"""\\.|'[^']*'|"(?:\\.|[^"\\])*"|`[^`]*`|\$\([^)]*\)|(&&|\|\||[;&|<>])|(['"`(])|.""", re.DOTALL
)
_OPERATORS = ("&&", "||", ";", "|", "&", ">", ">>", "<", "2>&1")


def _command_lines(project: Project) -> Iterator[tuple[Path, Any, str, str]]:
    """Yields the path and value of each command line, and the first operator or open mark outside of quotes."""
    for name, service in project.services.items():
        for key in ("command", "entrypoint"):
            value = service.get(key)
            found = (match for match in _WORD.findall(_known(value)) if any(match))
            yield ("services", name, key), value, *next(found, ("", ""))


def _known(value: Any) -> str:
    """Returns a command line with a word in place of each variable and secret."""
    parts = value.parts if isinstance(value, Text) else (value,) if isinstance(value, str) else ()
    return "".join(
        _VARIABLE.sub(lambda match: "$" if match[1] else "x", part) if isinstance(part, str) else "x"
        for part in parts
    )


@rule("command-without-shell")
def command_without_shell(project: Project, tell: Tell) -> None:
    for at, value, operator, _ in _command_lines(project):
        if operator:
            is_short = isinstance(value, str) and len(value) <= 60 and not set('"\\\n') & set(value)
            told = f"no shell runs this command: Compose drops everything from `{operator}` on"
            tell(told, at, 'write ["/bin/sh", "-c", ' + (f'"{value}"]' if is_short else '"..."]'))


@rule("unclosed-quote")
def unclosed_quote(project: Project, tell: Tell) -> None:
    for at, _, _, mark in _command_lines(project):
        if mark:
            told = "a bracket stands outside quotes" if mark == "(" else f"a quote {mark} is not closed"
            tell(told, at, "put the words in quotes, or write the command as a list")


def _tests(project: Project) -> Iterator[tuple[Path, str | None, list[str | None]]]:
    """Yields the path of each health check, its first word and the others."""
    for name, service in project.services.items():
        health = service.get("healthcheck")
        test = health.get("test") if isinstance(health, dict) else None
        if isinstance(test, list) and test:
            first, *words = map(plain, test)
            yield ("services", name, "healthcheck", "test"), first, words


@rule("health-check-words")
def health_check_words(project: Project, tell: Tell) -> None:
    for at, first, words in _tests(project):
        if first == "CMD-SHELL" and len(words) > 1:
            told = "a shell runs the first text after CMD-SHELL, and the others are lost"
            tell(told, (*at, 2), "write them as one text, or CMD in place of CMD-SHELL")
        elif first == "CMD" and len(words) == 1 and words[0] and re.search(r"\s", words[0]):
            told = f'no program is named "{words[0]}": CMD takes the words one by one'
            tell(told, (*at, 1), "write CMD-SHELL in place of CMD")


@rule("health-check-without-shell", "warning")
def health_check_without_shell(project: Project, tell: Tell) -> None:
    for at, first, words in _tests(project):
        found = (number for number, word in enumerate(words, 1) if word in _OPERATORS)
        index = next(found, None) if first == "CMD" and len(words) > 1 else None
        if index is not None:
            told = f"no shell runs this check: `{words[index - 1]}` is passed on as a word"
            tell(told, (*at, index), "write CMD-SHELL and the whole check as one text")
