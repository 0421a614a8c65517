"""What `${{ }}` can name in a service: databases, other services, secrets and the stack itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from compiler.expressions import ExpressionError
from compiler.model import Reference, env_key
from compiler.project.ports import binding_of, long_port
from compiler.project.secrets import stack_secret_key

if TYPE_CHECKING:
    from compiler.model import Access
    from compiler.stack.stack import Stack


class Names(Mapping[str, Any]):
    """Names whose values are made when they are asked for; it remembers which were."""

    def __init__(self, known: Iterable[str], make: Callable[[str], Any]) -> None:
        self.known = dict.fromkeys(known)
        self.make = make
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        if name not in self.known:
            raise KeyError(name)
        self.asked.add(name)
        return self.make(name)

    def __contains__(self, name: object) -> bool:
        return name in self.known

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)


@dataclass(slots=True)
class References:
    """Resolves names for all services of a stack; each connection string that is asked for goes into `.env`."""

    stack: Stack
    access: Mapping[str, Access]
    connections: dict[str, tuple[str, str]] = field(default_factory=dict)

    def scope(self) -> dict[str, Any]:
        """Returns the names of one service's expressions."""
        return {
            "databases": Names(self.access, self._database),
            "services": Names(self.stack.services, self._service),
            "secrets": Names(self.stack.secrets, self._secret),
            "stack": {"name": self.stack.name, "environment": self.stack.environment},
        }

    def connection(self, database: str, driver: str) -> Reference:
        """Returns the reference to a finished connection string, which is thereby rendered into `.env`."""
        key = env_key(database, driver)
        self.connections[key] = (database, driver)
        return Reference(key)

    def _database(self, name: str) -> Names:
        access = self.access[name]
        drivers = Names(access.network, lambda driver: self.connection(name, driver))

        def part(word: str) -> Any:
            if word == "connections":
                return drivers
            return self.connection(name, "url") if word == "url" else access.parts[word]

        return Names(("url", *access.parts, "connections"), part)

    def _service(self, name: str) -> Names:
        def part(word: str) -> Any:
            if word == "host":
                return name
            port = first_port(self.stack.services[name])
            if port is None:
                help = f"add `expose:` with its port, or write ${{{{ services.{name}.host }}}}"
                raise ExpressionError(f'service "{name}" says no port', help, "missing-port")
            return port if word == "port" else f"http://{name}:{port}"

        return Names(("url", "host", "port"), part)

    def _secret(self, name: str) -> Reference:
        rule = self.stack.secrets[name]
        if "file" in rule:
            told = f'the secret "{name}" is a file, whose content stands in no variable'
            help = f"mount it: `secrets: [{name}]` makes it /run/secrets/{name}"
            raise ExpressionError(told, help, "secret-is-a-file")
        return Reference(stack_secret_key(name, rule))


def first_port(entry: Mapping[str, Any] | None) -> int | None:
    """Returns the port on which a service answers: the first that it exposes or publishes."""
    for key in ("expose", "ports"):
        for written in (entry or {}).get(key) or ():
            port = written if isinstance(written, Mapping) else long_port(written)
            if inside := binding_of(port).container:
                return inside.start
    return None
