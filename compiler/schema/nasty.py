"""Texts drawn from a pattern with which it backtracks, if it can: many of what a repeat takes, and then a misfit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, product
from time import monotonic
from typing import NamedTuple

from compiler.schema.patterns import SlowPattern, is_match

# A repeat of a repeat needs longer than the universe with so many characters, and one repeat no time.
_LENGTH = 200
_MISFITS = ("\0", "\n", "!")
_MOST = 4
# Of one pattern.
_MOST_TEXTS, _MOST_SECONDS = 500, 2.0
_CHARACTERS = "a0A-_ .:/z9\t"
_ATOM = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\.|[^()|]", re.DOTALL)
_REPEAT = re.compile(r"(?:([*+?])|\{(\d*)(,?)(\d*)\})[?+]?")
_GROUP = re.compile(r"\((?:\?(?:P<\w+>|[aiLmsux-]*[:)]|(<?[=!])|>|#[^)]*\)))?")


class _Piece(NamedTuple):
    """A part of a pattern: samples of one character, or branches in parentheses; how often, and if it takes a place."""

    samples: tuple[str, ...]
    branches: list[list[_Piece]]
    least: int = 1
    most: int = 1
    has_width: bool = True


def is_slow(pattern: str) -> bool:
    """Says whether a pattern takes too long with one of the texts that are drawn from it."""
    try:
        branches = _Reader(pattern).branches()
        # What has to stand in every text is looked for first, so it stands behind the misfit.
        ends = [misfit + whole for misfit in _MISFITS for branch in branches[:1] for whole in _first(branch)]
        texts = (text for branch in branches for text in _texts(branch, "", ends))
        end = monotonic() + _MOST_SECONDS
        return any(not _is_quick(pattern, text) for text in islice(texts, _MOST_TEXTS) if monotonic() < end)
    except (re.error, RecursionError):
        return False


def _is_quick(pattern: str, text: str) -> bool:
    try:
        is_match(pattern, text)
    except SlowPattern:
        return False
    return True


def _texts(branch: list[_Piece], before: str, ends: list[str]) -> Iterator[str]:
    """Yields the texts for each repeat of a branch, which what stands before it leads to."""
    for piece in branch:
        words = [word for word in _samples(piece._replace(least=1, most=1)) if word]
        pairs = [one + other for one, other in product(words, words) if one != other]
        for word, end in product([*words, *pairs] if piece.most > 1 else (), ends):
            yield before + word * (_LENGTH // len(word)) + end
        for inner in piece.branches:
            yield from _texts(inner, before, ends)
        before = (before + "".join(_samples(piece)[:1]))[:_LENGTH]


def _samples(piece: _Piece) -> list[str]:
    """Returns a few texts that a piece takes, the shortest first."""
    if not piece.has_width:
        return [""]
    each = [text for branch in piece.branches for text in islice(_joined(branch), _MOST)] or piece.samples
    times = [piece.least, *([1] if piece.least == 0 and piece.most else [])]
    return list(dict.fromkeys((one * count)[:_LENGTH] for count in times for one in each))[: 2 * _MOST]


def _first(branch: list[_Piece]) -> Iterator[str]:
    """Yields nothing at all, and one sample of the branch."""
    yield ""
    yield from islice(_joined(branch), 1)


def _joined(branch: list[_Piece]) -> Iterator[str]:
    return map("".join, product(*(_samples(piece)[:_MOST] for piece in branch)))


class _Reader:
    """Reads a pattern as far as samples need it; re.error where it is none."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.at = pattern, 0

    def branches(self) -> list[list[_Piece]]:
        """Returns the branches up to the end, or to the parenthesis that closes them."""
        found: list[list[_Piece]] = [[]]
        while self.at < len(self.pattern) and self.pattern[self.at] != ")":
            if self.pattern[self.at] == "|":
                self.at += 1
                found.append([])
            else:
                found[-1].append(self.repeated(self.piece()))
        return found

    def piece(self) -> _Piece:
        if group := _GROUP.match(self.pattern, self.at):
            self.at = group.end()
            if group[0][-1] == ")":
                return _Piece((), [], has_width=False)
            inner = self.branches()
            self.at += 1
            return _Piece((), inner, has_width=not group[1])
        atom = _ATOM.match(self.pattern, self.at)
        if atom is None:
            raise re.error("this is no pattern")
        self.at = atom.end()
        if atom[0] in ("^", "$") or (atom[0][0] == "\\" and atom[0][1] in "bBAZ123456789"):
            return _Piece((), [], has_width=False)
        known = [one for one in dict.fromkeys(atom[0] + _CHARACTERS) if re.fullmatch(atom[0], one)]
        return _Piece(tuple(known[:_MOST]) or ("",), [])

    def repeated(self, piece: _Piece) -> _Piece:
        repeat = _REPEAT.match(self.pattern, self.at)
        if repeat is None:
            return piece
        self.at = repeat.end()
        sign, least, comma, most = repeat.groups()
        low = {"*": 0, "+": 1, "?": 0}.get(sign, int(least or 0))
        high = {"*": _LENGTH, "+": _LENGTH, "?": 1}.get(sign, int(most or (_LENGTH if comma else low)))
        return piece._replace(least=min(low, _LENGTH), most=high)
