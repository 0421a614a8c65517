"""Which programs a shell script hands a secret as an argument, where every process of the machine sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from compiler.pages.trials.shell import Shell, arguments, name_of, named, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

SECRET_FILE = re.compile(r"/run/secrets/([A-Za-z0-9_-]+)")
# What the shell runs itself shows its arguments to nobody.
# https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_15
_BUILTINS = named(
    ": [ break case cd continue echo eval export false local printf read return set shift test trap true type unset"
)
_PRINTERS = named("echo printf")
# What a program of this name writes is what the file held.
_READERS = named("awk base64 cat cut head hexdump jq od sed tail tr xxd")
_HASH = re.compile(r"(?:sha\d*|md5|b2|ck)sum|argon2|htpasswd|mkpasswd")
# A function's own arguments, of which `read_secret` reads the file.
_GIVEN_FILE = re.compile(r'(?:cat|<)\s*"?\$\{?1\b')


class Secrets:
    """The secrets of a script, of which with an open one alone nobody can do anything.

    `known` has the variables that hold a secret, and `NAME()` for a function that is given one.
    """

    def __init__(self, shell: Shell, open_ones: frozenset[str] = frozenset()) -> None:
        self.shell, self.open, self.known = shell, open_ones, set[str]()
        while more := {*self._iter_secret()} - self.known:
            self.known |= more

    def shown(self) -> list[Node]:
        """Returns the commands that hand a secret to a program."""
        own = _BUILTINS | self.shell.functions.keys()
        return [
            one
            for one in self.shell.all("command")
            if (name := one.child_by_field_name("name")) and text_of(name) not in own
            if any(map(self.holds, arguments(one)))
            or (name_of(one) == "xargs" and any(map(self._reads, _read_from(one))))
        ]

    def _iter_secret(self) -> Iterator[str]:
        """Yields what holds a secret by what is known so far."""
        for one in self.shell.all("variable_assignment"):
            name, value = one.child_by_field_name("name"), one.child_by_field_name("value")
            if name and value and self.holds(value):
                yield text_of(name)
        for one in self.shell.all("command"):
            program, words = name_of(one), arguments(one)
            if program == "read" and any(map(self._reads, _read_from(one))):
                yield from (text_of(word) for word in words if not text_of(word).startswith("-"))
            if (program in self.shell.functions or program == "set") and any(map(self.holds, words)):
                yield f"{_function_of(one) if program == 'set' else program}()"

    def holds(self, word: Node) -> bool:
        """Says whether a word, or what else is of some, has the value of a secret in it."""
        for one in self.shell.all("command_substitution", within=word):
            is_hashed = any(map(_HASH.fullmatch, map(name_of, self.shell.all("command", within=one))))
            if self._reads(one) and not is_hashed:
                return True
        for one in self.shell.all("simple_expansion", "expansion", within=word):
            if _is_substituted(one, word):
                continue
            names = [text_of(part) for part in one.named_children if part.type.endswith("variable_name")]
            if not text_of(one).startswith("${#") and any(self._is_secret(name, one) for name in names):
                return True
        return False

    def _is_secret(self, name: str, node: Node) -> bool:
        is_given = re.fullmatch(r"[1-9@*]", name) and f"{_function_of(node)}()" in self.known
        return bool(is_given) or name in self.known

    def _reads(self, node: Node) -> bool:
        """Says whether commands or a redirection write out a secret, or the file that a function is given."""
        for one in self.shell.all("command", "file_redirect", within=node):
            if name_of(one) in _PRINTERS:
                if any(map(self.holds, arguments(one))):
                    return True
            elif one.type == "file_redirect" or name_of(one) in _READERS:
                text = text_of(one)
                is_secret = {*SECRET_FILE.findall(text)} - self.open or _GIVEN_FILE.search(text)
                if is_secret and not text.startswith(">"):
                    return True
        return False


find_secrets = lru_cache(maxsize=256)(Secrets)


def _is_substituted(node: Node, word: Node) -> bool:
    around: Node | None = node
    while around and around.type != "command_substitution" and around != word:
        around = around.parent
    return around is not None and around.type == "command_substitution"


def _function_of(node: Node | None) -> str:
    while node and node.type != "function_definition":
        node = node.parent
    return text_of(node.children[0]) if node else ""


def _read_from(node: Node) -> Iterator[Node]:
    """Yields what writes to the input of a command: redirections of what is around it, and what is piped into that."""
    around: Node | None = node
    while around and around.type not in ("program", "function_definition"):
        before, around = around, around.parent
        if around and around.type == "redirected_statement":
            yield from around.children_by_field_name("redirect")
        elif around and around.type == "pipeline":
            yield from (part for part in around.named_children if part.start_byte < before.start_byte)
