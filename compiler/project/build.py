"""Builds the project of a stack: every container, secret, connection and certificate that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from compiler.model import Variable, env_key
from compiler.project.adapter_rules import check_adapter_rules
from compiler.project.adapter_texts import AdapterTexts
from compiler.project.certificates import build_certificate
from compiler.project.connections import build_access
from compiler.project.containers import HARDENING, add_container, add_database
from compiler.project.names import GATE, check_names
from compiler.project.project import SECTIONS, Places, Project
from compiler.project.references import References
from compiler.project.scope import NETWORK, build_scope
from compiler.project.secrets import digests, iter_database_secrets, iter_stack_secrets
from compiler.project.services import Workshop, build_section, build_service
from compiler.project.values import named_volume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compiler.model import Path, Secret
    from compiler.report import Report
    from compiler.stack.stack import Stack


def build_project(stack: Stack, today: str, report: Report, base: str = "") -> Project:
    """Returns the project of a stack, which is whole where the report has no error.

    `today` is an ISO date, `base` the way from the rendered files to the folder of the stack.
    """
    check_names(stack, report)
    project = Project(
        name=stack.name,
        environment=stack.environment,
        today=today,
        places=Places(stack.document, ("environments", stack.environment)),
        databases=stack.databases,
    )
    _databases(project, stack, report)
    references = References(stack, project.access)
    shop = Workshop(stack, project, references, report, base)
    for key in stack.services:
        build_service(shop, key)
    for section in SECTIONS[1:]:
        # What a person wrote comes first, in the order in which it was written.
        own = dict(sorted(project.tree[section].items()))
        project.tree[section] = {}
        build_section(shop, section)
        project.tree[section] |= own
    if stack.databases:
        project.tree["networks"].setdefault(NETWORK, {"internal": True})
    for name, at in list(_named_volumes(project)):
        if name not in project.tree["volumes"]:
            project.tree["volumes"][name] = None
            origin = project.places.origin(at)._replace(kind="default")
            project.places.set(("volumes", name), origin)
    _add_gate(project)
    project.variables += [*_variables(project, references.connections), *digests(project)]
    return project


def _databases(project: Project, stack: Stack, report: Report) -> None:
    secrets = {secret.key: secret for secret in iter_stack_secrets(stack)}
    for database in stack.databases.values():
        texts = AdapterTexts(database, stack.document, build_scope(database), report)
        before = report.errors
        check_adapter_rules(texts)
        project.access[database.key] = build_access(texts)
        # What a rule of the adapter refuses need not make sense in its texts.
        if report.errors == before:
            add_database(project, texts)
        for secret in iter_database_secrets(database, stack.document.key(database.path)):
            known = secrets.get(secret.key)
            secrets[secret.key] = _stricter(known, secret) if known else secret
        if database.tls.enabled:
            project.certificates.append(build_certificate(database, stack.document))
    project.secrets += secrets.values()


def _stricter(known: Secret, other: Secret) -> Secret:
    """Returns a user's secret with the rules of the engine that also takes it."""
    return known._replace(
        refuse=known.refuse + other.refuse,
        patterns=known.patterns + other.patterns,
        reason=other.reason or known.reason,
    )


def _named_volumes(project: Project) -> Iterator[tuple[str, Path]]:
    for key, service in project.services.items():
        for index, mount in enumerate(service.get("volumes") or ()):
            if name := named_volume(mount):
                yield name, ("services", key, "volumes", index)


def _add_gate(project: Project) -> None:
    """Adds a container that waits for the jobs for which nothing else waits.

    Without it `docker compose up --wait` takes their exit for a failure.
    """
    jobs = {name: spec for name, spec in project.services.items() if project.kinds[name] == "job"}
    for service in project.services.values():
        for name, rule in (service.get("depends_on") or {}).items():
            if rule.get("condition") == "service_completed_successfully":
                jobs.pop(name, None)
    if not jobs:
        return
    job = next(iter(jobs.values()))
    spec: dict[str, Any] = {
        "image": job["image"],
        "depends_on": {name: {"condition": "service_completed_successfully"} for name in jobs},
        "entrypoint": ["tail", "-f", "/dev/null"],
        "command": [],
        "healthcheck": {"test": ["CMD-SHELL", "true"], "interval": "5s", "timeout": "5s", "retries": 3},
        "network_mode": "none",
        "restart": "unless-stopped",
        "init": True,
        "read_only": True,
        "tmpfs": job["tmpfs"],
        **HARDENING,
        "deploy": {"resources": {"limits": {"memory": "32M", "pids": 20}}},
    }
    add_container(project, GATE, "gate", spec, (), {})


def _variables(project: Project, connections: dict[str, tuple[str, str]]) -> Iterator[Variable]:
    """Yields the lines of `.env` that hold finished connection strings."""
    known = set()
    for key, database in project.databases.items():
        access, title = project.access[key], database.adapter.title
        if "url" not in access.network:
            continue
        comment = f'Connection of database "{key}" ({title}), from the network of the stack'
        yield Variable(key=env_key(key, "url"), value=access.network["url"], comment=comment)
        if "url" in access.host:
            comment = f'Connection of database "{key}", from this machine'
            yield Variable(key=env_key(key, "host_url"), value=access.host["url"], comment=comment)
        known |= {env_key(key, "url"), env_key(key, "host_url")}
    for key, (name, driver) in connections.items():
        if key not in known:
            connection = project.access[name].network[driver]
            comment = f'Connection of database "{name}" for {connection.title}'
            yield Variable(key=key, value=connection, comment=comment)
