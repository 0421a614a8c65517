"""What `${{ }}` can name in a service: databases, other services, secrets and the stack itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from compiler.expressions import ExpressionError
from compiler.model import Reference, env_key
from compiler.project.ports import binding_of, long_port
from compiler.project.project import Project
from compiler.project.secrets import stack_secret_key
from compiler.stack.stack import Stack


class Names(dict[str, Any]):
    """Names and their values, of which a function makes its value when it is asked for; it remembers which were."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        self.asked.add(name)
        return value(name) if callable(value) else value


def build_names(stack: Stack, project: Project) -> dict[str, Any]:
    """Returns the names of one service's expressions; a connection string that is asked for goes into `.env`."""
    return {
        "databases": Names(dict.fromkeys(project.access, partial(_database, project))),
        "services": Names(dict.fromkeys(stack.services, partial(_service, stack))),
        "secrets": Names(dict.fromkeys(stack.secrets, partial(_secret, stack))),
        "stack": {"name": stack.name, "environment": stack.environment},
    }


def _database(project: Project, name: str) -> Names:
    def connect(driver: str) -> Reference:
        key = env_key(name, driver)
        project.connections[key] = (name, driver)
        return Reference(key)

    access = project.access[name]
    drivers = Names(dict.fromkeys(access.network, connect))
    return Names({"url": connect, **access.parts, "connections": drivers})


def _service(stack: Stack, name: str) -> Names:
    def port(word: str) -> Any:
        found = first_port(stack.services[name])
        if found is None:
            help = f"add `expose:` with its port, or write ${{{{ services.{name}.host }}}}"
            raise ExpressionError(f'service "{name}" says no port', help, "missing-port")
        return found if word == "port" else f"http://{name}:{found}"

    return Names({"url": port, "host": name, "port": port})


def _secret(stack: Stack, name: str) -> Reference:
    rule = stack.secrets[name]
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
