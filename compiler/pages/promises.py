"""What an adapter promises, checked in the containers that a trial has rendered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from compiler.pages.scripts import Around, Followed, Shell, follow, follow_client, iter_weak, read_error
from compiler.pages.shell.programs import Programs
from compiler.pages.shell.streams import SECRET_FILE, Login
from compiler.pages.statements import (
    iter_assigned,
    iter_flagged,
    iter_literals,
    iter_unrepeatable,
)
from compiler.project.project import Project
from compiler.project.references import SERVER_TARGET
from compiler.project.secrets import database_secrets
from compiler.report import Report
from compiler.source.masking import is_literal_secret
from compiler.stack.database import Database

# Lines that no server reads: comments of the files of most engines.
_COMMENT = re.compile(r"(?m)^[ \t]*(?:#|//|;|--)[^\n]*|<!--[\s\S]*?-->")
_READ_FILE = "let the server read the file of a secret, as in ${{ secrets.password }}"
_REPEAT = "write IF NOT EXISTS, or ask first whether it is there; drop nothing"
# The secret of `client` when it is followed by itself.
_GIVEN = "/run/secrets/client"
_HAND_ON = "let the client read it from its environment, from a file or from its input"


def check_promises(project: Project, report: Report) -> None:
    """Reports what the containers of databases do that an adapter promises not to do, at the adapter's line."""
    for name, kind in project.kinds.items():
        if kind in ("database", "job"):
            _Container(project, name, project.services[name], report).check()


