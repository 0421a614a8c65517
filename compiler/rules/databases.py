"""Databases that can be rendered but should not be run: ended or moving versions, too many clients, own overlays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from compiler.expressions.tree import evaluate_tree
from compiler.model import Path
from compiler.project.project import Project, replicas
from compiler.project.references import client_ports
from compiler.project.values import inside, plain, sections, written_text
from compiler.registry.signs import bare_image
from compiler.rules import Tell
from compiler.stack.database import Database

# What stands before the name of an image on a mirror.
_MIRROR = re.compile(r"^(?:[^/]*[.:][^/]*/|localhost/)?(?:.*\blibrary/)?")
# Keys that stackc's promises rest on, and the option of a database that is for the same.
_OWNED = {
    **dict.fromkeys(("secrets", "configs", "healthcheck", "networks", "entrypoint", "depends_on"), ""),
    **dict.fromkeys(("cap_drop", "security_opt", "environment"), ""),
    **{"image": "image", "command": "settings", "volumes": "volume"},
}


def end_of_life(database: Database, tell: Tell) -> None:
    """Tells of a version that has ended; who writes out the one that is the default has chosen it."""
    line, adapter = database.adapter.versions[database.version], database.adapter
    is_chosen = "version" in database.entry and database.version == adapter.default_version
    if not is_chosen and adapter.has_ended(database.version, tell.project.today):
        told = f"{database.adapter.name} {database.version} has had no fixes since {line['eol']}"
        _tell_version(database, tell, told)


def moving_image(database: Database, tell: Tell) -> None:
    line, has_ended = database.adapter.versions[database.version], database.adapter.has_ended
    is_alive = not has_ended(database.version, tell.project.today)
    if line.get("moving") and "image" not in database.entry and is_alive:
        told = f'the image "{line["image"]}" is not pinned: it changes under the same name'
        _tell_version(database, tell, told)


def _tell_version(database: Database, tell: Tell, told: str) -> None:
    """Tells of the version where it is chosen, with the first one that lives and is pinned."""
    alive = database.adapter.living(tell.project.today)
    help = f'write `version: "{alive[0]}"`' if alive else "write `image:` with a full tag"
    page = database.adapter.data.get("upgrade")
    help += f"; how data come there is in {page}" if page and "version" in database.entry else ""
    tell(told, ("version" if "version" in database.entry else "adapter",), help)


def too_many_connections(database: Database, tell: Tell) -> None:
    rules: dict[str, Any] = database.spec.get("pool") or {}
    limit = evaluate_tree(rules.get("limit"), {"options": database.options}, {})
    if not isinstance(limit, int):
        return
    total = reserved = rules.get("reserved", 0)
    terms = []
    here = [one for one in tell.project.databases.values() if one.server == database.key and one.pool_size]
    for name, used in tell.project.uses.items():
        for size in (used[one.key] or one.pool_size or 0 for one in here if one.key in used):
            count = replicas(tell.project.services[name])
            total += count * size
            terms.append(f"{name} {count} x {size}")
    if terms and total > limit:
        if len(terms) > 12:
            terms[11:] = [f"{len(terms) - 11} more services"]
        told = (
            f'database "{database.key}" takes {limit} connections, and the stack may open {total}: '
            f"{' + '.join(terms)} + {reserved} reserved"
        )
        tell(told, ("pool", "size"), rules.get("help", "make the pools smaller"))


def owned_key(database: Database, tell: Tell) -> None:
    for path in tell.project.overruled.get(database.key, ()):
        option = _OWNED.get(str(path[0]))
        if option is not None:
            told = f'`x-compose` changes `{".".join(map(str, path))}` of "{database.key}", which stackc sets'
            help = f"write `{option}:` of the database in its place" if option else "leave it out"
            tell(told, ("x-compose", *path), help, key=True)


def application_is_administrator(database: Database, tell: Tell) -> None:
    if database.user and database.user == database.admin:
        told = f'the application is the administrator of "{database.key}", so that it can do everything there'
        tell(told, ("user",), "write another `user:` where nothing needs that one")


def shared_names(database: Database, tell: Tell) -> None:
    """Tells of a database that has the name, or the user but not the password, of an earlier one on its server."""
    for other in tell.project.databases.values():
        if other.key == database.key:
            return
        same_name = database.database == other.database
        same_user = database.user == other.user and database.password_key != other.password_key
        for word, is_same in (("database", same_name), ("user", same_user)):
            if is_same and other.server == database.server:
                told = f'"{database.key}" and "{other.key}" are on one server and have one {word}'
                written = word if word in database.entry else "on" if database.on else "adapter"
                tell(told, (written,), f"write another `{word}:`", first=other.path)


def unused_database(project: Project, tell: Tell) -> None:
    """Tells of a database that nothing reaches; of a stack without services, or with other files, nobody knows."""
    if project.include or not any(True for _ in project.own_services()):
        return
    shared = {database.server for database in project.databases.values() if database.on}
    for key, database in project.databases.items():
        is_open = any(one.here for one in client_ports(database)) or project.services[database.server].get(
            "ports"
        )
        if not is_open and key not in project.named | shared:
            told = f'nothing uses the database "{key}": no service is in its network, and it has no port'
            help = f"write `uses: [{key}]` in a service, or `port:` to reach it from this machine"
            tell(told, database.path, help, key=True)


def privileged_database(database: Database, tell: Tell) -> None:
    if plain(inside(database.entry, "x-compose", "privileged")) == "true":
        told = f'`x-compose` makes "{database.key}" privileged, so that it can do everything on this machine'
        tell(told, ("x-compose", "privileged"), "remove `privileged`; no shipped engine needs it", key=True)


def replaced_command(database: Database, tell: Tell) -> None:
    """Tells of an image that is none of the engine's own, and may start with what stackc's command is in place of."""
    known = [*database.adapter.data.get("detect", {}).get("images", ())]
    known += [_name_of(line["image"]) for line in database.adapter.versions.values()]
    has_command = bool(database.spec["containers"]["server"].get("command"))
    is_other = "image" in database.entry and _name_of(database.image) not in known
    if is_other and has_command and "settings" in database.spec and "settings" not in database.entry:
        told = f'stackc starts the image "{database.image}" with a command of its own, and not with that of the image'
        tell(
            told,
            ("image",),
            "write what that one sets under `settings:`, or `settings: {}` where it sets nothing",
        )


def _name_of(image: str) -> str:
    return _MIRROR.sub("", bare_image(image))


def scripts_of_image(database: Database, tell: Tell) -> None:
    """Tells of scripts where the image runs them, once and as the administrator, and where `scripts` could."""
    folder = inside(database.spec, "import", "scripts", "folder")
    pattern = inside(database.spec, "scripts", "pattern")
    for path, target in _mounts(database) if folder and pattern else ():
        if target.rstrip("/") == folder or (target.startswith(f"{folder}/") and re.search(pattern, target)):
            told = f"{database.adapter.name} runs what is in {folder} on a new volume alone, as the administrator"
            tell(
                told,
                path,
                "name the files under `scripts:`, which run once in the database of the application",
            )


def _mounts(database: Database) -> Iterator[tuple[Path, str]]:
    """Yields what `x-compose` mounts into a server: its place, and the path in the container."""
    for word in ("volumes", "configs"):
        written = inside(database.entry, "x-compose", word)
        for index, mount in enumerate(written if isinstance(written, list) else ()):
            target = mount.get("target") if isinstance(mount, Mapping) else [*sections(str(mount)), ""][1]
            yield ("x-compose", word, index), written_text(target)
