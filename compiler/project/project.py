"""The canonical tree: one Compose project in long form, in which every value knows the place it comes from.

It is built from a stack; rules check it and targets render it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from compiler.model import Access, Certificate, OwnFile, Path, Reference, Secret, Text, Variable
from compiler.project.values import inside, number, plain
from compiler.report import Span
from compiler.source import Document
from compiler.stack.database import Database

# https://docs.docker.com/reference/compose-file/merge/
_REPLACED = ("command", "entrypoint", "test")
Shape = Callable[[Any], Any]
Tree = Mapping[str, Any]
SECTIONS = ("services", "networks", "volumes", "secrets", "configs", "models")


class Origin(NamedTuple):
    """Where a value of the tree was written; a default stands where it is asked for."""

    kind: Literal["stack", "adapter", "default"]
    file: Document
    path: Path


class Places:
    """The origin of each value of the tree, and for those written in Compose's short form how they become so again.

    A path that is not known has the origin of what is around it, with the remaining steps added.
    """

    def __init__(self, file: Document) -> None:
        self.file = file
        self.short: dict[Path, Shape] = {}
        self.known: dict[Path, Origin] = {(): Origin("stack", file, ())}

    def default(self, path: Path, at: Path) -> None:
        """Says that nobody wrote what stands at `path`, which is asked for at the other."""
        self.known[path] = self.origin(at)._replace(kind="default")

    def origin(self, path: Path) -> Origin:
        known = path
        while known not in self.known:
            known = known[:-1]
        around = self.known[known]
        return around._replace(path=(*around.path, *path[len(known) :]))

    def value(self, path: Path) -> Span:
        origin = self.origin(path)
        return origin.file.value(origin.path)

    def key(self, path: Path) -> Span:
        origin = self.origin(path)
        return origin.file.key(origin.path)

    def adopt(self, path: Path, theirs: Places, their_path: Path) -> None:
        """Takes over the places of another tree, a part of which now stands at `path`."""
        size = len(their_path)
        self.known[path] = theirs.origin(their_path)
        for known, origin in theirs.known.items():
            if known[:size] == their_path:
                self.known[*path, *known[size:]] = origin
        self.short = {one: shape for one, shape in self.short.items() if one[: len(path)] != path}
        self.short |= {
            (*path, *one[size:]): shape for one, shape in theirs.short.items() if one[:size] == their_path
        }


@dataclass(slots=True, kw_only=True)
class Project:
    """A deployment: Compose's tree in long form, and beside it what no Compose file says.

    A `str` in the tree is literal, `Raw` is in Compose's own syntax, a `Reference` is a key of `.env`. `kinds` says
    what a service of the tree is, `uses` how many connections a service opens to each database (None: its default),
    `ready` what a client of a database waits for, `mounted` the keys of `.env` that the containers of a service or of a
    database read as files, `connections` the lines of `.env` with connection strings, by key. `secret_files` (what
    stands in `.env`) and `config_files` (texts) are by the path of the file that is rendered for them. `named` are the
    databases that something in the stack names. `network` is that of the databases, `include` other Compose files,
    which only Compose reads. `overruled` is what `x-compose` changes of a database's server, `scripts` are files that
    its job runs. `shells` are by database: the container in which its own client is opened for a person, and the
    script that does.
    """

    name: str
    environment: str
    today: str
    places: Places
    tree: dict[str, dict[str, Any]] = field(default_factory=lambda: {section: {} for section in SECTIONS})
    kinds: dict[str, Literal["service", "database", "job", "gate"]] = field(default_factory=dict)
    databases: Mapping[str, Database] = field(default_factory=dict)
    access: dict[str, Access] = field(default_factory=dict)
    ready: dict[str, dict[str, str]] = field(default_factory=dict)
    uses: dict[str, dict[str, int | None]] = field(default_factory=dict)
    mounted: dict[str, set[str]] = field(default_factory=dict)
    connections: dict[str, Variable] = field(default_factory=dict)
    secrets: list[Secret] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)
    secret_files: dict[str, Reference | Text] = field(default_factory=dict)
    config_files: dict[str, Any] = field(default_factory=dict)
    overruled: dict[str, list[Path]] = field(default_factory=dict)
    scripts: list[OwnFile] = field(default_factory=list)
    shells: dict[str, tuple[str, str]] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    network: str = "databases"
    include: list[Any] = field(default_factory=list)

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        return self.tree["services"]

    def own_services(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yields the services that a person wrote."""
        return ((name, spec) for name, spec in self.services.items() if self.kinds[name] == "service")


def replicas(service: Tree) -> int:
    """Returns how many containers a service has, as far as that is known now."""
    deployed = inside(service, "deploy", "replicas")
    count = number(service.get("scale") if deployed == {} else deployed)
    return 1 if count is None else int(count)


def has_health(service: Tree) -> bool:
    """Says whether a service has a health check; `healthcheck: {}` stands for that of its image."""
    health = service.get("healthcheck")
    if not isinstance(health, Mapping):
        return "extends" in service
    return health.get("disable") not in (True, "true") and health.get("test") != ["NONE"]


def clash_of(one: Tree, other: Tree) -> Literal["error", "warning"] | None:
    """Says what it means that two services want the same: a warning where only a profile starts one beside the other.

    Nothing where none starts both. An empty profile is active where no other is.
    https://docs.docker.com/reference/compose-file/profiles/
    """
    first, second = ({*(service.get("profiles") or ())} for service in (one, other))
    if (first or {""}) & (second or {""}):
        return "error"
    return None if first and second else "warning"


def neighbours(service: Tree) -> Iterator[tuple[str, Path]]:
    """Yields each other service that a service names outside `depends_on`, with the path inside of it."""
    for key in ("links", "volumes_from"):
        for index, item in enumerate(service.get(key) or ()):
            name = (plain(item) or "").partition(":")[0]
            if name and (key, name) != ("volumes_from", "container"):
                yield name, (key, index)
    extended = inside(service, "extends")
    if (base := plain(extended.get("service"))) is not None and "file" not in extended:
        yield base, ("extends",)
    for key in ("network_mode", "ipc", "pid"):
        kind, _, name = (plain(service.get(key)) or "").partition(":")
        if kind == "service" and name:
            yield name, (key,)


def merge(base: Tree, overlay: Tree, at: Path, places: Places, theirs: Places) -> dict[str, Any]:
    """Returns a tree in long form with another one on top of it, as Compose merges its files; null removes a key.

    Both stand at `at`; what comes from the overlay keeps its own places.
    """
    merged = dict(base)
    for key, value in overlay.items():
        path, known = (*at, key), merged.get(key)
        if value is None and key in merged and at[-1] not in ("environment", "networks"):
            del merged[key]
        elif isinstance(known, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(known, value, path, places, theirs)
        elif isinstance(known, list) and isinstance(value, list) and key not in _REPLACED:
            merged[key] = joined = list(known)
            for index, item in enumerate(value):
                names, name = [identity(key, one) for one in joined], identity(key, item)
                place = names.index(name) if name in names else len(joined)
                joined[place : place + 1] = [item]
                places.adopt((*path, place), theirs, (*path, index))
        else:
            merged[key] = value
            places.adopt(path, theirs, path)
    return merged


def identity(key: str | int, item: Any) -> Any:
    """Returns what is the same in two items of a list that mount or bind the same."""
    if key == "ports" and isinstance(item, Mapping):
        return tuple(map(item.get, ("host_ip", "published", "target", "protocol")))
    if key in ("volumes", "secrets", "configs") and isinstance(item, Mapping):
        return item.get("target", item.get("source"))
    return item
