"""`${{ … }}`: expressions in texts, and with guards in trees of lists and maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from compiler.expressions.text import ExpressionError, Sink, evaluate
from compiler.model import Path

__all__ = ["ExpressionError", "Sink", "evaluate", "evaluate_tree"]

_NOTHING: Any = object()
# What `each` may make in all, with those inside of one another multiplied.
_MAX_ROUNDS = 10_000


def evaluate_tree(
    tree: Any,
    scope: Mapping[str, Any],
    faults: dict[Path, ExpressionError],
    at: Path = (),
    sink: Sink | None = None,
) -> Any:
    """Returns the tree with its expressions evaluated and its guards taken.

    A guard is `{when, then, else}` or `{each, then}` (with `item`). Where it stands in a list and holds a list it is
    spliced; where its condition fails and it has no `else` it leaves nothing behind. Faults are added by their place,
    of each the first, as a loop comes by again; what has one becomes None.
    """
    value = _Walk(scope, sink, faults).value(tree, at)
    return None if value is _NOTHING else value


class _Walk(NamedTuple):
    """How one part of a tree is evaluated."""

    scope: Mapping[str, Any]
    sink: Sink | None
    faults: dict[Path, ExpressionError]
    rounds: int = 1

    def value(self, tree: Any, at: Path) -> Any:
        if isinstance(tree, str):
            try:
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
            return self.guard(tree, at)
        entries = ((key, self.value(value, (*at, key))) for key, value in tree.items())
        return {key: value for key, value in entries if value is not _NOTHING}

    def guard(self, tree: dict[str, Any], at: Path) -> Any:
        key = "each" if "each" in tree else "when"
        # What a guard asks for stands in no text, and so has no sink.
        asked = self._replace(sink=None).value(tree[key], (*at, key))
        if key == "when":
            chosen = "then" if asked else "else"
            return self.value(tree[chosen], (*at, chosen)) if chosen in tree else _NOTHING
        items = [] if asked is None else asked
        if not isinstance(items, list):
            fault = ExpressionError("`each` takes a list", "let it name an option that is a list")
        elif (rounds := self.rounds * len(items)) > _MAX_ROUNDS:
            told = f"`each` makes more than {_MAX_ROUNDS} items"
            fault = ExpressionError(told, "take a shorter list, or fewer lists inside of one another")
        else:
            walks = (self._replace(scope={**self.scope, "item": item}, rounds=rounds) for item in items)
            made = (walk.value(tree["then"], (*at, "then")) for walk in walks)
            return [value for value in made if value is not _NOTHING]
        self.faults.setdefault((*at, key), fault)
        return []


def _is_guard(tree: Any) -> bool:
    return isinstance(tree, dict) and "then" in tree and ("when" in tree or "each" in tree)
