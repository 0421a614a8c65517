"""What a stack says of a database's server in Compose's words, merged into what its adapter renders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from compiler.model import OwnFile, Path
from compiler.project.containers import JOB, iter_containers
from compiler.project.long_form import bind_ports, lengthen, rebase
from compiler.project.project import Places, Project, identity, merge
from compiler.project.references import build_names, script_targets
from compiler.project.secrets import File, add_files
from compiler.project.workshop import Workshop, evaluated
from compiler.stack.database import Database

# To these something can be added without a change of what is there.
_NAMED = ("depends_on", "environment", "networks")
_MOUNTED = ("configs", "secrets", "volumes")


def overlay_database(shop: Workshop, database: Database) -> None:
    """Merges the volume, the variables and `x-compose` of an entry into the server, and mounts its scripts."""
    project, at, names = shop.project, ("services", database.key), build_names(shop.stack, shop.project)
    if at[1] in project.services and not database.on:
        for word, written in _overlays(project, database):
            own, theirs = (*database.path, word), Places(project.places.file)
            tree = evaluated(shop, written, names, own)
            # Of `x-compose` each key has a place of its own, of other words they all have that of the word.
            for here in [at] if word == "x-compose" else [(*at, key) for key in tree]:
                theirs.known[here] = project.places.origin(own)
            long = rebase(lengthen("services", tree, at, theirs), "services", shop.base)
            bind_ports(long, at, theirs)
            if word == "x-compose":
                project.overruled[database.key] = list(_overruled(project.services[database.key], long))
            server = project.services[database.key]
            project.services[database.key] = merge(server, long, at, project.places, theirs)
    _add_scripts(shop, database)


def _overlays(project: Project, database: Database) -> Iterator[tuple[str, Any]]:
    """Yields each word of an entry that is an overlay, and the overlay."""
    entry, (data, *_) = database.entry, project.services[database.key].get("volumes") or [{}]
    if isinstance(entry.get("volume"), dict):
        project.tree["volumes"][data["source"]] = dict(entry["volume"])
    elif "volume" in entry:
        yield "volume", {"volumes": [f"{entry['volume']}:{data['target']}"]}
    if "environment" in entry:
        yield "environment", {"environment": entry["environment"]}
    if "x-compose" in entry:
        yield "x-compose", entry["x-compose"]


def _overruled(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> Iterator[Path]:
    """Yields what an overlay takes away or changes, and does not only add to."""
    for key, value in overlay.items():
        known = base.get(key)
        if key in _NAMED and isinstance(known, Mapping) and isinstance(value, Mapping):
            yield from ((key, name) for name in value if name in known)
        elif key in _MOUNTED and isinstance(known, list) and isinstance(value, list):
            names = [identity(key, one) for one in known]
            is_added = all(identity(key, one) not in names for one in value)
            yield from () if is_added else [(key,)]
        elif key in base or value is None:
            yield (key,)


def _add_scripts(shop: Workshop, database: Database) -> None:
    job = next((name for name, at in iter_containers(database) if at == JOB), "")
    files = []
    for index, (path, target) in enumerate(script_targets(database).items()):
        place = shop.project.places.value((*database.path, "scripts", index))
        shop.project.scripts.append(OwnFile(path, place))
        source = rebase({"file": path}, "configs", shop.base)["file"]
        files.append(File(f"{database.key}-script-{index + 1}", target, source=source))
    if job in shop.project.services:
        add_files(shop.project, job, files)
