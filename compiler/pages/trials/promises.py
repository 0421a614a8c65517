"""What an adapter promises, checked in the containers that a trial has rendered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from shutil import which

from compiler.model import Path
from compiler.pages.trials.container import Container
from compiler.pages.trials.scripts import (
    Around,
    Script,
    iter_left_out,
    iter_scripts,
    iter_weak,
    read_error,
    secrets_of,
)
from compiler.pages.trials.shell import name_of
from compiler.pages.trials.shown import SECRET_FILE, find_secrets
from compiler.pages.trials.statements import (
    iter_assigned,
    iter_flagged,
    iter_literals,
    iter_unrepeatable,
)
from compiler.project.project import Project
from compiler.project.references import SERVER_TARGET
from compiler.project.secrets import database_secrets
from compiler.report import Report, Span
from compiler.source.masking import is_literal_secret

_READ_FILE = "let the server read the file of a secret, as in ${{ secrets.password }}"
_REPEAT = "write IF NOT EXISTS or ON CONFLICT, or ask first whether it is there; drop and empty nothing"
# The sections of a container in which its server is told of its key.
_READ_BY = ("tls", "command", "environment", "files", "start")
_HAND_ON = "let the client read it from its environment, from a file or from its input"


def check_promises(project: Project, report: Report) -> None:
    """Reports what the containers of databases do that an adapter promises not to do, at the adapter's line."""
    for name, kind in project.kinds.items():
        if kind in ("database", "job"):
            _Checked(project, name, project.services[name], report).check()


