"""The containers of a database: its server, its one-shot job and its companions, all built in the same steps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from compiler.model import Path
from compiler.project.adapter_texts import AdapterTexts, flat
from compiler.project.long_form import lengthen
from compiler.project.project import Project, has_health, replicas
from compiler.project.references import AUTHORITY, SERVER_TARGET, Port, client_ports, tls_files
from compiler.project.secrets import File, add_files, add_secret, database_secrets, tls_secrets
from compiler.project.values import inside, plain
from compiler.source.shipped import SCHEMAS
from compiler.stack.database import Database

GATE = "stackc-ready"
SERVER: Path = ("containers", "server")
JOB: Path = ("containers", "init")
_FINISHED = "service_completed_successfully"
# Reads a secret with all its line breaks; a client hands it on by no command line.
_READ_SECRET = 'read_secret() { secret=$(cat "$1" && echo .) && secret=${secret%.}; }\n'
_CLIENT = 'client() (\nhost=$1 user=$2\nread_secret "$3" || return\nshift 3\n{}\n)\n'
_CALLS_CLIENT = re.compile(
    r"(?:^|[|;&({!]|\b(?:if|then|else|do|exec))\s*(?:\w+=\S*\s+)*client\s", re.MULTILINE
)
# What an adapter says in Compose's own words.
_MAPPINGS = ("environment", "sysctls", "ulimits")
_CARRIED = (
    *_MAPPINGS,
    *("image", "platform", "hostname", "user", "shm_size", "stop_signal", "stop_grace_period", "tmpfs"),
    *("cap_add", "working_dir", "expose", "entrypoint", "command"),
)


def _stated(role: str) -> dict[str, Any]:
    """Returns what `containers.json` states of a container in this role."""
    stated: dict[str, Any] = json.loads(SCHEMAS.joinpath("containers.json").read_text("utf-8"))
    return dict(stated[role]["service"])


def iter_containers(database: Database) -> Iterator[tuple[str, Path]]:
    """Yields each container that a database can have: its name, and the adapter's section that describes it.

    The server comes first, then the job: what others wait for.
    """
    for name in sorted(database.spec["containers"], key=lambda name: (name != "server", name != "init")):
        if database.on and name != "init":
            continue
        yield database.key if name == "server" else f"{database.key}-{name}", ("containers", name)


def add_database(project: Project, texts: AdapterTexts) -> None:
    """Adds the containers of a database, and says what its clients wait for."""
    ready = project.ready[texts.database.key] = {}
    waits: dict[str, str] = {texts.database.on: "service_healthy"} if texts.database.on else {}
    ready |= waits
    for name, at in iter_containers(texts.database):
        if texts.holds(at):
            _add(project, texts, name, at, waits)
            condition = _FINISHED if at == JOB else "service_healthy"
            if texts.written(at)["awaited"]:
                ready[name] = condition
            # The others do not wait for one another.
            if at in (SERVER, JOB):
                waits[name] = condition


def add_gate(project: Project) -> None:
    """Adds a container that waits for the jobs for which nothing else waits.

    Without it `docker compose up --wait` takes their exit for a failure, see
    https://github.com/docker/compose/issues/10596. Its image is one that is known to hold what it runs.
    """
    jobs = unawaited_jobs(project)
    own = next((one for name, one in project.services.items() if project.kinds[name] == "job"), None)
    if not jobs or own is None:
        return
    project.places.default(("services", GATE), ())
    project.kinds[GATE] = "gate"
    project.services[GATE] = {
        **_stated("every"),
        **_stated("gate"),
        **{key: value for key, value in own.items() if key in ("image", "tmpfs")},
        "depends_on": {name: _finished(project.services[name]) for name in jobs},
    }


def unawaited_jobs(project: Project) -> list[str]:
    """Returns the services that end by themselves and for whose end nothing waits that is started beside them."""
    waiting: dict[str, list[set[str]]] = {}
    for service in project.services.values():
        for name, rule in (service.get("depends_on") or {}).items():
            if rule.get("condition") == _FINISHED:
                profiles = [{*(service.get("profiles") or ())}] if replicas(service) > 0 else []
                waiting.setdefault(name, []).extend(profiles)
    jobs = {name for name, kind in project.kinds.items() if kind == "job" or _ends(project.services[name])}
    left = []
    for name in (name for name in project.services if name in jobs or name in waiting):
        own = {*(project.services[name].get("profiles") or ())}
        if not any(not one or (own and own <= one) for one in waiting.get(name, ())):
            left.append(name)
    return left


def _ends(service: Mapping[str, Any]) -> bool:
    """Says whether a service is to run once: it is never started again, and answers nobody."""
    policy = plain(inside(service, "deploy", "restart_policy", "condition")) or plain(service.get("restart"))
    mode = plain(inside(service, "deploy", "mode")) or ""
    serves = any(service.get(key) for key in ("ports", "expose", "profiles"))
    is_once = policy in ("no", "none") or mode in ("replicated-job", "global-job")
    return is_once and not serves and not has_health(service) and replicas(service) > 0


def _finished(job: Mapping[str, Any]) -> dict[str, Any]:
    """Returns how the gate waits for a job, which may be one that only a profile starts."""
    return {"condition": _FINISHED, **({"required": False} if job.get("profiles") else {})}


def _add(project: Project, texts: AdapterTexts, name: str, at: Path, waits: Mapping[str, str]) -> None:
    """Adds one container of a database: what the adapter says of it, and what its role asks for."""
    database, places, here = texts.database, project.places, ("services", name)
    texts = texts.within({"tls": {**texts.scope["tls"], **tls_files(database, name)}})
    places.default(here, database.path)
    spec: dict[str, Any] = {**_stated("every"), "networks": [project.network], **_chosen(database)}
    for key, value, path in _described(texts, at):
        spec[key] = value
        places.known[*here, key] = texts.origin(path)
    # What an option of the stack says, or can say instead.
    has_own_image = texts.written((*at, "image")) is not None
    options: dict[Path, str] = {} if has_own_image else {("image",): "image"}
    published = [port for port in client_ports(database) if port.here] if at == SERVER else []
    if texts.holds(at, "outbound") or published:
        spec["networks"] = ["default", project.network]
    if at == SERVER:
        spec |= _server(texts, published)
        options |= {("read_only",): "read_only", ("deploy",): "memory"}
        options |= {("ports", index): port.option for index, port in enumerate(published)}
    elif at == JOB:
        spec |= _stated("job") | ({} if has_own_image else {"tmpfs": _image_folders(texts)})
    for path, option in options.items():
        if option in database.entry:
            places.known[*here, *path] = places.origin((*database.path, option))
    if waits:
        spec["depends_on"] = {other: {"condition": condition} for other, condition in waits.items()}
    project.services[name] = lengthen("services", spec, here, places)
    project.kinds[name] = "job" if at == JOB else "database"
    if texts.written((*at, "shell")) is not None:
        project.shells[database.key] = name, _script(texts, (*at, "shell")).strip()
    add_files(project, name, _iter_files(texts, name, at))
    _add_secrets(project, texts, name, at)


def _chosen(database: Database) -> dict[str, Any]:
    return {"profiles": list(database.entry["profiles"])} if "profiles" in database.entry else {}


def _described(texts: AdapterTexts, at: Path) -> Iterator[tuple[str, Any, Path]]:
    """Yields what the adapter says of a container: a key of Compose, its value, and where that is written."""
    database, probe = texts.database, (*at, "healthcheck")
    yield "image", database.image, ("versions", database.version, "image")
    for key in _CARRIED:
        read = texts.mapping if key in _MAPPINGS else texts.evaluate
        if value := read((*at, key)):
            yield key, value, (*at, key)
    # What follows the script are the arguments that `command` adds.
    for word, rest in (("start", ["--"]), ("run", [])):
        if script := _script(texts, (*at, word)):
            yield "entrypoint", ["/bin/sh", "-ec", script, *rest], (*at, word)
    if health := texts.evaluate(probe, "shell"):
        asked = (*probe, "test")
        is_program = isinstance(health["test"], list)
        test = texts.evaluate(asked, "text") if is_program else ["CMD-SHELL", _script(texts, asked).strip()]
        yield "healthcheck", {**health, "test": test}, probe


def _script(texts: AdapterTexts, at: Path) -> str:
    """Returns a shell script with the functions that it calls before it."""
    script = texts.evaluate(at, "shell") or ""
    if isinstance(script, dict):
        script = "".join(f"{line.rstrip()}\n" for line in flat([*script.values()]))
    client = texts.evaluate(("client",), "shell")
    if _CALLS_CLIENT.search(script) and "client()" not in script:
        if texts.written(("client",)) is None:
            told, place = "this script calls `client`, and the adapter has none", texts.written_in.value(at)
            texts.report.error("unknown-reference", told, place, "add `client:` with how its client logs in")
        script = _CLIENT.format((client or "").rstrip()) + script
    return f"{_READ_SECRET}{script}" if "read_secret" in script else script


def _server(texts: AdapterTexts, published: Sequence[Port]) -> dict[str, Any]:
    """Returns what the server has besides: its data, and what the options of the stack say."""
    entry, volumes = texts.database.entry, texts.mapping((*SERVER, "volumes"))
    limits: dict[str, Any] = {key: str(entry[key]).upper() for key in ("cpus", "memory") if key in entry}
    limits["pids"] = texts.written((*SERVER, "pids_limit"))
    spec: dict[str, Any] = {"deploy": {"resources": {"limits": limits}}}
    if volumes:
        spec["volumes"] = [f"{texts.database.key}-{name}:{path}" for name, path in volumes.items()]
    if published:
        spec["ports"] = [f"{port.address}:{port.here}:{port.target}" for port in published]
    # Evaluated in any case, so that its faults are found before a stack asks for it.
    folders = texts.evaluate((*SERVER, "read_only"), "text")
    if entry.get("read_only"):
        spec |= {"read_only": True, "tmpfs": [*(texts.evaluate((*SERVER, "tmpfs")) or []), *folders]}
    return spec


def _image_folders(texts: AdapterTexts) -> list[str]:
    """Returns the folders of the image's own volumes as folders in memory: of a job they would else be left behind."""
    folders = list(texts.mapping((*SERVER, "volumes")).values())
    folders += [str(folder).partition(":")[0] for folder in texts.evaluate((*SERVER, "tmpfs")) or []]
    return [f"{folder}:size=16m" for folder in folders]


