"""What the scripts of a container promise: they can be read, show no secret, and a probe says the truth."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import lru_cache
from shutil import which
from typing import NamedTuple

from compiler.pages.shell.programs import Programs
from compiler.pages.shell.reader import parse_shell
from compiler.pages.shell.tree import Function, Script, Unreadable
from compiler.pages.shell.values import Scope, Value, environment_of
from compiler.project.project import Project

COMMENT = re.compile(r"(?:^|(?<=[\s;&|(]))#[^\n]*")
_HOSTS = r"127\.0\.0\.1|HOSTNAME|\[::1\]|(?:-h|--host|//|@)[ =]*{name}(?![\w.-])|(?<![\w.-]){name}:\d"


class Shell(NamedTuple):
    """A shell script of a container: what it is, the key of the service in which it stands, and its text."""

    kind: str
    key: str
    text: str

    @property
    def code(self) -> str:
        """The script without its comments."""
        return COMMENT.sub("", self.text)


class Around(NamedTuple):
    """What is around a script: the name and the variables of its container, and what secrets there are."""

    name: str
    environment: Mapping[str, object]
    has_secrets: bool
    open_ones: frozenset[str]
    files: dict[str, frozenset[str]]


class Followed(NamedTuple):
    """What was found of a script: the statuses with which it can end where log-ins fail and where they succeed."""

    failing: frozenset[int]
    succeeding: frozenset[int]
    programs: Programs


def iter_scripts(project: Project, name: str) -> Iterator[Shell]:
    """Yields the scripts of a container: what it starts with, its probe, and the client for a person."""
    service = project.services[name]
    match service.get("entrypoint"):
        case [str(program), str(flags), text, *_] if program.endswith("sh") and "c" in flags:
            yield Shell("script", "entrypoint", str(text))
    match (service.get("healthcheck") or {}).get("test"):
        case ["CMD-SHELL", text]:
            yield Shell("probe", "healthcheck.test", str(text))
    for container, text in project.shells.values():
        if container == name:
            # It is no part of the service; what stands beside it in the adapter is.
            yield Shell("shell", "healthcheck" if "healthcheck" in service else "entrypoint", text)


def read_error(text: str) -> str:
    """Returns why no shell can read a script, or an empty text."""
    return _read_error(text, which("shellcheck") or "")


@lru_cache(maxsize=256)
def _read_error(text: str, further: str) -> str:
    checkers = [["/bin/sh", "-n"]]
    if further:
        checkers.append([further, "--severity=error", "--shell=sh", "--format=gcc", "-"])
    for checker in checkers:
        done = subprocess.run(checker, input=text.encode(), capture_output=True, check=False)
        said = (done.stderr + done.stdout).decode(errors="replace").strip().splitlines()
        if done.returncode:
            return said[0] if said else "nothing is said why"
    return ""


def follow(script: Shell, around: Around) -> Followed | None:
    """Follows a script with log-ins that fail, and with such that succeed; none where it cannot be followed."""
    failing, succeeding = (_programs(around, log_ins_fail=fails) for fails in (True, False))
    try:
        ends = succeeding.run(script.text, _scope(script, around))
        failed = failing.run(script.text, _scope(script, around)) if script.kind == "probe" else ends
    except Unreadable:
        return None
    around.files.update(succeeding.files)
    return Followed(failed, ends, succeeding)


def follow_client(script: Shell, around: Around) -> Programs | None:
    """Follows what `client` does that a script has in front of it, with marks on all that it is given."""
    try:
        defined = {
            node.name: chain
            for chain in parse_shell(script.text).chains
            if isinstance(node := chain.first.commands[0].node, Function)
        }
        if "client" not in defined:
            return None
        programs, scope = _programs(around, log_ins_fail=False), _scope(script, around)
        programs.script(Script(tuple(defined.values())), scope)
        scope.arguments = [Value("\0host\0", frozenset(("$host",))), Value("\0user\0", frozenset(("$user",)))]
        programs.script(parse_shell('client "$1" "$2" /run/secrets/client'), scope)
    except Unreadable:
        return None
    return programs


def _programs(around: Around, *, log_ins_fail: bool) -> Programs:
    hosts = _HOSTS.format(name=re.escape(around.name))
    programs = Programs(
        log_ins_fail=log_ins_fail,
        asks_no_secret=not around.has_secrets,
        hosts=hosts,
        open_ones=around.open_ones,
    )
    programs.files.update(around.files)
    # What stackc puts before scripts that call it, and no program can start.
    programs.defined |= {"client", "read_secret"}
    return programs


def _scope(script: Shell, around: Around) -> Scope:
    return Scope(variables=environment_of(around.environment), ends_on_error=script.kind == "script")


def iter_weak(script: Shell, followed: Followed, around: Around) -> Iterator[tuple[str, str]]:
    """Yields why a probe can lie, and what to do about it."""
    logins = followed.programs.logins
    if not logins:
        asks = re.sub(r"(?m)^\s*:.*$|\btrue\b", "", script.code).strip()
        told = "the probe logs in with no secret" if asks else "the probe asks nothing"
        yield told, "let the engine's client log in with ${{ secrets.password }}"
    elif 0 in followed.failing:
        told = "the probe passes where its log-in fails"
        yield told, "let its exit status be that of the log-in, which no other command takes the place of"
    elif 0 not in followed.succeeding:
        yield "the probe fails where its log-in succeeds", "let its exit status be that of the log-in"
    if "localhost" in script.code:
        yield "the probe asks localhost, where the first start listens too", "ask 127.0.0.1 or $HOSTNAME"
    elif logins and not any(one.names_host for one in logins) and not _names_host(around.environment):
        told = "the probe names no host, and a socket answers while the server of the first start runs"
        yield told, "ask 127.0.0.1 or $HOSTNAME"


def _names_host(environment: Mapping[str, object]) -> bool:
    """Says whether a variable of the container holds the address, which a program may read by itself."""
    return bool(re.search(_HOSTS.format(name="(?!)"), str(environment)))
