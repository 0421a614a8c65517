"""What a service gets of the databases that it uses: variables with their URLs or the parts of a log-in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from compiler.expressions.quoting import url_part
from compiler.model import Path, Text, env_key
from compiler.project.connections import parameters, query_sign
from compiler.project.references import Names
from compiler.project.values import as_text, inside
from compiler.project.workshop import Workshop
from compiler.report import Note, suggest

# What is before the part of a name that says that it is a password: "DB_" of DB_PASSWORD, "PG" of PGPASSWORD.
_PREFIX = re.compile(r"(.*?)(?:PASS|PW|SECRET|KEY|TOKEN)", re.IGNORECASE)
_USER = re.compile(r"(?:USER|USERNAME|LOGIN)$", re.IGNORECASE)


def use_databases(shop: Workshop, key: str, spec: dict[str, Any], databases: Names) -> dict[str, int | None]:
    """Adds the variables of `uses`; returns the pool size by database."""
    added: dict[str, Any] = {}
    pools: dict[str, int | None] = {}
    own, places = spec.get("environment") or {}, shop.project.places
    for index, name, rule in _iter_uses(shop, key):
        at: Path = ("services", key, "uses", index)
        if name not in databases:
            told, help = f'no database is named "{name}"', databases.help_for(name)
            shop.report.error("unknown-reference", told, places.value(at), help)
            continue
        parts, driver = databases[name], rule.get("driver", "url")
        pools[name] = rule.get("pool", pools.get(name))
        if driver not in parts["connections"]:
            told = f'{shop.project.access[name].adapter} has no connection for a driver "{driver}"'
            place, help = places.value((*at, name, "driver")), suggest(driver, parts["connections"])
            shop.report.error("unknown-driver", told, place, help)
            continue
        wanted = rule.get("as", env_key(name, "url"))
        variables = {"url": wanted} if isinstance(wanted, str) else wanted
        more = _more(shop, (*at, name), rule.get("query"), driver, variables)
        for part, variable in variables.items():
            if part not in parts:
                told = f'{shop.project.access[name].adapter} has no {part} that "{variable}" could take'
                place, help = places.key((*at, name, "as", part)), f"remove `{part}: {variable}`"
                shop.report.error("unknown-reference", told, place, help)
            elif variable in own:
                told = f'"{variable}" is in `environment` too, where it hides what `uses` gives it'
                help = "remove it there, or give `as:` another name"
                note = Note("it is here", places.key(("services", key, "environment", variable)))
                shop.report.error("variable-twice", told, places.value(at), help, [note])
            else:
                value = parts["connections"][driver] if part == "url" else as_text(parts[part])
                added[variable] = Text((value, more)) if more and part == "url" else value
                places.known["services", key, "environment", variable] = places.origin(at)
    if added:
        spec["environment"] = {**added, **own}
    return pools


def _iter_uses(shop: Workshop, key: str) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    """Yields the databases that a service uses, with the index of each and what is said of it."""
    for index, item in enumerate((shop.stack.services[key] or {}).get("uses") or ()):
        yield (index, item, {}) if isinstance(item, str) else (index, *next(iter(item.items())))


def _more(shop: Workshop, at: Path, query: Any, driver: str, variables: Mapping[str, str]) -> str:
    """Returns what the `query` of a use adds to the end of its URL."""
    if not query:
        return ""
    places, connection = shop.project.places, shop.project.access[str(at[-1])].network[driver]
    known, place = parameters(connection), places.key((*at, "query"))
    if known is None:
        told = f"`query` adds to a URL, and the connection of {driver} is none"
        help = "set it in the code of the application, or take a driver that reads a URL"
        shop.report.error("query-without-url", told, place, help)
        return ""
    if "url" not in variables:
        told, help = (
            "`query` adds to a URL, and `as` takes none",
            "name a variable for the `url` too, or remove `query`",
        )
        shop.report.error("query-without-url", told, place, help)
    for key in sorted(known & query.keys()):
        told, place = f'the URL of "{at[-1]}" has "{key}" already', places.key((*at, "query", key))
        help = "remove it here: it follows from the database, as from its `tls`, `pool` and `query_timeout`"
        shop.report.error("parameter-twice", told, place, help)
    pairs = (f"{url_part(key)}={url_part(str(as_text(value)), '/')}" for key, value in query.items())
    return query_sign(connection) + "&".join(pairs)


def tell_lone_passwords(shop: Workshop, key: str, environment: Mapping[str, Any]) -> None:
    """Tells of each use that takes the password of a database, and of whose user the service learns nothing."""
    given: dict[str, dict[str, tuple[str, int]]] = {}
    for index, name, rule in _iter_uses(shop, key):
        written = rule.get("as")
        wanted = written if isinstance(written, dict) else {"url": str(written)}
        given.setdefault(name, {}).update({part: (variable, index) for part, variable in wanted.items()})
    taken = {variable for parts in given.values() for variable, _ in parts.values()}
    own = {name: value for name, value in environment.items() if name not in taken}
    for name, database in shop.project.databases.items():
        parts = given.get(name, {})
        implied = inside(database.spec, "credentials", "user").get("implied")
        if "password" not in parts or {"url", "user"} & parts.keys() or database.user in ("", implied):
            continue
        variable, index = parts["password"]
        if not _has_user(own, variable, database.user):
            told = f'the service gets the password of "{name}" and not its user, who is "{database.user}"'
            other = f', or write `user: {implied}` at "{name}", whose a password alone is' if implied else ""
            place = shop.project.places.key(("services", key, "uses", index, name, "as", "password"))
            help = f"add `user: VARIABLE` beside it{other}"
            shop.report.warning("password-without-user", told, place, help)


def _has_user(environment: Mapping[str, Any], password: str, user: str) -> bool:
    """Says whether a person wrote the user, or a variable that is named like one beside that of the password."""
    known = _PREFIX.match(password)
    prefix = known[1] if known else ""
    return any(
        value == user or (name.startswith(prefix) and _USER.search(name))
        for name, value in environment.items()
    )
