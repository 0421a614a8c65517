"""Values of a service that neither Compose's schema nor, in most cases, `docker compose config` refuses.

Each rule reads one key of a service: https://docs.docker.com/reference/compose-file/services/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from compiler.model import Path
from compiler.project.entries import items, number, pairs, plain
from compiler.report import suggest
from compiler.rules.findings import Findings
from compiler.rules.limit_rules import check_limits
from compiler.rules.mount_rules import NAME, check_expose, check_extra_hosts, check_tmpfs, check_volumes
from compiler.rules.shell_rules import check_command, check_test
from compiler.rules.value_rules import (
    check_capabilities,
    check_count,
    check_duration,
    check_flag,
    check_image,
    check_integer,
    check_restart,
    check_size,
    check_variables,
)

Rule = Callable[[Findings, Any, Path], None]

_MODES = ("replicated", "global", "replicated-job", "global-job")
_CONDITIONS = ("none", "on-failure", "any", "no", "always", "unless-stopped")
_ULIMITS = (
    *("core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss"),
    *("rtprio", "rttime", "sigpending", "stack"),
)
_RESERVED_LABEL = "com.docker.compose."


def check_entry(found: Findings, entry: Mapping[str, Any], at: Path) -> None:
    """Finds what is wrong with the values of one service, whose expressions are evaluated."""
    for key, value in entry.items():
        rule = _RULES.get(key)
        if rule and value is not None:
            rule(found, value, (*at, key))
    _check_source(found, entry, at)
    check_limits(found, entry, at)
    check_variables(found, entry, at)


def _check_source(found: Findings, entry: Mapping[str, Any], at: Path) -> None:
    if not {"image", "build", "extends", "provider"} & entry.keys():
        told = f'service "{at[-1]}" has neither an image nor a build'
        found.error("missing-option", told, at, "add `image:` or `build:`", key=True)


def _environment(found: Findings, value: Any, at: Path) -> None:
    for step, name, _ in pairs(value):
        if "$" in name:
            continue
        if not name or "=" in name or any(character.isspace() for character in name):
            told = f'"{name}" cannot be the name of a variable'
            found.error(
                "wrong-format", told, (*at, step), "write NAME=value, without blanks around =", key=True
            )


def _labels(found: Findings, value: Any, at: Path) -> None:
    for step, name, text in pairs(value):
        if name.startswith(_RESERVED_LABEL):
            told = f'the label "{name}" belongs to Compose'
            found.error("reserved-name", told, (*at, step), "use a name of your own", key=True)
        elif text is None and isinstance(value, list):
            told = f'the label "{name}" has no value'
            found.warning("empty-label", told, (*at, step), f'write "{name}=" if it is meant to be empty')


def _profiles(found: Findings, value: Any, at: Path) -> None:
    for step, item in items(value):
        name = plain(item)
        if name is not None and not NAME.fullmatch(name):
            found.error(
                "wrong-format",
                f'"{name}" is not a name for a profile',
                (*at, step),
                "use letters, digits, _ . and -",
            )


def _health(found: Findings, value: Any, at: Path) -> None:
    if not isinstance(value, Mapping):
        return
    for key in ("interval", "timeout", "start_period", "start_interval"):
        if value.get(key) is not None:
            check_duration(found, value[key], (*at, key))
    for key, rule in (("retries", check_integer), ("disable", check_flag)):
        if value.get(key) is not None:
            rule(found, value[key], (*at, key))
    check_test(found, value.get("test"), (*at, "test"))


def _container_name(found: Findings, value: Any, at: Path) -> None:
    text = plain(value)
    if text is not None and (len(text) < 2 or not NAME.fullmatch(text)):
        found.error(
            "wrong-format", f'"{text}" is not a name for a container', at, "use letters, digits, _ . and -"
        )


def _ulimits(found: Findings, value: Any, at: Path) -> None:
    for name, limit in value.items() if isinstance(value, Mapping) else ():
        if name not in _ULIMITS:
            help = suggest(name, _ULIMITS)
            found.error("not-allowed-value", f'"{name}" is not a limit of Linux', (*at, name), help, key=True)
        pair = limit if isinstance(limit, Mapping) else {}
        for path, part in (
            (((*at, name, key), pair[key]) for key in pair) if pair else (((*at, name), limit),)
        ):
            check_integer(found, part, path)
        soft, hard = number(pair.get("soft")), number(pair.get("hard"))
        if soft is not None and hard is not None and hard != -1 and (soft > hard or soft == -1):
            told = f'the soft limit of "{name}" is above its hard limit'
            found.error("out-of-range", told, (*at, name, "soft"), f"write at most {hard:g}")


def _deploy(found: Findings, value: Any, at: Path) -> None:
    if not isinstance(value, Mapping):
        return
    if value.get("replicas") is not None:
        check_integer(found, value["replicas"], (*at, "replicas"))
    mode = plain(value.get("mode"))
    if mode is not None and mode not in _MODES:
        found.error(
            "not-allowed-value", f'"{mode}" is not a mode of deployment', (*at, "mode"), suggest(mode, _MODES)
        )
    policy = value.get("restart_policy") or {}
    condition = plain(policy.get("condition"))
    if condition is not None and condition not in _CONDITIONS:
        help = suggest(condition, _CONDITIONS[:3])
        place = (*at, "restart_policy", "condition")
        found.error("not-allowed-value", f'"{condition}" is not a condition to restart on', place, help)
    for key in ("delay", "window"):
        if policy.get(key) is not None:
            check_duration(found, policy[key], (*at, "restart_policy", key))
    for kind in ("limits", "reservations"):
        part = (value.get("resources") or {}).get(kind) or {}
        for key, rule in (("memory", check_size), ("cpus", check_count)):
            if part.get(key) is not None:
                rule(found, part[key], (*at, "resources", kind, key))
    _labels(found, value.get("labels"), (*at, "labels"))


def _build(found: Findings, value: Any, at: Path) -> None:
    if isinstance(value, Mapping):
        _labels(found, value.get("labels"), (*at, "labels"))


def _env_file(found: Findings, value: Any, at: Path) -> None:
    for step, item in items(value):
        path = plain(item.get("path") if isinstance(item, Mapping) else item)
        if path in (".env", "./.env") and {"databases", "secrets"} & found.document.data.keys():
            told = (
                "`.env` holds the passwords of every database, and this puts all of them into the container"
            )
            found.warning(
                "env-file-with-secrets",
                told,
                (*at, step),
                "name the variables that it needs under `environment:`",
            )


_FLAGS = ("attach", "init", "oom_kill_disable", "privileged", "read_only", "stdin_open", "tty")
_INTEGERS = (
    *("cpu_count", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares"),
    *("mem_swappiness", "oom_score_adj", "pids_limit", "scale"),
)
_RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_FLAGS, check_flag),
    **dict.fromkeys(_INTEGERS, check_integer),
    "build": _build,
    "cap_add": check_capabilities,
    "cap_drop": check_capabilities,
    "command": check_command,
    "container_name": _container_name,
    "cpu_percent": check_count,
    "cpus": check_count,
    "deploy": _deploy,
    "entrypoint": check_command,
    "env_file": _env_file,
    "environment": _environment,
    "expose": check_expose,
    "extra_hosts": check_extra_hosts,
    "healthcheck": _health,
    "image": check_image,
    "labels": _labels,
    "mem_limit": check_size,
    "mem_reservation": check_size,
    "memswap_limit": check_size,
    "profiles": _profiles,
    "restart": check_restart,
    "shm_size": check_size,
    "stop_grace_period": check_duration,
    "tmpfs": check_tmpfs,
    "ulimits": _ulimits,
    "volumes": check_volumes,
}
