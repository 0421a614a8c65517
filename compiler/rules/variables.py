"""Variables that a service takes from `.env` in Compose's own syntax.

https://docs.docker.com/reference/compose-file/interpolation/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.model import Raw
from compiler.rules.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compiler.model import Path
    from compiler.project.project import Project
    from compiler.report import Report
    from compiler.rules.rule import Tell

_START = re.compile(r"\$(?:\$|(\{)|([A-Za-z_][A-Za-z0-9_]*))")
_EDGE = re.compile(r"\$\{|\}")
_BRACED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])(.*))?", re.DOTALL)


class Variable(NamedTuple):
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


@rule("variable-syntax")
def variable_syntax(project: Project, tell: Tell) -> None:
    for path, text in _iter_raw(project):
        try:
            list(scan_variables(text))
        except ValueError as fault:
            help = 'write "${NAME}", or "$$" for the character itself'
            tell(f'Compose cannot read the variable "{fault}"', path, help)


def check_set(project: Project, known: set[str], report: Report) -> None:
    """Warns of each variable that the stack takes from `.env` and that is not there."""
    told: set[str] = set()
    for path, text in _iter_raw(project):
        for variable in missing_variables(text, known):
            if variable.name not in told:
                told.add(variable.name)
                owner = f'{str(path[0]).removesuffix("s")} "{path[1]}"'
                message = f"{owner} takes {variable.name} from .env, which does not set it"
                if variable.operator.endswith("?"):
                    message += ", so Compose will not start"
                place = project.places.value(path)
                report.warning("unset-variable", message, place, f"add {variable.name}= to .env")


def missing_variables(text: str, known: set[str]) -> Iterator[Variable]:
    """Yields each variable that has neither a value nor a default."""
    for variable in scan_variables(text):
        kind = variable.operator[-1:]
        is_set = variable.name in known
        if kind in ("", "?") and not is_set:
            yield variable
        elif (kind == "-" and not is_set) or (kind == "+" and is_set):
            yield from missing_variables(variable.argument, known)


def _iter_raw(project: Project) -> Iterator[tuple[Path, Raw]]:
    """Yields the path and text of everything in the tree that is in Compose's own syntax and has a `$`."""
    for section, entries in project.tree.items():
        yield from _raw_in(entries, (section,))


def _raw_in(tree: Any, at: Path) -> Iterator[tuple[Path, Raw]]:
    inner = tree.items() if isinstance(tree, Mapping) else enumerate(tree) if isinstance(tree, list) else ()
    for step, value in inner:
        if isinstance(value, Raw):
            if "$" in value:
                yield (*at, step), value
        else:
            yield from _raw_in(value, (*at, step))
