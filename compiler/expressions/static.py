"""What an expression names, found in all of its branches without running it.

A shape stands for a value: a mapping of the names it has, a list of the shape of its items, ANY, or SINGLE.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import nodes

from compiler.expressions import ExpressionError, Sink, as_jinja, lacking
from compiler.expressions.sandbox import parse, unknown_word

Shape = Any

ANY, SINGLE = None, "single"
_CALLS = "expressions call nothing", "use a filter, as in ${{ name | upper }}"
# Filters that return an item of their list, and those that return what they are given.
_ITEMS, _SAME = ("first", "last", "max", "min"), ("default",)


def shape_of(value: Any) -> Shape:
    """Returns the shape of a value: of a list without items nothing is known of them."""
    if isinstance(value, Mapping):
        return {name: shape_of(one) for name, one in value.items()}
    if isinstance(value, list):
        return [joined([shape_of(one) for one in value])]
    return SINGLE


def joined(shapes: list[Shape]) -> Shape:
    """Returns the shape of what may have any of these."""
    if shapes and all(isinstance(one, dict) for one in shapes):
        names = dict.fromkeys(name for one in shapes for name in one)
        return {name: joined([one[name] for one in shapes if name in one]) for name in names}
    if shapes and all(isinstance(one, list) for one in shapes):
        return [joined([one[0] for one in shapes])]
    return SINGLE if shapes and all(one == SINGLE for one in shapes) else ANY


def faults(
    expression: str, names: Mapping[str, Shape], sink: Sink | None = None, *, is_condition: bool = False
) -> tuple[Shape, list[ExpressionError]]:
    """Returns the shape of an expression's value, and what it names that is not there: names, parts and filters."""
    found: list[ExpressionError] = []
    try:
        tree = parse(as_jinja(expression, sink) or expression, sink)
    except ExpressionError as fault:
        return ANY, [fault]
    if is_condition and isinstance(tree, nodes.Const) and not isinstance(tree.value, bool):
        told = f"the condition is the plain value {expression.strip()}, which is always the same"
        found.append(ExpressionError(told, "write an expression without quotes: `when: tls.enabled`"))
    shape = _Reader(names, sink, found).read(tree)
    return shape, found


class _Reader:
    def __init__(self, names: Mapping[str, Shape], sink: Sink | None, found: list[ExpressionError]) -> None:
        self.names, self.sink, self.found = names, sink, found

    def read(self, node: nodes.Node) -> Shape:
        """Returns the shape of a node's value, ANY where it is calculated, and finds what is wrong in it."""
        match node:
            case nodes.Name(name=name):
                return self.part(self.names, name, "")
            case nodes.Getattr(node=owner, attr=name):
                return self.part(self.read(owner), name, _written(owner))
            case nodes.Getitem(node=owner, arg=nodes.Const(value=str(name))):
                return self.part(self.read(owner), name, _written(owner))
            case nodes.Getitem(node=owner, arg=arg):
                whole, _ = self.read(owner), self.read(arg)
                return whole[0] if isinstance(whole, list) and not isinstance(arg, nodes.Slice) else ANY
            case nodes.Call():
                self.found.append(ExpressionError(*_CALLS))
                return ANY
        made = [self.read(child) for child in node.iter_child_nodes()]
        if isinstance(node, nodes.Filter | nodes.Test):
            kind = "filter" if isinstance(node, nodes.Filter) else "test"
            if fault := unknown_word(kind, node.name, self.sink):
                self.found.append(fault)
            elif kind == "filter" and node.name in _ITEMS and isinstance(made[0], list):
                return made[0][0]
            return made[0] if kind == "filter" and node.name in _SAME and len(made) == 1 else ANY
        return joined(made[1:]) if isinstance(node, nodes.CondExpr) else ANY

    def part(self, owner: Shape, name: str, called: str) -> Shape:
        if owner is ANY:
            return ANY
        if isinstance(owner, Mapping) and name in owner:
            return owner[name]
        self.found.append(lacking(name, owner, called))
        return ANY


def _written(node: nodes.Node) -> str:
    """Returns the dotted name that a node is; nothing where it is something else."""
    if isinstance(node, nodes.Name):
        return node.name
    inner = _written(node.node) if isinstance(node, nodes.Getattr) else ""
    return f"{inner}.{node.attr}" if inner and isinstance(node, nodes.Getattr) else ""
