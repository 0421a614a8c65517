"""What an adapter's expressions can name: a database as it is inside the network of its stack."""

from __future__ import annotations

from typing import Any, NamedTuple

from compiler.model import Reference
from compiler.project.secrets import File, database_secrets
from compiler.stack.database import Database

NETWORK = "databases"
CA_FILE = "tls/ca.crt"
AUTHORITY = File("stackc-ca", "/etc/stackc/tls/ca.crt", source=f"./{CA_FILE}")
SERVER_TARGET = "/etc/stackc/tls/server.crt"


class Port(NamedTuple):
    """A port for clients: its name, its number inside the network, and the option that publishes it `here`."""

    name: str
    inside: int
    option: str
    here: int | None


def client_ports(database: Database) -> list[Port]:
    """Returns the ports for clients; the first is that of most of them and has no name."""
    container, given = database.spec["container"], {**database.options, **database.entry}
    first = {"port": container["port"], "tls": database.spec.get("tls", {}).get("port"), "option": "port"}
    ports = []
    for name, rule in {"": first, **container.get("ports", {})}.items():
        inside = (database.tls.enabled and rule.get("tls")) or rule["port"]
        ports.append(Port(name, inside, rule["option"], given.get(rule["option"])))
    return ports


def published_ports(database: Database) -> list[Port]:
    """Returns the ports that are published on this machine."""
    return [port for port in client_ports(database) if port.here]


def tls_files(container: str) -> dict[str, str]:
    """Returns where a container has its private key, and where certificate and key in one."""
    return {form: f"/run/secrets/{container}-tls-{form}" for form in ("key", "bundle")}


def build_scope(database: Database) -> dict[str, Any]:
    """Returns the names of an adapter's expressions inside the network of the stack."""
    spec, port, *ports = database.spec, *client_ports(database)
    secrets, timeout = database_secrets(database), database.timeout or 0
    return {
        "name": database.key,
        "server": database.key,
        "port": port.inside,
        "ports": {one.name: one.inside for one in ports},
        "version": database.version,
        "image": database.image,
        "database": database.database,
        "user": database.user,
        "admin": (spec.get("credentials") or {}).get("admin", ""),
        "password": Reference(database.password_key),
        "options": dict(database.options),
        "secrets": {name: f"/run/secrets/{secret.file}" for name, secret in secrets.items()},
        "pool": {"size": database.pool_size or 0, "limited": database.pool_size is not None},
        "timeout": {"set": database.timeout is not None, "ms": timeout, "seconds": -(-timeout // 1000)},
        "memory": _memory(database.memory),
        "tls": {
            "mode": database.tls.mode,
            "enabled": database.tls.enabled,
            "verify": database.tls.mode == "verify-full",
            "off": not database.tls.enabled,
            "certificate": SERVER_TARGET,
            **tls_files(database.key),
            "ca": AUTHORITY.target,
        },
        "vector": _vector(database),
        "init": {"file": f"/etc/stackc/{spec['init']['file']}"} if "init" in spec else {},
        "host": database.key,
    }


def _memory(limit: int | None) -> dict[str, Any]:
    mib = (limit or 0) >> 20
    shares = {"quarter_mib": mib // 4, "half_mib": mib // 2, "most_mib": mib * 3 // 4}
    shares["most_bytes"] = shares["most_mib"] << 20
    return {"limited": limit is not None, "bytes": limit or 0, "mib": mib, **shares}


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
        "index": "{collection}_{field}_{metric}_{method}".format_map(vector),
        **step.get("terms", {}),
        **rules["metrics"][vector["metric"]],
    }