class _Checked(Container):
    """A container, and what is checked in it."""

    def check(self) -> None:
        around = self._around()
        # What `start` writes, a probe may read.
        for script in iter_scripts(self.project, self.name):
            if said := read_error(script.text, which("shellcheck")):
                told = f"the shell cannot read this {script.kind}: {said}"
                self.tell_of("shell-syntax", told, script, "write it for a POSIX shell")
                continue
            self._check_files(script)
            self._check_script(script, around)
        self._check_literals()
        self._check_tls()
        if self.project.kinds[self.name] == "job":
            self._check_job()
        elif around.has_secrets and not self._reads_secret("healthcheck"):
            told, help = "the probe logs in with no secret", "let its program read ${{ secrets.password }}"
            self.tell("weak-probe", told, "healthcheck.test", help)

    def _around(self) -> Around:
        secrets = database_secrets(self.database).values()
        open_ones = frozenset(one.file for one in secrets if one.rule.get("identifier"))
        starts = (one for one in iter_scripts(self.project, self.name) if one.kind == "script")
        made = frozenset(file for one in starts for file in one.made())
        return Around(self.name, self.service.get("environment") or {}, bool(secrets), open_ones, made)

    def _check_files(self, script: Script) -> None:
        mounted = {mount.get("target", mount["source"]) for mount in self.service.get("secrets") or ()}
        for name in dict.fromkeys(SECRET_FILE.findall(script.code)):
            if name not in mounted:
                told = f"this {script.kind} reads /run/secrets/{name}, which its container does not have"
                # Without TLS there is no key, whatever the container asks for.
                is_key, help = "-tls-" in name, "add the secret to `secrets` of the container"
                help = "name it where TLS is on: {when: tls.enabled, then: …}" if is_key else help
                self.tell_of("missing-mount", told, script, help)
        own = {mount["target"] for mount in self.service.get("configs") or ()}
        around = (one for name, one in self.project.services.items() if name.startswith(self.database.key))
        theirs = dict.fromkeys(mount["target"] for one in around for mount in one.get("configs") or ())
        for file in theirs:
            if file not in own and re.search(rf"(?<![\w/.>]){re.escape(file)}(?![\w/.-])", script.code):
                told = f"this {script.kind} reads {file}, which only another container has"
                self.tell_of(
                    "missing-mount", told, script, "add it to `files` of this container as well", file
                )

    def _check_script(self, script: Script, around: Around) -> None:
        for name in iter_assigned(script.code):
            told = f'"{name}" has its secret in the adapter, the same for everybody'
            self.tell_of("shown-secret", told, script, "read it from a file, as by `read_secret`", f"{name}=")
        client = script.tree.functions.get("client")
        for why in iter_left_out(script, around, has_user=bool(self.database.user)):
            self.tell_client("weak-client", f"`client` {why}", "hand it on to the engine's client")
        for one in find_secrets(script.tree, around.open_ones).shown():
            told = f"puts a secret into an argument of {name_of(one)}, for every process to see"
            if client and client.start_byte <= one.start_byte < client.end_byte:
                self.tell_client("shown-secret", f"`client` {told}", _HAND_ON)
            else:
                self.tell_of("shown-secret", f"this {script.kind} {told}", script, _HAND_ON)
        if script.kind == "script" and self.project.kinds[self.name] == "job":
            self._check_statements("\n;".join(script.tree.texts()), script.key, "")
        if script.kind == "probe":
            for told, help in iter_weak(script, around):
                self.tell("weak-probe", told, script.key, help)
            self._check_known(script, around)

    def _check_known(self, script: Script, around: Around) -> None:
        """Finds a probe that logs in with what only the job gives to the server, which waits for the probe."""
        has_job = self.project.kinds.get(f"{self.name}-init") == "job"
        known = {*SECRET_FILE.findall(self.texts("command", "entrypoint", "environment"))}
        if has_job and any(named and not named & known for named in secrets_of(script, around)):
            told = "the probe logs in as somebody whom only the job makes, which waits for the probe"
            help = "log in as the administrator, or let `start` make the application's user"
            self.tell("weak-probe", told, "healthcheck.test", help)

    def _check_literals(self) -> None:
        told = '"{}" has its secret in the adapter, the same for everybody'
        for name, value in (self.service.get("environment") or {}).items():
            if is_literal_secret(name, value):
                self.tell("shown-secret", told.format(name), f"environment.{name}", _READ_FILE)
        for name in iter_flagged([str(word) for word in self.service.get("command") or ()]):
            self.tell("shown-secret", told.format(name), "command", _READ_FILE)

    def _check_tls(self) -> None:
        said = self.texts("command", "entrypoint", "environment")
        mounts = [mount.get("target", mount["source"]) for mount in self.service.get("secrets") or ()]
        keys = [target for target in mounts if "-tls-" in target]
        if unread := [target for target in keys if f"/run/secrets/{target}" not in said]:
            form = unread[0].rpartition("-tls-")[2]
            self._tell_unread("private key", f"${{{{ tls.{form} }}}}")
            return
        forms = self.database.spec["containers"][self.section].get("tls") or {}
        has_both = any(
            "certificate" in rule.get("holds", ()) for rule in forms.values() if isinstance(rule, dict)
        )
        if keys and not has_both and SERVER_TARGET not in said:
            self._tell_unread("certificate", "${{ tls.certificate }}")

    def _tell_unread(self, what: str, source: str) -> None:
        """Reports what no server reads, in the adapter's own file where that says anything of the container."""
        file = self.file
        paths: list[Path] = [("containers", self.section, word) for word in _READ_BY]
        own = (
            path
            for path in paths
            if path in file.spans and file.value(path).path == file.key(("adapter",)).path
        )
        told = f"the {what} is there, and nothing in this container reads it: TLS stays off"
        self.report.error("unused-key", told, file.value(next(own, paths[0])), f"hand {source} to it")

    def _reads_secret(self, key: str) -> bool:
        """Says whether a program that is no shell reads the file of a secret, by arguments or by a file."""
        is_shell = any(script.kind == "probe" for script in iter_scripts(self.project, self.name))
        return is_shell or bool(SECRET_FILE.search(self.texts(key)))

    def _check_job(self) -> None:
        scripts = "".join(
            script.code for script in iter_scripts(self.project, self.name) if script.kind == "script"
        )
        for mount in self.service.get("configs") or ():
            if mount["source"] != self.name:
                continue
            if mount["target"] not in scripts:
                help = "apply it, as ${{ init.file }}, and log in as the user"
                self.tell("idle-job", "the job does not read its statements", "entrypoint", help)
            content = str(self.project.tree["configs"][self.name].get("content") or "")
            self._check_statements(content, "entrypoint", "statements")

    def _check_statements(self, text: str, key: str, section: str) -> None:
        places = [*self._iter_written(key, section)]
        for done, source in dict.fromkeys(iter_unrepeatable(text)):
            told = f"the job runs on every start, and does `{done}` each time"
            if where := next((one for one in places if one[0] == done), None):
                places.remove(where)
                self.report.error("not-repeatable", told, where[1], _REPEAT)
            else:
                self.tell("not-repeatable", told, key, _REPEAT, section, source)
        for name in dict.fromkeys(iter_literals(text)):
            told = f'"{name}" is followed by a password that is the same for everybody'
            self.tell("shown-secret", told, key, "read it from the file of a secret in `run`", section, name)

    def _iter_written(self, key: str, section: str) -> Iterator[tuple[str, Span]]:
        """Yields each such statement of the adapter, in whatever branch, and its place."""
        origin = self.project.places.origin(("services", self.name, *key.split(".")))
        at = (*origin.path[:-1], section) if section else origin.path
        for path, node in origin.file.spans.items():
            if path[: len(at)] == at and isinstance(node.value, str):
                for done, source in iter_unrepeatable(node.value):
                    yield done, origin.file.within(path, source)
