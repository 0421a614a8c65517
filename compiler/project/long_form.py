"""Compose's short forms made long, once: https://docs.docker.com/reference/compose-file/

What was short is remembered in the places, so that a target can write it as a person did.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from compiler.model import Path, Raw, Reference, Text
from compiler.project.ports import long_port
from compiler.project.project import Places
from compiler.project.values import is_host_path, sections, written_text

if TYPE_CHECKING:
    from compiler.project.project import Origin

Form = Callable[[Any, Path, Places], Any]

_SELINUX = ("z", "Z")
_PROPAGATION = ("private", "rprivate", "shared", "rshared", "slave", "rslave")


def lengthen(kind: str, entry: Any, at: Path, places: Places) -> dict[str, Any]:
    """Returns an entry of a section of the tree in long form; `at` is where it stands in the tree."""
    long: dict[str, Any] = _mapping(_SECTIONS[kind])(entry or {}, at, places)
    return long


def _mapping(forms: Mapping[str, Form]) -> Form:
    def long(value: Any, at: Path, places: Places) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {
            key: forms[key](part, (*at, key), places) if key in forms and part is not None else part
            for key, part in value.items()
        }

    return long


def split_pair(item: Any) -> tuple[str, Any]:
    """Returns name and value of an item `NAME=VALUE`; a name alone has the value None."""
    first, *rest = item.parts if isinstance(item, Text) else (item,)
    name, sign, value = written_text(first).partition("=")
    own = type(first)(value) if isinstance(first, str) else value
    return name, Text((own, *rest)) if rest else own if sign else None


def _pairs(value: Any, at: Path, places: Places) -> Any:
    if not isinstance(value, list):
        return dict(value) if isinstance(value, Mapping) else value
    places.short.add(at)
    origin, pairs = places.origin(at), {}
    for index, item in enumerate(value):
        name, pairs[name] = split_pair(item)
        _stands(places, (*at, name), origin, index)
    return pairs


def _stands(places: Places, path: Path, around: Origin, step: str | int) -> None:
    places.set(path, around._replace(path=(*around.path, step)))


def _environment(value: Any, at: Path, places: Places) -> Any:
    pairs = _pairs(value, at, places)
    return {name: _text(one) for name, one in pairs.items()} if isinstance(pairs, dict) else pairs


def _text(value: Any) -> Any:
    """Returns a variable's value as the string that the container will see."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _names(rule: Mapping[str, Any] | None) -> Form:
    """A list of names becomes a mapping from each name to `rule`."""

    def long(value: Any, at: Path, places: Places) -> Any:
        if not isinstance(value, list):
            return dict(value) if isinstance(value, Mapping) else value
        places.short.add(at)
        origin = places.origin(at)
        for index, item in enumerate(value):
            _stands(places, (*at, written_text(item)), origin, index)
        return {written_text(item): rule and dict(rule) for item in value}

    return long


def _items(one: Callable[[Any], Any]) -> Form:
    """Each item of a list, or a single value, becomes a mapping."""

    def long(value: Any, at: Path, places: Places) -> Any:
        if not isinstance(value, list):
            places.short.add(at)
            value = [value]
        places.short |= {(*at, index) for index, item in enumerate(value) if not isinstance(item, Mapping)}
        return [dict(item) if isinstance(item, Mapping) else one(item) for item in value]

    return long


def _with_mode(form: Form) -> Form:
    """Modes become numbers: versions of Compose disagree on whether the text "0440" is octal."""

    def long(value: Any, at: Path, places: Places) -> Any:
        return [_numbered(item) for item in form(value, at, places)]

    return long


def _numbered(item: Any) -> Any:
    if not isinstance(item, Mapping):
        return item
    mode, tmpfs = item.get("mode"), item.get("tmpfs")
    if isinstance(mode, str) and re.fullmatch(r"(?:0o)?[0-7]{1,5}", mode):
        return {**item, "mode": int(mode, 8)}
    return {**item, "tmpfs": _numbered(tmpfs)} if tmpfs else item


def _volume(text: Any) -> dict[str, Any]:
    """https://docs.docker.com/reference/compose-file/services/#short-syntax-5"""
    if not isinstance(text, str):
        return {"target": text}
    source, target, *options = ["", *sections(text)] if len(sections(text)) == 1 else sections(text)
    if not source:
        return {"type": "volume", "target": target}
    bind = is_host_path(source)
    mount: dict[str, Any] = {} if "$" in source and not bind else {"type": "bind" if bind else "volume"}
    mount |= {"source": source, "target": target}
    if bind:
        mount["bind"] = {"create_host_path": True}
    for option in ",".join(options).split(",") if options else ():
        if option in ("ro", "rw"):
            mount["read_only"] = option == "ro"
        elif option in _SELINUX:
            mount.setdefault("bind", {})["selinux"] = str(option)
        elif option in _PROPAGATION:
            mount.setdefault("bind", {})["propagation"] = str(option)
        elif option == "nocopy":
            mount.setdefault("volume", {})["nocopy"] = True
        else:
            mount["consistency"] = option
    return mount


def _wrapped(make: Callable[[Any], Any]) -> Form:
    """A value that is not in its long form becomes what `make` returns."""

    def long(value: Any, at: Path, places: Places) -> Any:
        if isinstance(value, str | int | Text | Reference):
            places.short.add(at)
            return make(value)
        return value

    return long


def _then(first: Form, second: Form) -> Form:
    return lambda value, at, places: second(first(value, at, places), at, places)


def _ulimits(value: Any, at: Path, places: Places) -> Any:
    both = _wrapped(lambda limit: {"soft": limit, "hard": limit})
    return {name: both(limit, (*at, name), places) for name, limit in value.items()}


_LISTED = _wrapped(lambda value: [value])
_NAMED = _with_mode(_items(lambda name: {"source": name}))
_BUILD = {"args": _pairs, "labels": _pairs, "ssh": _LISTED, "secrets": _NAMED}
_SERVICE: Mapping[str, Form] = {
    "annotations": _pairs,
    "build": _then(_wrapped(lambda context: {"context": context}), _mapping(_BUILD)),
    "configs": _NAMED,
    "depends_on": _names({"condition": "service_started"}),
    "deploy": _mapping({"labels": _pairs}),
    "dns": _LISTED,
    "dns_search": _LISTED,
    "env_file": _items(lambda path: {"path": path}),
    "environment": _environment,
    "extends": _wrapped(lambda name: {"service": name}),
    "healthcheck": _mapping({"test": _wrapped(lambda test: ["CMD-SHELL", test])}),
    "label_file": _LISTED,
    "labels": _pairs,
    "networks": _names(None),
    "ports": _items(long_port),
    "secrets": _NAMED,
    "sysctls": _pairs,
    "tmpfs": _LISTED,
    "ulimits": _ulimits,
    "volumes": _with_mode(_items(_volume)),
}
_SECTIONS: Mapping[str, Mapping[str, Form]] = {
    "services": _SERVICE,
    "networks": {"labels": _pairs},
    "volumes": {"labels": _pairs},
    "configs": {"labels": _pairs},
    "secrets": {"labels": _pairs},
}


def raw_pair(name: str, value: Any) -> Any:
    """Returns the item `NAME=VALUE` of a list."""
    if value is None:
        return name
    parts = value.parts if isinstance(value, Text) else (value,)
    first, *rest = parts
    if isinstance(first, Reference):
        return Text((f"{name}=", *parts))
    head = Raw(f"{name}={first}") if isinstance(first, Raw) else f"{name}={first}"
    return Text((head, *rest)) if rest else head
