"""The containers of a database: its server, its one-shot initialisation and what else its adapter names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from compiler.model import env_key
from compiler.project.long_form import lengthen
from compiler.project.merge import merge
from compiler.project.project import Origin, Places
from compiler.project.scope import CA_CONFIG, NETWORK, SERVER_TARGET, published_ports, sink, sql_sink
from compiler.project.secrets import (
    add_file,
    add_secret,
    label_contents,
    label_secrets,
    secret_key,
    secret_name,
    secret_rules,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from compiler.model import Path
    from compiler.project.adapter_texts import AdapterTexts
    from compiler.project.project import Kind, Project
    from compiler.stack.database import Database

# What every rendered container of a database has; https://docs.docker.com/engine/security/ says why.
HARDENING: Mapping[str, Any] = {
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
}
_CARRIED = (
    *("user", "shm_size", "stop_grace_period", "ulimits", "tmpfs", "sysctls", "cap_add", "working_dir"),
    *("environment", "entrypoint", "command"),
)
_HEALTH = ("interval", "timeout", "retries", "start_period")


def add_database(project: Project, texts: AdapterTexts) -> None:
    """Adds the containers of a database, and says what its clients wait for."""
    key = texts.database.key
    project.ready[key] = ready = {key: "service_healthy"}
    _add_server(project, texts)
    if _has_job(texts):
        ready[f"{key}-init"] = "service_completed_successfully"
        _add_job(project, texts)
    before = dict(ready)
    for name in texts.database.spec.get("companions") or {}:
        if texts.evaluate(("companions", name, "when")):
            _add_companion(project, texts, name, before)
            ready[f"{key}-{name}"] = "service_healthy"


def add_container(
    project: Project,
    name: str,
    kind: Kind,
    spec: dict[str, Any],
    asked: Path,
    origins: Mapping[str, Origin],
) -> None:
    """Adds a container whose specification may use Compose's short forms; `origins` are by its keys.

    `asked` is where the stack asks for it.
    """
    at: Path = ("services", name)
    project.places.set(at, Origin("default", project.places.file, asked))
    for key, origin in origins.items():
        project.places.set((*at, key), origin)
    project.services[name] = lengthen("services", spec, at, project.places)
    project.kinds[name] = kind


def _add_server(project: Project, texts: AdapterTexts) -> None:
    database, at = texts.database, ("container",)
    section = texts.section(at)
    spec = _spec(texts, at, section, database.image)
    spec["volumes"] = [f"{name}:{path}" for name, path in _volumes(database, section)]
    spec["restart"] = "unless-stopped"
    ports = [f"127.0.0.1:{here}:{inside}" for _, here, inside in published_ports(database)]
    spec["networks"] = ["default", NETWORK] if ports else [NETWORK]
    if ports:
        spec["ports"] = ports
    if section.get("expose"):
        spec["expose"] = [str(port) for port in section["expose"]]
    spec["deploy"] = {"resources": {"limits": _limits(database, section)}}
    read_only = bool(database.entry.get("read_only"))
    if read_only:
        spec["read_only"] = True
        spec["tmpfs"] = [*(section.get("tmpfs") or []), *section["read_only"]]
    add_container(project, database.key, "database", spec, database.path, _origins(texts, at, spec))
    for index, (option, _, _) in enumerate(published_ports(database)):
        origin = Origin("stack", texts.document, (*database.path, option))
        project.places.set(("services", database.key, "ports", index), origin)
    rules = {name: rule for name, rule in secret_rules(database).items() if _goes_to(rule, "server")}
    tls = database.spec["tls"] if database.tls.enabled else None
    _add_files(project, texts, at, database.key, server=tls is not None, file=read_only)
    _mount(project, texts, database.key, rules, tls, file=read_only)
    if overlay := database.entry.get("x-compose"):
        _overlay(project, database, overlay)


def _overlay(project: Project, database: Database, overlay: Mapping[str, Any]) -> None:
    """Merges the user's own `x-compose` into the server."""
    at: Path = ("services", database.key)
    theirs = Places(project.places.file)
    theirs.set(at, Origin("stack", project.places.file, (*database.path, "x-compose")))
    long = lengthen("services", overlay, at, theirs)
    project.services[database.key] = merge(project.services[database.key], long, at, project.places, theirs)


