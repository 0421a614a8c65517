"""The top-level sections of Compose in a stack: volumes, networks and configs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from compiler.project.entries import items, pairs, plain
from compiler.project.ports import is_address
from compiler.rules.mount_rules import NAME
from compiler.rules.value_rules import check_flag, check_variables

if TYPE_CHECKING:
    from compiler.model import Path
    from compiler.rules.findings import Findings

_KEY = re.compile(r"[a-zA-Z0-9._-]+")
_SOURCES = ("file", "environment", "content", "external")
_FLAGS = ("external", "internal", "attachable", "enable_ipv4", "enable_ipv6")
_SINGULAR = {"volumes": "volume", "networks": "network", "configs": "config", "secrets": "secret"}


def check_section(found: Findings, kind: str, entries: Mapping[str, Any]) -> None:
    """Finds what Compose or the engine refuses in one section, whose expressions are evaluated."""
    for key, entry in entries.items():
        at: Path = (kind, key)
        if not _KEY.fullmatch(key):
            told = f'"{key}" is not a name for a {_SINGULAR[kind]}'
            found.error("wrong-format", told, at, "use letters, digits, _ . and -", key=True)
        if isinstance(entry, Mapping):
            check_variables(found, entry, at)
            _name(found, entry, at)
            _flags(found, entry, at)
            _labels(found, entry, at)
            _external(found, entry, at)
            if kind == "configs":
                _source(found, entry, at)
            if kind == "networks":
                _addresses(found, entry, at)


def _name(found: Findings, entry: Mapping[str, Any], at: Path) -> None:
    name = plain(entry.get("name"))
    if name is not None and not NAME.fullmatch(name):
        told = f'"{name}" is not a name that the engine takes'
        found.error("wrong-format", told, (*at, "name"), "use letters, digits, _ . and -")


def _flags(found: Findings, entry: Mapping[str, Any], at: Path) -> None:
    for key in _FLAGS:
        if isinstance(entry.get(key), str):
            check_flag(found, entry[key], (*at, key))


def _labels(found: Findings, entry: Mapping[str, Any], at: Path) -> None:
    for step, name, _ in pairs(entry.get("labels")):
        if name.startswith("com.docker.compose."):
            told = f'the label "{name}" belongs to Compose'
            found.error("reserved-name", told, (*at, "labels", step), "use a name of your own", key=True)


def _external(found: Findings, entry: Mapping[str, Any], at: Path) -> None:
    others = [key for key in entry if key not in ("external", "name") and not key.startswith("x-")]
    if _is_external(entry) and others and at[0] != "networks":
        told = f'`{others[0]}` cannot be set for what is external, "{at[-1]}"'
        found.error(
            "conflicting-options", told, (*at, others[0]), "remove it, or remove `external`", key=True
        )


def _is_external(entry: Mapping[str, Any]) -> bool:
    written = entry.get("external")
    return written in (True, "true") or isinstance(written, Mapping)


def _source(found: Findings, entry: Mapping[str, Any], at: Path) -> None:
    sources = [key for key in _SOURCES if entry.get(key) not in (None, False)]
    if not sources:
        told = f'the config "{at[-1]}" says nowhere what it holds'
        found.error("missing-option", told, at, "add `file:`, `content:` or `environment:`", key=True)
    elif len(sources) > 1:
        told = f'the config "{at[-1]}" has both `{sources[0]}` and `{sources[1]}`'
        found.error("conflicting-options", told, (*at, sources[1]), "remove one of them", key=True)


def _addresses(found: Findings, entry: Mapping[str, Any], at: Path) -> None:
    ipam = entry.get("ipam")
    for index, part in items(ipam.get("config") if isinstance(ipam, Mapping) else None):
        for key in ("subnet", "ip_range", "gateway"):
            text = plain(part.get(key)) if isinstance(part, Mapping) else None
            if text is None:
                continue
            address, slash, size = text.partition("/")
            if (
                not is_address(address)
                or bool(slash) == (key == "gateway")
                or (slash and not size.isdecimal())
            ):
                form = "172.28.0.1" if key == "gateway" else "172.28.0.0/16"
                told = f'"{text}" is not {"an address" if key == "gateway" else "a range of addresses"}'
                found.error("wrong-format", told, (*at, "ipam", "config", index, key), f"write it as {form}")
