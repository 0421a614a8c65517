"""What contradicts itself in a service, or does not do what it seems to: limits, ports, files, commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from compiler.model import Path, Text
from compiler.project.ports import binding_of, is_everywhere, port_fault
from compiler.project.project import Project, replicas
from compiler.project.values import inside, number, parse_size, plain
from compiler.report import Note, Report
from compiler.rules import Place, Service

# https://docs.docker.com/engine/containers/resource_constraints/
_LEAST_MEMORY = 6 << 20
# The place of each limit below `deploy.resources`.
_LIMITS = {
    "mem_limit": ("limits", "memory"),
    "cpus": ("limits", "cpus"),
    "pids_limit": ("limits", "pids"),
    "mem_reservation": ("reservations", "memory"),
}
# Compose splits a command line into words itself, and runs them without a shell.
_VARIABLE = re.compile(r"(\$\$)|\$\{(?:[^{}]|\{[^{}]*\})*\}|\$[A-Za-z_]\w*")
_WORD = re.compile(
    r"""\\.|'[^']*'|"(?:\\.|[^"\\])*"|`[^`]*`|\$\([^)]*\)|(&&|\|\||[;&|<>])|(['"`(])|.""", re.DOTALL
)
_OPERATORS = ("&&", "||", ";", "|", "&", ">", ">>", "<", "2>&1")


def check_limits(service: Service, at: Place, report: Report) -> None:
    for key, (kind, part) in _LIMITS.items():
        resources = inside(service, "deploy", "resources", kind)
        if service.get(key) is not None and resources and not _same(service[key], resources.get(part)):
            told = f"`{key}` stands beside `deploy.resources.{kind}`, which Compose refuses"
            report.error("limit-twice", told, at.key(key), f"write it as `deploy.resources.{kind}.{part}`")
    for limit, pair in (service.get("ulimits") or {}).items():
        soft, hard = (number(inside(pair, key)) for key in ("soft", "hard"))
        if soft is not None and hard is not None and hard != -1 and (soft > hard or soft == -1):
            told, help = f'the soft limit of "{limit}" is above its hard limit', f"write at most {hard:g}"
            report.error("soft-above-hard", told, at.value("ulimits", limit, "soft"), help)


def _same(one: Any, other: Any) -> bool:
    """Says whether two values are the same amount, or may be since a variable stands for one of them."""
    texts = plain(one), plain(other)
    if other is not None and None in texts:
        return True
    size = parse_size(texts[0] or "")
    return texts[0] == texts[1] or (size is not None and size == parse_size(texts[1] or ""))


def check_memory(service: Service, at: Place, report: Report) -> None:
    limits = list(_memory(service, "mem_limit"))
    for steps, size, text in limits:
        if 0 < size < _LEAST_MEMORY:
            told = f"a limit of {text} is below the 6 MB that a container needs"
            report.error("memory-too-small", told, at.value(*steps), "write at least 6M, or 0 for no limit")
    for _, limit, shown in limits[:1]:
        for steps, size, text in _memory(service, "mem_reservation"):
            if 0 < limit < size:
                told = f"the reservation of {text} is above the limit of {shown}"
                report.error("reservation-above-limit", told, at.value(*steps), "reserve at most the limit")


def _memory(service: Service, key: str) -> Iterator[tuple[Path, int, str]]:
    """Yields the path, the bytes and the text of an amount of memory in both of its places."""
    for path in ((key,), ("deploy", "resources", *_LIMITS[key])):
        text = plain(inside(service, *path)) or ""
        size = parse_size(text)
        if size is not None:
            yield path, size, text


def check_replicas(service: Service, at: Place, report: Report) -> None:
    scale, written = service.get("scale"), inside(service, "deploy").get("replicas")
    if scale is not None and written is not None and not _same(scale, written):
        told = f"`scale` is {plain(scale)} and `deploy.replicas` is {plain(written)}"
        report.error("replicas-twice", told, at.key("scale"), "remove one of them")
    count = replicas(service)
    if count > 1 and service.get("container_name") is not None:
        told = f"{count} replicas cannot share one `container_name`"
        help = "remove it: Compose numbers the names"
        report.error("replicas-share-name", told, at.key("container_name"), help)
    for index, port in enumerate(service.get("ports") or () if count > 1 else ()):
        binding = binding_of(port)
        if 0 < len(binding.taken) < count * len(binding.container or (0,)):
            told = f"{count} replicas cannot share one host port"
            help = "leave the host port out, or publish a range such as 8080-8089:80"
            report.error("replicas-share-port", told, at.value("ports", index), help)


def check_files(service: Service, at: Place, report: Report) -> None:
    for index, item in enumerate(service.get("env_file") or ()):
        if at.project.secrets and plain(item.get("path")) in (".env", "./.env"):
            told = "`.env` holds the passwords of every database, and all of them go into the container"
            help = "name the variables that it needs under `environment:`"
            report.warning("env-file-with-secrets", told, at.value("env_file", index), help)


