"""How to connect to one database of a stack, for a person: every driver's string and what to set in code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compiler.project.connection_strings import mask, render_connection
from compiler.project.scope import CA_FILE
from compiler.report import Diagnostic, Span, error, has_errors, suggest, warning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compiler.model import Connection
    from compiler.run.workspace import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
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
    project: Project, database: str, *, driver: str | None, origin: str, reveal: bool
) -> tuple[Answer | None, list[Diagnostic]]:
    """Returns the connections of a database from the `network` or the `host`; only `reveal` reads `.env`."""
    compiled, diagnostics = project.compiled()
    if compiled is None:
        return None, diagnostics
    place = compiled.stack.document.key(("databases",))
    known = compiled.project.access
    if database not in known:
        told = f'no database is named "{database}"'
        return None, [error("unknown-reference", told, place, suggest(database, known))]
    access = known[database]
    place = compiled.stack.document.key(("databases", database))
    connections = access.host if origin == "host" else access.network
    if not connections:
        told = f'database "{database}" is not published to this machine'
        return None, [error("not-published", told, place, "add `port:` to the database and compile")]
    if driver in access.network and driver not in connections:
        told = f'database "{database}" does not publish the port of {driver} to this machine'
        help = f"set the option that publishes it, from `stackc adapters show {access.adapter}`"
        return None, [error("not-published", told, place, help)]
    if driver is not None and driver not in connections:
        told = f'{access.adapter} has no connection for a driver "{driver}"'
        return None, [error("unknown-driver", told, place, suggest(driver, connections))]
    wanted = {name: one for name, one in connections.items() if driver in (None, name)}
    if origin == "host":
        wanted = {name: _from_here(one, str(project.output / CA_FILE)) for name, one in wanted.items()}
    texts, found = _texts(project, wanted, reveal)
    if has_errors(found):
        return None, found
    kept = {name: one for name, one in wanted.items() if name in texts}
    return Answer(connections=kept, texts=texts, query=access.query), found


def _from_here(connection: Connection, authority: str) -> Connection:
    """Returns the connection with the CA file where it lies, seen from the current folder."""
    from dataclasses import replace

    def moved(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {key: moved(value) for key, value in tree.items()}
        return tree.replace(CA_FILE, authority) if isinstance(tree, str) else tree

    code = tuple(moved(line) for line in connection.code)
    return replace(connection, parts=moved(connection.parts), query=moved(connection.query), code=code)


def _texts(
    project: Project, connections: Mapping[str, Connection], reveal: bool
) -> tuple[dict[str, str], list[Diagnostic]]:
    if not reveal:
        return {name: mask(connection) for name, connection in connections.items()}, []
    dotenv, diagnostics = project.dotenv()
    if dotenv is None:
        return {}, diagnostics
    place = Span(path=str(project.output / ".env"))
    report = error if len(connections) == 1 else warning
    texts: dict[str, str] = {}
    for name, one in connections.items():
        try:
            texts[name] = render_connection(one, dotenv.values)
        except KeyError as fault:
            told = f"{fault.args[0]} is not set in .env"
            return {}, [error("missing-secret", told, place, "run `stackc compile` first")]
        except ValueError as fault:
            diagnostics.append(
                report("unusable-password", f"the string of {name} cannot be made: {fault}", place)
            )
    return texts, diagnostics


def render_connections(answer: Answer) -> str:
    """Returns the answer for a terminal; one driver alone is its bare string, then what is to be set in code."""
    blocks = []
    for name, connection in answer.connections.items():
        head = [] if len(answer.connections) == 1 else [f"{name} ({connection.title})"]
        pad = "" if len(answer.connections) == 1 else "  "
        lines = [*head, f"{pad}{answer.texts[name]}", *(f"{pad}in code: {line}" for line in connection.code)]
        blocks.append("\n".join(lines))
    return "\n".join(blocks)
