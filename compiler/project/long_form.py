"""Compose's short forms made long, once, and its host paths moved: https://docs.docker.com/reference/compose-file/

What was short is remembered in the places with the way back, so that a target can write it as a person did.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from operator import itemgetter
from posixpath import join, normpath
from typing import Any

from compiler.model import Path, Raw, Reference, Text
from compiler.project.project import Places, Shape
from compiler.project.values import LOOPBACK, as_text, change, is_host_path, long_port, sections, written_text
from compiler.source import patch

Form = Callable[[Places, Any, Path], Any]

STARTED = {"condition": "service_started"}
_REMOTE = re.compile(r"\w[\w+.-]*://|git@|github\.com/|(?:service|target|docker-image|oci-layout):")
_ABSOLUTE = re.compile(r"[/~$\\]|[A-Za-z]:[\\/]")
_DEFAULT = re.compile(r"(\$\{\w+:?-)([^${}]*)(\}.*)", re.DOTALL)

# https://docs.docker.com/reference/compose-file/services/#short-syntax-5
_MOUNT_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "ro": {"read_only": True},
    "rw": {"read_only": False},
    "nocopy": {"volume": {"nocopy": True}},
    **{name: {"bind": {"selinux": name}} for name in ("z", "Z")},
    **{
        name: {"bind": {"propagation": name}}
        for name in ("private", "rprivate", "shared", "rshared", "slave", "rslave")
    },
}
# A variable whose default holds a colon brings its own address.
_OWN_ADDRESS = re.compile(r"\$\{\w+:?-[^${}]*:[^{}]*\}")


def lengthen(kind: str, entry: Any, at: Path, places: Places) -> Any:
    """Returns an entry of a section of the tree in long form; `at` is where it stands in the tree."""
    for steps, form in {"services": _SERVICE, "include": _INCLUDE}.get(kind, _SECTION).items():
        entry = change(entry, steps.split("."), partial(form, places), at)
    return entry


def _wrap(make: Shape, shorten: Shape, places: Places, value: Any, at: Path) -> Any:
    """A single value becomes the list or the mapping that `make` returns."""
    if isinstance(value, dict | list):
        return value
    places.short[at] = shorten
    return make(value)


def _key(split: Shape, shorten: Shape, places: Places, value: Any, at: Path) -> Any:
    """A list becomes a mapping; `split` returns the key and the value that an item stands for."""
    if not isinstance(value, list):
        return value
    places.short[at] = shorten
    pairs = {}
    for index, item in enumerate(value):
        name, pairs[name] = split(item)
        places.known[*at, name] = places.origin((*at, index))
    return pairs


def _pair(item: Any) -> tuple[str, Any]:
    """Returns name and value of an item `NAME=VALUE`; a name alone has the value None."""
    first, *rest = item.parts if isinstance(item, Text) else (item,)
    name, sign, value = written_text(first).partition("=")
    own = type(first)(value) if isinstance(first, str) else value
    return name, Text((own, *rest)) if rest else own if sign else None


def _joined(name: str, value: Any) -> Any:
    """Returns the item `NAME=VALUE` of a list."""
    if value is None:
        return name
    first, *rest = value.parts if isinstance(value, Text) else (as_text(value),)
    if isinstance(first, Reference):
        return Text((f"{name}=", first, *rest))
    head = Raw(f"{name}={first}") if isinstance(first, Raw) else f"{name}={first}"
    return Text((head, *rest)) if rest else head


def _volume(text: Any) -> Mapping[str, Any]:
    if not isinstance(text, str):
        return {"target": text}
    parts = sections(text)
    source, target, *options = parts if len(parts) > 1 else ["", *parts]
    if not source:
        return {"type": "volume", "target": target}
    mount: dict[str, Any] = {"source": source, "target": target}
    if is_host_path(source):
        mount |= {"type": "bind", "bind": {"create_host_path": True}}
    elif "$" not in source:  # Of a variable only Compose knows whether it names a volume.
        mount["type"] = "volume"
    for option in ",".join(options).split(",") if options else ():
        mount = patch(mount, _MOUNT_OPTIONS.get(option, {"consistency": option}))
    return mount


def _short_volume(mount: Mapping[str, Any]) -> Any:
    if "source" not in mount:
        return mount["target"]
    options = [word for word, said in _MOUNT_OPTIONS.items() if patch(mount, said) == mount]
    options += [mount["consistency"]] if "consistency" in mount else []
    words = [mount["source"], mount["target"], *([",".join(options)] if options else [])]
    text = ":".join(words)
    return Raw(text) if Raw in map(type, words) else text


def short_port(port: Mapping[str, Any]) -> Any:
    """Returns a port as a person writes it, such as `127.0.0.1:8080:80/tcp`."""
    if isinstance(port["target"], Text | Reference):
        return port["target"]
    text = str(port["target"])
    if "host_ip" in port or "published" in port:
        text = f"{port.get('published', '')}:{text}"
    if host := str(port.get("host_ip", "")):
        text = f"[{host}]:{text}" if ":" in host and "$" not in host else f"{host}:{text}"
    return Raw(f"{text}/{port['protocol']}" if "protocol" in port else text)


def _short_waits(waits: Mapping[str, Any]) -> Any:
    """Returns the list that alone can hold variables, where they do and nothing else is said."""
    is_list = any("$" in name for name in waits) and all(rule == STARTED for rule in waits.values())
    return [Raw(name) for name in waits] if is_list else dict(waits)


def _mode(places: Places, value: Any, at: Path) -> Any:
    """Versions of Compose disagree on whether the text "0440" is octal."""
    is_octal = isinstance(value, str) and re.fullmatch(r"(?:0o)?[0-7]{1,5}", value)
    return int(value, 8) if is_octal else value


def _entry(key: str) -> Form:
    return partial(_wrap, lambda value: {key: value}, lambda it: it[key] if it.keys() == {key} else it)


_PAIRS = partial(_key, _pair, lambda tree: [_joined(name, value) for name, value in tree.items()])
_NAMED = partial(
    _key, lambda name: (written_text(name), None), lambda tree: tree if any(tree.values()) else list(tree)
)
_LISTED = partial(_wrap, lambda value: [value], lambda tree: tree[0] if len(tree) == 1 else tree)
# How a value becomes long, and short again, by the steps to it; what is around a value comes before it.
_SERVICE: Mapping[str, Form] = {
    "annotations": _PAIRS,
    "build": _entry("context"),
    "build.additional_contexts": _PAIRS,
    "build.args": _PAIRS,
    "build.labels": _PAIRS,
    "build.secrets.*": _entry("source"),
    "build.secrets.*.mode": _mode,
    "build.ssh": _PAIRS,
    "configs.*": _entry("source"),
    "configs.*.mode": _mode,
    "depends_on": partial(_key, lambda name: (written_text(name), dict(STARTED)), _short_waits),
    "deploy.labels": _PAIRS,
    "dns": _LISTED,
    "dns_search": _LISTED,
    "env_file": _LISTED,
    "env_file.*": _entry("path"),
    "environment": _PAIRS,
    "environment.*": lambda places, value, at: as_text(value),
    "extends": _entry("service"),
    "healthcheck.test": partial(_wrap, lambda test: ["CMD-SHELL", test], itemgetter(1)),
    "label_file": _LISTED,
    "labels": _PAIRS,
    "models": _NAMED,
    "networks": _NAMED,
    "ports.*": partial(_wrap, long_port, short_port),
    "secrets.*": _entry("source"),
    "secrets.*.mode": _mode,
    "sysctls": _PAIRS,
    "tmpfs": _LISTED,
    "ulimits.*": partial(
        _wrap,
        lambda limit: {"soft": limit, "hard": limit},
        lambda limit: limit["soft"] if limit["soft"] == limit["hard"] else limit,
    ),
    "volumes.*": partial(_wrap, _volume, _short_volume),
    "volumes.*.tmpfs.mode": _mode,
}
_INCLUDE: Mapping[str, Form] = {"*": _entry("path"), "*.path": _LISTED, "*.env_file": _LISTED}
_SECTION: Mapping[str, Form] = {"labels": _PAIRS}


def rebase(tree: Any, kind: str, base: str) -> Any:
    """Returns an entry of a section, in long form, with its paths on this machine reached by way of `base`.

    A stack's are relative to it, rendered ones to the files that Compose reads; a path inside an image is none.
    """
    for steps, rewrite in _HOST_PATHS.get(kind, {}).items() if base else ():
        tree = change(tree, steps.split("."), partial(rewrite, base))
    return tree


def _move(is_path: Callable[[str], object], base: str, value: Any, at: Path) -> Any:
    """Rewrites a text that is a relative path; its kind stays, such as Raw."""
    if not isinstance(value, str):
        return value
    if match := _DEFAULT.fullmatch(value):
        return type(value)(f"{match[1]}{_move(is_path, base, match[2], at)}{match[3]}")
    if not value or _ABSOLUTE.match(value) or not is_path(value):
        return value
    found = normpath(join(base, value))
    return type(value)(found if found.startswith(".") else f"./{found}")


def _mount(base: str, mount: Mapping[str, Any], at: Path) -> Any:
    rewrite = _PATH if mount.get("type") == "bind" else _MARKED
    return change(mount, ("source",), partial(rewrite, base))


_PATH = partial(_move, lambda text: True)
# Anything else may be a name, such as that of a volume.
_MARKED = partial(_move, lambda text: text.startswith(("./", "../")) or text in (".", ".."))
_CONTEXT = partial(_move, lambda text: not _REMOTE.match(text))
_HOST_PATHS: Mapping[str, Mapping[str, Callable[[str, Any, Path], Any]]] = {
    "services": {
        "build.context": _CONTEXT,
        "build.additional_contexts.*": _CONTEXT,
        "build.ssh.*": _MARKED,
        "develop.watch.*.path": _PATH,
        # `.env` stands beside the rendered files: stackc writes it there.
        "env_file.*.path": partial(_move, lambda text: normpath(text) != ".env"),
        "extends.file": _PATH,
        "label_file.*": _PATH,
        "volumes.*": _mount,
    },
    "include": {"*.path.*": _CONTEXT, "*.project_directory": _PATH, "*.env_file.*": _PATH},
    "configs": {"file": _PATH},
    "secrets": {"file": _PATH},
    "volumes": {"driver_opts.device": _MARKED},
}


def bind_ports(spec: Mapping[str, Any], at: Path, places: Places) -> None:
    """Binds to loopback each port without an address, which may also stand in a variable of it."""
    for index, port in enumerate(spec.get("ports") or ()):
        first = written_text(port.get("published", port.get("target")))
        is_whole = "published" not in port and "$" in first
        if "host_ip" not in port and not is_whole and not _OWN_ADDRESS.fullmatch(first):
            port["host_ip"] = LOOPBACK
            path = (*at, "ports", index)
            places.default((*path, "host_ip"), path)