def check_labels(service: Service, at: Place, report: Report) -> None:
    for path in (("labels",), ("deploy", "labels"), ("build", "labels")):
        is_short = (*at.path, *path) in at.project.places.short
        for label, value in inside(service, *path).items() if is_short else ():
            if value is None:
                told, place = f'the label "{label}" has no value', at.value(*path, label)
                report.warning("empty-label", told, place, f'write "{label}=" if it is meant to be empty')


def check_ports(service: Service, at: Place, report: Report) -> None:
    ports, mode = service.get("ports") or (), plain(service.get("network_mode"))
    for index, port in enumerate(ports):
        if fault := port_fault(port):
            told, help = f"this is not a port: {fault}", 'write "HOST:CONTAINER", such as "8080:80"'
            report.error("port-syntax", told, at.value("ports", index), help)
    if ports and mode in ("host", "none"):
        told = f"`ports` has no effect with `network_mode: {mode}`"
        report.warning("ports-without-effect", told, at.key("ports"), "remove one of the two")
    networks = [at.project.tree["networks"].get(name) for name in service.get("networks") or ()]
    if ports and networks and all(inside(one, "internal") is True for one in networks):
        told = f'service "{at.path[1]}" is only in internal networks, where `ports` publishes nothing'
        report.warning("unpublished-port", told, at.key("ports"), "add `default` to its networks")


def check_host_ports(project: Project, report: Report) -> None:
    taken: dict[tuple[int, str], list[tuple[str, Path]]] = {}
    for name, service in project.services.items():
        for index, port in enumerate(service.get("ports") or ()):
            at, binding = ("services", name, "ports", index), binding_of(port)
            clashes: dict[Path, int] = {}
            for shared in binding.taken:
                others = taken.setdefault((shared, binding.protocol), [])
                found = [path for address, path in others if is_everywhere(address, binding.address)]
                if found:
                    clashes.setdefault(found[0], shared)
                else:
                    others.append((binding.address, at))
            for first, shared in clashes.items():
                told, place = f"the host port {shared} is published twice", project.places.value(at)
                note = Note("the first is here", project.places.key(first))
                report.error("duplicate-port", told, place, "publish one of them on another port", [note])


def check_commands(service: Service, at: Place, report: Report) -> None:
    for key in ("command", "entrypoint"):
        line, place = service.get(key), at.value(key)
        operator, mark = _first_mark(line)
        if operator:
            is_plain = isinstance(line, str) and not set('"\\\n') & set(line)
            told = f"no shell runs this command: Compose drops everything from `{operator}` on"
            help = f'write ["/bin/sh", "-c", "{line if is_plain else "..."}"]'
            report.error("command-without-shell", told, place, help)
        elif mark:
            told = "a bracket stands outside quotes" if mark == "(" else f"a quote {mark} is not closed"
            help = "put the words in quotes, or write the command as a list"
            report.error("unclosed-quote", told, place, help)


def _first_mark(line: Any) -> tuple[str, str]:
    """Returns what stands first outside of quotes: an operator, or a quote or bracket that is not closed."""
    parts = line.parts if isinstance(line, Text) else (line,) if isinstance(line, str) else ()
    # A word stands for each variable and secret.
    known = "".join(
        _VARIABLE.sub(lambda match: "$" if match[1] else "x", part) if isinstance(part, str) else "x"
        for part in parts
    )
    return next((marks for marks in _WORD.findall(known) if any(marks)), ("", ""))


def check_health(service: Service, at: Place, report: Report) -> None:
    test = inside(service, "healthcheck", "test")
    kind, *words = [plain(word) or "" for word in test] if isinstance(test, list) and test else [""]
    operator = next((word for word in words if word in _OPERATORS), None)
    if kind == "CMD-SHELL" and len(words) > 1:
        told = "a shell runs the first text after CMD-SHELL, and the others are lost"
        help = "write them as one text, or CMD in place of CMD-SHELL"
        report.error("health-check-words", told, at.value("healthcheck", "test", 2), help)
    elif kind == "CMD" and len(words) == 1 and re.search(r"\s", words[0]):
        told = f'no program is named "{words[0]}": CMD takes the words one by one'
        help = "write CMD-SHELL in place of CMD"
        report.error("health-check-words", told, at.value("healthcheck", "test", 1), help)
    elif kind == "CMD" and operator:
        told = f"no shell runs this check: `{operator}` is passed on as a word"
        place = at.value("healthcheck", "test", 1 + words.index(operator))
        help = "write CMD-SHELL and the whole check as one text"
        report.warning("health-check-without-shell", told, place, help)
