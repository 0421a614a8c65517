"""Where the texts of a script go: descriptors, files and sockets, and what has gone into each."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from compiler.pages.shell.compounds import Compounds
from compiler.pages.shell.follower import Statuses
from compiler.pages.shell.tree import Command, Redirection, Simple
from compiler.pages.shell.values import NOTHING, UNKNOWN, Scope, Value, joined

SECRET_FILE = re.compile(r"/run/secrets/([A-Za-z0-9_-]+)")
HOST = "host"
_SOCKET = "/dev/tcp/"


class Login(NamedTuple):
    """One attempt to log in: the files of the secrets that it is made with, and whether it names a host."""

    secrets: frozenset[str]
    names_host: bool


class Streams(Compounds):
    """Follows a script whose log-ins all fail or all succeed.

    `files` are the files that hold what is marked; a `host` is an address that the server of the first start does not
    answer, or one that has to be named.
    """

    def __init__(self, *, log_ins_fail: bool, asks_no_secret: bool, hosts: str) -> None:
        super().__init__()
        self.log_ins_fail, self.asks_no_secret = log_ins_fail, asks_no_secret
        self.hosts = re.compile(hosts)
        self.files: dict[str, frozenset[str]] = {}
        self.logins: list[Login] = []

    def redirected(self, command: Command, scope: Scope, follow: Callable[[Scope], Statuses]) -> Statuses:
        words = command.node.words if isinstance(command.node, Simple) else None
        stdin, out, sink = scope.stdin, scope.out, None
        for redirection in command.redirections:
            target = self._target(redirection, scope)
            if redirection.fd > 2:
                scope.descriptors[redirection.fd] = target
            elif redirection.operator in ("<<", "<<-", "<<<"):
                scope.stdin = target
            elif redirection.operator[0] == "<":
                scope.stdin = self._content(target)
            elif redirection.fd != 2 and redirection.target.parts != ("1",):
                sink = target
        scope.out = [] if sink else out
        statuses = follow(scope)
        if words == () and scope.stdin is not stdin:
            # What bash reads by `$(<file)`.
            scope.out.append(scope.stdin)
        if sink:
            self._write(sink, joined(scope.out))
        if not words or words[0].parts != ("exec",):
            scope.stdin = stdin
        scope.out = out
        return statuses

    def _target(self, redirection: Redirection, scope: Scope) -> Value:
        target = self.text(redirection.target, scope)
        if redirection.operator not in (">&", "<&") or not target.text.isdigit():
            return target
        unknown = Value() if redirection.operator == "<&" else Value("/dev/stderr")
        return scope.descriptors.get(int(target.text), unknown)

    def _content(self, target: Value) -> Value:
        is_answer = target.text.startswith(_SOCKET) and self.log_ins_fail and self.logins
        if target.text == "/dev/null" or is_answer:
            return NOTHING
        return Value(UNKNOWN, self.marks([target]) - {HOST})

    def _write(self, sink: Value, content: Value) -> None:
        marks = self.marks([content])
        if sink.text.startswith(_SOCKET):
            secrets = frozenset(mark for mark in marks if SECRET_FILE.match(mark))
            if secrets or self.asks_no_secret:
                self.logins.append(Login(secrets, bool(self.hosts.search(sink.text))))
        else:
            self.keep(sink.text, marks)

    def keep(self, file: str, marks: frozenset[str]) -> None:
        """Notes what has gone into a file that can be told from others."""
        if file.strip(UNKNOWN) and file != "/dev/null" and not file.startswith("/dev/std"):
            self.files[file] = self.files.get(file, frozenset()) | marks

    def marks(self, values: Sequence[Value]) -> frozenset[str]:
        """Returns the marks of values, and of what is in the files that they name."""
        marks = set[str]()
        for value in values:
            marks |= value.marks | {found[0] for found in SECRET_FILE.finditer(value.text)}
            for file, held in self.files.items():
                if file == value.text or ("/" in file and file in value.text):
                    marks |= held
        if self.hosts.search(" ".join(value.text for value in values)):
            marks.add(HOST)
        return frozenset(marks)
