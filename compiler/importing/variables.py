"""Variables in the files of Compose: what they are, what they would be, and which it cannot do without."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from compiler.project.interpolation import Variable, fill_variables, scan_variables
from compiler.project.project import Project
from compiler.rules.variables import iter_raw
from compiler.targets.dotenv import Dotenv


def filled(written: Any, values: Mapping[str, str]) -> str:
    """Returns a value with its variables filled in; one that Compose cannot read is as it is written."""
    text = json.dumps(written) if isinstance(written, bool) else "" if written is None else str(written)
    try:
        return fill_variables(text, values)
    except ValueError:
        return text


def values_of(dotenv: Dotenv) -> dict[str, str]:
    """Returns the values of a file of variables, those that it takes from earlier ones included."""
    values: dict[str, str] = {}
    for key, entry in dotenv.entries.items():
        values[key] = filled(entry.value, values) if entry.is_interpolated else entry.value
    return values


def uses_of(project: Project) -> dict[str, set[str]]:
    """Returns what each variable of a project is where it is not set, at every place that names it."""
    uses: dict[str, set[str]] = {}
    for service in project.services.values():
        for key in (key for key, value in (service.get("environment") or {}).items() if value is None):
            uses.setdefault(key, set()).add("")
    for name, operator, argument in _variables(project):
        uses.setdefault(name, set()).add(argument if operator.endswith("-") else "")
    return uses


def _variables(project: Project) -> Iterator[Variable]:
    return (one for _, text in iter_raw(project.tree) for one in _iter_variables(text))


def _iter_variables(text: str) -> Iterator[Variable]:
    with suppress(ValueError):
        for name, operator, argument in scan_variables(text):
            yield name, operator, argument
            yield from _iter_variables(argument)


def needed_by(project: Project) -> list[str]:
    """Returns the variables without which Compose does not start a project."""
    return sorted({name for name, operator, _ in _variables(project) if operator.endswith("?")})
