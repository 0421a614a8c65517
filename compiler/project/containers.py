"""The containers of a database: its server, its companions and its one-shot initialisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from compiler.model import Container, FileMount, Secret, SecretMount, env_key
from compiler.project.scope import (
    CA_FILE,
    CA_TARGET,
    NETWORK,
    SERVER_TARGET,
    published_ports,
    secret_key,
    secret_name,
    secret_rules,
    sink,
    sql_sink,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compiler.model import Path
    from compiler.project.faults import AdapterTexts
    from compiler.report import Span
    from compiler.stack.database import Database

# What every rendered container of a database has; https://docs.docker.com/engine/security/ says why.
HARDENING: Mapping[str, Any] = {
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
}
_CARRIED = ("user", "shm_size", "stop_grace_period", "ulimits", "tmpfs", "sysctls", "cap_add", "working_dir")
_HEALTH = ("interval", "timeout", "retries", "start_period")


def build_server(texts: AdapterTexts) -> Container:
    """Returns the container of the database server itself."""
    database = texts.database
    section = texts.section(("container",))
    spec = _spec(texts, ("container",), section, database.image)
    spec["volumes"] = _volumes(database, section)
    spec["restart"] = "unless-stopped"
    ports = [f"127.0.0.1:{here}:{inside}" for _, here, inside in published_ports(database)]
    spec["networks"] = ["default", NETWORK] if ports else [NETWORK]
    if ports:
        spec["ports"] = ports
    if section.get("expose"):
        spec["expose"] = [str(port) for port in section["expose"]]
    spec["deploy"] = {"resources": {"limits": _limits(database, section)}}
    if database.entry.get("read_only"):
        spec["read_only"] = True
        spec["tmpfs"] = [*(section.get("tmpfs") or []), *section["read_only"]]
    secrets = [mount for mount in _secrets(database) if _goes_to(database, mount, "server")]
    files = _files(texts, ("container",), database.key)
    if database.tls.enabled:
        secrets += _tls_secrets(database, database.spec["tls"], database.key)
        files += _tls_files(database)
    return Container(
        name=database.key,
        kind="database",
        spec=spec,
        secrets=tuple(secrets),
        files=tuple(files),
        overlay=database.entry.get("x-compose") or {},
        origin=database.path,
    )


def build_companions(texts: AdapterTexts, ready: Mapping[str, str]) -> list[Container]:
    """Returns the further containers beside the server, such as a pooler; `ready` is what they wait for."""
    containers = []
    outer = texts.scope
    for name in texts.database.spec.get("companions") or {}:
        at: Path = ("companions", name)
        database = texts.database
        full = f"{database.key}-{name}"
        texts.scope = {**outer, "tls": {**outer["tls"], "key": f"/run/secrets/{full}-tls-key"}}
        section = texts.section(at)
        if not section["when"]:
            continue
        spec = _spec(texts, at, section, section["image"])
        spec["restart"] = "unless-stopped"
        spec["networks"] = [NETWORK]
        spec["depends_on"] = {name: {"condition": condition} for name, condition in ready.items()}
        wanted = section.get("secrets", [])
        secrets = [
            mount
            for mount in _secrets(database)
            if mount.name in {secret_name(database, str(one)) for one in wanted}
        ]
        files = _files(texts, at, full)
        if database.tls.enabled:
            secrets += _tls_secrets(database, section.get("tls") or {}, full)
            files += _tls_files(database) if section.get("tls") else [ca_file()]
        containers.append(
            Container(
                name=full,
                kind="database",
                spec=spec,
                secrets=tuple(secrets),
                files=tuple(files),
                origin=database.path,
            )
        )
    texts.scope = outer
    return containers


def build_job(texts: AdapterTexts) -> Container | None:
    """Returns the one-shot job that brings the database to what the stack says, on every start."""
    database = texts.database
    rules = database.spec.get("init")
    if not rules or ("when" in rules and not texts.evaluate(("init", "when"))):
        return None
    name, target = f"{database.key}-init", f"/etc/stackc/{rules['file']}"
    language = rules["language"]
    statements = texts.evaluate(("init", "statements"), sql_sink(database, language)) or []
    if database.vector:
        statements = [
            *statements,
            *(texts.evaluate(("vector", "statements"), sql_sink(database, language)) or []),
        ]
    scope = {**texts.scope, "init": {"file": target}}
    script = texts.evaluate(("init", "run"), sink("shell"), scope)
    environment = texts.mapping(("init", "environment"))
    spec: dict[str, Any] = {
        "image": database.image,
        "depends_on": {database.key: {"condition": "service_healthy"}},
        "networks": [NETWORK],
        "entrypoint": ["/bin/sh", "-ec", script],
        "command": [],
        "restart": "no",
        "init": True,
        **HARDENING,
        **({"environment": environment} if environment else {}),
        **({"user": rules["user"]} if "user" in rules else {}),
        "tmpfs": _covers(texts),
        "deploy": {"resources": {"limits": {"memory": rules.get("memory", "512M"), "pids": 200}}},
    }
    content = "\n".join(flat_lines(statements)) + "\n"
    files = [FileMount(name=name, target=target, content=content)]
    if database.tls.enabled:
        files.append(ca_file())
    secrets = [mount for mount in _secrets(database) if _goes_to(database, mount, "init")]
    return Container(
        name=name, kind="job", spec=spec, secrets=tuple(secrets), files=tuple(files), origin=database.path
    )


def _covers(texts: AdapterTexts) -> list[str]:
    """Returns folders in memory over those of the image's volumes, each of which would else be left behind."""
    section = texts.section(("container",))
    kept = [section.get("data"), *(section.get("volumes") or {}).values()]
    kept += [str(folder).partition(":")[0] for folder in section.get("tmpfs") or []]
    return [f"{folder}:size=16m" for folder in kept if folder]


