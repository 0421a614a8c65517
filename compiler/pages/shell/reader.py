"""Reads a shell script into its tree."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from compiler.pages.shell import tree
from compiler.pages.shell.tree import (
    Chain,
    Command,
    Node,
    Pipeline,
    Redirection,
    Script,
    Unreadable,
    Variable,
    Word,
)
from compiler.pages.shell.words import ENDS_WORD, WordReader

_BLANK = re.compile(r"(?:[ \t]|\\\n)+")
_PLAIN = re.compile(r"[^\s;&|()<>'\"$`\\]+")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=")
_REDIRECTION = re.compile(r"(\d*)(<<<|<<-|<<|<>|<&|>>|>\||>&|<|>)|(&>>?)")
_FUNCTION = re.compile(r"(?:function[ \t]+)?([\w.-]+)[ \t]*\([ \t]*\)|function[ \t]+([\w.-]+)")
_CLOSERS = frozenset(("then", "else", "elif", "fi", "do", "done", "esac", "}"))
_DEEPEST = 40


@lru_cache(maxsize=512)
def parse_shell(text: str) -> Script:
    """Returns the tree of a script; raises Unreadable."""
    reader = _Reader(text)
    try:
        body = reader.script()
    except RecursionError:
        raise Unreadable("it is nested too deep") from None
    if reader.at < len(text):
        raise Unreadable("something closes that was not opened")
    return body


class _Reader(WordReader):
    def __init__(self, text: str, depth: int = 0) -> None:
        super().__init__(text, depth)
        self.awaited: list[tuple[Redirection, str, bool]] = []

    def _need(self, word: str) -> None:
        self._skip(lines=True)
        if (self._keyword() != word) if word != ")" else not self.sees(word):
            raise Unreadable(f"{word} is missing")
        self.at += len(word)

    def _skip(self, *, lines: bool = False) -> None:
        """Passes blanks, comments and, where they end nothing, line breaks, behind which here-documents stand."""
        while True:
            if blank := _BLANK.match(self.text, self.at):
                self.at = blank.end()
            elif self.sees("#"):
                end = self.text.find("\n", self.at)
                self.at = end if end >= 0 else len(self.text)
            elif lines and self.take("\n"):
                while self.awaited:
                    self._document(*self.awaited.pop(0))
            else:
                return

    def _keyword(self) -> str:
        """Returns the word that stands here if nothing of it is quoted."""
        found = _PLAIN.match(self.text, self.at)
        return found[0] if found and self.text[found.end() : found.end() + 1] not in (*"'\"$`\\",) else ""

    def script(self, *, in_parentheses: bool = False) -> Script:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Unreadable("it is nested too deep")
        chains = []
        while True:
            self._skip(lines=True)
            if self.at >= len(self.text) or self.sees(")", ";;", ";&"):
                break
            if not in_parentheses and self._keyword() in _CLOSERS:
                break
            chains.append(self._chain())
        self.depth -= 1
        return Script(tuple(chains))

    def _chain(self) -> Chain:
        first, rest = self._pipeline(), []
        self._skip()
        while self.sees("&&", "||"):
            operator = self.text[self.at : self.at + 2]
            self.at += 2
            self._skip(lines=True)
            rest.append((operator, self._pipeline()))
            self._skip()
        in_background = self.take("&")
        is_apart = (
            in_background or self.at >= len(self.text) or self.sees(")", "\n", ";;", ";&") or self.take(";")
        )
        if not is_apart and self._keyword() not in _CLOSERS:
            raise Unreadable("nothing stands between two commands")
        return Chain(first, tuple(rest), in_background)

    def _pipeline(self) -> Pipeline:
        is_negated = False
        while self._keyword() == "!":
            self.at, is_negated = self.at + 1, not is_negated
            self._skip()
        commands = [self._command()]
        self._skip()
        while self.sees("|") and not self.sees("||"):
            self.at += 2 if self.sees("|&") else 1
            self._skip(lines=True)
            commands.append(self._command())
            self._skip()
        return Pipeline(tuple(commands), is_negated)

    def _command(self) -> Command:
        compound: dict[str, Callable[[str], Node]] = dict.fromkeys(("while", "until"), self._loop)
        compound |= {"if": self._if, "for": self._for, "case": self._case, "{": self._braces}
        word = self._keyword()
        if word in compound:
            self.at += len(word)
            command = Command(compound[word](word))
        elif self.take("("):
            command = Command(tree.Group(self.script(in_parentheses=True), in_subshell=True))
            self._need(")")
        elif named := _FUNCTION.match(self.text, self.at):
            self.at = named.end()
            self._skip(lines=True)
            return Command(tree.Function(named[1] or named[2], self._command()))
        else:
            return self._simple()
        while self._redirection(command):
            pass
        return command

    def _simple(self) -> Command:
        start, command = self.at, Command(tree.Simple((), ()))
        assignments, words = [], list[Word]()
        while True:
            if self._redirection(command):
                continue
            if self.at >= len(self.text) or self.text[self.at] in ENDS_WORD:
                break
            named = _ASSIGNMENT.match(self.text, self.at) if not words else None
            if named:
                self.at = named.end()
                assignments.append((named[1], self.word()))
            else:
                words.append(self.word())
        if self.at == start:
            raise Unreadable("a command is missing")
        command.node = tree.Simple(tuple(assignments), tuple(words))
        return command

    def _redirection(self, command: Command) -> bool:
        self._skip()
        found = _REDIRECTION.match(self.text, self.at)
        if not found:
            return False
        self.at, operator = found.end(), found[2] or found[3]
        self._skip()
        start = self.at
        redirection = Redirection(int(found[1] or -1), operator, self.word())
        if self.at == start:
            raise Unreadable("a redirection leads nowhere")
        command.redirections.append(redirection)
        if operator in ("<<", "<<-"):
            end = re.sub(r"['\"\\]", "", self.text[start : self.at])
            self.awaited.append((redirection, end, end == self.text[start : self.at]))
        return True

    def _document(self, redirection: Redirection, end: str, has_expansions: bool) -> None:
        tabs = r"\t*" if redirection.operator == "<<-" else ""
        last = re.compile(rf"^{tabs}{re.escape(end)}$", re.MULTILINE).search(self.text, self.at)
        body = self.text[self.at : last.start() if last else None]
        self.at = min(last.end() + 1, len(self.text)) if last else len(self.text)
        inner = _Reader(body, self.depth)
        parts = inner.within("") if has_expansions else [body]
        redirection.target = Word(tuple(parts), is_quoted=True)

    def _body(self, opens: str, closes: str) -> Script:
        self._need(opens)
        body = self.script()
        self._need(closes)
        return body

    def _braces(self, _: str) -> tree.Group:
        body = self.script()
        self._need("}")
        return tree.Group(body, in_subshell=False)

    def _if(self, _: str) -> tree.If:
        branches, otherwise, word = [], Script(), "if"
        while word in ("if", "elif"):
            condition = self.script()
            self._need("then")
            branches.append((condition, self.script()))
            word = self._keyword()
            self.at += len(word)
        if word == "else":
            otherwise = self.script()
            self._need("fi")
        elif word != "fi":
            raise Unreadable("fi is missing")
        return tree.If(tuple(branches), otherwise)

    def _loop(self, word: str) -> tree.Loop:
        condition = self.script()
        return tree.Loop(condition, word == "until", self._body("do", "done"))

    def _for(self, _: str) -> tree.For:
        self._skip()
        name, words = self._keyword(), [Word((Variable("@"),), is_quoted=True)]
        self.at += len(name)
        self._skip(lines=True)
        if self._keyword() == "in":
            self.at, words = self.at + 2, []
            self._skip()
            while self.at < len(self.text) and self.text[self.at] not in ENDS_WORD:
                words.append(self.word())
                self._skip()
        self.take(";")
        return tree.For(name, tuple(words), self._body("do", "done"))

    def _case(self, _: str) -> tree.Case:
        self._skip()
        word, items = self.word(), []
        self._need("in")
        self._skip(lines=True)
        while self._keyword() != "esac":
            self.take("(")
            patterns = []
            while not self.take(")"):
                self._skip()
                start = self.at
                patterns.append(self.word())
                self._skip()
                if not self.take("|") and (self.at == start or not self.sees(")")):
                    raise Unreadable("a pattern of case does not end")
            items.append((tuple(patterns), self.script()))
            if not any(map(self.take, (";;&", ";;", ";&"))) and self._keyword() != "esac":
                raise Unreadable("esac is missing")
            self._skip(lines=True)
        self._need("esac")
        return tree.Case(word, tuple(items))
