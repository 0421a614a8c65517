"""Secrets: their keys of `.env`, and how their values reach containers. The only place that knows such a key."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from compiler.model import Digest, Reference, Secret, Text, Variable, env_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from compiler.project.project import Project
    from compiler.report import Span
    from compiler.stack.database import Database
    from compiler.stack.stack import Stack

SECRETS, CONFIGS = "secrets", "configs"
CONFIG_LABEL = "stackc.config-sha256"
SECRETS_LABEL = "stackc.secrets-sha256"


def secret_rules(database: Database) -> Mapping[str, Mapping[str, Any]]:
    """Returns the secrets of a database by name; an adapter that says nothing has one for each of its two users."""
    rules: Mapping[str, Mapping[str, Any]] = database.spec.get("secrets") or {
        "password": {},
        "admin_password": {},
    }
    return rules


def secret_key(database: Database, secret: str) -> str:
    """Returns the key of `.env` that holds a secret of a database."""
    return database.password_key if secret == "password" else env_key(database.key, secret)


def secret_name(database: Database, secret: str) -> str:
    return f"{database.key}-{secret.replace('_', '-')}"


def stack_secret_key(name: str, rule: Mapping[str, Any]) -> str:
    """Returns the key of `.env` that holds a secret of the stack."""
    return str(rule.get("environment") or env_key(name))


def iter_stack_secrets(stack: Stack) -> Iterator[Secret]:
    """Yields the values of `.env` that the stack itself names."""
    for name, rule in stack.secrets.items():
        if "file" not in rule:
            yield Secret(
                key=stack_secret_key(name, rule),
                owner=f'secret "{name}"',
                span=stack.document.key(("secrets", name)),
                length=rule.get("bytes", 32),
                alphabet=rule.get("generate", "alphanumeric"),
                generate="generate" in rule,
            )


def iter_database_secrets(database: Database, place: Span) -> Iterator[Secret]:
    """Yields the values of `.env` that a database needs; `place` is where the stack names it."""
    for name, rule in secret_rules(database).items():
        key = secret_key(database, name)
        yield Secret(
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


def add_secret(
    project: Project, service: str, name: str, key: str, rule: Mapping[str, Any], *, file: bool
) -> None:
    """Mounts a value of `.env` into a service; `rule` may have its owner and its mode.

    As a `file` beside the rendered ones it has neither: into a container with a read-only file system Compose can
    only mount files.
    """
    path = f"{SECRETS}/{name}"
    file = file or path in project.secret_files
    project.tree["secrets"][name] = {"file": f"./{path}"} if file else {"environment": key}
    mount: dict[str, Any] = {"source": name}
    if file:
        project.secret_files[path] = key
    elif "uid" in rule or "mode" in rule:
        owner = {"uid": rule["uid"], "gid": rule.get("gid")} if "uid" in rule else {}
        mount |= {"target": name, **owner, "mode": int(rule["mode"], 8) if "mode" in rule else None}
    mounts = project.services[service].setdefault("secrets", [])
    if len(mount) == 1:
        project.places.short.add(("services", service, "secrets", len(mounts)))
    mounts.append(mount)


def add_file(
    project: Project, service: str, config: tuple[str, str, Any], *, content: Any = None, file: bool = False
) -> None:
    """Mounts a file into a service: its name, its path there, and where it lies unless it has a `content`."""
    name, target, source = config
    if content is not None and file:
        source = f"./{CONFIGS}/{name}"
        project.config_files[f"{CONFIGS}/{name}"] = content
    project.tree["configs"][name] = {"content": content} if source is None else {"file": source}
    project.services[service].setdefault("configs", []).append({"source": name, "target": target})


def label_contents(project: Project, service: str, contents: list[tuple[str, Any]]) -> None:
    """Lets Compose recreate a service when the text of a file that it mounts changes."""
    if contents:
        told = repr(sorted((target, flat(content)) for target, content in contents))
        _label(project, service, CONFIG_LABEL, sha256(told.encode()).hexdigest())


def label_secrets(project: Project, service: str, keys: set[str]) -> None:
    """Lets Compose recreate a service when a secret that it reads as a file changes."""
    if keys:
        project.mounted[service] = keys
        _label(project, service, SECRETS_LABEL, Reference(_digest_key(project, service)))


def _label(project: Project, service: str, name: str, value: Any) -> None:
    spec = project.services[service]
    spec["labels"] = {**(spec.get("labels") or {}), name: value}


def _digest_key(project: Project, service: str) -> str:
    return env_key(owner_of(project, service), "secrets_sha256")


def owner_of(project: Project, service: str) -> str:
    """Returns the name under which the stack has what a service belongs to."""
    return str(project.places.origin(("services", service)).path[-1])


def digests(project: Project) -> list[Variable]:
    """Returns the lines of `.env` from which the labels of services take the state of their secrets."""
    keys: dict[str, set[str]] = {}
    for service, mounted in project.mounted.items():
        keys.setdefault(owner_of(project, service), set()).update(mounted)
    comment = "Changes with the secrets of {}, so that Compose recreates its containers"
    return [
        Variable(
            key=env_key(owner, "secrets_sha256"),
            value=Digest(tuple(sorted(found))),
            comment=comment.format(owner),
        )
        for owner, found in keys.items()
    ]


def flat(content: Any) -> str:
    """Returns a text as it may be shown, with `${KEY}` for each secret."""
    parts = content.parts if isinstance(content, Text) else (content,)
    return "".join(f"${{{part.key}}}" if isinstance(part, Reference) else str(part) for part in parts)