class _Container(NamedTuple):
    project: Project
    name: str
    service: Mapping[str, Any]
    report: Report

    def check(self) -> None:
        around = self._around()
        # What `start` writes, a probe may read.
        for script in self._scripts():
            if said := read_error(script.text):
                told = f"the shell cannot read this {script.kind}: {said}"
                self._tell_of("shell-syntax", told, script, "write it for a POSIX shell")
                continue
            self._check_files(script)
            self._check_script(script, around)
        self._check_literals()
        self._check_tls()
        if self.project.kinds[self.name] == "job":
            self._check_job()
        elif around.has_secrets and not self._reads_secret("healthcheck"):
            told, help = "the probe logs in with no secret", "let its program read ${{ secrets.password }}"
            self._tell("weak-probe", told, "healthcheck.test", help)

    @property
    def database(self) -> Database:
        key = self.project.places.origin(("services", self.name)).path[-1]
        return self.project.databases[str(key)]

    def _around(self) -> Around:
        secrets = database_secrets(self.database).values()
        open_ones = frozenset(f"/run/secrets/{one.file}" for one in secrets if one.rule.get("identifier"))
        return Around(self.name, self.service.get("environment") or {}, bool(secrets), open_ones, {})

    def _tell_of(self, id: str, told: str, script: Shell, help: str) -> None:
        self._tell(id, told, script.key, help, "shell" if script.kind == "shell" else "")

    def _tell(self, id: str, told: str, key: str, help: str, section: str = "") -> None:
        """Reports at the line of a key of the container, or of the section beside it in the adapter."""
        origin = self.project.places.origin(("services", self.name, *key.split(".")))
        path = (*origin.path[:-1], section) if section else origin.path
        self.report.error(id, told, origin.file.value(path), help)

    def _tell_client(self, id: str, told: str, help: str) -> None:
        file = self.project.places.origin(("services", self.name, "image")).file
        self.report.error(id, told, file.value(("client",)), help)

    def _scripts(self) -> Iterator[Shell]:
        match self.service.get("entrypoint"):
            case [str(program), str(flags), text, *_] if program.endswith("sh") and "c" in flags:
                yield Shell("script", "entrypoint", str(text))
        match (self.service.get("healthcheck") or {}).get("test"):
            case ["CMD-SHELL", text]:
                yield Shell("probe", "healthcheck.test", str(text))
        for container, text in self.project.shells.values():
            if container == self.name:
                beside = "healthcheck" if "healthcheck" in self.service else "entrypoint"
                yield Shell("shell", beside, text)

    def _check_files(self, script: Shell) -> None:
        mounted = {mount.get("target", mount["source"]) for mount in self.service.get("secrets") or ()}
        for name in dict.fromkeys(SECRET_FILE.findall(script.code)):
            if name not in mounted:
                told = f"this {script.kind} reads /run/secrets/{name}, which its container does not have"
                self._tell_of("missing-mount", told, script, "add the secret to `secrets` of the container")
        own = {mount["target"] for mount in self.service.get("configs") or ()}
        for service in self.project.services.values():
            for mount in service.get("configs") or ():
                file = mount["target"]
                if file not in own and re.search(
                    rf"(?<!>)(?<![\w/.]){re.escape(file)}(?![\w/.-])", script.code
                ):
                    own.add(file)
                    told = f"this {script.kind} reads {file}, which only another container has"
                    self._tell(
                        "missing-mount", told, script.key, "add it to `files` of this container as well"
                    )

    def _check_script(self, script: Shell, around: Around) -> None:
        for name in iter_assigned(script.code):
            told = f'"{name}" has its secret in the adapter, the same for everybody'
            self._tell_of("shown-secret", told, script, "read it from a file, as by `read_secret`")
        client = follow_client(script, around)
        if client:
            self._check_client(client.reached, client.shown, around)
        followed = follow(script, around)
        if followed is None:
            told = f"this {script.kind} cannot be followed, and so nobody knows what it does"
            self._tell_of("shell-syntax", told, script, "write it in fewer and simpler steps")
            return
        programs = followed.programs
        for name in dict.fromkeys(programs.shown):
            if not client or name not in client.shown:
                told = (
                    f"this {script.kind} puts a secret into an argument of {name}, for every process to see"
                )
                self._tell_of("shown-secret", told, script, _HAND_ON)
        if script.kind == "script" and self.project.kinds[self.name] == "job":
            self._check_statements("\n;".join(programs.given), script.key, "")
        if script.kind == "probe":
            self._check_probe(script, followed, client, around)

    def _check_probe(
        self, script: Shell, followed: Followed, client: Programs | None, around: Around
    ) -> None:
        reached = client.reached if client else {"$host", _GIVEN}
        for told, help in iter_weak(script, followed, around):
            if "names no host" in told and "$host" not in reached:
                self._tell_client(
                    "weak-client", "`client` goes to no $host", "hand $host to the engine's client"
                )
            elif "no secret" not in told or _GIVEN in reached:
                self._tell("weak-probe", told, script.key, help)
        self._check_known(followed.programs.logins)

    def _check_client(self, reached: set[str], shown: Sequence[str], around: Around) -> None:
        for name in dict.fromkeys(shown):
            told = f"`client` puts $secret into an argument of {name}, for every process to see"
            self._tell_client("shown-secret", told, _HAND_ON)
        if around.has_secrets and _GIVEN not in reached:
            told = "`client` logs in without $secret, whatever password it is given"
            self._tell_client("weak-client", told, "hand $secret to the engine's client")
        if self.database.user and "$user" not in reached:
            told = "`client` logs in as no $user, whoever it is asked to be"
            self._tell_client("weak-client", told, "hand $user to the engine's client")

    def _check_known(self, logins: Sequence[Login]) -> None:
        """Finds a probe that logs in with what only the job gives to the server, which waits for the probe."""
        has_job = self.project.kinds.get(f"{self.name}-init") == "job"
        known = {
            f"/run/secrets/{one}"
            for one in SECRET_FILE.findall(self._texts("command", "entrypoint", "environment"))
        }
        if has_job and any(one.secrets and not one.secrets & known for one in logins):
            told = "the probe logs in as somebody whom only the job makes, which waits for the probe"
            help = "log in as the administrator, or let `start` make the application's user"
            self._tell("weak-probe", told, "healthcheck.test", help)

    def _check_literals(self) -> None:
        told = '"{}" has its secret in the adapter, the same for everybody'
        for name, value in (self.service.get("environment") or {}).items():
            if is_literal_secret(name, value):
                self._tell("shown-secret", told.format(name), f"environment.{name}", _READ_FILE)
        for _, name in iter_flagged([str(word) for word in self.service.get("command") or ()]):
            self._tell("shown-secret", told.format(name), "command", _READ_FILE)

    def _check_tls(self) -> None:
        texts = self._texts("command", "entrypoint", "environment")
        mounts = [mount.get("target", mount["source"]) for mount in self.service.get("secrets") or ()]
        keys = [target for target in mounts if "-tls-" in target]
        for target in keys:
            if f"/run/secrets/{target}" not in texts:
                told = "the private key is there, and nothing in this container reads it: TLS stays off"
                help = "hand ${{ tls.key }} or ${{ tls.bundle }} to it"
                self._tell("unused-key", told, "healthcheck", help, "tls")
        container = self.database.spec["containers"].get(self.name.removeprefix(f"{self.database.key}-"), {})
        forms = (container or self.database.spec["containers"]["server"]).get("tls") or {}
        has_both = any(
            "certificate" in rule.get("holds", ()) for rule in forms.values() if isinstance(rule, dict)
        )
        if keys and not has_both and SERVER_TARGET not in texts:
            told = "the certificate is there, and nothing in this container reads it: TLS stays off"
            self._tell("unused-key", told, "healthcheck", "hand ${{ tls.certificate }} to it", "tls")

    def _texts(self, *keys: str) -> str:
        """Returns what the container says under these keys, and all its files, without what nobody reads."""
        files = (self.project.tree["configs"][one["source"]] for one in self.service.get("configs") or ())
        scripts = {script.key: script.code for script in self._scripts()}
        said = [scripts.get(key, scripts.get(f"{key}.test", self.service.get(key))) for key in keys]
        return str([*said, *(_COMMENT.sub("", file.get("content") or "") for file in files)])

    def _reads_secret(self, key: str) -> bool:
        """Says whether a program that is no shell reads the file of a secret, by arguments or by a file."""
        is_shell = any(script.kind == "probe" for script in self._scripts())
        return is_shell or bool(SECRET_FILE.search(self._texts(key)))

    def _check_job(self) -> None:
        scripts = "".join(script.code for script in self._scripts() if script.kind == "script")
        for mount in self.service.get("configs") or ():
            if mount["source"] != self.name:
                continue
            if mount["target"] not in scripts:
                help = "apply it, as ${{ init.file }}, and log in as the user"
                self._tell("idle-job", "the job does not read its statements", "entrypoint", help)
            content = str(self.project.tree["configs"][self.name].get("content") or "")
            self._check_statements(content, "entrypoint", "statements")

    def _check_statements(self, text: str, key: str, section: str) -> None:
        for done in dict.fromkeys(iter_unrepeatable(text)):
            told = f"the job runs on every start, and does `{done}` each time"
            self._tell("not-repeatable", told, key, _REPEAT, section)
        for name in dict.fromkeys(iter_literals(text)):
            told = f'"{name}" is followed by a password that is the same for everybody'
            self._tell("shown-secret", told, key, "read it from the file of a secret in `run`", section)
