"""Variables that a service takes from `.env` in Compose's own syntax.

https://docs.docker.com/reference/compose-file/interpolation/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compiler.model import Path, Plan, Raw
from compiler.report import Diagnostic, Span, warning

_START = re.compile(r"\$(?:\$|(\{)|([A-Za-z_][A-Za-z0-9_]*))")
_EDGE = re.compile(r"\$\{|\}")
_BRACED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Variable:
    """One use of a variable: its name, the operator behind it, and what that operator adds."""

    name: str
    operator: str = ""
    argument: str = ""


def scan_variables(text: str) -> Iterator[Variable]:
    """Yields each variable of a text in Compose's syntax; ValueError where Compose cannot read it."""
    position = 0
    while match := _START.search(text, position):
        position = match.end()
        if match[2]:
            yield Variable(match[2])
        elif match[1]:
            end = _closing(text, position)
            inside = _BRACED.fullmatch(text, position, end)
            if not inside:
                raise ValueError(text[match.start() : end + 1])
            yield Variable(inside[1], inside[2] or "", inside[3] or "")
            position = end + 1


def _closing(text: str, start: int) -> int:
    depth, position = 1, start
    while depth:
        match = _EDGE.search(text, position)
        if not match:
            raise ValueError(text[start - 2 :])
        depth += 1 if match[0] != "}" else -1
        position = match.end()
    return position - 1


def missing_variables(text: str, known: set[str]) -> Iterator[Variable]:
    """Yields each variable that has neither a value nor a default."""
    for variable in scan_variables(text):
        kind = variable.operator[-1:]
        is_set = variable.name in known
        if kind in ("", "?") and not is_set:
            yield variable
        elif (kind == "-" and not is_set) or (kind == "+" and is_set):
            yield from missing_variables(variable.argument, known)


def unset_variables(plan: Plan, known: set[str], place: Callable[[Path], Span]) -> list[Diagnostic]:
    """Returns a warning for each variable that the stack takes from `.env` and that is not there."""
    found: dict[str, Diagnostic] = {}
    for owner, at, tree in _written(plan):
        for path, text in iter_raw(tree):
            for variable in missing_variables(text, known):
                if variable.name not in found:
                    found[variable.name] = _unset(variable, owner, place((*at, *path)))
    return list(found.values())


def _written(plan: Plan) -> Iterator[tuple[str, Path, Any]]:
    """Yields what a person wrote: its name, its place, and what became of it."""
    for container in plan.containers:
        if container.kind == "service":
            yield f'service "{container.name}"', container.origin, container.spec
    sections = {"volumes": plan.volumes, "networks": plan.networks, "configs": plan.configs}
    for kind, entries in sections.items():
        for key, entry in entries.items():
            yield f'{kind.removesuffix("s")} "{key}"', (kind, key), entry


def _unset(variable: Variable, owner: str, span: Span) -> Diagnostic:
    told = f"{owner} takes {variable.name} from .env, which does not set it"
    if variable.operator.endswith("?"):
        told += ", so Compose will not start"
    return warning("unset-variable", told, span, f"add {variable.name}= to .env")


def iter_raw(tree: Any, at: Path = ()) -> Iterator[tuple[Path, Raw]]:
    """Yields the path and text of everything that is in Compose's own syntax and has a `$`."""
    inner = tree.items() if isinstance(tree, Mapping) else enumerate(tree) if isinstance(tree, list) else ()
    for step, value in inner:
        if isinstance(value, Raw):
            if "$" in value:
                yield (*at, step), value
        else:
            yield from iter_raw(value, (*at, step))
