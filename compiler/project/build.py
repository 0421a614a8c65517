"""Builds a project: of a stack with all that it needs, or of any Compose file, so that the same rules check it."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.model import Certificate, OwnFile, Path, Variable, env_key
from compiler.project.adapter_texts import AdapterTexts
from compiler.project.connections import build_access
from compiler.project.containers import GATE, JOB, add_database, add_gate, iter_containers
from compiler.project.long_form import lengthen
from compiler.project.mounted import mount_secrets
from compiler.project.overlays import overlay_database
from compiler.project.project import SECTIONS, Places, Project
from compiler.project.references import build_scope
from compiler.project.secrets import (
    DIGEST_KEY,
    add_digests,
    build_secrets,
    database_keys,
    stack_keys,
    tls_secrets,
)
from compiler.project.services import build_include, build_section, build_service
from compiler.project.values import mapped, named_volume, raw
from compiler.project.workshop import Workshop
from compiler.report import Note, Report
from compiler.source import Document
from compiler.stack.database import Database
from compiler.stack.stack import Stack


def build_project(stack: Stack, today: str, report: Report, base: str = "") -> Project:
    """Returns the project of a stack, which is whole where the report has no error.

    `today` is an ISO date, `base` the way from the rendered files to the folder of the stack.
    """
    _check_names(stack, report)
    project = Project(
        name=stack.name,
        environment=stack.environment,
        today=today,
        places=Places(stack.document),
        databases=stack.databases,
        secrets=build_secrets(stack),
        network=_network(stack),
    )
    for database in stack.databases.values():
        _add_database(project, AdapterTexts(database, stack.document, build_scope(database), report))
    shop = Workshop(stack, project, report, base)
    for database in stack.databases.values():
        overlay_database(shop, database)
    for key in stack.services:
        build_service(shop, key)
    for section in SECTIONS[1:]:
        # What a person wrote comes first, in the order in which it was written.
        project.tree[section] = build_section(shop, section) | dict(sorted(project.tree[section].items()))
    mount_secrets(project, stack_keys(stack), report)
    if stack.databases:
        project.tree["networks"][project.network] = {"internal": True}
    project.include = build_include(shop)
    _add_volumes(project)
    add_gate(project)
    project.variables += project.connections.values()
    add_digests(project)
    return project


def read_project(document: Document, today: str) -> Project:
    """Returns the project of a Compose file that follows the Compose Specification's schema.

    It has no databases: each service is a person's own. `today` is an ISO date.
    """
    data = document.data
    project = Project(name=str(data.get("name", "")), environment="", today=today, places=Places(document))
    for section in SECTIONS:
        for name, entry in (data.get(section) or {}).items():
            project.tree[section][name] = lengthen(
                section, mapped(entry, raw), (section, name), project.places
            )
    project.kinds |= dict.fromkeys(project.services, "service")
    return project


def _add_database(project: Project, texts: AdapterTexts) -> None:
    database, report = texts.database, texts.report
    before = report.errors
    texts.check_rules()
    access = project.access[database.key] = build_access(texts)
    # What a rule of the adapter refuses need not make sense in its texts.
    if report.errors == before:
        add_database(project, texts)
    if database.tls.enabled and not database.on:
        project.certificates.append(_certificate(database, texts.document))
    for word, there, whence in (
        ("url", access.network, f" ({database.adapter.title}), from the network of the stack"),
        ("host_url", access.host, ", from this machine"),
    ):
        if "url" in there:
            key, comment = env_key(database.key, word), f'Connection of database "{database.key}"{whence}'
            project.connections[key] = Variable(key, there["url"], comment)


def _certificate(database: Database, document: Document) -> Certificate:
    tls, names = database.tls, ("certificate", "key", "ca")
    own = (OwnFile(getattr(tls, name), document.value((*database.path, "tls", name))) for name in names)
    return Certificate(
        name=database.key,
        hosts=tuple(name for name, at in iter_containers(database) if at != JOB),
        files={one.key: one.rule.get("holds", ["key"]) for one in tls_secrets(database).values()},
        own=tuple(own) if tls.certificate else (),
        verified=tls.mode == "verify-full",
        algorithm=database.spec["containers"]["server"]["tls"].get("algorithm", "ecdsa"),
    )


def _network(stack: Stack) -> str:
    """Returns a name for the network of the databases that no network of the user's has."""
    name = "databases"
    while name in (stack.extra.get("networks") or {}):
        name = f"stackc-{name}"
    return name


def _add_volumes(project: Project) -> None:
    """Adds the named volumes that services mount and nobody wrote; what is included may have those of services."""
    for key, service in project.services.items():
        if project.include and project.kinds[key] == "service":
            continue
        for index, mount in enumerate(service.get("volumes") or ()):
            name = named_volume(mount)
            if name and name not in project.tree["volumes"]:
                project.tree["volumes"][name] = None
                project.places.default(("volumes", name), ("services", key, "volumes", index))


def _check_names(stack: Stack, report: Report) -> None:
    """Finds each name that is taken twice, or that belongs to Compose or to stackc itself."""
    first: dict[tuple[str, str], Path] = {}
    for kind, name, path in _iter_names(stack):
        place, other = stack.document.key(path), first.setdefault((kind, name), path)
        if other != path:
            note = Note("the other is here", stack.document.key(other))
            told = f'two things make a {kind} named "{name}"'
            id = "name-collision" if kind == "container" else "key-collision"
            report.error(id, told, place, "rename one of them", (note,))
        if kind == "container" and name == GATE:
            told = f'the name "{name}" is used by stackc itself'
            report.error("reserved-service", told, place, "choose another name")
        if kind == "key of .env" and name == DIGEST_KEY:
            told = f'the key "{name}" of .env is used by stackc itself'
            report.error("key-collision", told, place, "choose another name")
        # Read from .env as well: https://docs.docker.com/compose/how-tos/environment-variables/envvars/
        is_made = not (path[0] == "secrets" and "environment" in stack.secrets[str(path[1])])
        if kind == "key of .env" and name.startswith(("COMPOSE_", "DOCKER_")) and is_made:
            told = f'"{name}" is a variable that Compose itself reads'
            help = "choose a name that does not start with COMPOSE_ or DOCKER_"
            report.error("reserved-variable", told, place, help)


def _iter_names(stack: Stack) -> Iterator[tuple[str, str, Path]]:
    """Yields each name of a container and each key of `.env`, with what in the stack it comes from."""
    yield from (("key of .env", key, ("secrets", name)) for name, key in stack_keys(stack).items())
    for database in stack.databases.values():
        yield from (("container", name, database.path) for name, _ in iter_containers(database))
        yield from (("key of .env", key, database.path) for key in database_keys(database))
    for name in stack.services:
        yield "container", name, ("services", name)
