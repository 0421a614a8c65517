"""What `${{ }}` can name: in an adapter its own database, in a service databases, services, secrets and the stack."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import PurePath
from typing import Any, NamedTuple

from compiler.expressions import ExpressionError, Group
from compiler.model import Reference, Variable, env_key
from compiler.project.project import Project
from compiler.project.secrets import File, database_secrets, stack_keys, tls_secrets
from compiler.project.values import LOOPBACK, as_text, binding_of, long_port
from compiler.stack.database import Database
from compiler.stack.stack import Stack

CA_FILE = "tls/ca.crt"
AUTHORITY = File("stackc-ca", "/etc/stackc/tls/ca.crt", source=f"./{CA_FILE}")
SERVER_TARGET = "/etc/stackc/tls/server.crt"
_NEW_DATABASE = "add `{name}:` with its `adapter:` under `databases:`"
# Of files in a language, where it is not the language's own name.
_ENDINGS = {"javascript": "js", "shell": "sh", "text": "txt"}


class Port(NamedTuple):
    """A port for clients: its name, its number inside the network, and the option that publishes `target` `here`.

    `address` is the one of this machine on which that is.
    """

    name: str
    inside: int
    target: int
    option: str
    here: int | None
    address: str


def client_ports(database: Database) -> list[Port]:
    """Returns the ports for clients; the first is that of most of them and has no name."""
    container, given = database.spec["containers"]["server"], {**database.options, **database.entry}
    first = {"port": container["port"], "tls": container.get("tls", {}).get("port"), "option": "port"}
    ports = []
    for name, rule in {"": first, **container.get("ports", {})}.items():
        inside = (database.tls.enabled and rule.get("tls")) or rule["port"]
        target = inside if name else container.get("host_port", inside)
        address, _, here = str(given.get(rule["option"]) or "").rpartition(":")
        number = int(here) if here.isdecimal() else None
        ports.append(Port(name, inside, target, rule["option"], number, address or LOOPBACK))
    return ports


def script_targets(database: Database) -> dict[str, str]:
    """Returns where the job has the scripts of a stack, by their paths from its folder, in their order."""
    paths = database.entry.get("scripts", ())
    return {
        path: f"/etc/stackc/scripts/{index:02}-{PurePath(path).name}" for index, path in enumerate(paths, 1)
    }


def tls_files(database: Database, container: str) -> dict[str, str]:
    """Returns where a container has its private key, by the names that the adapter gives its files."""
    return {name: f"/run/secrets/{container}-{one.file}" for name, one in tls_secrets(database).items()}


def build_scope(database: Database) -> dict[str, Any]:
    """Returns the names of an adapter's expressions inside the network of the stack."""
    spec, port, *ports = database.spec, *client_ports(database)
    entry, scripts, secrets = database.entry, script_targets(database), database_secrets(database)
    timeout, mib = database.timeout or 0, (database.memory or 0) >> 20
    settings = {name: as_text(one) for name, one in entry.get("settings", {}).items()}
    return {
        "name": database.key,
        "server": database.server,
        "port": port.inside,
        "ports": {one.name: one.inside for one in ports},
        "published": {one.name or "port": one.here for one in (port, *ports)},
        "version": database.version,
        "image": database.image,
        "database": database.database,
        "user": database.user,
        "admin": database.admin,
        "password": Reference(database.password_key) if "password" in secrets else None,
        "passwords": {name: Reference(one.key) for name, one in secrets.items()},
        "options": dict(database.options),
        "settings": [{"name": name, "value": value} for name, value in settings.items()],
        "sections": _sections(settings),
        "rights": list(entry.get("rights", ())),
        "needs": list(entry.get("needs", ())),
        "scripts": [{"name": PurePath(path).name, "path": target} for path, target in scripts.items()],
        "existing": not entry.keys().isdisjoint(("admin", "volume")),
        "secrets": {name: f"/run/secrets/{one.file}" for name, one in secrets.items()},
        "pool": {"size": database.pool_size or 0},
        "timeout": {"set": database.timeout is not None, "ms": timeout, "seconds": -(-timeout // 1000)},
        "memory": {
            "limited": database.memory is not None,
            "mib": mib,
            "quarter_mib": mib // 4,
            "half_mib": mib // 2,
            "most_mib": mib * 3 // 4,
            "most_bytes": (mib * 3 // 4) << 20,
        },
        "tls": {
            "mode": database.tls.mode,
            "enabled": database.tls.enabled,
            "verify": database.tls.mode == "verify-full",
            "certificate": SERVER_TARGET,
            **tls_files(database, database.key),
            "ca": AUTHORITY.target,
        },
        "vector": _vector(database),
        "init": {"file": _init_file(init)} if (init := spec["containers"].get("init")) else {},
        "host": database.server,
    }


def _sections(settings: Mapping[str, str]) -> list[dict[str, Any]]:
    """Returns settings by what stands before the last point of their names, for files that are made of sections."""
    sections: dict[str, list[dict[str, str]]] = {}
    for whole, value in settings.items():
        section, _, name = whole.rpartition(".")
        sections.setdefault(section, []).append({"name": name, "value": value})
    return [{"name": name, "settings": own} for name, own in sections.items()]


def _init_file(init: Mapping[str, Any]) -> str:
    usual = f"init.{_ENDINGS.get(init['language'], init['language'])}"
    return f"/etc/stackc/{init.get('file', usual)}"


def _vector(database: Database) -> dict[str, Any]:
    vector = database.vector
    if vector is None:
        return {"set": False, "tuned": False}
    rules = database.spec["vector"]
    step = next(step for step in rules["dimensions"] if vector["dimensions"] <= step["up_to"])
    return {
        "set": True,
        **vector,
        "tuned": "parameters" in database.entry["vector"],
        "prefix": "".join(vector["collection"].partition("_")[:2]),
        "index": "{collection}_{field}_{metric}_{method}".format_map(vector),
        **step.get("terms", {}),
        **rules["metrics"][vector["metric"]],
    }


class Names(Group):
    """Names and their values, of which a function makes its value when it is asked for; it remembers which were."""

    def __init__(self, values: Mapping[str, Any], added: str = "") -> None:
        super().__init__(values)
        self.added, self.asked = added, set[str]()

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        self.asked.add(name)
        return value(name) if callable(value) else value


def build_names(stack: Stack, project: Project) -> dict[str, Any]:
    """Returns the names of one service's expressions; a connection string that is asked for goes into `.env`."""
    entry = "{name}: {generate: hex}"
    secret = f"add `{entry}` under `secrets:`" if stack.secrets else f"add `secrets: {{{entry}}}`"
    return {
        "databases": Names(dict.fromkeys(project.access, partial(_database, project)), _NEW_DATABASE),
        "services": Names(dict.fromkeys(stack.services, partial(_service, stack))),
        "secrets": Names(dict.fromkeys(stack.secrets, partial(_secret, stack)), secret),
        "stack": {"name": stack.name, "environment": stack.environment},
    }


def _database(project: Project, name: str) -> Names:
    access = project.access[name]
    project.named.add(name)

    def connect(driver: str) -> Reference:
        key = env_key(name, driver)
        # An adapter whose `url` is at fault has none.
        if connection := access.network.get(driver):
            told = f'Connection of database "{name}" for {connection.title}'
            project.connections.setdefault(key, Variable(key, connection, told))
        return Reference(key)

    drivers = Names(dict.fromkeys(access.network, connect))
    return Names({"url": connect, **access.parts, "ports": dict(access.ports), "connections": drivers})


def _service(stack: Stack, name: str) -> Names:
    def port(word: str) -> Any:
        found = first_port(stack.services[name])
        if found is None:
            help = f"add `expose:` with its port, or write ${{{{ services.{name}.host }}}}"
            raise ExpressionError(f'service "{name}" says no port', help, "missing-port")
        return found if word == "port" else f"http://{name}:{found}"

    return Names({"url": port, "host": name, "port": port})


def _secret(stack: Stack, name: str) -> Reference:
    key = stack_keys(stack).get(name)
    if key is None:
        told = f'the secret "{name}" is not in .env: its value stands in no variable'
        help = f"mount it: `secrets: [{name}]` makes it /run/secrets/{name}"
        raise ExpressionError(told, help, "secret-is-a-file")
    return Reference(key)


def first_port(entry: Mapping[str, Any] | None) -> int | None:
    """Returns the port on which a service answers: the first that it exposes or publishes."""
    for key in ("expose", "ports"):
        for written in (entry or {}).get(key) or ():
            port = written if isinstance(written, Mapping) else long_port(written)
            if inside := binding_of(port).container:
                return inside.start
    return None