def _add_companion(project: Project, texts: AdapterTexts, name: str, ready: Mapping[str, str]) -> None:
    database, at, full = texts.database, ("companions", name), f"{texts.database.key}-{name}"
    texts = texts.within({"tls": {**texts.scope["tls"], "key": f"/run/secrets/{full}-tls-key"}})
    section = texts.section(at)
    spec = _spec(texts, at, section, section["image"])
    spec["restart"] = "unless-stopped"
    spec["networks"] = [NETWORK]
    spec["depends_on"] = {name: {"condition": condition} for name, condition in ready.items()}
    add_container(project, full, "database", spec, database.path, _origins(texts, at, spec))
    wanted = section.get("secrets") or []
    rules = {name: rule for name, rule in secret_rules(database).items() if name in wanted}
    tls = (section.get("tls") or {}) if database.tls.enabled else None
    _add_files(project, texts, at, full, server=bool(tls))
    _mount(project, texts, full, rules, tls)


def _has_job(texts: AdapterTexts) -> bool:
    rules = texts.database.spec.get("init") or {}
    return bool(rules) and ("when" not in rules or bool(texts.evaluate(("init", "when"))))


def _add_job(project: Project, texts: AdapterTexts) -> None:
    """Adds the one-shot job that brings the database to what the stack says, on every start."""
    database = texts.database
    rules = database.spec["init"]
    name, target = f"{database.key}-init", f"/etc/stackc/{rules['file']}"
    quote = sql_sink(database, rules["language"])
    statements = [texts.evaluate(("init", "statements"), quote)]
    if database.vector:
        statements.append(texts.evaluate(("vector", "statements"), quote))
    inner = texts.within({"init": {"file": target}})
    spec: dict[str, Any] = {
        "image": database.image,
        "depends_on": {database.key: {"condition": "service_healthy"}},
        "networks": [NETWORK],
        "entrypoint": ["/bin/sh", "-ec", inner.evaluate(("init", "run"), sink("shell"))],
        "command": [],
        "restart": "no",
        "init": True,
        **HARDENING,
        "tmpfs": _covers(texts),
        "deploy": {"resources": {"limits": {"memory": rules.get("memory", "512M"), "pids": 200}}},
    }
    spec |= {"user": rules["user"]} if "user" in rules else {}
    if environment := texts.mapping(("init", "environment")):
        spec["environment"] = environment
    origins = {"entrypoint": _adapter(texts, ("init", "run")), "image": _image(texts)}
    add_container(project, name, "job", spec, database.path, origins)
    content = "\n".join(flat_lines(statements)) + "\n"
    add_file(project, name, (name, target, None), content=content)
    if database.tls.enabled:
        add_file(project, name, CA_CONFIG)
    label_contents(project, name, [(target, content)])
    wanted = {one: rule for one, rule in secret_rules(database).items() if _goes_to(rule, "init")}
    _mount(project, texts, name, wanted, None)


def _spec(texts: AdapterTexts, at: Path, section: Mapping[str, Any], image: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"image": image, **HARDENING}
    spec |= {key: section[key] for key in _CARRIED if section.get(key)}
    script = texts.evaluate((*at, "start"), sink("shell"))
    if script:
        spec["entrypoint"] = ["/bin/sh", "-ec", script, "--"]
    health_at = _health_at(at)
    health = texts.section(health_at, ("test",))
    test = texts.evaluate((*health_at, "test"), sink("shell"))
    spec["healthcheck"] = {
        "test": ["CMD-SHELL", (test or "").strip()],
        **{key: health[key] for key in _HEALTH if key in health},
    }
    return spec


def _health_at(at: Path) -> Path:
    return ("health",) if at == ("container",) else (*at, "health")


