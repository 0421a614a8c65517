"""What contradicts itself inside of one service, or does not do what it seems to: limits, replicas, ports, commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from compiler.model import Path, Text
from compiler.project.project import Project, clash_of, replicas
from compiler.project.values import binding_of, inside, number, parse_size, plain, port_fault
from compiler.rules import Service, Tell

# https://docs.docker.com/engine/containers/resource_constraints/
_LEAST_MEMORY = 6 << 20
# The place of each limit below `deploy.resources`.
_LIMITS = {
    "mem_limit": ("limits", "memory"),
    "cpus": ("limits", "cpus"),
    "pids_limit": ("limits", "pids"),
    "mem_reservation": ("reservations", "memory"),
}
# Compose splits these into words itself, and runs them without a shell.
_LINES = ("command", "entrypoint")
_TEST = ("healthcheck", "test")
_VARIABLE = re.compile(r"(\$\$)|\$\{(?:[^{}]|\{[^{}]*\})*\}|\$[A-Za-z_]\w*")
_WORD = re.compile(
    r"""\\.|'[^']*'|"(?:\\.|[^"\\])*"|`[^`]*`|\$\([^)]*\)|(&&|\|\||[;&|<>])|(['"`(])|.""", re.DOTALL
)
# Addresses that stand for every one.
_ALL = {"0.0.0.0", "::"}
_OPERATORS = ("&&", "||", ";", "|", "&", ">", ">>", "<", "2>&1")


def limit_twice(service: Service, tell: Tell) -> None:
    for key, (kind, part) in _LIMITS.items():
        resources = inside(service, "deploy", "resources", kind)
        if service.get(key) is not None and resources and not _same(service[key], resources.get(part)):
            told = f"`{key}` stands beside `deploy.resources.{kind}`, which Compose refuses"
            tell(told, (key,), f"write it as `deploy.resources.{kind}.{part}`", key=True)


def replicas_twice(service: Service, tell: Tell) -> None:
    scale, written = service.get("scale"), inside(service, "deploy").get("replicas")
    if scale is not None and written is not None and not _same(scale, written):
        told = f"`scale` is {plain(scale)} and `deploy.replicas` is {plain(written)}"
        tell(told, ("scale",), "remove one of them", key=True)


def _same(one: Any, other: Any) -> bool:
    """Says whether two values are the same amount, or may be since a variable stands for one of them."""
    texts = plain(one), plain(other)
    if other is not None and None in texts:
        return True
    size = parse_size(texts[0] or "")
    return texts[0] == texts[1] or (size is not None and size == parse_size(texts[1] or ""))


def memory_too_small(service: Service, tell: Tell) -> None:
    for path, size, text in _memory(service, "mem_limit"):
        if 0 < size < _LEAST_MEMORY:
            told = f"a limit of {text} is below the 6 MB that a container needs"
            tell(told, path, "write at least 6M, or 0 for no limit")


def reservation_above_limit(service: Service, tell: Tell) -> None:
    _, limit, shown = next(_memory(service, "mem_limit"), ((), 0, ""))
    for path, size, text in _memory(service, "mem_reservation"):
        if 0 < limit < size:
            told = f"the reservation of {text} is above the limit of {shown}"
            tell(told, path, "reserve at most the limit")


def _memory(service: Service, key: str) -> Iterator[tuple[Path, int, str]]:
    """Yields the path, the bytes and the text of an amount of memory in both of its places."""
    for path in ((key,), ("deploy", "resources", *_LIMITS[key])):
        text = plain(inside(service, *path)) or ""
        size = parse_size(text)
        if size is not None:
            yield path, size, text


def soft_above_hard(service: Service, tell: Tell) -> None:
    for limit, pair in (service.get("ulimits") or {}).items():
        soft, hard = (number(inside(pair, key)) for key in ("soft", "hard"))
        if soft is not None and hard is not None and hard != -1 and (soft > hard or soft == -1):
            told = f'the soft limit of "{limit}" is above its hard limit'
            tell(told, ("ulimits", limit, "soft"), f"write at most {hard:g}")


def replicas_share_name(service: Service, tell: Tell) -> None:
    count = replicas(service)
    if count > 1 and service.get("container_name") is not None:
        told = f"{count} replicas cannot share one `container_name`"
        tell(told, ("container_name",), "remove it: Compose numbers the names", key=True)


def env_file_with_secrets(project: Project, tell: Tell) -> None:
    """Tells once where a `.env` that holds secrets is given to containers as a whole."""
    places = [
        ("services", name, "env_file", index)
        for name, service in (project.own_services() if project.secrets else ())
        for index, item in enumerate(service.get("env_file") or ())
        if plain(item.get("path")) in (".env", "./.env")
    ]
    if places:
        whose = "the container" if len(places) == 1 else f"the containers of {len(places)} services"
        told = f"`.env` holds the passwords of every database, and all of them go into {whose}"
        help = "move what the application reads to a file of its own, such as app.env, and name that"
        tell(told, places[0], help)


