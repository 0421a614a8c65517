"""Variables that a service takes from `.env` in Compose's own syntax.

https://docs.docker.com/reference/compose-file/interpolation/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from compiler.model import Path, Raw, Text
from compiler.project.project import Project
from compiler.project.values import written_text
from compiler.report import Report
from compiler.rules import Service, Tell

Variable = tuple[str, str, str]
"""One use of a variable: its name, the operator behind it, and what that operator adds."""

# How deep the default of a variable may hold others.
_DEEPEST = 50
_LONGEST = 200
# https://docs.docker.com/reference/compose-file/version-and-name/#name-top-level-element
_ALWAYS = "COMPOSE_PROJECT_NAME"
_START = re.compile(r"\$(?:\$|\{|([A-Za-z_][A-Za-z0-9_]*))")
_EDGE = re.compile(r"\$\{|\}")
# Of templates of other programs, only what has a name of stackc's.
_BRACES = re.compile(r"(?<!\$)\{\{\s*(?:databases|services|secrets|stack)\.[\w.-]{1,100}\s*\}\}")
_BRACED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])(.*))?", re.DOTALL)


def scan_variables(text: str) -> Iterator[Variable]:
    """Yields each variable of a text in Compose's syntax; ValueError where Compose cannot read it."""
    return (piece for piece in _iter_pieces(text) if not isinstance(piece, str))


def fill_variables(text: str, values: Mapping[str, str]) -> str:
    """Returns a text in Compose's syntax as Compose reads it with these values; one that is not set is empty."""
    filled = ""
    for piece in _iter_pieces(text):
        if isinstance(piece, str):
            filled += piece
            continue
        name, operator, argument = piece
        value = values.get(name)
        is_set = value is not None and not (operator.startswith(":") and value == "")
        if operator.endswith("+" if is_set else "-"):
            filled += fill_variables(argument, values)
        elif not operator.endswith("+"):
            filled += value or ""
    return filled


def _iter_pieces(text: str) -> Iterator[str | Variable]:
    position = 0
    while match := _START.search(text, position):
        yield text[position : match.start()]
        position = match.end()
        if match[1]:
            yield match[1], "", ""
        elif match[0] == "$$":
            yield "$"
        else:
            depth = 1
            while depth:
                edge = _EDGE.search(text, position)
                if not edge:
                    raise ValueError(text[match.start() :])
                position = edge.end()
                depth += -1 if edge[0] == "}" else 1
                if depth > _DEEPEST:
                    raise ValueError(text[match.start() :])
            inside = _BRACED.fullmatch(text, match.end(), position - 1)
            if not inside:
                raise ValueError(text[match.start() : position])
            yield inside[1], inside[2] or "", inside[3] or ""
    yield text[position:]


def variable_syntax(project: Project, tell: Tell) -> None:
    for path, text in _texts(project):
        try:
            list(scan_variables(text))
        except ValueError as fault:
            help = 'write "${NAME}", or "$$" for the character itself'
            told = str(fault)
            short = told if len(told) <= _LONGEST else told[: _LONGEST - 3] + "..."
            tell(f'Compose cannot read the variable "{short}"', path, help)


def quoted_value(service: Service, tell: Tell) -> None:
    """Tells of quotes around a reference in a list of variables: Compose takes them for a part of the value."""
    at = (*tell.around, "environment")
    is_list = at in tell.project.places.short
    for name, value in (service.get("environment") or {}).items() if is_list else ():
        first, last = (value.parts[0], value.parts[-1]) if isinstance(value, Text) else ("", "")
        both = isinstance(first, str) and isinstance(last, str) and first[:1] == last[-1:]
        if both and str(first)[:1] in ('"', "'"):
            told = f'the quotes around the value of "{name}" are a part of it'
            tell(told, ("environment", name), f"write them around all of it, or none: - {name}=VALUE")


def missing_dollar(service: Service, tell: Tell) -> None:
    """Tells of what would be an expression with a `$` before it."""
    for name, value in (service.get("environment") or {}).items():
        if found := _BRACES.search(written_text(value)):
            help = f"write ${found[0]} for its value"
            tell(f'"{name}" holds "{found[0]}" as it is', ("environment", name), help)


def check_set(project: Project, known: set[str], report: Report) -> None:
    """Warns of each variable that the stack takes from `.env` and that is not there."""
    told: set[str] = set()
    for path, text in _texts(project):
        for name, operator, _ in missing_variables(text, known):
            if name not in told:
                told.add(name)
                owner = f'{str(path[0]).removesuffix("s")} "{path[1]}"' if path[1:] else f"`{path[0]}`"
                end = ", so Compose will not start" if operator.endswith("?") else ""
                message = f"{owner} takes {name} from .env, which does not set it{end}"
                report.warning("unset-variable", message, project.places.value(path), f"add {name}= to .env")


def own_variables(project: Project) -> list[str]:
    """Returns the variables without a default that the services take from `.env`, in order."""
    texts = (text for _, text in _texts(project))
    return [*dict.fromkeys(name for text in texts for name, *_ in missing_variables(text, set()))]


def missing_variables(text: str, known: set[str]) -> Iterator[Variable]:
    """Yields each variable that has neither a value nor a default."""
    for name, operator, argument in scan_variables(text):
        kind, is_set = operator[-1:], name in known or name == _ALWAYS
        if kind in ("", "?") and not is_set:
            yield name, operator, argument
        elif (kind == "-" and not is_set) or (kind == "+" and is_set):
            yield from missing_variables(argument, known)


def _texts(project: Project) -> Iterator[tuple[Path, Raw]]:
    return iter_raw({"name": project.name, "include": project.include, **project.tree})


def iter_raw(tree: dict[str, Any] | list[Any], at: Path = ()) -> Iterator[tuple[Path, Raw]]:
    """Yields the path and text of everything in a tree that is in Compose's own syntax and has a `$`."""
    for step, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(value, dict | list):
            yield from iter_raw(value, (*at, step))
        elif isinstance(value, Raw) and "$" in value:
            yield (*at, step), value
