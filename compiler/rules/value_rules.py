"""Single values of a service: images, durations, sizes, counts and words that Compose itself does not check."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from compiler.project.entries import items, number, plain
from compiler.project.quantities import parse_duration, parse_size
from compiler.project.variables import iter_raw, scan_variables
from compiler.report import suggest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compiler.model import Path
    from compiler.rules.findings import Findings

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = (
    r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::\d+)?|[A-Za-z0-9-]+:\d+|localhost|\[[0-9a-fA-F:]+\](?::\d+)?)/"
)
_IMAGE = re.compile(
    rf"(?:(?:{_HOST})?{_COMPONENT}(?:/{_COMPONENT})*(?::\w[\w.-]{{0,127}})?(?:@[a-z0-9+._-]+:[0-9a-fA-F]{{32,}})?"
    r"|sha256:[0-9a-f]{64})",
    re.ASCII,
)
_RESTARTS = ("no", "always", "unless-stopped", "on-failure")
_FLAGS = ("true", "false", "yes", "no", "on", "off", "y", "n")
_BOUNDS: Mapping[str, tuple[int | None, int | None]] = {
    "cpu_count": (0, None),
    "mem_swappiness": (-1, 100),
    "oom_score_adj": (-1000, 1000),
    "replicas": (0, None),
    "retries": (0, None),
    "scale": (0, None),
}
# https://man7.org/linux/man-pages/man7/capabilities.7.html
_CAPABILITIES = (
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
)


def check_image(found: Findings, value: Any, at: Path) -> None:
    """Finds an image whose name no registry takes: https://docs.docker.com/reference/cli/docker/image/tag/"""
    text = plain(value)
    if text is None or _IMAGE.fullmatch(text):
        return
    name, slash, tag = text.rpartition(":")
    repository = name if slash and "/" not in tag else text
    if not text.strip():
        found.error("wrong-format", "the name of the image is empty", at, "write an image such as nginx:1.29")
    elif repository != repository.lower() and _IMAGE.fullmatch(
        text.replace(repository, repository.lower(), 1)
    ):
        help = f'write "{text.replace(repository, repository.lower(), 1)}"'
        found.error("wrong-format", f'the image "{text}" has upper-case letters in its repository', at, help)
    else:
        found.error("wrong-format", f'"{text}" is not the name of an image', at, "write it as REPOSITORY:TAG")


def check_restart(found: Findings, value: Any, at: Path) -> None:
    """Finds a word that is no restart policy."""
    text = plain(value)
    policy, colon, count = (text or "").partition(":")
    if not text or (policy in _RESTARTS and not colon) or (policy == "on-failure" and count.isdecimal()):
        return
    found.error("not-allowed-value", f'"{text}" is not a restart policy', at, suggest(policy, _RESTARTS))


def check_capabilities(found: Findings, value: Any, at: Path) -> None:
    """Finds a name that Linux has not for a capability."""
    for step, item in items(value):
        name = plain(item)
        if name is not None and name.upper().removeprefix("CAP_") not in _CAPABILITIES:
            help = suggest(name.upper().removeprefix("CAP_"), _CAPABILITIES)
            found.error("not-allowed-value", f'"{name}" is not a capability of Linux', (*at, step), help)


def check_duration(found: Findings, value: Any, at: Path) -> None:
    """Finds a duration without its unit."""
    text = plain(value)
    if text is not None and parse_duration(text) is None:
        help = (
            f'write the unit: "{text}s"'
            if re.fullmatch(r"\d+(\.\d+)?", text)
            else "write it as 30s, 1m30s or 500ms"
        )
        found.error("wrong-format", f'"{text}" is not a duration', at, help)


def check_size(found: Findings, value: Any, at: Path) -> None:
    """Finds a number of bytes that Compose cannot read."""
    text = plain(value)
    if text is not None and text != "-1" and parse_size(text) is None:
        shown = re.sub(r"(?<=[kmgtp])i$", "iB", text, flags=re.IGNORECASE)
        help = f'write "{shown}"' if shown != text else "write it as 512M, 1g or 64MiB"
        found.error("wrong-format", f'"{text}" is not a size', at, help)


def check_count(found: Findings, value: Any, at: Path) -> None:
    """Finds a number of processors that Compose cannot read."""
    text = plain(value)
    if text is not None and number(text) is None:
        found.error("wrong-format", f'"{text}" is not a number', at, 'write it as "0.5" or "2"')


def check_flag(found: Findings, value: Any, at: Path) -> None:
    """Finds a text that is neither yes nor no."""
    text = plain(value)
    if text is not None and text.lower() not in _FLAGS:
        found.error("wrong-type", f'"{text}" is neither true nor false', at, "write true or false")


def check_integer(found: Findings, value: Any, at: Path) -> None:
    """Finds a text that is not a whole number, or one outside of what the engine takes."""
    text = plain(value)
    if text is None:
        return
    if not isinstance(value, int | float) and not re.fullmatch(r"-?\d{1,18}", text):
        found.error("wrong-type", f'"{text}" is not a whole number', at, "write a number without a unit")
        return
    least, most = _BOUNDS.get(str(at[-1]), (None, None))
    if (least is not None and float(text) < least) or (most is not None and float(text) > most):
        help = f"write at least {least}" if most is None else f"write {least} to {most}"
        found.error("out-of-range", f"{text} is out of range", at, help)


def check_variables(found: Findings, tree: Any, at: Path) -> None:
    """Finds each use of a variable that Compose cannot read."""
    for path, text in iter_raw(tree):
        try:
            list(scan_variables(text))
        except ValueError as fault:
            told = f'Compose cannot read the variable "{fault}"'
            help = 'write "${NAME}", or "$$" for the character itself'
            found.error("wrong-format", told, (*at, *path), help)
