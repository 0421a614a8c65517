"""A shell script as a tree: the grammar of POSIX, and what bash adds to words and redirections.

https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_10
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Unreadable(ValueError):
    """A script that cannot be followed: in another shell's grammar, nested too deep, or too long to follow."""


class Word(NamedTuple):
    """A word: literal texts, variables and substitutions in their order, and whether any of it is quoted."""

    parts: tuple[str | Variable | Script, ...] = ()
    is_quoted: bool = False


class Variable(NamedTuple):
    """`${NAME OPERATOR WORD}`, or `$NAME`."""

    name: str
    operator: str = ""
    word: Word = Word()


@dataclass(slots=True)
class Redirection:
    """Where a descriptor leads, -1 where it goes without saying. A here-document has its text as the target."""

    fd: int
    operator: str
    target: Word


class Simple(NamedTuple):
    assignments: tuple[tuple[str, Word], ...]
    words: tuple[Word, ...]


class Group(NamedTuple):
    body: Script
    in_subshell: bool


class If(NamedTuple):
    branches: tuple[tuple[Script, Script], ...]
    otherwise: Script


class Loop(NamedTuple):
    condition: Script
    is_until: bool
    body: Script


class For(NamedTuple):
    name: str
    words: tuple[Word, ...]
    body: Script


class Case(NamedTuple):
    word: Word
    items: tuple[tuple[tuple[Word, ...], Script], ...]


class Function(NamedTuple):
    name: str
    body: Command


@dataclass(slots=True)
class Command:
    """A command of any kind with its redirections."""

    node: Node
    redirections: list[Redirection] = field(default_factory=list)


class Pipeline(NamedTuple):
    commands: tuple[Command, ...]
    is_negated: bool = False


class Chain(NamedTuple):
    """A pipeline, and those that follow it with `&&` or `||`."""

    first: Pipeline
    rest: tuple[tuple[str, Pipeline], ...] = ()
    in_background: bool = False


class Script(NamedTuple):
    chains: tuple[Chain, ...] = ()


Node = Simple | Group | If | Loop | For | Case | Function
