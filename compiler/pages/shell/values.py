"""What a script knows while it is followed: its variables, and how its words are expanded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from compiler.pages.shell.tree import Command, Script, Variable, Word

# Stands in a text for what only a running container knows; a name between two of them tells such texts apart.
UNKNOWN = "\0"
_LIMIT = 20_000
_DEFAULTS = ("-", "=", "+", "?")


class Value(NamedTuple):
    """A text, as far as it is known, and the marks of what went into it, such as the path of a secret."""

    text: str = UNKNOWN
    marks: frozenset[str] = frozenset()

    @property
    def is_known(self) -> bool:
        return UNKNOWN not in self.text


NOTHING = Value("")


def joined(values: Iterable[Value], between: str = "") -> Value:
    values = list(values)
    text = between.join(value.text for value in values)
    marks = frozenset[str]().union(*(value.marks for value in values))
    return Value(text if len(text) < _LIMIT else UNKNOWN, marks)


@dataclass(slots=True)
class Scope:
    """One shell as far as it is followed; a fork of it changes nothing of it.

    `statuses` of commands are sets of 0 and 1, of which an empty one says that nothing comes after.
    """

    variables: dict[str, Value] = field(default_factory=dict)
    arguments: list[Value] = field(default_factory=list)
    exported: set[str] = field(default_factory=set)
    functions: dict[str, Command] = field(default_factory=dict)
    descriptors: dict[int, Value] = field(default_factory=dict)
    stdin: Value = field(default_factory=Value)
    out: list[Value] = field(default_factory=list)
    exits: set[int] = field(default_factory=set)
    returns: set[int] = field(default_factory=set)
    breaks: set[int] = field(default_factory=set)
    last: frozenset[int] = frozenset((0,))
    background: frozenset[int] = frozenset((0, 1))
    trap: str = ""
    ends_on_error: bool = False
    fails_in_pipes: bool = False

    def fork(self) -> Scope:
        """Returns a scope that knows what this one does, and ends in the same ways."""
        return replace(
            self,
            variables=dict(self.variables),
            arguments=list(self.arguments),
            exported=set(self.exported),
            functions=dict(self.functions),
            descriptors=dict(self.descriptors),
        )

    def subshell(self) -> Scope:
        """Returns a scope whose ends and output are its own."""
        return replace(self.fork(), out=[], exits=set(), returns=set(), breaks=set(), trap="")

    def merge(self, forks: list[Scope]) -> None:
        """Takes over what is the same in all forks; what differs is not known, and has the marks of each."""
        if not forks:
            return
        names = dict.fromkeys(name for one in forks for name in one.variables)
        self.variables = {name: _either([one.variable(name) for one in forks]) for name in names}
        first = forks[0]
        sizes = {len(one.arguments) for one in forks}
        columns = zip(*(one.arguments for one in forks), strict=True) if len(sizes) == 1 else []
        mixed = [joined(argument for one in forks for argument in one.arguments)._replace(text=UNKNOWN)]
        self.arguments = [_either(list(column)) for column in columns] if len(sizes) == 1 else mixed
        for one in forks:
            self.exported |= one.exported
            self.functions |= one.functions
            self.descriptors |= one.descriptors
        self.trap, self.stdin = first.trap, first.stdin
        self.ends_on_error = all(one.ends_on_error for one in forks)
        self.fails_in_pipes = all(one.fails_in_pipes for one in forks)
        self.last = frozenset[int]().union(*(one.last for one in forks))

    def variable(self, name: str) -> Value:
        if name in ("@", "*"):
            return joined(self.arguments, " ")
        if name.isdigit() and name != "0":
            index = int(name) - 1
            return self.arguments[index] if index < len(self.arguments) else NOTHING
        if name == "?" and len(self.last) == 1:
            return Value(str(*self.last))
        return self.variables.get(name, Value(f"{UNKNOWN}{name}{UNKNOWN}"))


def _either(values: list[Value]) -> Value:
    one, *others = values
    return one if all(other == one for other in others) else joined(values)._replace(text=UNKNOWN)


def expand(word: Word, scope: Scope, substitute: Callable[[Script], Value]) -> list[Value]:
    """Returns what a word becomes: one value, none, or one for each argument where it is `$@`."""
    done: list[Value] = [NOTHING]
    is_spread = False
    for part in word.parts:
        if isinstance(part, str):
            done[-1] = joined((done[-1], Value(part)))
        elif isinstance(part, Variable) and part.name == "@" and part.operator != "length":
            is_spread = True
            first, *more = scope.arguments or [NOTHING]
            done[-1:] = [joined((done[-1], first)), *more]
        else:
            value = substitute(part) if isinstance(part, Script) else _parameter(part, scope, substitute)
            done[-1] = joined((done[-1], value))
    if is_spread and done == [NOTHING] and not scope.arguments:
        return []
    if word.is_quoted or is_spread or all(isinstance(part, str) for part in word.parts):
        return done
    (value,) = done
    return [Value(text, value.marks) for text in value.text.split()]


def text_of(word: Word, scope: Scope, substitute: Callable[[Script], Value]) -> Value:
    """Returns what a word becomes where it stays one, as in an assignment."""
    return joined(expand(word._replace(is_quoted=True), scope, substitute), " ")


def _parameter(variable: Variable, scope: Scope, substitute: Callable[[Script], Value]) -> Value:
    value, operator = scope.variable(variable.name), variable.operator
    if not operator:
        return value
    if operator == "length":
        return Value()
    inner = text_of(variable.word, scope, substitute)
    if operator.lstrip(":") not in _DEFAULTS:
        return value if value.text == "" else Value(UNKNOWN, value.marks)
    is_set = bool(value.text) if value.is_known else None
    if operator.endswith("+"):
        return inner if is_set else NOTHING if is_set is False else Value(UNKNOWN, inner.marks)
    if operator.endswith("?"):
        return value
    result = value if is_set else inner if is_set is False else joined((value, inner))
    if operator.endswith("="):
        scope.variables[variable.name] = result
    return result


def environment_of(values: Mapping[str, object]) -> dict[str, Value]:
    """Returns the variables of a container as a script finds them."""
    return {name: Value(str(value)) for name, value in values.items() if re.fullmatch(r"[A-Za-z_]\w*", name)}
