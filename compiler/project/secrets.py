"""Secrets: their keys of `.env`, and how they and public files reach containers. The only place that knows a key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from operator import itemgetter
from typing import Any, NamedTuple

from compiler.model import Digest, Reference, Secret, Text, Variable, env_key
from compiler.project.project import Project
from compiler.stack.database import Database
from compiler.stack.stack import Stack

DIGEST_KEY = "STACKC_DIGEST_KEY"
_DIGEST = "secrets_sha256"


class DatabaseSecret(NamedTuple):
    """A secret of a database: its key of `.env`, the name of its file, and what the adapter says about it."""

    key: str
    file: str
    rule: Mapping[str, Any]


class File(NamedTuple):
    """A public file of a container: its name in the project, its path there, and its text or where it lies."""

    name: str
    target: str
    content: str | None = None
    source: str = ""


def database_secrets(database: Database) -> dict[str, DatabaseSecret]:
    """Returns the secrets of a database by name."""
    keys = {"password": database.password_key, "admin_password": database.admin_key}
    secrets = {}
    for name, rule in database.spec["secrets"].items():
        owner = database.server if name == "admin_password" else database.key
        key = keys.get(name, env_key(owner, name))
        secrets[name] = DatabaseSecret(key, f"{owner}-{name.replace('_', '-')}", rule)
    return secrets


def database_keys(database: Database) -> list[str]:
    """Returns every key of `.env` that is a database's own."""
    derived = (env_key(database.key, word) for word in ("url", "host_url", _DIGEST))
    private = tls_secrets(database) if database.tls.enabled and not database.on else {}
    shared = {database.password_key} if "password" in database.entry else set()
    shared |= {database.admin_key} if database.on else set()
    keys = [secret.key for secret in (*private.values(), *database_secrets(database).values())]
    return [*derived, *(key for key in keys if key not in shared)]


def tls_secrets(database: Database) -> dict[str, DatabaseSecret]:
    """Returns the secrets that hold a server's private key, by the names that containers give their files."""
    rules: dict[str, Mapping[str, Any]] = {}
    for container in database.spec["containers"].values():
        rules = {**container.get("tls", {}), **rules}
    return {
        name: DatabaseSecret(env_key(database.key, "tls", name), f"tls-{name}", rule)
        for name, rule in rules.items()
        if name not in ("port", "algorithm")
    }


def stack_keys(stack: Stack) -> dict[str, str]:
    """Returns the keys of `.env` that hold secrets of the stack, by their names; one that is elsewhere has none."""
    return {
        name: str(rule.get("environment") or env_key(name))
        for name, rule in stack.secrets.items()
        if "file" not in rule and rule.get("external") in (None, False, "false")
    }


def build_secrets(stack: Stack) -> list[Secret]:
    """Returns the secrets in `.env`; one of the stack's that a database takes has to be what its engine accepts."""
    secrets = {}
    for name, key in stack_keys(stack).items():
        rule = stack.secrets[name]
        secrets[key] = Secret(
            key=key,
            owner=f'secret "{name}"',
            span=stack.document.key(("secrets", name)),
            length=rule.get("bytes", 32),
            alphabet=rule.get("generate", "alphanumeric"),
            generate="generate" in rule,
        )
    for database in stack.databases.values():
        owner, span = f'database "{database.key}"', stack.document.key(database.path)
        for key, _, rule in database_secrets(database).values():
            form = {word: rule[word] for word in ("length", "alphabet") if word in rule}
            known = secrets.get(key) or Secret(key=key, owner=owner, span=span, **form)
            patterns = (rule["pattern"],) if "pattern" in rule else ()
            secrets[key] = known._replace(
                refuse=known.refuse + rule.get("refuse", ""),
                patterns=known.patterns + patterns,
                reason=rule.get("reason", known.reason),
            )
    return list(secrets.values())


def add_secret(project: Project, service: str, name: str, key: str, rule: Mapping[str, Any]) -> None:
    """Mounts a value of `.env` into a service; `rule` may say whose file it is, and its mode.

    Into a container with a read-only file system Compose can only mount files: there it is one beside the rendered
    ones, which has neither.
    """
    path, spec = f"secrets/{name}", project.services[service]
    mount: dict[str, Any] = {"source": name}
    if spec.get("read_only") or path in project.secret_files:
        project.secret_files[path] = Reference(key)
        project.tree["secrets"][name] = {"file": f"./{path}"}
    else:
        project.tree["secrets"][name] = {"environment": key}
        if "uid" in rule:
            mount |= {"target": name, "uid": rule["uid"], "gid": rule["gid"], "mode": int(rule["mode"], 8)}
    mounts = spec.setdefault("secrets", [])
    if len(mount) == 1:
        project.places.short["services", service, "secrets", len(mounts)] = itemgetter("source")
    mounts.append(mount)
    label_secrets(project, service, {key})


def add_files(project: Project, service: str, files: Iterable[File]) -> None:
    """Mounts public files into a service, which Compose recreates when the text of one changes."""
    spec, texts = project.services[service], []
    for name, target, content, source in files:
        path = f"configs/{name}"
        if content is not None:
            texts.append((target, content))
            if spec.get("read_only"):
                project.config_files[path] = content
                source = f"./{path}"
        project.tree["configs"][name] = {"file": source} if source else {"content": content}
        spec.setdefault("configs", []).append({"source": name, "target": target})
    if texts:
        label_configs(spec, texts)


def label_configs(spec: dict[str, Any], texts: Iterable[tuple[str, str]]) -> None:
    """Lets Compose recreate a service when a text changes that it reads as a file; each has its name beside it."""
    digest = sha256(repr(sorted(texts)).encode()).hexdigest()
    spec["labels"] = {**(spec.get("labels") or {}), "stackc.config-sha256": digest}


def label_secrets(project: Project, service: str, keys: Iterable[str]) -> None:
    """Lets Compose recreate a service when a secret changes that it reads as a file."""
    if keys:
        owner, spec = str(project.places.origin(("services", service)).path[-1]), project.services[service]
        project.mounted.setdefault(owner, set()).update(keys)
        digest = Reference(env_key(owner, _DIGEST))
        spec["labels"] = {**(spec.get("labels") or {}), "stackc.secrets-sha256": digest}


def add_digests(project: Project) -> None:
    """Adds the lines of `.env` from which the labels of services take the state of their secrets, and their secret."""
    told = "Changes with the secrets of {}, so that Compose recreates its containers"
    for owner, keys in project.mounted.items():
        digest = Digest(tuple(sorted(keys)), DIGEST_KEY)
        project.variables.append(Variable(env_key(owner, _DIGEST), digest, told.format(owner)))
    if project.mounted:
        owner, span = "secret of the labels that change with other secrets", project.places.value(("name",))
        project.secrets.append(Secret(DIGEST_KEY, owner, span))


def filled(content: Reference | Text, values: Mapping[str, str]) -> str:
    """Returns what a file with secrets holds, by the values of `.env`."""
    parts = content.parts if isinstance(content, Text) else (content,)
    given = (values.get(one.key) or one.default or "" if isinstance(one, Reference) else one for one in parts)
    return "".join(given)


def flat(content: Any) -> str:
    """Returns a text as it may be shown, with `${KEY}` for each secret."""
    parts = content.parts if isinstance(content, Text) else (content,)
    return "".join(f"${{{part.key}}}" if isinstance(part, Reference) else str(part) for part in parts)
