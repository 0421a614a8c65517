"""The scripts of a container: whether a shell can read them, whom they log in, and whether a probe tells the truth."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from compiler.pages.trials.shell import Shell, arguments, name_of, read_shell, text_of
from compiler.pages.trials.shown import SECRET_FILE, find_secrets
from compiler.project.project import Project

if TYPE_CHECKING:
    from tree_sitter import Node

_COMMENT = re.compile(r"(?:^|(?<=[\s;&|(]))#[^\n]*")
_NOTHING = re.compile(r"(?m)^\s*:.*$|\btrue\b")
_HOSTS = r"127\.0\.0\.1|HOSTNAME|hostname|\[::1\]|(?:-h|--host|//\"?|@|\bclient)[ =]*'?{name}(?![\w.-])|\b{name}:\d"
_WRITTEN = re.compile(r">\s*['\"]?(/[\w./-]+)")


class Around(NamedTuple):
    """What is around a script: its container, the secrets of it that everybody may know, and files made of others."""

    name: str
    environment: Mapping[str, object]
    has_secrets: bool
    open_ones: frozenset[str]
    made: frozenset[str]

    def names_host(self, text: str) -> bool:
        """Says whether a probe names the address that it asks; a variable of the container may hold it."""
        hosts = _HOSTS.format(name=re.escape(self.name))
        return bool(re.search(hosts, f"{text}\n{self.environment}"))


class Script:
    """A shell script of a container: what it is, the key of the service in which it stands, and its text."""

    def __init__(self, kind: str, key: str, text: str) -> None:
        self.kind, self.key, self.text = kind, key, text
        self.code = _COMMENT.sub("", text)

    @cached_property
    def tree(self) -> Shell:
        return read_shell(self.text)

    @property
    def own(self) -> str:
        """The script without the functions that stackc puts before it."""
        added = [
            self.tree.functions[name] for name in ("client", "read_secret") if name in self.tree.functions
        ]
        kept = self.code
        for one in added:
            kept = kept.replace(_COMMENT.sub("", text_of(one)), "")
        return kept

    def made(self) -> set[str]:
        """Returns the files that a script writes where it reads a secret: a probe may log in with one."""
        return {*_WRITTEN.findall(self.code)} if SECRET_FILE.search(self.code) else set()


def iter_scripts(project: Project, name: str) -> Iterator[Script]:
    """Yields the scripts of a container: what it starts with, its probe, and the client for a person."""
    service = project.services[name]
    match service.get("entrypoint"):
        case [str(program), str(flags), text, *_] if program.endswith("sh") and "c" in flags:
            yield Script("script", "entrypoint", str(text))
    match (service.get("healthcheck") or {}).get("test"):
        case ["CMD-SHELL", text]:
            yield Script("probe", "healthcheck.test", str(text))
    for container, text in project.shells.values():
        if container == name:
            # It is no part of the service; what stands beside it in the adapter is.
            yield Script("shell", "healthcheck" if "healthcheck" in service else "entrypoint", text)


@lru_cache(maxsize=1024)
def read_error(text: str, shellcheck: str | None) -> str:
    """Returns why no shell can read a script, or what shellcheck says where it is there; else an empty text.

    https://github.com/koalaman/shellcheck/wiki
    """
    checkers = [["/bin/sh", "-n"]]
    if shellcheck:
        checkers.append([shellcheck, "--severity=error", "--shell=sh", "--format=gcc", "-"])
    for checker in checkers:
        done = subprocess.run(checker, input=text.encode(), capture_output=True, check=False)
        if done.returncode:
            said = (done.stderr + done.stdout).decode(errors="replace").strip().splitlines()
            return said[0] if said else "nothing is said why"
    return ""


def iter_left_out(script: Script, around: Around, *, has_user: bool) -> Iterator[str]:
    """Yields why the `client` of an adapter is none: what it leaves out of what it is given."""
    tree, client = script.tree, script.tree.functions.get("client")
    if client is None:
        return
    expansions = tree.all("simple_expansion", "expansion", within=client)
    used = {text_of(part) for one in expansions for part in one.named_children}
    # A probe may name it in a URL.
    asked = re.sub(r"\bclient\s+\S+", "client", script.own)
    if "host" not in used and script.kind == "probe" and not around.names_host(asked):
        yield "goes to no $host"
    if around.has_secrets and "secret" not in used:
        yield "logs in without $secret, whatever password it is given"
    if has_user and "user" not in used:
        yield "logs in as no $user, whoever it is asked to be"
    if not any(tree.asks(one) for one in tree.deciding(client.children[-1])):
        yield "succeeds where its log-in fails"


def log_ins(script: Script, around: Around) -> list[Node]:
    """Returns the commands of a probe that log in and on whose success its own depends."""
    tree, secrets = script.tree, find_secrets(script.tree, around.open_ones)
    exported = [one for one in tree.all("declaration_command") if secrets.holds(one)]

    def is_log_in(command: Node) -> bool:
        if name_of(command) == "client":
            return "client" in tree.functions
        around_it = tree.statement_of(command)
        files = {*SECRET_FILE.findall(text_of(around_it))} - around.open_ones
        made = any(file in text_of(around_it) for file in around.made)
        return bool(files or made or exported or not around.has_secrets or secrets.holds(around_it))

    return [one for one in tree.deciding() if tree.asks(one) and is_log_in(one)]


def iter_weak(script: Script, around: Around) -> Iterator[tuple[str, str]]:
    """Yields why a probe can lie, and what to do about it."""
    own = script.own
    if not log_ins(script, around):
        reads = SECRET_FILE.search(_NOTHING.sub("", own)) or any(file in own for file in around.made)
        if not _NOTHING.sub("", own).strip():
            yield "the probe asks nothing", "let the engine's client log in with ${{ secrets.password }}"
        elif reads or not around.has_secrets:
            told = "the probe passes where its log-in fails"
            yield told, "let its exit status be that of the log-in, which no other command takes the place of"
        else:
            told = "the probe logs in with no secret"
            yield told, "let the engine's client log in with ${{ secrets.password }}"
    if "localhost" in script.code:
        yield "the probe asks localhost, where the first start listens too", "ask 127.0.0.1 or $HOSTNAME"
    elif not around.names_host(own):
        told = "the probe names no host, and a socket answers while the server of the first start runs"
        yield told, "ask 127.0.0.1 or $HOSTNAME"


def secrets_of(script: Script, around: Around) -> list[set[str]]:
    """Returns for each log-in of a probe the files of the secrets that it names."""
    named = (one for one in log_ins(script, around) if name_of(one) == "client")
    return [{*SECRET_FILE.findall(" ".join(map(text_of, arguments(one))))} for one in named]
