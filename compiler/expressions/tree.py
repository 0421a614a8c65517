"""Trees with expressions in them, and with guards that take, choose and repeat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from compiler.expressions import NODE, ExpressionError, Sink, ask, evaluate, plain
from compiler.expressions.budget import Budget, current_budget
from compiler.model import Path

_NOTHING: Any = object()
# What `each` may make in one section, all of them together.
_MAX_ROUNDS = 10_000

Faults = dict[Path, ExpressionError]
"""What has no value, by its place: of each place the first fault, as a loop comes by again."""


def evaluate_tree(
    tree: Any, scope: Mapping[str, Any], faults: Faults, at: Path = (), sink: Sink | None = None
) -> Any:
    """Returns the tree with its expressions evaluated and its guards taken.

    A guard is `{when, then, else}`, `{each, then}` (with `item`), or `{by, …, else}` with a row for each word that the
    value of `by` can be. Where it stands in a list and holds a list it is spliced; where it has nothing to take it
    leaves nothing behind. What has a fault becomes None.
    """
    value = _Walk(scope, sink, faults, [0], current_budget()).value(tree, at)
    return None if value is _NOTHING else value


def answer(asked: Any, scope: Mapping[str, Any], faults: Faults, at: Path = ()) -> Any:
    """Returns the value of an expression without `${{ }}`, such as that after `when:`; None of one with a fault."""
    return _Walk(scope, None, faults, [0], current_budget()).ask(asked, at)


class _Walk(NamedTuple):
    scope: Mapping[str, Any]
    sink: Sink | None
    faults: Faults
    rounds: list[int]
    budget: Budget
    is_repeated: bool = False

    def value(self, tree: Any, at: Path) -> Any:
        try:
            if self.is_repeated:
                self.budget.spend(NODE + (len(tree) if isinstance(tree, str) else 0))
            if isinstance(tree, str):
                return evaluate(tree, self.scope, self.sink)
        except ExpressionError as fault:
            self.faults.setdefault(at, fault)
            return None
        if isinstance(tree, list):
            made: list[Any] = []
            for index, item in enumerate(tree):
                value = self.value(item, (*at, index))
                is_spliced = _is_guard(item) and isinstance(value, list)
                made += value if is_spliced else [] if value is _NOTHING else [value]
            return made
        if not isinstance(tree, dict):
            return tree
        if _is_guard(tree):
            return self.repeat(tree, at) if "each" in tree else self.choose(tree, at)
        entries = ((key, self.value(value, (*at, key))) for key, value in tree.items())
        return {key: value for key, value in entries if value is not _NOTHING}

    def ask(self, condition: Any, at: Path) -> Any:
        """Returns the value of what follows `when`, `each` or `by`, which stands in no text and has no sink."""
        try:
            return ask(condition, self.scope) if isinstance(condition, str) else condition
        except ExpressionError as fault:
            self.faults.setdefault(at, fault)
            return None

    def choose(self, tree: dict[str, Any], at: Path) -> Any:
        word = "by" if "by" in tree else "when"
        asked = self.ask(tree[word], (*at, word))
        chosen = plain(asked) if word == "by" else "then" if asked else "else"
        chosen = chosen if chosen in tree else "else"
        return self.value(tree[chosen], (*at, chosen)) if chosen in tree else _NOTHING

    def repeat(self, tree: dict[str, Any], at: Path) -> list[Any]:
        asked = self.ask(tree["each"], (*at, "each"))
        items = [] if asked is None else asked
        if not isinstance(items, list):
            fault = ExpressionError("`each` takes a list", "let it name an option that is a list")
        elif self.rounds[0] + len(items) > _MAX_ROUNDS:
            if self.rounds[0] > _MAX_ROUNDS:
                return []  # which is told already
            self.rounds[0] = _MAX_ROUNDS + 1
            told = f"`each` makes more than {_MAX_ROUNDS} items"
            fault = ExpressionError(told, "take a shorter list, or fewer lists inside of one another")
        else:
            self.rounds[0] += len(items)
            walks = (self._replace(scope={**self.scope, "item": item}, is_repeated=True) for item in items)
            made = (walk.value(tree["then"], (*at, "then")) for walk in walks)
            return [value for value in made if value is not _NOTHING]
        self.faults.setdefault((*at, "each"), fault)
        return []


def _is_guard(tree: Any) -> bool:
    if not isinstance(tree, dict):
        return False
    return isinstance(tree.get("by"), str) or ("then" in tree and ("when" in tree or "each" in tree))
