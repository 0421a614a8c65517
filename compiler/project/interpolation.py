"""Variables in Compose's own syntax: https://docs.docker.com/reference/compose-file/interpolation/"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

Variable = tuple[str, str, str]
"""One use of a variable: its name, the operator behind it, and what that operator adds."""

# https://docs.docker.com/reference/compose-file/version-and-name/#name-top-level-element
PROJECT_NAME = "COMPOSE_PROJECT_NAME"
# How deep the default of a variable may hold others.
_DEEPEST = 50
_START = re.compile(r"\$(?:\$|\{|([A-Za-z_][A-Za-z0-9_]*))")
_EDGE = re.compile(r"\$\{|\}")
_BRACED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])(.*))?", re.DOTALL)


def scan_variables(text: str) -> Iterator[Variable]:
    """Yields each variable of a text in Compose's syntax; ValueError where Compose cannot read it."""
    return (piece for piece in iter_pieces(text) if not isinstance(piece, str))


def fill_variables(text: str, values: Mapping[str, str]) -> str:
    """Returns a text in Compose's syntax as Compose reads it with these values; one that is not set is empty."""
    filled = ""
    for piece in iter_pieces(text):
        if isinstance(piece, str):
            filled += piece
            continue
        name, operator, argument = piece
        value = values.get(name)
        is_set = value is not None and not (operator.startswith(":") and value == "")
        if operator.endswith("+" if is_set else "-"):
            filled += fill_variables(argument, values)
        elif not operator.endswith("+"):
            filled += value or ""
    return filled


def iter_pieces(text: str) -> Iterator[str | Variable]:
    """Yields literal texts and variables in turn; ValueError where Compose cannot read a variable."""
    position = 0
    while match := _START.search(text, position):
        yield text[position : match.start()]
        position = match.end()
        if match[1]:
            yield match[1], "", ""
        elif match[0] == "$$":
            yield "$"
        else:
            depth = 1
            while depth:
                edge = _EDGE.search(text, position)
                if not edge:
                    raise ValueError(text[match.start() :])
                position = edge.end()
                depth += -1 if edge[0] == "}" else 1
                if depth > _DEEPEST:
                    raise ValueError(text[match.start() :])
            inside = _BRACED.fullmatch(text, match.end(), position - 1)
            if not inside:
                raise ValueError(text[match.start() : position])
            yield inside[1], inside[2] or "", inside[3] or ""
    yield text[position:]
