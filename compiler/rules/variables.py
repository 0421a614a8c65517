"""Variables that a service takes from `.env` in Compose's own syntax.

https://docs.docker.com/reference/compose-file/interpolation/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from compiler.model import Path, Raw, Text
from compiler.project.interpolation import PROJECT_NAME, Variable, scan_variables
from compiler.project.project import Project
from compiler.project.values import written_text
from compiler.report import Report
from compiler.rules import Service, Tell

_LONGEST = 200
# Of templates of other programs, only what has a name of stackc's.
_BRACES = re.compile(r"(?<!\$)\{\{\s*(?:databases|services|secrets|stack)\.[\w.-]{1,100}\s*\}\}")


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
        kind, is_set = operator[-1:], name in known or name == PROJECT_NAME
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