def build_secrets(database: Database, place: Span) -> list[Secret]:
    """Returns the values of `.env` that the database needs; `place` is where the stack names it."""
    secrets = []
    for name, rule in secret_rules(database).items():
        key = secret_key(database, name)
        secrets.append(
            Secret(
                key=key,
                owner=f'database "{database.key}"',
                span=place,
                length=rule.get("length", 32),
                alphabet=rule.get("alphabet", "alphanumeric"),
                generate=key != database.password_key or database.own_password,
                refuse=rule.get("refuse", ""),
                patterns=(rule["pattern"],) if "pattern" in rule else (),
                reason=rule.get("reason", ""),
            )
        )
    return secrets


def ca_file() -> FileMount:
    return FileMount(name="stackc-ca", target=CA_TARGET, source=f"./{CA_FILE}")


def _spec(texts: AdapterTexts, at: Path, section: Mapping[str, Any], image: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"image": image, **HARDENING}
    for key in _CARRIED:
        if section.get(key):
            spec[key] = section[key]
    if section.get("environment"):
        spec["environment"] = section["environment"]
    script = texts.evaluate((*at, "start"), sink("shell"))
    if script:
        spec["entrypoint"] = ["/bin/sh", "-ec", script, "--"]
    elif section.get("entrypoint"):
        spec["entrypoint"] = section["entrypoint"]
    if section.get("command"):
        spec["command"] = section["command"]
    health_at = ("health",) if at == ("container",) else (*at, "health")
    health = texts.section(health_at, ("test",))
    test = texts.evaluate((*health_at, "test"), sink("shell"))
    spec["healthcheck"] = {
        "test": ["CMD-SHELL", (test or "").strip()],
        **{key: health[key] for key in _HEALTH if key in health},
    }
    return spec


def _limits(database: Database, section: Mapping[str, Any]) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if "cpus" in database.entry:
        limits["cpus"] = str(database.entry["cpus"])
    if "memory" in database.entry:
        limits["memory"] = database.entry["memory"].upper()
    limits["pids"] = section.get("pids", 1000)
    return limits


def _volumes(database: Database, section: Mapping[str, Any]) -> list[str]:
    volumes = [f"{data_volume(database)}:{section['data']}"] if section.get("data") else []
    return volumes + [f"{database.key}-{name}:{path}" for name, path in section.get("volumes", {}).items()]


def data_volume(database: Database) -> str:
    return f"{database.key}-data"


def volume_names(container: Container) -> list[str]:
    return [volume.split(":", 1)[0] for volume in container.spec.get("volumes", [])]


def _secrets(database: Database) -> list[SecretMount]:
    return [
        _mount(secret_name(database, name), secret_key(database, name), rule)
        for name, rule in secret_rules(database).items()
    ]


def _mount(name: str, key: str, rule: Mapping[str, Any]) -> SecretMount:
    mode = int(rule["mode"], 8) if "mode" in rule else None
    return SecretMount(name=name, key=key, uid=rule.get("uid"), gid=rule.get("gid"), mode=mode)


def _goes_to(database: Database, mount: SecretMount, place: str) -> bool:
    for name, rule in secret_rules(database).items():
        if secret_name(database, name) == mount.name:
            return place in rule.get("to", ("server", "init"))
    return False


def _tls_secrets(database: Database, rules: Mapping[str, Any], owner: str) -> list[SecretMount]:
    mounts = []
    for kind in ("key", "bundle"):
        if kind in rules:
            name, key = f"{owner}-tls-{kind}", env_key(database.key, "tls", kind)
            mounts.append(_mount(name, key, rules[kind]))
    return mounts


def _tls_files(database: Database) -> list[FileMount]:
    source = f"./tls/{database.key}.crt"
    return [ca_file(), FileMount(name=f"{database.key}-tls-certificate", target=SERVER_TARGET, source=source)]


def _files(texts: AdapterTexts, at: Path, owner: str) -> list[FileMount]:
    section: Any = texts.database.spec
    for step in at:
        section = section[step]
    files = []
    for name, rule in (section.get("files") or {}).items():
        if "when" in rule and not texts.evaluate((*at, "files", name, "when")):
            continue
        lines = texts.evaluate(
            (*at, "files", name, "lines"), sql_sink(texts.database, rule.get("language", "text"))
        )
        files.append(
            FileMount(
                name=f"{owner}-{name}", target=rule["path"], content="\n".join(flat_lines(lines)) + "\n"
            )
        )
    return files


def flat_lines(statements: Any) -> list[str]:
    """Flattens what guards and `each` have nested."""
    if isinstance(statements, list):
        return [line for item in statements for line in flat_lines(item)]
    return [] if statements is None else [str(statements).rstrip("\n")]
