"""How to connect to one database of a stack, for a person: every driver's string and what to set in code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from compiler.model import Access, Connection, Text
from compiler.project.connections import mask, references, render_connection
from compiler.project.references import CA_FILE
from compiler.report import Report, Span, suggest
from compiler.run.workspace import Project


def find_connections(
    project: Project, database: str, report: Report, *, driver: str | None, origin: str, reveal: bool
) -> tuple[dict[str, dict[str, Any]], str]:
    """Returns the connections of a database by driver, and the query of its vector index; nothing if an error says why.

    They are those from the `network` or the `host`; only `reveal` reads `.env`.
    """
    compiled = project.compiled(report)
    if compiled is None:
        return {}, ""
    known, document = compiled.project.access, compiled.stack.document
    if database not in known:
        told = f'no database is named "{database}"'
        report.error("unknown-reference", told, document.key(("databases",)), suggest(database, known))
        return {}, ""
    access = known[database]
    there = access.host if origin == "host" else access.network
    connections = [one for name, one in there.items() if driver in (None, name)]
    if not connections:
        _explain_absence(access, driver, document.key(("databases", database)), report)
        return {}, ""
    if origin == "host":
        connections = [_from_here(one, str(project.output / CA_FILE)) for one in connections]
    texts = _reveal(project, connections, report) if reveal else ((one, mask(one)) for one in connections)
    rows = {
        one.driver: {"title": one.title, "string": text, "code": one.code, "documentation": one.documentation}
        for one, text in texts
    }
    return rows, access.query


def _explain_absence(access: Access, driver: str | None, place: Span, report: Report) -> None:
    id, told = "not-published", f'database "{access.database}" is not published to this machine'
    help = "add `port:` to the database and compile"
    if driver is not None and driver not in access.network:
        id, told = "unknown-driver", f'{access.adapter} has no connection for a driver "{driver}"'
        help = suggest(driver, access.network)
    elif access.host:
        told = f'database "{access.database}" does not publish the port of {driver} to this machine'
        help = f"set the option that publishes it, from `stackc adapters show {access.adapter}`"
    report.error(id, told, place, help)


def _from_here(connection: Connection, authority: str) -> Connection:
    """Returns the connection with the CA file where it lies, seen from the current folder."""

    def moved(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {key: moved(value) for key, value in tree.items()}
        if isinstance(tree, list):
            return list(map(moved, tree))
        if isinstance(tree, Text):
            return Text(tuple(map(moved, tree.parts)))
        return tree.replace(CA_FILE, authority) if isinstance(tree, str) else tree

    parts, query = moved(connection.parts), moved(connection.query)
    return connection._replace(parts=parts, query=query, code=tuple(map(moved, connection.code)))


def _reveal(
    project: Project, connections: Sequence[Connection], report: Report
) -> Iterator[tuple[Connection, str]]:
    dotenv, place = project.dotenv(report), Span(path=str(project.output / ".env"))
    if dotenv is None:
        return
    keys = {key.key for one in connections for key in references(one)}
    values = {**dotenv.values, **project.files.variables(keys, dotenv)}
    # One driver that cannot carry the password is no reason to hide the others.
    tell = report.error if len(connections) == 1 else report.warning
    for one in connections:
        try:
            yield one, render_connection(one, values)
        except KeyError as fault:
            told = f"{fault.args[0]} is not set in .env"
            report.error("missing-secret", told, place, f"run `{project.command()}` first")
        except ValueError as fault:
            tell("unusable-password", f"the string of {one.driver} cannot be made: {fault}", place)


def render_connections(drivers: Mapping[str, Mapping[str, Any]]) -> str:
    """Returns the connections for a terminal; one alone is its bare string, then what is to be set in code."""
    alone = len(drivers) == 1
    lines: list[str] = []
    for name, row in drivers.items():
        told = [row["string"], *(f"in code: {line}" for line in row["code"])]
        lines += told if alone else [f"{name} ({row['title']})", *(f"  {line}" for line in told)]
    return "\n".join(lines)
