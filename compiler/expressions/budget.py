"""Why an expression has no value, and how much all of them may make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from compiler.report import limited_comparisons

# Characters of one value, and what all expressions of a run may add to the texts that they stand in.
MAX_VALUE = 1 << 20
_MAX_ADDED = 16 << 20
# How many different expressions of a run may do more than name a value.
_MAX_COMPILED = 2000
SPLIT = "make less of it, or take a shorter text"


class ExpressionError(Exception):
    """Why an expression has no value, what to do, the code of the finding, and as `source` the expression itself."""

    def __init__(self, message: str, help: str | None = None, code: str = "expression") -> None:
        super().__init__(message)
        self.message, self.help, self.code, self.source = message, help, code, ""


class Budget:
    """What expressions have added so far, and how many of them were more than a name."""

    added = compiled = 0

    def compile(self) -> None:
        self.compiled += 1
        if self.compiled > _MAX_COMPILED:
            told = f"more than {_MAX_COMPILED} different expressions are not just a name"
            raise ExpressionError(told, "name the values, and calculate fewer of them")

    def spend(self, amount: int) -> None:
        self.added += max(0, amount)
        if self.added > _MAX_ADDED:
            raise ExpressionError(f"all expressions together make more than {_MAX_ADDED >> 20} MiB", SPLIT)


_budget: ContextVar[Budget | None] = ContextVar("budget", default=None)


@contextmanager
def bounded() -> Iterator[None]:
    """Bounds what all the expressions that are evaluated inside make together, and how much is compared."""
    token = _budget.set(Budget())
    try:
        with limited_comparisons():
            yield
    finally:
        _budget.reset(token)


def current_budget() -> Budget:
    return _budget.get() or Budget()
