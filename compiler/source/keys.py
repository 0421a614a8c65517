"""What may be a key, and what `<<` may bring in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.source.areas import is_empty
from compiler.source.fault import quoted
from compiler.source.nodes import LOST, Entries, Items, Node, Scalar, resolve_alias

if TYPE_CHECKING:
    from compiler.source.document import Area
    from compiler.source.findings import Findings


def key_name(key: Node, findings: Findings) -> str | None:
    target = resolve_alias(key)
    if isinstance(target, Scalar) and isinstance(target.value, str):
        return target.value
    if is_empty(key.area):
        message, help = 'there is no key before ":"', "write a key there"
    elif isinstance(target, Scalar):
        shown = findings.areas.text(key.area)
        kind = {type(None): "null", bool: "a boolean"}.get(type(target.value), "a number")
        message = f"the key {quoted(shown)} is {kind}, expected a string"
        help = f"write it as {quoted(shown)}, in quotes"
    else:
        kind = "a list" if isinstance(target, Items) else "a mapping"
        message, help = (
            f"the key is {kind}, expected a string",
            "put text that starts with a bracket in quotes",
        )
    findings.report("non-string-key", message, key.area, help)
    return None


def check_repeated(
    name: str | None, is_merge: bool, area: Area, seen: dict[tuple[str, bool], Area], findings: Findings
) -> None:
    if name is None or (before := seen.setdefault((name, is_merge), area)) is area:
        return
    message = f"the key {quoted(name)} is already set on line {before[0]}"
    help = 'join both in one list, "<<: [*a, *b]"' if is_merge else "remove or rename one of the two"
    findings.report("duplicate-key", message, area, help, before)


def merge_sources(value: Node, findings: Findings) -> list[Entries]:
    """Returns the mappings that `<<` brings in, the strongest first."""
    target = resolve_alias(value)
    found = [resolve_alias(item) for item in target.items] if isinstance(target, Items) else [target]
    mappings = [item for item in found if isinstance(item, Entries)]
    if len(mappings) < len(found) and not any(item is LOST for item in found):
        message = 'the value of "<<" is not a mapping or a list of mappings'
        findings.report("merge-key", message, value.area, "write the alias of a mapping after it")
    return mappings