def _origins(texts: AdapterTexts, at: Path, spec: Mapping[str, Any]) -> dict[str, Origin]:
    """Returns where the parts of a container come from: the adapter, or an option of the database."""
    known = {key: _adapter(texts, (*at, key)) for key in (*_CARRIED, "expose") if key in spec}
    known["healthcheck"] = _adapter(texts, _health_at(at))
    known["image"] = _image(texts) if at == ("container",) else _adapter(texts, (*at, "image"))
    options = {"read_only": "read_only", "deploy": "memory"}
    for key, option in options.items():
        if key in spec and option in texts.database.entry:
            known[key] = Origin("stack", texts.document, (*texts.database.path, option))
    return known


def _adapter(texts: AdapterTexts, path: Path) -> Origin:
    adapter = texts.database.adapter
    return Origin("adapter", adapter, adapter.written(path, texts.database.version))


def _image(texts: AdapterTexts) -> Origin:
    database = texts.database
    if "image" in database.entry:
        return Origin("stack", texts.document, (*database.path, "image"))
    return Origin("adapter", database.adapter, ("versions", database.version, "image"))


def _limits(database: Database, section: Mapping[str, Any]) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if "cpus" in database.entry:
        limits["cpus"] = str(database.entry["cpus"])
    if "memory" in database.entry:
        limits["memory"] = database.entry["memory"].upper()
    limits["pids"] = section.get("pids", 1000)
    return limits


def _volumes(database: Database, section: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields the name of each volume and its path in the container."""
    if section.get("data"):
        yield f"{database.key}-data", section["data"]
    for name, path in section.get("volumes", {}).items():
        yield f"{database.key}-{name}", path


def _covers(texts: AdapterTexts) -> list[str]:
    """Returns folders in memory over those of the image's volumes, each of which would else be left behind."""
    section = texts.section(("container",))
    kept = [path for _, path in _volumes(texts.database, section)]
    kept += [str(folder).partition(":")[0] for folder in section.get("tmpfs") or []]
    return [f"{folder}:size=16m" for folder in kept]


def _goes_to(rule: Mapping[str, Any], place: str) -> bool:
    return place in rule.get("to", ("server", "init"))


def _mount(
    project: Project,
    texts: AdapterTexts,
    service: str,
    rules: Mapping[str, Mapping[str, Any]],
    tls: Mapping[str, Any] | None,
    *,
    file: bool = False,
) -> None:
    """Mounts secrets of the database and the private key of its certificate, in the forms that `tls` asks for."""
    database, keys = texts.database, set()
    for name, rule in rules.items():
        key = secret_key(database, name)
        add_secret(project, service, secret_name(database, name), key, rule, file=file)
        keys.add(key)
    for kind in ("key", "bundle"):
        if tls and kind in tls:
            key = env_key(database.key, "tls", kind)
            add_secret(project, service, f"{service}-tls-{kind}", key, tls[kind], file=file)
            keys.add(key)
    label_secrets(project, service, keys)


def _add_files(
    project: Project, texts: AdapterTexts, at: Path, service: str, *, server: bool, file: bool = False
) -> None:
    database, contents = texts.database, []
    for name, rule in (texts.written(at).get("files") or {}).items():
        if "when" in rule and not texts.evaluate((*at, "files", name, "when")):
            continue
        quote = sql_sink(database, rule.get("language", "text"))
        content = "\n".join(flat_lines(texts.evaluate((*at, "files", name, "lines"), quote))) + "\n"
        add_file(project, service, (f"{service}-{name}", rule["path"], None), content=content, file=file)
        contents.append((rule["path"], content))
    if database.tls.enabled:
        add_file(project, service, CA_CONFIG)
    if server:
        source = f"./tls/{database.key}.crt"
        add_file(project, service, (f"{database.key}-tls-certificate", SERVER_TARGET, source))
    label_contents(project, service, contents)


def flat_lines(statements: Any) -> list[str]:
    """Flattens what guards and `each` have nested."""
    if isinstance(statements, list):
        return [line for item in statements for line in flat_lines(item)]
    return [] if statements is None else [str(statements).rstrip("\n")]
