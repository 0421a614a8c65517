"""Expressions and guards in a tree of lists and maps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from compiler.expressions.text import evaluate
from compiler.expressions.values import ExpressionError, Sink

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    value = _Walk(faults, sink).value(tree, scope, at)
    return None if value is _NOTHING else value


@dataclass(slots=True)
class _Walk:
    faults: list[tuple[Path, ExpressionError]]
    sink: Sink | None
    rounds: int = 1
    faulty: set[Path] = field(default_factory=set)

    def value(self, tree: Any, scope: Mapping[str, Any], at: Path) -> Any:
        if isinstance(tree, str):
            return self._text(tree, scope, at)
        if isinstance(tree, dict):
            if is_guard(tree):
                return self._each(tree, scope, at) if "each" in tree else self._when(tree, scope, at)
            entries = ((key, self.value(value, scope, (*at, key))) for key, value in tree.items())
            return {key: value for key, value in entries if value is not _NOTHING}
        return list(self._items(tree, scope, at)) if isinstance(tree, list) else tree

    def _text(self, text: str, scope: Mapping[str, Any], at: Path) -> Any:
        try:
            return evaluate(text, scope, self.sink)
        except ExpressionError as fault:
            self._fault(at, fault)
            return None

    def _fault(self, at: Path, fault: ExpressionError) -> None:
        """Keeps the first fault of each place: a loop comes by more than once."""
        if at not in self.faulty:
            self.faults.append((at, fault))
        self.faulty.add(at)

    def _items(self, tree: list[Any], scope: Mapping[str, Any], at: Path) -> Iterator[Any]:
        for index, item in enumerate(tree):
            value = self.value(item, scope, (*at, index))
            if is_guard(item) and isinstance(value, list):
                yield from value
            elif value is not _NOTHING:
                yield value

    def _when(self, tree: dict[str, Any], scope: Mapping[str, Any], at: Path) -> Any:
        chosen = "then" if self._bare(tree["when"], scope, (*at, "when")) else "else"
        return self.value(tree[chosen], scope, (*at, chosen)) if chosen in tree else _NOTHING

    def _each(self, tree: dict[str, Any], scope: Mapping[str, Any], at: Path) -> Any:
        items = self._bare(tree["each"], scope, (*at, "each"))
        if items is None:
            return []
        before = self.rounds
        try:
            if not isinstance(items, list):
                raise ExpressionError("`each` takes a list", "let it name an option that is a list")
            self.rounds *= max(len(items), 1)
            if self.rounds > _MAX_ROUNDS:
                told = f"`each` makes more than {_MAX_ROUNDS} items"
                raise ExpressionError(told, "take a shorter list, or fewer lists inside of one another")
            return [self.value(tree["then"], {**scope, "item": item}, (*at, "then")) for item in items]
        except ExpressionError as fault:
            self._fault((*at, "each"), fault)
            return []
        finally:
            self.rounds = before

    def _bare(self, tree: Any, scope: Mapping[str, Any], at: Path) -> Any:
        """Evaluates a condition or a list, which stand in no text."""
        sink, self.sink = self.sink, None
        value = self.value(tree, scope, at)
        self.sink = sink
        return value


def is_guard(tree: Any) -> bool:
    return isinstance(tree, dict) and "then" in tree and ("when" in tree or "each" in tree)
