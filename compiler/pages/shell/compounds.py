"""Follows what a shell does under conditions, and again and again."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import partial

from compiler.pages.shell.follower import FAILED, NEVER, OK, Follower, Statuses
from compiler.pages.shell.tree import Case, For, Group, If, Loop, Node, Script, Simple
from compiler.pages.shell.values import Scope, expand, joined

_ROUNDS = 2


class Compounds(Follower):
    """Follows compound commands."""

    @abstractmethod
    def simple(self, node: Simple, scope: Scope) -> Statuses:
        """Follows a simple command."""

    def compound(self, node: Node, scope: Scope) -> Statuses:
        match node:
            case Group(body, True):
                return self.in_subshell(partial(self.script, body), scope)
            case Group(body):
                return self.script(body, scope)
            case If():
                return self._if(node, scope)
            case Loop():
                return self._loop(node, scope)
            case For():
                return self._for(node, scope)
            case Case():
                return self._case(node, scope)
            case Simple():
                return self.simple(node, scope)
        return OK

    def condition(self, node: Script, scope: Scope) -> Statuses:
        self.asked += 1
        statuses = self.script(node, scope)
        self.asked -= 1
        return statuses

    def _if(self, node: If, scope: Scope) -> Statuses:
        if not node.branches:
            return self.script(node.otherwise, scope)
        (asked, body), rest = node.branches[0], node._replace(branches=node.branches[1:])
        held = self.condition(asked, scope)
        ways: list[Callable[[Scope], Statuses]] = []
        if 0 in held:
            ways.append(partial(self.script, body))
        if 1 in held:
            ways.append(partial(self._if, rest))
        if len(ways) == 1:
            return ways[0](scope)
        return self.one_of(ways, scope)

    def _loop(self, node: Loop, scope: Scope) -> Statuses:
        around, scope.breaks = scope.breaks, set()
        statuses, goes_on = NEVER, FAILED if node.is_until else OK
        for _ in range(_ROUNDS):
            held = self.condition(node.condition, scope)
            if held - goes_on:
                statuses |= OK
            if not held & goes_on:
                break
            if held - goes_on:
                self.maybe(partial(self.script, node.body), scope)
            elif not self.script(node.body, scope) and not scope.breaks:
                break
        statuses |= scope.breaks
        scope.breaks = around
        return statuses

    def _for(self, node: For, scope: Scope) -> Statuses:
        around, scope.breaks = scope.breaks, set()
        values = [
            value
            for word in node.words
            for value in expand(word, scope, lambda it: self.substitute(it, scope))
        ]
        # What a list holds that nobody knows: it has at least one item in it.
        statuses = OK
        for value in values[: _ROUNDS + 1]:
            scope.variables[node.name] = value if len(values) <= _ROUNDS + 1 else joined(values)
            statuses = self.script(node.body, scope)
            if not statuses:
                break
        statuses |= scope.breaks
        scope.breaks = around
        return statuses

    def _case(self, node: Case, scope: Scope) -> Statuses:
        value, ways = self.text(node.word, scope), list[Callable[[Scope], Statuses]]()
        for patterns, body in node.items:
            texts = [self.text(pattern, scope) for pattern in patterns]
            matches = [
                fnmatchcase(value.text, text.text)
                if value.is_known and text.is_known
                else text.text == "*" or None
                for text in texts
            ]
            if any(matches) or None in matches:
                ways.append(partial(self.script, body))
            if any(matches):
                return ways[0](scope) if len(ways) == 1 else self.one_of(ways, scope)
        return self.one_of([*ways, lambda _: OK], scope) if ways else OK
