"""What expressions share: their errors, and how values enter a text of one language."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from compiler.report import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class ExpressionError(Exception):
    """An expression that has no value: a plain message, what to do, and the code of such findings in a stack.

    `source` is the expression as it is written, where that is known.
    """

    source = ""

    def __init__(self, message: str, help: str | None = None, code: str = "expression") -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.code = code


class Quoted(str):
    """Text that a filter has made safe for its sink: it is not quoted again."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class Sink:
    """How values enter a text of one language: `quote` for each value, `filters` for what else its author may say."""

    quote: Callable[[Any], str]
    filters: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)

    def quoted(self, value: Any) -> str:
        return str(value) if isinstance(value, Quoted) else _tried(self.quote, value)

    def filtered(self, name: str, value: Any) -> Quoted:
        return Quoted(_tried(self.filters[name], value))


def _tried(function: Callable[[Any], str], value: Any) -> str:
    try:
        return function(value)
    except (AttributeError, TypeError, ValueError) as fault:
        raise ExpressionError(str(fault)) from fault


def unknown(name: str, known: Mapping[str, Any], owner: str) -> ExpressionError:
    """Returns the error for a name that its owner lacks, with the closest one that it has."""
    told = f'"{owner}" has no "{name}"' if owner else f'nothing is named "{name}"'
    return ExpressionError(told, suggest(name, known), "unknown-reference")
