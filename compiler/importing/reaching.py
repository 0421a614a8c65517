"""Which databases a service reaches: those that it names, in its variables, in its files of variables or by a link."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from compiler.importing.reading import Compose, read_dotenv
from compiler.importing.variables import filled, values_of
from compiler.project.hand_written import iter_named
from compiler.project.project import neighbours
from compiler.project.values import inside
from compiler.report import Report


def named(
    compose: Compose, known: Mapping[str, str], service: Mapping[str, Any], databases: Collection[str]
) -> set[str]:
    """Returns the databases that a service names, with the `known` values of `.env`."""
    values = variables_of(compose, known, service)
    found = {one.database for one in iter_named({"environment": values}, databases)}
    return found | {one for one, _ in neighbours(service) if one in databases}


def variables_of(compose: Compose, known: Mapping[str, str], service: Mapping[str, Any]) -> dict[str, str]:
    """Returns the variables of a service, those of its files too, with the `known` values of `.env`."""
    values: dict[str, str] = {}
    for file in service.get("env_file") or ():
        dotenv = read_dotenv(compose.file(filled(file.get("path"), known)), Report())
        values |= values_of(dotenv) if dotenv else {}
    return values | {key: filled(value, known) for key, value in (service.get("environment") or {}).items()}


def unreached(
    compose: Compose, known: Mapping[str, str], name: str, services: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Returns the services that reached a database by its network, and of which nothing says that they do."""
    networks = _networks(compose.project.services[name])
    near = [other for other, one in services.items() if networks & _networks(one)]
    waiting = {other for other in near if name in (services[other].get("depends_on") or {})}
    return [one for one in near if one not in waiting and not named(compose, known, services[one], [name])]


def _networks(service: Mapping[str, Any]) -> set[str]:
    return set() if "network_mode" in service else {*(inside(service, "networks") or ("default",))}
