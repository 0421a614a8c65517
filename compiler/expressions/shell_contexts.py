"""Where the expressions of a shell text stand.

A value enters as one word in single quotes. That is safe in a command, in `$( )` and in "$( )" as well, since what is
in the parentheses is read as a text of its own; it is not in other quotes, in `${ }`, `$(( ))`, backticks,
here-documents and comments.
https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02 (quoting) and #tag_19_06_03
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from compiler.expressions import EXPRESSION

_OPENING = {"'": "'", '"': '"', "(": "(", "$(": "(", "$((": "((", "${": "{"}
_NAMES = {"'": "quotes", '"': "quotes", "{": "a parameter expansion", "((": "arithmetic"}
_ENDS = {"'": "'", '"': '"', "(": ")", "((": "))", "{": "}"}
# What each kind of stretch reads as one piece; all else in it is text.
_COMMAND = re.compile(
    r"""\\[\s\S]|\$\(\(|\$\(|\$\{|\$'|\$#|['"`()\n]|(?<![^\s;&|()<>])\#|<<<|<<-?[ \t]*|(?<![\w./-])case(?![\w./=-])"""
)
_PIECES = {
    "(": _COMMAND,
    "'": re.compile("'"),
    '"': re.compile(r"""\\[\s\S]|\$\(\(|\$\(|\$\{|["`]"""),
    "{": re.compile(r"""\\[\s\S]|\$\(\(|\$\(|\$\{|['"`}]"""),
    "((": re.compile(r"""\\[\s\S]|\$\(\(|\$\(|\$\{|['"`(]|\)\)|\)"""),
}
_WORD = re.compile(r"""(?:[^\s;&|()<>'"\\]|\\.|'[^'\n]*'|"[^"\n]*")+""")


class _Document(NamedTuple):
    """A here-document: the line that ends it, whether tabs may stand before that, and whether a shell reads it."""

    delimiter: str
    is_indented: bool
    is_script: bool


# What the compiler makes itself, on one line, and so cannot hold the end of a here-document.
_ONE_LINE = re.compile(r"\$\{\{\s*(port|server|tls\.\w+|secrets\.\w+|init\.file)\s*\}\}")
READ_AGAIN = "a text that a shell reads again"
# A shell reads its text once more, without the quotes that an expression has brought.
_READ_AGAIN = re.compile(r"(?<![\w./-])(?:(eval)|(?:\S*/)?(?:ba|da|a|z|k)?sh(?:\s+-\w+)*\s+-\w*c)\s+")
_ARGUMENTS = re.compile(r"""(?:[^\n;&|'"]|'[^']*'|"[^"]*"|\\\n)*|[^\n;&|]*""")
_TO_SHELL = re.compile(r"(?:^|[;&|\s])(?:ba|da)?sh(?:\s+-\w+)*\s*\Z")


def read_shell(text: str) -> Iterator[tuple[str, str]]:
    """Yields each expression with the name of what it stands in, which is empty where a quoted word is safe.

    What shells read in several ways is yielded as "disputed", and what does not end in the text as "open".
    """
    return _Reader(text).read()


@dataclass
class _Reader:
    """A text as far as it is read: what is open, the innermost last, and the here-documents of the next line."""

    text: str
    at: int = 0
    stack: list[str] = field(default_factory=lambda: ["("])
    awaited: list[_Document] = field(default_factory=list)

    def read(self) -> Iterator[tuple[str, str]]:
        while self.at < len(self.text):
            if expression := EXPRESSION.match(self.text, self.at):
                where, again = _NAMES.get(self.stack[-1], ""), self._read_again(expression.end())
                yield (READ_AGAIN, again) if again and not where else (where, expression[0])
                self.at = expression.end()
            elif found := _PIECES[self.stack[-1]].match(self.text, self.at):
                self.at = found.end()
                yield from self._piece(found[0])
            else:
                self.at += 1
        if self.awaited:
            yield "open", "a here-document"
        if len(self.stack) > 1:
            yield "open", _NAMES.get(self.stack[-1], "a command substitution")

    def _read_again(self, end: int) -> str:
        """Returns the text of `eval` or `sh -c` up to the expression that stands in it here; empty for none."""
        for found in self.again:
            form = _ARGUMENTS if found[1] else _WORD
            if found.end() == self.at or (
                found.end() < self.at and form.fullmatch(self.text, found.end(), self.at)
            ):
                return self.text[found.start() : end]
        return ""

    @cached_property
    def again(self) -> list[re.Match[str]]:
        return [*_READ_AGAIN.finditer(self.text)]

    def _piece(self, piece: str) -> Iterator[tuple[str, str]]:
        inner = self.stack[-1]
        if piece[0] == "\\":
            if expression := EXPRESSION.match(self.text, self.at - 1):
                yield "a backslash's reach", expression[0]
                self.at = expression.end()
        elif piece == _ENDS[inner]:
            # At the top it is the end of a pattern of `case`.
            self.stack = self.stack[:-1] or ["("]
        elif self._is_disputed(piece):
            yield "disputed", piece
        elif piece in _OPENING:
            self.stack.append(_OPENING[piece])
        elif piece == "#":
            yield from self._skip("a comment", self.text.find("\n", self.at))
        elif piece.startswith("<<") and piece != "<<<":
            yield from self._await(piece)
        elif piece == "\n":
            while self.awaited:
                yield from self._document(self.awaited.pop(0))

    def _is_disputed(self, piece: str) -> bool:
        if piece == "'":
            return self.stack[-1] == "{" and '"' in self.stack
        return piece in ("`", "$'") or (piece == "case" and len(self.stack) > 1)

    def _skip(self, name: str, end: int) -> Iterator[tuple[str, str]]:
        skipped = self.text[self.at : end if end >= 0 else None]
        yield from ((name, one[0]) for one in EXPRESSION.finditer(skipped))
        self.at += len(skipped)

    def _await(self, operator: str) -> Iterator[tuple[str, str]]:
        word = _WORD.match(self.text, self.at)
        if not word or "${{" in word[0]:
            yield "disputed", operator
            return
        before = self.text[: self.at - len(operator)].splitlines()[-1:]
        delimiter = re.sub(r"""['"\\]""", "", word[0])
        is_script = delimiter != word[0] and bool(_TO_SHELL.search("".join(before)))
        self.awaited.append(_Document(delimiter, "-" in operator, is_script))
        self.at = word.end()

    def _document(self, document: _Document) -> Iterator[tuple[str, str]]:
        tabs = r"\t*" if document.is_indented else ""
        line = re.compile(rf"^{tabs}{re.escape(document.delimiter)}$", re.MULTILINE)
        end = line.search(self.text, self.at)
        body = self.text[self.at : end.start() if end else None]
        for where, source in read_shell(body) if document.is_script else ():
            is_safe = where or _ONE_LINE.fullmatch(source)
            yield (where if is_safe else "a here-document"), source
        if not document.is_script:
            yield from (("a here-document", one[0]) for one in EXPRESSION.finditer(body))
        if not end:
            yield "open", "a here-document"
        self.at = end.end() if end else len(self.text)
