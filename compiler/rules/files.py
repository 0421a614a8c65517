"""What a service takes from files, labels and overlays that is not what it looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.project.values import inside, plain
from compiler.rules.rule import rule

if TYPE_CHECKING:
    from compiler.project.project import Project
    from compiler.rules.rule import Tell

# Keys that stackc's promises rest on.
_OWNED = (
    *("image", "environment", "secrets", "configs", "healthcheck", "networks", "volumes", "entrypoint"),
    *("command", "depends_on"),
)


@rule("env-file-with-secrets", "warning")
def env_file_with_secrets(project: Project, tell: Tell) -> None:
    if not project.secrets:
        return
    for name, service in project.services.items():
        for index, item in enumerate(service.get("env_file") or ()):
            if plain(item.get("path")) in (".env", "./.env"):
                told = "`.env` holds the passwords of every database, and this puts all of them into the container"
                help = "name the variables that it needs under `environment:`"
                tell(told, ("services", name, "env_file", index), help)


@rule("empty-label", "warning")
def empty_label(project: Project, tell: Tell) -> None:
    for name, service in project.services.items():
        for at in (("labels",), ("deploy", "labels"), ("build", "labels")):
            labels = inside(service, *at)
            path = ("services", name, *at)
            for label, value in labels.items() if path in project.places.short else ():
                if value is None:
                    help = f'write "{label}=" if it is meant to be empty'
                    tell(f'the label "{label}" has no value', (*path, label), help)


@rule("owned-key", "warning")
def owned_key(project: Project, tell: Tell) -> None:
    for key, database in project.databases.items():
        for name in database.entry.get("x-compose") or {}:
            if name in _OWNED and name in project.services.get(key, {}):
                told = f'`x-compose` changes `{name}` of "{key}", which stackc sets'
                help = "use an option of the database where there is one"
                tell(told, (*database.path, "x-compose", name), help, key=True)
