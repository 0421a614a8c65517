"""Expressions and guards in a tree of lists and maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from compiler.expressions.text import ExpressionError, Sink, evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compiler.model import Path

_NOTHING: Any = object()
# What `each` may make in all, with those inside of one another multiplied.
_MAX_ROUNDS = 10_000


def evaluate_tree(
    tree: Any,
    scope: Mapping[str, Any],
    faults: list[tuple[Path, ExpressionError]],
    at: Path = (),
    sink: Sink | None = None,
) -> Any:
    """Returns the tree with its expressions evaluated and its guards taken.

    A guard is `{when, then, else}` or `{each, then}` (with `item`). Where it stands in a list and holds a list it is
    spliced; where its condition fails and it has no `else` it leaves nothing behind. Faults are appended with their
    place, and what has one becomes None.
    """
    walk = _Walk()
    value = walk.value(tree, scope, at, sink)
    faults.extend(walk.faults.items())
    return None if value is _NOTHING else value


class _Walk:
    """One evaluation; a condition or the list of a loop stands in no text, and so has no sink."""

    def __init__(self) -> None:
        # The first of each place: a loop comes by more than once.
        self.faults: dict[Path, ExpressionError] = {}
        self.rounds = 1

    def value(self, tree: Any, scope: Mapping[str, Any], at: Path, sink: Sink | None) -> Any:
        if isinstance(tree, str):
            try:
                return evaluate(tree, scope, sink)
            except ExpressionError as fault:
                self.faults.setdefault(at, fault)
                return None
        if isinstance(tree, list):
            return self.items(tree, scope, at, sink)
        if not isinstance(tree, dict):
            return tree
        if _is_guard(tree):
            return (self.each if "each" in tree else self.when)(tree, scope, at, sink)
        entries = ((key, self.value(value, scope, (*at, key), sink)) for key, value in tree.items())
        return {key: value for key, value in entries if value is not _NOTHING}

    def items(self, tree: list[Any], scope: Mapping[str, Any], at: Path, sink: Sink | None) -> list[Any]:
        made: list[Any] = []
        for index, item in enumerate(tree):
            value = self.value(item, scope, (*at, index), sink)
            is_spliced = _is_guard(item) and isinstance(value, list)
            made += value if is_spliced else [] if value is _NOTHING else [value]
        return made

    def when(self, tree: dict[str, Any], scope: Mapping[str, Any], at: Path, sink: Sink | None) -> Any:
        chosen = "then" if self.value(tree["when"], scope, (*at, "when"), None) else "else"
        return self.value(tree[chosen], scope, (*at, chosen), sink) if chosen in tree else _NOTHING

    def each(self, tree: dict[str, Any], scope: Mapping[str, Any], at: Path, sink: Sink | None) -> Any:
        items, before = self.value(tree["each"], scope, (*at, "each"), None), self.rounds
        if items is None:
            return []
        try:
            if not isinstance(items, list):
                raise ExpressionError("`each` takes a list", "let it name an option that is a list")
            self.rounds *= max(len(items), 1)
            if self.rounds > _MAX_ROUNDS:
                told = f"`each` makes more than {_MAX_ROUNDS} items"
                raise ExpressionError(told, "take a shorter list, or fewer lists inside of one another")
            then = tree["then"]
            return [self.value(then, {**scope, "item": item}, (*at, "then"), sink) for item in items]
        except ExpressionError as fault:
            self.faults.setdefault((*at, "each"), fault)
            return []
        finally:
            self.rounds = before


def _is_guard(tree: Any) -> bool:
    return isinstance(tree, dict) and "then" in tree and ("when" in tree or "each" in tree)
