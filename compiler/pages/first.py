"""A first stack: a shipped one or one that was asked for, its versions pinned, and the files that belong beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from compiler.project.values import inside, written_text
from compiler.registry.adapter import Adapter
from compiler.registry.registry import Registry
from compiler.report import Report, Span
from compiler.run.passes import compile_document
from compiler.source import parse_yaml

SCHEMA = "stack.schema.json"
_HEAD = f"# yaml-language-server: $schema={SCHEMA}\n"
# What holds secrets or stays on one machine, as git and as Docker read it.
_IGNORED = {
    ".gitignore": (".env", ".env.bak*", "secrets/", ".stackc/", "*.key"),
    ".dockerignore": ("**/.env", "**/.env.bak*", "**/secrets", "**/.stackc", "**/*.key"),
}


def shipped_stack(example: Path, folder: Path) -> str:
    """Returns a shipped stack under the name of the folder that it goes to, as no two projects can have one name."""
    text, name = (example / "stack.yaml").read_text("utf-8"), _name(folder)
    return re.sub("(?m)^name: .*$", f"name: {name}", text, count=1) if name else text


def asked_stack(
    folder: Path, adapters: Sequence[Adapter], images: Sequence[str], environments: Sequence[str]
) -> str:
    """Returns a stack with these databases, of which every service uses all, and empty environments."""
    databases: dict[str, dict[str, Any]] = {}
    for adapter in adapters:
        key = f"{adapter.name}-store" if databases else "main"
        databases[key] = {"adapter": adapter.name}
    services: dict[str, dict[str, Any]] = {}
    for image in images:
        bare = re.split("[@:]", image.rpartition("/")[2])[0].lower()
        base = re.sub("[^a-z0-9]+", "-", bare).strip("-") or "app"
        key = next(
            name for name in (base, *(f"{base}-{one}" for one in range(2, 99))) if name not in services
        )
        services[key] = {"image": image, **({"uses": [*databases]} if databases else {})}
    sections: Mapping[str, Mapping[str, Any]] = {
        "services": services,
        "databases": databases,
        "environments": {name: {} for name in environments},
    }
    lines = [f"name: {_name(folder) or 'app'}"]
    for section, entries in sections.items():
        lines += [f"{section}:"] if entries else []
        lines += [f"  {key}: {_flow(entry)}" for key, entry in entries.items()]
    return _HEAD + "\n".join(lines) + "\n"


def pinned(text: str, registry: Registry, today: str, told: list[str]) -> str:
    """Returns a stack in which each database that names no version has the default one, or one that still lives.

    Where it is another than the default, `told` says why.
    """
    document, rows = parse_yaml(text.encode(), "stack.yaml", Report()), text.splitlines(keepends=True)
    databases = document.data.get("databases", {}) if document else {}
    for key, entry in reversed(databases.items()):
        adapter = registry.find(str(entry.get("adapter")), Span(""), Report())
        if document is None or adapter is None or "version" in entry or "image" in entry:
            continue
        version, default = living(adapter, today), adapter.default_version
        if version != default:
            why = adapter.versions[default].get("eol")
            reason = f"has had no fixes since {why}" if why else "changes under the same name"
            told.append(f"{adapter.name} {version} is written for {key}: the default, {default}, {reason}")
        place, whole = document.value(("databases", key, "adapter")), document.value(("databases", key))
        row, column = rows[place.line - 1], place.end_column - 1
        is_flow = rows[whole.line - 1][whole.column - 1] == "{"
        before = ", " if is_flow else "\n" + " " * (document.key(("databases", key, "adapter")).column - 1)
        rows[place.line - 1] = f'{row[:column]}{before}version: "{version}"{row[column:]}'
    return "".join(rows)


def living(adapter: Adapter, today: str) -> str:
    """Returns the default version, or the first one that still gets fixes and is pinned."""
    alive, default = adapter.living(today), adapter.default_version
    return default if default in alive or not alive else alive[0]


def named_paths(text: str, registry: Registry, today: str) -> list[str]:
    """Returns what a stack takes from its folder: files and folders that it mounts, reads or builds."""
    document = parse_yaml(text.encode(), "stack.yaml", Report())
    made = document and compile_document(
        document, registry, Report(), environment="local", today=today, source="stack.yaml"
    )
    if not made:
        return []
    project, found = made.project, list[Any]()
    for _, service in project.own_services():
        mounts = (one for one in service.get("volumes") or () if one.get("type") == "bind")
        found += [inside(service, "build").get("context"), *(one.get("source") for one in mounts)]
        found += [one.get("path") for one in service.get("env_file") or ()]
    own = {*project.secret_files, *project.config_files}
    entries = (one for kind in ("secrets", "configs") for one in project.tree[kind].values())
    found += [inside(one, "file") for one in entries]
    paths = {written_text(one).removeprefix("./") for one in found if one and not isinstance(one, dict)}
    return sorted(path for path in paths - own if not path.startswith(("/", "$", "~", "..")))


def files_beside(
    text: str, registry: Registry, known: Mapping[str, bytes | None]
) -> Iterator[tuple[str, bytes]]:
    """Yields the files that a new stack wants beside it and that are not so yet; `known` is what is there, by name."""
    if text.startswith(_HEAD) and known[SCHEMA] is None:
        from compiler.pages.editor import editor_schema

        yield SCHEMA, json.dumps(editor_schema(registry), ensure_ascii=False).encode() + b"\n"
    for name, wanted in _IGNORED.items():
        content = known[name] or b""
        lines = {line.strip() for line in content.split(b"\n")}
        added = b"".join(line.encode() + b"\n" for line in wanted if line.encode() not in lines)
        if added:
            yield name, content + (b"\n" if content and not content.endswith(b"\n") else b"") + added


BESIDE = (SCHEMA, *_IGNORED)


def _name(folder: Path) -> str:
    return re.sub("[^a-z0-9_-]+", "-", folder.resolve().name.lower()).lstrip("_-")[:63]


def _flow(value: Any) -> str:
    """Returns a value in YAML's flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    return value if isinstance(value, str) and re.fullmatch("[a-z][a-z-]*", value) else json.dumps(value)
