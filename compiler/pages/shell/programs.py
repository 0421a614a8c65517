"""What programs do that a script starts: those that pass text on, and the client of an engine, which may log in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from compiler.pages.shell.builtins import BUILTINS
from compiler.pages.shell.follower import EITHER, FAILED, NEVER, OK, Statuses
from compiler.pages.shell.nested import SHELLS, WRAPPERS, script_of, unwrapped
from compiler.pages.shell.reader import parse_shell
from compiler.pages.shell.streams import HOST, SECRET_FILE, Login, Streams
from compiler.pages.shell.tree import Simple, Unreadable, Variable
from compiler.pages.shell.values import NOTHING, UNKNOWN, Scope, Value, expand, joined

# They write what they read, and nothing where they read nothing; they succeed all the same, but for a search.
_PASS_ON = frozenset(
    (
        "cat",
        "sed",
        "tr",
        "head",
        "tail",
        "cut",
        "sort",
        "uniq",
        "rev",
        "tee",
        "grep",
        "egrep",
        "jq",
        "fold",
        "xargs",
    )
)
# By its path, what the shell has itself is a program as well.
_ALWAYS = re.compile(r"true|echo|printf|column|less|more")
# They write something else that holds the same.
_ENCODE = frozenset(("base64", "od", "xxd", "hexdump", "wc", "dd", "paste", "nl", "iconv", "gzip"))
_DIGEST = re.compile(r"(?:(?:sha\d+|md5|b2)(?:sum)?|shasum|htpasswd|mkpasswd|cksum)")
_SILENT = re.compile(r"mkdir|chmod|chown|rm|cp|mv|ln|install|touch|sleep|sync")
_TELLING = re.compile(
    r"date|ls|stat|id|file|hostname|basename|dirname|seq|uname|whoami|mktemp|find|which|pwd"
)
_OF_OPENSSL = (("openssl", "dgst"), ("openssl", "passwd"))
_WRITES_LAST = frozenset(("cp", "mv", "install", "ln", "tee"))


class Programs(Streams):
    """Follows a script, and notes what its programs are given; `open_ones` are secrets that may be shown."""

    def __init__(
        self, *, log_ins_fail: bool, asks_no_secret: bool, hosts: str, open_ones: frozenset[str]
    ) -> None:
        super().__init__(log_ins_fail=log_ins_fail, asks_no_secret=asks_no_secret, hosts=hosts)
        self.open_ones = open_ones
        self.shown: list[str] = []
        self.given: list[str] = []
        self.reached: set[str] = set()

    def simple(self, node: Simple, scope: Scope) -> Statuses:
        values = [
            value
            for word in node.words
            for value in expand(word, scope, lambda it: self.substitute(it, scope))
        ]
        if not values:
            # Its status is that of its last substitution.
            last, scope.last = scope.last, OK
            for name, word in node.assignments:
                scope.variables[name] = (
                    self.text(word, scope) if word.parts != (Variable("?"),) else Value(_told(last))
                )
            return scope.last
        before = {name: self.text(word, scope) for name, word in node.assignments}
        return self._call(values, before, scope)

    def _call(self, values: Sequence[Value], before: Mapping[str, Value], scope: Scope) -> Statuses:
        name, arguments = values[0].text, values[1:]
        if name in scope.functions:
            return self._function(name, arguments, before, scope)
        match name:
            case "exec" if arguments:
                ended = self.in_subshell(lambda inner: self._call(arguments, before, inner), scope)
                scope.exits |= ended
                return NEVER
            case "exec":
                return OK
            case "command" | "builtin" if arguments and not arguments[0].text.startswith("-"):
                return self._call(arguments, before, scope)
            case "eval":
                scope.variables |= before
                scope.exported |= before.keys()
                self._note_shown(name, arguments, scope)
                return self._text(joined(arguments, " "), lambda text: self._evaluated(text, scope))
        if name in BUILTINS:
            scope.variables |= before
            return BUILTINS[name](scope, arguments)
        return self._program(values, before, scope)

    def _function(
        self, name: str, arguments: Sequence[Value], before: Mapping[str, Value], scope: Scope
    ) -> Statuses:
        body = scope.functions[name]
        if name == "client" and arguments and self.hosts.search(f"-h {arguments[0].text}"):
            arguments = [arguments[0]._replace(marks=arguments[0].marks | {HOST}), *arguments[1:]]
        around, returns, exported = scope.arguments, scope.returns, set(scope.exported)
        scope.arguments, scope.returns = list(arguments), set()
        scope.variables |= before
        scope.exported |= before.keys()
        statuses = self.command(body, scope) | scope.returns
        scope.arguments, scope.returns, scope.exported = (
            around,
            returns,
            exported | (scope.exported - before.keys()),
        )
        return statuses

    def _evaluated(self, text: str, scope: Scope) -> Statuses:
        return self.script(parse_shell(text), scope)

    def _text(self, value: Value, follow: Callable[[str], Statuses]) -> Statuses:
        """Follows a text that is a script itself, if it is known and one can."""
        if not value.is_known:
            return EITHER
        try:
            return follow(value.text)
        except Unreadable:
            return EITHER

    def _program(self, values: Sequence[Value], before: Mapping[str, Value], scope: Scope) -> Statuses:
        self._note_shown(values[0].text.rpartition("/")[2], values[1:], scope)
        written, environment = (
            values,
            [*before.values(), *(scope.variable(name) for name in sorted(scope.exported))],
        )
        while (name := values[0].text.rpartition("/")[2]) in WRAPPERS and len(values) > 1:
            values = unwrapped(values)
        if name in self.defined:
            # No program can start a function of the script, and no shell that is not its own.
            return FAILED
        if name in SHELLS and (ended := self._shell(values, before, scope)) is not None:
            return ended
        if not self.doubts:
            self.given += [value.text for value in (*values[1:], scope.stdin)]
        marks = self.marks((*written, *environment, scope.stdin))
        return self._known_program(name, values[1:], marks, scope)

    def _shell(self, values: Sequence[Value], before: Mapping[str, Value], scope: Scope) -> Statuses | None:
        """Follows a shell of its own; none where its script is not known."""
        script = script_of(values, scope.stdin)
        if script is None:
            return None
        inner = scope.subshell()
        inner.variables |= before
        inner.exported |= before.keys()
        inner.arguments, inner.functions = list(script.arguments), {}
        inner.ends_on_error, inner.fails_in_pipes = "e" in script.flags, False
        inner.stdin = NOTHING if script.is_stdin else scope.stdin
        try:
            ended = self.run(script.text, inner)
        except Unreadable:
            return None
        scope.out += inner.out
        return ended

    def _known_program(
        self, name: str, arguments: Sequence[Value], marks: frozenset[str], scope: Scope
    ) -> Statuses:
        words = [argument.text for argument in arguments]
        if name in _WRITES_LAST and arguments:
            self.keep(words[-1], marks)
        if name in _PASS_ON or name in _ENCODE:
            return self._passed_on(name, words, scope)
        if _ALWAYS.fullmatch(name):
            scope.out.append(Value())
            return OK
        if _SILENT.fullmatch(name):
            return EITHER
        if _DIGEST.fullmatch(name) or _TELLING.fullmatch(name) or (name, *words[:1]) in _OF_OPENSSL:
            marks = frozenset((HOST,)) if name == "hostname" else frozenset[str]()
            # A file whose name nobody knows is the same file wherever it is named.
            scope.out.append(Value(f"/tmp/{UNKNOWN}{name}{UNKNOWN}" if name == "mktemp" else UNKNOWN, marks))
            return EITHER if _TELLING.fullmatch(name) else OK
        self.reached |= marks
        secrets = frozenset(mark for mark in marks if SECRET_FILE.match(mark) and "-tls-" not in mark)
        if secrets or self.asks_no_secret:
            self.logins.append(Login(secrets, HOST in marks))
            scope.out.append(NOTHING if self.log_ins_fail else Value())
            return FAILED if self.log_ins_fail else OK
        scope.out.append(Value())
        # A judge of an answer that did not come.
        return FAILED if scope.stdin == NOTHING and self.logins else EITHER

    def _passed_on(self, name: str, words: Sequence[str], scope: Scope) -> Statuses:
        flags = "".join(word for word in words if re.fullmatch(r"-[A-Za-z]+", word))
        named = [word for word in words if not word.startswith("-") and not word.isdigit()]
        has_pattern = name in ("sed", "grep", "egrep", "jq", "cut", "tr")
        reads_files = len(named) > has_pattern and name not in ("tr", "tee")
        marks = self.marks([Value(word) for word in words]) if reads_files else scope.stdin.marks
        source = Value(UNKNOWN, marks - {HOST}) if reads_files else scope.stdin
        if name in ("grep", "egrep"):
            is_silent = "q" in flags
            scope.out += [] if is_silent else [source if source.text == "" else Value(UNKNOWN, source.marks)]
            return FAILED if source.text == "" else EITHER
        if name == "wc":
            source = Value("0") if source.text == "" else Value()
        is_same = name in ("cat", "tee", "wc") or (source.text == "" and name in _PASS_ON)
        scope.out.append(source if is_same else Value(UNKNOWN, source.marks))
        if name == "jq" and ("e" in flags or "--exit-status" in words):
            return FAILED if source.text == "" else EITHER
        return OK

    def _note_shown(self, name: str, arguments: Sequence[Value], scope: Scope) -> None:
        secrets = [*arguments, *([scope.stdin] if name == "xargs" else [])]
        marks = {mark for value in secrets for mark in value.marks - self.open_ones}
        if any(SECRET_FILE.match(mark) for mark in marks):
            self.shown.append(name.replace(UNKNOWN, "") or "a program")


def _told(statuses: Statuses) -> str:
    return str(*statuses) if len(statuses) == 1 else UNKNOWN
