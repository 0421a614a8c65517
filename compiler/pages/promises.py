"""What an adapter promises, checked in the containers that a trial has rendered."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import lru_cache
from shutil import which
from typing import Any, NamedTuple

from compiler.project.project import Project
from compiler.project.secrets import database_secrets
from compiler.report import Report, Span

SECRET_FILE = re.compile(r"/run/secrets/([A-Za-z0-9_-]+)")
_NO_FAILURE = re.compile(
    r"(?:\|\|\s*(?:true|:|exit\s+0)|;\s*(?:true|:|exit\s+0)|\n\s*(?:true|exit\s+0))\s*\Z"
)
_COMMENT = re.compile(r"(?:^|(?<=[\s;&|(]))#[^\n]*")
_SECRET_NAME = re.compile(r"(?i)(?:PASSWORD|PASSWD|PWD|SECRET|TOKEN|API_?KEY)$")
# A command that the shell itself runs shows its arguments to nobody.
_WITHIN_SHELL = frozenset(("printf", "echo", ":", "[", "test", "set", "case", "export", "read", "local"))
_SUBSTITUTED = re.compile(r"""\$\(\s*(?:cat\s+|<\s*)'?/run/secrets/[^)]*\)""")
_ONCE = re.compile(
    r"(?i)(?:^|;)\s*(CREATE\s+(?:USER|ROLE|LOGIN|DATABASE|SCHEMA|TABLE|INDEX|EXTENSION)\b(?!\s+IF\s+NOT\s+EXISTS)"
    r"|DROP\s+(?:DATABASE|SCHEMA|TABLE|USER|ROLE|COLLECTION)\b)"
)
_TEXTS = re.compile(r"'(?:[^'\\]|''|\\.)*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_GUARDED = re.compile(r"(?i)\bIF\s+(?:NOT\s+EXISTS\s*\(|\w*\s*\(|@)|\bDO\s+\$|\bEXCEPTION\b|\bOR\s+REPLACE\b")
_FROM_NETWORK = r"127\.0\.0\.1|HOSTNAME|hostname|\[::1\]|(?:-h|--host|//\"?|@|\bclient)[ =]*'?{name}\b"


class _Script(NamedTuple):
    """A shell script of a container: what it is, the key of the service in which it stands, and its text."""

    kind: str
    key: str
    text: str


def check_promises(project: Project, report: Report) -> None:
    """Reports what the containers of databases do that an adapter promises not to do, at the adapter's line."""
    for name, kind in project.kinds.items():
        if kind in ("database", "job"):
            _Container(project, name, project.services[name], report).check()


@lru_cache(maxsize=1024)
def _refused(script: str, shellcheck: str | None) -> str:
    """Returns what the shell says of a script that it cannot read, or shellcheck where it is there; else nothing.

    https://github.com/koalaman/shellcheck/wiki
    """
    checkers = [["/bin/sh", "-n"]]
    if shellcheck:
        checkers.append([shellcheck, "--severity=error", "--shell=sh", "--format=gcc", "-"])
    for checker in checkers:
        done = subprocess.run(checker, input=script.encode(), capture_output=True, check=False)
        if done.returncode:
            said = (done.stderr + done.stdout).decode(errors="replace").strip().splitlines()
            return said[0] if said else "nothing is said why"
    return ""


def _iter_once(content: str) -> Iterator[tuple[str, int]]:
    """Yields the words of each statement that cannot run twice, and how often the same stand in front of them."""
    plain = _TEXTS.sub("''", content)
    for found in _ONCE.finditer(plain):
        if not _GUARDED.search(
            plain[: found.end()].rpartition(";")[2] + plain[found.end() - 40 : found.end()]
        ):
            yield found[1], plain[: found.start(1)].count(found[1])


class _Container(NamedTuple):
    project: Project
    name: str
    service: Mapping[str, Any]
    report: Report

    def check(self) -> None:
        for script in self._scripts():
            self._check_syntax(script)
            self._check_files(script)
            self._check_arguments(script)
        self._check_environment()
        self._check_tls()
        if self.project.kinds[self.name] == "job":
            self._check_job()
        else:
            self._check_probe()

    def _tell(self, id: str, told: str, key: str, help: str, section: str = "") -> None:
        """Reports at the line of a key of the container, or of the section beside it in the adapter."""
        origin = self.project.places.origin(("services", self.name, *key.split(".")))
        path = (*origin.path[:-1], section) if section else origin.path
        self.report.error(id, told, origin.file.value(path), help)

    def _scripts(self) -> Iterator[_Script]:
        match self.service.get("entrypoint"):
            case ["/bin/sh", "-ec", text, *_]:
                yield _Script("script", "entrypoint", str(text))
        match (self.service.get("healthcheck") or {}).get("test"):
            case ["CMD-SHELL", text]:
                yield _Script("probe", "healthcheck.test", str(text))
        for container, text in self.project.shells.values():
            if container == self.name:
                yield _Script("shell", "shell", text)

    def _check_syntax(self, script: _Script) -> None:
        if said := _refused(script.text, which("shellcheck")):
            told = f"the shell cannot read this {script.kind}: {said}"
            self._tell("shell-syntax", told, script.key, "write it for a POSIX shell")

    def _check_files(self, script: _Script) -> None:
        mounted = {mount.get("target", mount["source"]) for mount in self.service.get("secrets") or ()}
        for name in SECRET_FILE.findall(_COMMENT.sub("", script.text)):
            if name not in mounted:
                told = f"this {script.kind} reads /run/secrets/{name}, which its container does not have"
                is_key, help = "-tls-" in name, "add the secret to `secrets` of the container"
                # Without TLS there is no key, whatever the container asks for.
                help = "name it where TLS is on: {when: tls.enabled, then: …}" if is_key else help
                self._tell("missing-mount", told, script.key, help)

    def _check_arguments(self, script: _Script) -> None:
        text = _COMMENT.sub("", script.text)
        for found in _SUBSTITUTED.finditer(text):
            before = re.split(r"\n|;|&&|\|\||\||\$\(|\(|\{ ", text[: found.start()].replace("\\\n", " "))[-1]
            words = before.split()
            last = "" if before[-1:].isspace() or not words else words[-1]
            commands = [word for word in words if not re.match(r"\w+\+?=", word)]
            is_assigned = not commands and re.match(r"\w+=", last)
            functions = re.findall(r"(\w+)\s*\(\)", text)
            if not (is_assigned or (commands and commands[0] in {*_WITHIN_SHELL, *functions})):
                told = f"this {script.kind} puts a secret into an argument, which every process of the machine sees"
                help = "let the client read it from its environment, from a file or from its input"
                self._tell("shown-secret", told, script.key, help)

    def _check_environment(self) -> None:
        for name, value in (self.service.get("environment") or {}).items():
            if _SECRET_NAME.search(name) and isinstance(value, str) and value and not value.startswith("/"):
                told = f'"{name}" has its secret in the adapter, the same for everybody'
                help = "let the server read the file of a secret, as in ${{ secrets.password }}"
                self._tell("shown-secret", told, f"environment.{name}", help)

    def _check_tls(self) -> None:
        texts = self._texts("command", "entrypoint", "environment", "healthcheck")
        for mount in self.service.get("secrets") or ():
            target = mount.get("target", mount["source"])
            if "-tls-" in target and f"/run/secrets/{target}" not in texts:
                told = "the private key is there, and nothing in this container reads it: TLS stays off"
                help = f"hand ${{{{ tls.{target.rpartition('-tls-')[2]} }}}} to it"
                self._tell("unused-key", told, "healthcheck", help, "tls")

    def _texts(self, *keys: str) -> str:
        """Returns what the container says under these keys, and all its files."""
        files = (self.project.tree["configs"][one["source"]] for one in self.service.get("configs") or ())
        return str([*map(self.service.get, keys), *(file.get("content") for file in files)])

    def _check_job(self) -> None:
        scripts = "".join(script.text for script in self._scripts() if script.kind == "script")
        for mount in self.service.get("configs") or ():
            if mount["source"] != self.name:
                continue
            content = str(self.project.tree["configs"][self.name].get("content") or "")
            if mount["target"] not in scripts:
                help = "apply it, as ${{ init.file }}, and log in as the user"
                self._tell("idle-job", "the job does not read its statements", "entrypoint", help)
            places = [*self._places_once()]
            for words, _ in _iter_once(content):
                told = f"the job runs on every start, and does `{' '.join(words.split())}` each time"
                help = "write IF NOT EXISTS, or ask first whether it is there; drop nothing"
                where = next((one for one in places if one[0] == words), None)
                if where is None:
                    self._tell("not-repeatable", told, "entrypoint", help, "statements")
                else:
                    places.remove(where)
                    self.report.error("not-repeatable", told, where[1], help)

    def _places_once(self) -> Iterator[tuple[str, Span]]:
        """Yields each such statement of the adapter, in whatever branch, and its place."""
        _, document, at = self.project.places.origin(("services", self.name, "entrypoint"))
        for path, node in document.spans.items():
            if path[: len(at)] == (*at[:-1], "statements") and isinstance(node.value, str):
                for words, before in _iter_once(node.value):
                    yield words, document.within(path, words, before)

    def _check_probe(self) -> None:
        database = self.project.places.origin(("services", self.name)).path[-1]
        has_secrets = bool(database_secrets(self.project.databases[str(database)]))
        probes = [script for script in self._scripts() if script.kind == "probe"]
        # A program that is no shell reads the file of a secret by its arguments or by a file of the server.
        if not probes and has_secrets and not SECRET_FILE.search(self._texts("healthcheck")):
            told, help = "the probe logs in with no secret", "let its program read ${{ secrets.password }}"
            self._tell("weak-probe", told, "healthcheck.test", help)
        for script in probes:
            # A variable of the container may hold the address.
            asked = f"{script.text}\n{self.service.get('environment')}"
            text, key = _COMMENT.sub("", script.text).strip(), script.key
            if _NO_FAILURE.search(text):
                told = "the probe cannot fail: its last command always succeeds"
                self._tell("weak-probe", told, key, "let the exit status be that of the log-in")
            if not re.sub(r"(?m)^\s*:.*$", "", text).replace("true", "").strip():
                self._tell("weak-probe", "the probe asks nothing", key, "log in with ${{ secrets.password }}")
            elif has_secrets and not self._logs_in(text):
                told, help = "the probe logs in with no secret", "read ${{ secrets.password }} and log in"
                self._tell("weak-probe", told, key, help)
            if "localhost" in text:
                told = "the probe asks localhost, where the first start listens too"
                self._tell("weak-probe", told, key, "ask 127.0.0.1 or $HOSTNAME")
            elif not re.search(_FROM_NETWORK.format(name=re.escape(self.name)), asked):
                told = (
                    "the probe names no host, and a socket answers while the server of the first start runs"
                )
                self._tell("weak-probe", told, key, "ask 127.0.0.1 or $HOSTNAME")

    def _logs_in(self, probe: str) -> bool:
        """Says whether a probe reads a secret, or a file that the start script makes of one."""
        asked = re.sub(r"(?m)^\s*:\s.*$", "", probe)
        if SECRET_FILE.search(asked):
            return True
        for script in self._scripts():
            if script.kind == "script" and SECRET_FILE.search(script.text):
                made = re.findall(r">\s*['\"]?(/[\w./-]+)", script.text)
                return any(file in asked for file in made)
        return False
