"""How to connect to one database of a stack, for a person: every driver's string and what to set in code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.project.connection_strings import mask, render_connection
from compiler.project.scope import CA_FILE
from compiler.report import Span, suggest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compiler.model import Access, Connection
    from compiler.report import Report
    from compiler.run.workspace import Project


class Answer(NamedTuple):
    """The connections that were asked for, as text by driver."""

    connections: Mapping[str, Connection]
    texts: Mapping[str, str]
    query: str

    def data(self) -> dict[str, Any]:
        return {
            name: {
                "title": connection.title,
                "string": self.texts[name],
                "code": list(connection.code),
                "documentation": connection.documentation,
            }
            for name, connection in self.connections.items()
        }


def find_connections(
    project: Project, database: str, report: Report, *, driver: str | None, origin: str, reveal: bool
) -> Answer | None:
    """Returns the connections of a database from the `network` or the `host`; only `reveal` reads `.env`."""
    compiled, found = project.compiled()
    report.extend(found)
    if compiled is None:
        return None
    known, document = compiled.project.access, compiled.stack.document
    if database not in known:
        told = f'no database is named "{database}"'
        report.error("unknown-reference", told, document.key(("databases",)), suggest(database, known))
        return None
    access = known[database]
    connections = _choose(access, driver, origin, document.key(("databases", database)), report)
    if origin == "host":
        authority = str(project.output / CA_FILE)
        connections = {name: _from_here(one, authority) for name, one in connections.items()}
    texts = _texts(project, connections, reveal, report)
    kept = {name: one for name, one in connections.items() if name in texts}
    return Answer(kept, texts, access.query) if kept else None


def _choose(
    access: Access, driver: str | None, origin: str, place: Span, report: Report
) -> dict[str, Connection]:
    there = access.host if origin == "host" else access.network
    if there and (driver is None or driver in there):
        return {name: one for name, one in there.items() if driver in (None, name)}
    if not there:
        told = f'database "{access.database}" is not published to this machine'
        report.error("not-published", told, place, "add `port:` to the database and compile")
    elif driver in access.network:
        told = f'database "{access.database}" does not publish the port of {driver} to this machine'
        help = f"set the option that publishes it, from `stackc adapters show {access.adapter}`"
        report.error("not-published", told, place, help)
    else:
        told = f'{access.adapter} has no connection for a driver "{driver}"'
        report.error("unknown-driver", told, place, suggest(driver, there))
    return {}


def _from_here(connection: Connection, authority: str) -> Connection:
    """Returns the connection with the CA file where it lies, seen from the current folder."""

    def moved(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {key: moved(value) for key, value in tree.items()}
        return tree.replace(CA_FILE, authority) if isinstance(tree, str) else tree

    code = tuple(moved(line) for line in connection.code)
    return connection._replace(parts=moved(connection.parts), query=moved(connection.query), code=code)


def _texts(
    project: Project, connections: Mapping[str, Connection], reveal: bool, report: Report
) -> dict[str, str]:
    if not (reveal and connections):
        return {name: mask(connection) for name, connection in connections.items()}
    dotenv, found = project.dotenv()
    report.extend(found)
    if dotenv is None:
        return {}
    place = Span(path=str(project.output / ".env"))
    # One driver that cannot carry the password is no reason to hide the others.
    tell = report.error if len(connections) == 1 else report.warning
    texts: dict[str, str] = {}
    for name, one in connections.items():
        try:
            texts[name] = render_connection(one, dotenv.values)
        except KeyError as fault:
            told = f"{fault.args[0]} is not set in .env"
            report.error("missing-secret", told, place, "run `stackc compile` first")
            return {}
        except ValueError as fault:
            tell("unusable-password", f"the string of {name} cannot be made: {fault}", place)
    return texts


def render_connections(answer: Answer) -> str:
    """Returns the answer for a terminal; one driver alone is its bare string, then what is to be set in code."""
    blocks = []
    for name, connection in answer.connections.items():
        head = [] if len(answer.connections) == 1 else [f"{name} ({connection.title})"]
        pad = "" if len(answer.connections) == 1 else "  "
        lines = [*head, f"{pad}{answer.texts[name]}", *(f"{pad}in code: {line}" for line in connection.code)]
        blocks.append("\n".join(lines))
    return "\n".join(blocks)
