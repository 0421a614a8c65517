"""Databases that a service names by hand, as in a file that was written for Compose alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from compiler.project.values import written_text

# postgres://user:password@db:5432/x, jdbc:mysql://db/x, user@tcp(db:3306)/x, host=db port=5432, http://a:1,db:2,
# Server=tcp:db,1433;Database=x
_IN_TEXT = re.compile(
    r"(?:(?:://|//)(?:(?P<user>[^\s/@:]*)(?::(?P<password>[^\s/@]*))?@)?|@tcp\(|\bhost=|,"
    r"|\b(?:[Ss]erver|[Dd]ata [Ss]ource)=(?:tcp:)?)"
    r"(?P<host>[A-Za-z0-9_-]+)(?=[:/?,;)\s]|$)"
)
_NAMES_HOST = re.compile(
    r"(?:^|_|PG)(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS|ENDPOINT|NODE|BROKER)S?$", re.IGNORECASE
)
_ALONE = re.compile(r"([A-Za-z0-9_-]+)(?::\d{1,5})?")


class Named(NamedTuple):
    """A variable that names a database, and the log-in that stands beside it, which is empty for none."""

    variable: str
    database: str
    user: str = ""
    password: str = ""


def iter_named(service: Mapping[str, Any], databases: Collection[str]) -> Iterator[Named]:
    """Yields what the environment of a service names by hand: in a URL, or by a variable that is named like a host."""
    for variable, value in (service.get("environment") or {}).items():
        text = written_text(value)
        alone = _ALONE.fullmatch(text)
        if alone and _NAMES_HOST.search(variable) and alone[1] in databases:
            yield Named(variable, alone[1])
        for found in _IN_TEXT.finditer(text):
            if found["host"] in databases:
                yield Named(variable, found["host"], found["user"] or "", found["password"] or "")