def empty_label(service: Service, tell: Tell) -> None:
    for path in (("labels",), ("deploy", "labels"), ("build", "labels")):
        is_short = (*tell.around, *path) in tell.project.places.short
        for label, value in inside(service, *path).items() if is_short else ():
            if value is None:
                help = f'write "{label}=" if it is meant to be empty'
                tell(f'the label "{label}" has no value', (*path, label), help)


def port_syntax(service: Service, tell: Tell) -> None:
    for index, port in enumerate(service.get("ports") or ()):
        if fault := port_fault(port):
            help = 'write "HOST:CONTAINER", such as "8080:80"'
            tell(f"this is not a port: {fault}", ("ports", index), help)


def duplicate_port(project: Project, tell: Tell) -> None:
    taken: dict[tuple[int, str], list[tuple[str, Path]]] = {}
    for name, service in project.services.items():
        for index, port in enumerate(service.get("ports") or ()):
            at, binding = ("services", name, "ports", index), binding_of(port)
            # Compose itself takes what stands twice in one list once.
            if port in service["ports"][:index]:
                continue
            clashes: dict[Path, int] = {}
            for shared in binding.taken:
                others = taken.setdefault((shared, binding.protocol), [])
                for one, path in others:
                    if one == binding.address or _ALL & {one, binding.address}:
                        severity = clash_of(project.services[str(path[1])], service)
                        if severity:
                            clashes.setdefault(path, shared)
                        if severity == "error":
                            break
                else:
                    others.append((binding.address, at))
            for first, shared in clashes.items():
                told = f"the host port {shared} is published twice"
                severity = clash_of(project.services[str(first[1])], service)
                help = "publish one of them on another port"
                tell(told, at, help, first=first, severity=severity)


def replicas_share_port(service: Service, tell: Tell) -> None:
    count = replicas(service)
    for index, port in enumerate(service.get("ports") or () if count > 1 else ()):
        binding = binding_of(port)
        if 0 < len(binding.taken) < count * len(binding.container or (0,)):
            help = "leave the host port out, or publish a range such as 8080-8089:80"
            tell(f"{count} replicas cannot share one host port", ("ports", index), help)


def ports_without_effect(service: Service, tell: Tell) -> None:
    mode = plain(service.get("network_mode"))
    if service.get("ports") and mode in ("host", "none"):
        told = f"`ports` has no effect with `network_mode: {mode}`"
        tell(told, ("ports",), "remove one of the two", key=True)


def unpublished_port(service: Service, tell: Tell) -> None:
    networks = [tell.project.tree["networks"].get(name) for name in service.get("networks") or ()]
    if service.get("ports") and networks and all(inside(one, "internal") is True for one in networks):
        told = f'service "{tell.around[1]}" is only in internal networks, where `ports` publishes nothing'
        tell(told, ("ports",), "add `default` to its networks", key=True)


def command_without_shell(service: Service, tell: Tell) -> None:
    for key in _LINES:
        line = service.get(key)
        if operator := _first_mark(line)[0]:
            is_plain = isinstance(line, str) and not set('"\\\n') & set(line)
            told = f"no shell runs this command: Compose drops everything from `{operator}` on"
            tell(told, (key,), f'write ["/bin/sh", "-c", "{line if is_plain else "..."}"]')


def unclosed_quote(service: Service, tell: Tell) -> None:
    for key in _LINES:
        if mark := _first_mark(service.get(key))[1]:
            told = "a bracket stands outside quotes" if mark == "(" else f"a quote {mark} is not closed"
            tell(told, (key,), "put the words in quotes, or write the command as a list")


def _first_mark(line: Any) -> tuple[str, str]:
    """Returns what stands first outside of quotes: an operator, or a quote or bracket that is not closed."""
    parts = line.parts if isinstance(line, Text) else (line,)
    # A word stands for each secret and variable.
    text = "".join(part if isinstance(part, str) else "x" for part in parts)
    known = _VARIABLE.sub(lambda match: "$" if match[1] else "x", text)
    return next((marks for marks in _WORD.findall(known) if any(marks)), ("", ""))


def health_check_words(service: Service, tell: Tell) -> None:
    first, *words = _health_check(service) or [None]
    if first == "CMD-SHELL" and len(words) > 1:
        told = "a shell runs the first text after CMD-SHELL, and the others are lost"
        tell(told, (*_TEST, 2), "write them as one text, or CMD in place of CMD-SHELL")
    elif first == "CMD" and len(words) == 1 and re.search(r"\s", words[0] or ""):
        told = f'no program is named "{words[0]}": CMD takes the words one by one'
        tell(told, (*_TEST, 1), "write CMD-SHELL in place of CMD")


def health_check_without_shell(service: Service, tell: Tell) -> None:
    words = _health_check(service)
    operator = next((word for word in words if word in _OPERATORS), None)
    if words[:1] == ["CMD"] and operator:
        told = f"no shell runs this check: `{operator}` is passed on as a word"
        tell(told, (*_TEST, words.index(operator)), "write CMD-SHELL and the whole check as one text")


def _health_check(service: Service) -> list[str | None]:
    test = inside(service, *_TEST)
    return [plain(word) for word in test] if isinstance(test, list) else []
