"""Follows a shell script without running anything: how it can end, and what each program that it starts is given.

What is not known goes both ways. Commands are followed by `commands`; this is the grammar.
https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_09
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial

from compiler.pages.shell.reader import parse_shell
from compiler.pages.shell.tree import Chain, Command, Function, Node, Pipeline, Script, Unreadable, Word
from compiler.pages.shell.values import NOTHING, Scope, Value, joined, text_of

Statuses = frozenset[int]
OK, FAILED, EITHER, NEVER = frozenset((0,)), frozenset((1,)), frozenset((0, 1)), frozenset[int]()
_STEPS = 5_000
_ROUNDS = 2


class Follower(ABC):
    """`doubts` counts the conditions around what is followed, of which nobody knows whether they hold."""

    def __init__(self) -> None:
        self.steps = self.doubts = self.asked = self.depth = 0
        self.defined: set[str] = set()

    @abstractmethod
    def compound(self, node: Node, scope: Scope) -> Statuses:
        """Follows a command that is neither redirected nor a function."""

    @abstractmethod
    def redirected(self, command: Command, scope: Scope, follow: Callable[[Scope], Statuses]) -> Statuses:
        """Follows a command whose descriptors lead elsewhere."""

    def run(self, text: str, scope: Scope) -> Statuses:
        """Returns how a script can end in a shell of its own, and writes what it prints to `scope.out`."""
        tree = parse_shell(text)
        return self.in_subshell(partial(self.script, tree), scope)

    def in_subshell(self, follow: Callable[[Scope], Statuses], scope: Scope) -> Statuses:
        inner = scope.subshell()
        statuses = follow(inner) | inner.exits
        if inner.trap and statuses:
            inner.exits = set()
            self.asked += 1
            ended = self.script(parse_shell(inner.trap), inner)
            self.asked -= 1
            statuses = frozenset(inner.exits) | (statuses if ended else NEVER)
        scope.out += inner.out
        return statuses

    def substitute(self, body: Script, scope: Scope) -> Value:
        inner = scope.subshell()
        scope.last = self.in_subshell(partial(self.script, body), inner)
        return _without_line_breaks(joined(inner.out))

    def text(self, word: Word, scope: Scope) -> Value:
        return text_of(word, scope, lambda body: self.substitute(body, scope))

    def script(self, node: Script, scope: Scope) -> Statuses:
        statuses = OK
        for chain in node.chains:
            self.steps += 1
            if self.steps > _STEPS:
                raise Unreadable("it is too long to follow")
            statuses = scope.last = self._chain(chain, scope)
            if not statuses:
                break
        return statuses

    def _chain(self, chain: Chain, scope: Scope) -> Statuses:
        if chain.in_background:
            alone = chain._replace(in_background=False)
            scope.background = self.in_subshell(partial(self._chain, alone), scope)
            return OK
        pipelines = [chain.first, *(pipeline for _, pipeline in chain.rest)]
        operators = [*(operator for operator, _ in chain.rest), ""]
        statuses = OK
        for index, pipeline in enumerate(pipelines):
            goes_on = frozenset((0 if operators[index - 1] == "&&" else 1,)) if index else statuses
            if index and not statuses & goes_on:
                continue
            self.asked += bool(operators[index])
            if statuses - goes_on:
                statuses = (statuses - goes_on) | self.maybe(partial(self._pipeline, pipeline), scope)
            else:
                statuses = self._pipeline(pipeline, scope)
            self.asked -= bool(operators[index])
            scope.last = statuses
        return statuses

    def maybe(self, follow: Callable[[Scope], Statuses], scope: Scope) -> Statuses:
        """Follows what may or may not happen."""
        return self.one_of((lambda _: NEVER, follow), scope, [scope.fork()])

    def one_of(
        self, ways: Sequence[Callable[[Scope], Statuses]], scope: Scope, forks: Sequence[Scope] = ()
    ) -> Statuses:
        """Follows several ways, of which one is taken."""
        going, statuses = list(forks), NEVER
        self.doubts += 1
        for way in ways:
            fork = scope.fork()
            if ended := way(fork):
                going.append(fork)
            statuses |= ended
        self.doubts -= 1
        scope.merge(going)
        return statuses

    def _pipeline(self, node: Pipeline, scope: Scope) -> Statuses:
        self.asked += node.is_negated
        if len(node.commands) == 1:
            statuses = self.command(node.commands[0], scope)
        else:
            statuses = self._piped(node.commands, scope)
        self.asked -= node.is_negated
        if node.is_negated:
            return frozenset(1 - status for status in statuses)
        if scope.ends_on_error and not self.asked and 1 in statuses:
            scope.exits.add(1)
            statuses -= FAILED
        return statuses

    def _piped(self, commands: Sequence[Command], scope: Scope) -> Statuses:
        stdin, ends = scope.stdin, []
        for command in commands:
            inner = scope.subshell()
            inner.stdin = stdin
            ends.append(self.in_subshell(partial(self.command, command), inner))
            stdin = joined(inner.out)
        scope.out.append(stdin)
        if scope.fails_in_pipes and ends[-1]:
            can_fail = any(1 in one for one in ends)
            return (OK if all(0 in one for one in ends) else NEVER) | (FAILED if can_fail else NEVER)
        return ends[-1]

    def command(self, command: Command, scope: Scope) -> Statuses:
        if self.depth > 30:
            return EITHER
        self.depth += 1
        node = command.node
        try:
            if isinstance(node, Function):
                scope.functions[node.name] = node.body
                self.defined.add(node.name)
                return OK
            if command.redirections:
                return self.redirected(command, scope, partial(self.compound, command.node))
            return self.compound(node, scope)
        finally:
            self.depth -= 1


def _without_line_breaks(value: Value) -> Value:
    return (
        NOTHING._replace(marks=value.marks)
        if value.text == ""
        else value._replace(text=value.text.rstrip("\n"))
    )
