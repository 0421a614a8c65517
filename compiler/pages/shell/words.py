"""Reads the words of a shell script: quotes, parameters and substitutions.

https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02 and #tag_19_06
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

from compiler.pages.shell.tree import Script, Unreadable, Variable, Word

ENDS_WORD = frozenset(" \t\n;&|()<>")
_LITERAL = re.compile(r"[^\s;&|()<>'\"$`\\]+")
_PARAMETER = re.compile(r"[A-Za-z_]\w*|\d|[@*?$!#-]")
_IN_BRACES = re.compile(r"([#!]?)([A-Za-z_]\w*|\d+|[@*?$!#-])((?:\[[^]]*\])?)(:?[-=?+]|%%?|##?|[^}]?)")

Part = str | Variable | Script


class WordReader(ABC):
    """A text as far as it is read; what stands in `$( )` is read by the grammar."""

    def __init__(self, text: str, depth: int = 0) -> None:
        self.text, self.at, self.depth = text, 0, depth

    @abstractmethod
    def script(self) -> Script:
        """Returns what stands here up to what closes it."""

    def sees(self, *tokens: str) -> bool:
        return self.text.startswith(tokens, self.at)

    def take(self, token: str) -> bool:
        is_there = self.sees(token)
        self.at += len(token) * is_there
        return is_there

    def word(self) -> Word:
        """Returns the word that begins here, which is empty where none does."""
        parts: list[Part] = []
        is_quoted = False
        while self.at < len(self.text) and self.text[self.at] not in ENDS_WORD:
            if literal := _LITERAL.match(self.text, self.at):
                self.at = literal.end()
                parts.append(literal[0])
                continue
            is_quoted |= self.sees("'", '"', "\\")
            parts += self._quoted_or_value()
        return Word(tuple(parts), is_quoted)

    def within(self, end: str) -> list[Part]:
        """Returns what stands in double quotes, in braces or in a here-document, and passes its end."""
        parts: list[Part] = []
        while self.at < len(self.text) and not (end and self.sees(end)):
            if self.sees("$", "`") or (end == "}" and self.sees("'", '"')):
                parts += self._quoted_or_value()
            elif self.take("\\"):
                kept = "" if self.sees("$", "`", '"', "\\", "}") else "\\"
                parts.append("" if self.sees("\n") else kept + self.text[self.at : self.at + 1])
                self.at += 1
            else:
                parts.append(self.text[self.at])
                self.at += 1
        if end and not self.take(end):
            raise Unreadable(f"{end} is missing")
        return _joined(parts)

    def _quoted_or_value(self) -> list[Part]:
        if self.take("\\"):
            self.at += 1
            return [self.text[self.at - 1 : self.at].replace("\n", "")]
        if self.take("$'") or self.take("'"):
            end = self.text.find("'", self.at)
            if end < 0:
                raise Unreadable("a quote does not end")
            start, self.at = self.at, end + 1
            return [self.text[start:end]]
        if self.take('"'):
            return self.within('"')
        if self.take("`"):
            return [self._nested(self._until_backtick())]
        self.at += 1
        return [self._value()]

    def _until_backtick(self) -> str:
        found = re.compile(r"((?:[^`\\]|\\[\s\S])*)`").match(self.text, self.at)
        if not found:
            raise Unreadable("` is missing")
        self.at = found.end()
        return re.sub(r"\\([`\\$])", r"\1", found[1])

    def _nested(self, text: str) -> Script:
        inner = type(self)(text, self.depth)
        body = inner.script()
        if inner.at < len(text):
            raise Unreadable("something closes that was not opened")
        return body

    def _value(self) -> Part:
        """Returns what stands behind a $."""
        if self.take("(("):
            return self._arithmetic()
        if self.take("("):
            body = self.script()
            if not self.take(")"):
                raise Unreadable(") is missing")
            return body
        if self.take("{"):
            found = _IN_BRACES.match(self.text, self.at)
            if not found:
                raise Unreadable("a parameter has no name")
            self.at = found.end()
            operator = "#" if found[1] else (found[3] and "[") or found[4]
            self.depth += 1
            word = Word(tuple(self.within("}")), is_quoted=True)
            self.depth -= 1
            return Variable(found[2], "length" if found[1] else operator, word)
        if found := _PARAMETER.match(self.text, self.at):
            self.at = found.end()
            return Variable(found[0])
        return "$"

    def _arithmetic(self) -> Part:
        open_ones = 2
        while open_ones and self.at < len(self.text):
            open_ones += {"(": 1, ")": -1}.get(self.text[self.at], 0)
            self.at += 1
        # A number that nobody works out.
        return Variable("?", "length")


def _joined(parts: list[Part]) -> list[Part]:
    """Returns the parts with neighbouring texts as one."""
    joined: list[Part] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return joined
