"""A service as the entry of a database: what it says in Compose's words, in those of a stack."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from compiler.importing import Kind
from compiler.importing.opening import Clients, find_clients
from compiler.importing.reading import Compose
from compiler.importing.recognising import Engine, Unusual
from compiler.importing.words import Value, Words
from compiler.model import Path, env_key
from compiler.project.project import neighbours
from compiler.project.values import LOOPBACK, binding_of, inside, written_text
from compiler.targets.compose import written

_MEMORY = re.compile(r"(?:[1-9][0-9]*[kKmMgG][bB]?)?")
# What a database says in its own words, and what its server keeps as `x-compose`. With anything else it stays.
_SAID = (
    *("image", "environment", "env_file", "command", "ports", "volumes", "healthcheck", "networks", "expose"),
    *("profiles", "secrets", "mem_limit", "cpus", "deploy"),
)
_KEPT = (
    *("annotations", "container_name", "extra_hosts", "hostname", "init", "labels", "logging", "platform"),
    *(
        "mem_reservation",
        "oom_score_adj",
        "pull_policy",
        "restart",
        "shm_size",
        "stop_signal",
        "stop_grace_period",
        "sysctls",
    ),
    *("stdin_open", "tty", "ulimits"),
)
_RESTART = "unless-stopped"


class Entry(NamedTuple):
    """A database: its entry but for its password, its secrets by name, and what is told of it.

    `clients` are those of one that asked for no password.
    """

    engine: Engine
    options: dict[str, Any]
    secrets: Mapping[str, Value]
    told: list[tuple[Kind, str]]
    clients: Clients


def build_entry(compose: Compose, name: str, engine: Engine) -> Entry:
    """Returns a service as a database; raises Unusual where it would not be the same."""
    spec, adapter, told = compose.project.services[name], engine.adapter, list[tuple[Kind, str]]()
    _check(compose, name, spec, engine)
    reader = Words(compose, engine, lambda kind, text: told.append((kind, text)))
    environment, settings = reader.environment(spec), reader.settings(spec.get("command"))
    secrets, own = reader.secrets(), env_key(name, "admin_password")
    is_open = "password" in engine.data["secrets"] and not secrets
    clients = find_clients(compose, name, engine) if is_open else {}
    if clients and spec.get("ports"):
        key = env_key(name, "password")
        reader.tell(
            "decide", f"whoever comes by its port needs the password too, which will be in .env as {key}"
        )
    if "admin_password" in secrets and compose.values.get(own, one := secrets["admin_password"].text) != one:
        raise Unusual(f".env has another {own}")
    overlay = _overlay(compose, name, spec, reader.tell)
    options: dict[str, Any] = {"adapter": adapter.name, "version": engine.version}
    options |= {} if engine.image == adapter.versions[engine.version]["image"] else {"image": engine.image}
    options |= reader.names() | _volume(compose, name, reader, overlay, environment)
    options |= _ports(compose, spec, engine) | _limits(compose, spec)
    further = {"profiles": spec.get("profiles"), "environment": environment, "settings": settings}
    options |= {word: value for word, value in {**further, "x-compose": overlay}.items() if value}
    if not engine.is_told:
        told.append(
            ("decide", f"{engine.image} names no version; {engine.version} is taken: write the one that runs")
        )
    if "$" in written_text(spec.get("image")):
        told.append(("decide", "its image is written out, since a database takes no variable there"))
    if not engine.is_own:
        text = f"its image is not one of {adapter.name}'s own; what that starts with goes under `settings`"
        told.append(("decide", text))
    better = "its health check logs in, its clients wait for that, and its container has few rights"
    told.append(("improved", better))
    return Entry(engine, options, secrets, told, clients)


def _check(compose: Compose, name: str, spec: Mapping[str, Any], engine: Engine) -> None:
    """Finds what a database cannot say."""
    for key in (key for key in spec if key not in (*_SAID, *_KEPT)):
        raise Unusual(f"it has `{key}`, which a database of a stack does not take")
    for other, service in compose.project.services.items():
        if any(one == name for one, path in neighbours(service) if path[0] != "links"):
            raise Unusual(f'the service "{other}" rests on it')
    if "hostname" in engine.server and spec.get("hostname", name) != name:
        raise Unusual(f"its data belong to the host name {spec['hostname']}")
    if any(inside(spec, "networks").values()):
        raise Unusual("it has names or addresses of its own in a network")
    for key in (env_key(name, word) for word in ("url", "host_url")):
        if key in compose.values or key in compose.uses:
            raise Unusual(f"{key} is a variable of yours, and a database of this name has one itself")


def _volume(
    compose: Compose, name: str, reader: Words, overlay: dict[str, Any], environment: dict[str, Any]
) -> dict[str, Any]:
    """Returns what holds the data; scripts for new data stay where the image finds them."""
    folders = [*(reader.engine.server.get("volumes") or {}).values()]
    scripts = reader.engine.rules.get("scripts")
    entry, kept, mounted = dict[str, Any](), list[Any](), list[str]()
    for index, mount in enumerate(compose.project.services[name].get("volumes") or ()):
        target, source = written_text(mount.get("target")).rstrip("/"), compose.filled(mount.get("source"))
        special = inside(mount, "bind").keys() - {"create_host_path"} or "volume" in mount
        if target in folders[:1] and not special and mount.get("type") in ("bind", "volume", None):
            entry = {"volume": source} if source else {}
        elif scripts and f"{target}/".startswith(f"{scripts['folder']}/"):
            kept.append(written(compose.project, mount, ("services", name, "volumes", index)))
            mounted.append(source)
        else:
            raise Unusual(f"its mount of {target} is not one that a database has")
    if folders and not entry:
        told = f"its data had no volume with a name, and will be in {name}-data: copy them if they matter"
        reader.tell("decide", told)
    if mounted and _are_scripts(compose, reader, entry.get("volume", ""), mounted):
        reader.tell("improved", f"its job runs {', '.join(mounted)} once, in its new and empty data")
        return entry | {"scripts": [source.removeprefix("./") for source in mounted]}
    for source in mounted:
        told = f"{source} is run by the image when its volume is new, as before"
        reader.tell("decide", f"{told}; as one of `scripts` it would run in the data that are there as well")
    if scripts and mounted and "database" in reader.words:
        environment[scripts["database"]] = reader.words["database"].text
    overlay |= {"volumes": kept} if kept else {}
    return entry


def _are_scripts(compose: Compose, reader: Words, volume: str, mounted: Sequence[str]) -> bool:
    """Says whether files for new data can be `scripts`: nothing has run them, and they need no administrator."""
    is_path, words = volume.startswith((".", "/")), reader.words
    is_new = not volume or (is_path and not compose.file(volume).exists())
    pattern = (reader.engine.data.get("scripts") or {}).get("pattern")
    is_admin = "user" in words and words["user"] == words.get("admin")
    files = [compose.file(source) for source in mounted]
    are_files = pattern and all(re.search(pattern, file.name) and file.is_file() for file in files)
    return bool(is_new and is_admin and are_files and not any(one.startswith(("/", "..")) for one in mounted))


def _ports(compose: Compose, spec: Mapping[str, Any], engine: Engine) -> dict[str, Any]:
    entry, further = dict[str, Any](), (engine.server.get("ports") or {}).values()
    named = {engine.server["port"]: "port", **{one["port"]: one["option"] for one in further}}
    for port in spec.get("ports") or ():
        address, host, inner, protocol = binding_of({key: compose.filled(one) for key, one in port.items()})
        option = named.get(inner.start) if inner and host and len(inner) == len(host) == 1 else None
        is_here, where = address == LOOPBACK, f"[{address}]" if ":" in address else address
        is_free = option == "port" or (option not in (None, *entry) and is_here)
        if not option or not host or option in entry or protocol != "tcp" or not is_free:
            raise Unusual(
                f"it publishes {compose.filled(port.get('target'))} in a way that a database does not"
            )
        entry[option] = host.start if is_here else f"{where}:{host.start}"
    return entry


def _limits(compose: Compose, spec: Mapping[str, Any]) -> dict[str, Any]:
    limits = inside(spec, "deploy", "resources", "limits")
    memory = compose.filled(limits.get("memory", spec.get("mem_limit")))
    cpus = compose.filled(limits.get("cpus", spec.get("cpus")))
    if not _MEMORY.fullmatch(memory) or limits.keys() - {"memory", "cpus"}:
        raise Unusual("it has other limits than of memory and processors")
    return {key: value for key, value in {"memory": memory, "cpus": cpus}.items() if value}


def _overlay(
    compose: Compose, name: str, spec: Mapping[str, Any], tell: Callable[[Kind, str], None]
) -> dict[str, Any]:
    """Returns what a server keeps of its service in Compose's words."""
    kept = {key: spec[key] for key in _KEPT if key in spec and (key, spec[key]) != ("restart", _RESTART)}
    if "restart" not in spec:
        tell("improved", "it is started again when it fails")
    deploy = {key: one for key, one in inside(spec, "deploy").items() if key != "resources"}
    resources = {key: one for key, one in inside(spec, "deploy", "resources").items() if key != "limits"}
    deploy |= {"resources": resources} if resources else {}
    known = compose.project.tree["networks"]
    joined = [one for one in inside(spec, "networks") if inside(known, one).get("external")]
    kept |= {key: one for key, one in {"deploy": deploy, "networks": joined}.items() if one}
    own: Path = ("services", name)
    return {
        key: written(compose.project, one, (*own, key)) if key in _KEPT else one for key, one in kept.items()
    }
