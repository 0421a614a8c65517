"""The tree between YAML's events and plain data; a node knows its place, its size and its height."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from compiler.source.document import Area
    from compiler.source.scalars import Value


class Scalar(NamedTuple):
    area: Area
    size: int
    height: int
    value: Value


class Items(NamedTuple):
    area: Area
    size: int
    height: int
    items: list[Node]


class Entries(NamedTuple):
    area: Area
    size: int
    height: int
    entries: dict[str, tuple[Area, Node]]


class Alias(NamedTuple):
    area: Area
    size: int
    height: int
    target: Node


Node: TypeAlias = Scalar | Items | Entries | Alias

# Stands where an alias leads nowhere, so that nothing else is said about it.
LOST = Scalar((1, 1, 1, 2), 0, 0, "")


def resolve_alias(node: Node) -> Scalar | Items | Entries:
    while isinstance(node, Alias):
        node = node.target
    return node


def measure(text: str) -> int:
    """What one scalar or key counts for when it is repeated."""
    return 16 + len(text)