def _iter_files(texts: AdapterTexts, name: str, at: Path) -> Iterator[File]:
    files, key = (*at, "files"), texts.database.key
    for file, rule in (texts.written(files) or {}).items():
        if texts.holds((*files, file)):
            lines = texts.lines((*files, file, "lines"), rule.get("language", "text"))
            yield File(f"{name}-{file}", rule["path"], content="\n".join([*lines, ""]))
    if at == JOB:
        language = texts.written((*JOB, "language"))
        lines = texts.lines((*JOB, "statements"), language)
        if texts.database.vector:
            lines += texts.lines(("vector", "statements"), language)
        yield File(name, texts.scope["init"]["file"], content="\n".join([*lines, ""]))
    if texts.database.tls.enabled:
        yield AUTHORITY
        if texts.written((*at, "tls")):
            yield File(f"{key}-tls-certificate", SERVER_TARGET, source=f"./tls/{key}.crt")


def _add_secrets(project: Project, texts: AdapterTexts, name: str, at: Path) -> None:
    """Mounts what a container reads as files: secrets, and the private key in the forms that it asks for."""
    named, forms = texts.evaluate((*at, "secrets")), texts.written((*at, "tls")) or {}
    for secret, (key, file, rule) in database_secrets(texts.database).items():
        if named is None or secret in named:
            add_secret(project, name, file, key, rule)
    for form, (key, file, _) in tls_secrets(texts.database).items():
        if form in forms and texts.database.tls.enabled:
            add_secret(project, name, f"{name}-{file}", key, forms[form])
