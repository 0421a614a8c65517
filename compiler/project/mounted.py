"""Secrets and configs of the user's own services: files where Compose can mount nothing else.

https://docs.docker.com/reference/compose-file/services/#read_only says nothing of it: `docker compose up` refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from compiler.model import Raw, Reference, Secret, Text
from compiler.project.interpolation import PROJECT_NAME, iter_pieces
from compiler.project.project import Project
from compiler.project.secrets import label_configs, label_secrets
from compiler.project.values import written_text
from compiler.report import Report


def mount_secrets(project: Project, keys: Mapping[str, str], report: Report) -> None:
    """Labels each service with the state of what it mounts, and mounts files into what is read-only.

    `keys` are those of `.env` by the names of the secrets.
    """
    for service, spec in project.own_services():
        sources = {kind: _sources(spec.get(kind)) for kind in ("secrets", "configs")}
        own = {name: key for name, key in keys.items() if name in sources["secrets"]}
        read = {*own.values()}
        if spec.get("read_only") not in (None, False, "false"):
            for name, key in own.items():
                _mount(project, "secrets", name, Reference(key))
            texts = {}
            for name in project.tree["configs"].keys() & sources["configs"]:
                content = _content(project, name, report)
                if isinstance(content, str):
                    texts[name] = content
                elif content:
                    read |= {part.key for part in content.parts if isinstance(part, Reference)}
                if content is not None:
                    _mount(project, "configs", name, content)
            if texts:
                label_configs(spec, texts.items())
        label_secrets(project, service, read)


def _sources(mounts: Any) -> set[str]:
    return {written_text(mount.get("source")) for mount in mounts or ()}


def _mount(project: Project, kind: str, name: str, content: Any) -> None:
    entry = project.tree[kind][name] or {}
    rest = {word: one for word, one in entry.items() if word not in ("environment", "content", "file")}
    path = f"configs/{name}"
    if isinstance(content, str):
        project.config_files[path] = content
    else:
        path = f"secrets/{name}" if kind == "secrets" else f"secrets/config-{name}"
        project.secret_files[path] = content
    project.tree[kind][name] = {"file": f"./{path}", **rest}


def _content(project: Project, name: str, report: Report) -> str | Text | None:
    """Returns the text of a config, with what stands in `.env`; None where it is a file, or nobody can say."""
    config = project.tree["configs"][name] or {}
    variable, content = config.get("environment"), config.get("content")
    if variable is not None:
        content = Raw(f"${{{written_text(variable)}}}")
    if content is None:
        return None
    written = content.parts if isinstance(content, Text) else (content,)
    try:
        parts = [part for one in written for part in _resolved(one, project.name)]
    except ValueError:
        place = project.places.value(("configs", name, "environment" if variable else "content"))
        told = (
            f'a read-only service needs "{name}" as a file, and it has a variable that only Compose can read'
        )
        report.error("read-only-config", told, place, "write it as ${NAME} or ${NAME:-default}")
        return None
    known = {*(one.key for one in project.secrets), *project.connections}
    references = [part for part in parts if isinstance(part, Reference)]
    needed = (one.key for one in references if one.default is None and one.key not in known)
    for key in dict.fromkeys(needed):
        span = project.places.key(("configs", name))
        project.secrets.append(Secret(key=key, owner=f'config "{name}"', span=span, generate=False))
    return Text(tuple(parts)) if references else "".join(parts)


def _resolved(part: Any, project_name: str) -> Iterator[Any]:
    """Yields the parts of a text in Compose's syntax; ValueError for one that only Compose can read."""
    if not isinstance(part, Raw):
        yield part
        return
    for piece in iter_pieces(part):
        if isinstance(piece, str):
            yield piece
            continue
        name, operator, argument = piece
        if operator not in ("", "?", ":?", ":-") or not {*"${}"}.isdisjoint(argument):
            raise ValueError(part)
        default = argument if operator == ":-" else None
        yield project_name if name == PROJECT_NAME else Reference(name, default=default)
