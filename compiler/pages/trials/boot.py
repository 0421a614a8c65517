"""Tries an adapter on its engine: `stackc adapters test --boot`, with Docker."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shutil import which
from socket import socket
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from compiler.expressions.quoting import json_text
from compiler.pages.trials.shown import SECRET_FILE
from compiler.project.connections import references, render_connection
from compiler.project.secrets import database_secrets
from compiler.registry.adapter import Adapter
from compiler.registry.registry import Registry
from compiler.report import Report, Span
from compiler.run.passes import Compiled
from compiler.run.workspace import Project
from compiler.source import parse_yaml
from compiler.source.shipped import SCHEMAS
from compiler.targets.dotenv import update_dotenv

CHECKS = ("up", "log-in", "wrong password", "drivers", "restart", "new password", "paused")
_KEY = "db"
_UP = ("up", "-d", "--wait", "--wait-timeout", "300")


def boot_all(rows: Sequence[Mapping[str, Any]], registry: Registry, report: Report) -> list[dict[str, Any]]:
    """Boots each adapter that passed its trial; returns a row of what was tried for each one."""
    if not which("docker") or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        place = Span(path="stackc adapters test --boot")
        report.error("adapter-boot", "no Docker answers here", place, "start Docker, or leave --boot out")
        return []
    booted = []
    for row in rows:
        adapter = registry.find(row["adapter"], Span(path="stackc adapters test"), Report())
        is_sound = bool(adapter and row["passed"])
        booted.append(boot_adapter(adapter, registry, report) if adapter and is_sound else dict(row))
    return booted


def boot_adapter(adapter: Adapter, registry: Registry, report: Report) -> dict[str, Any]:
    """Boots a database of the default version, without and with TLS, and returns how often each check was made.

    What an engine lacks, such as passwords, is not tried.
    """
    row: dict[str, Any] = {"adapter": adapter.name, "passed": True}
    spec = adapter.at(adapter.default_version)
    for mode in ("off", "verify-full") if "tls" in spec["containers"]["server"] else ("off",):
        with TemporaryDirectory(prefix="stackc-boot-") as folder:
            trial = _Trial(adapter, Path(folder), mode, registry.folders[0].place, report)
            try:
                trial.run(row)
            except (_Failed, subprocess.TimeoutExpired) as failure:
                row["passed"] = False
                is_late = isinstance(failure, subprocess.TimeoutExpired)
                check, told = ("a command", "it took too long") if is_late else failure.args
                place = adapter.document.key(("versions", adapter.default_version))
                report.error(
                    "adapter-boot", f"with TLS {mode}, {check}: {told}", place, "look at its containers"
                )
            finally:
                trial.compose("down", "-v", "--timeout", "5")
    return row


class _Failed(Exception):
    """What was tried, and what came of it."""


class _Trial(NamedTuple):
    adapter: Adapter
    folder: Path
    mode: str
    adapters: Path
    report: Report

    def run(self, row: dict[str, Any]) -> None:
        entry = {**(self.adapter.data.get("examples") or [{}])[0], "adapter": self.adapter.name}
        key = str(entry.pop("name", _KEY))
        name = f"stackc-boot-{self.adapter.name}-{secrets.token_hex(4)}"
        with socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        stack = {"name": name, "databases": {key: {**entry, "tls": self.mode, "port": port}}}
        (self.folder / "stack.yaml").write_text(json_text(stack))
        compiled = self.compile()
        self.must("up", *_UP)
        row["up"] = row.get("up", 0) + 1
        tried: dict[str, Callable[[], int]] = {
            "log-in": lambda: self.log_in(key),
            "wrong password": lambda: self.refuse(key, "a wrong password", "wrong-Password-1"),
            "drivers": lambda: self.connect(compiled, key),
            "restart": lambda: self.restart(key),
            "new password": lambda: self.rotate(compiled, key),
            "paused": lambda: self.pause(key),
        }
        for check, act in tried.items():
            row[check] = row.get(check, 0) + act()

    def compose(
        self, *words: str, given: str | None = None, seconds: float = 400
    ) -> subprocess.CompletedProcess[str]:
        command = ["docker", "compose", *words]
        return subprocess.run(
            command,
            cwd=self.folder,
            input=given,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def must(self, check: str, *words: str) -> None:
        done = self.compose(*words)
        if done.returncode:
            logs = self.compose("logs", "--no-color", "--no-log-prefix", "--tail", "5").stdout
            said = (done.stderr + logs).strip().splitlines() or [""]
            told = [line for line in said if "error" in line.lower()] or said
            raise _Failed(check, told[-1].strip()[:500])

    def project(self) -> Project:
        return Project(self.folder / "stack.yaml", self.folder, adapters=self.adapters, today="1000-01-01")

    def compile(self) -> Compiled:
        outcome = self.project().compile(new_secrets=True)
        if not outcome.compiled or any(one.severity == "error" for one in outcome.diagnostics):
            raise _Failed("compile", "; ".join(one.message for one in outcome.diagnostics))
        return outcome.compiled

    def words(self, key: str) -> list[str]:
        """Returns the command of the rendered probe."""
        read = parse_yaml((self.folder / "docker-compose.yml").read_bytes(), "docker-compose.yml", Report())
        kind, *words = read.data["services"][key]["healthcheck"]["test"] if read else [""]
        words = [word.replace("$$", "$") for word in words]
        return ["/bin/sh", "-c", *words] if kind == "CMD-SHELL" else words

    def passes(self, key: str, words: Sequence[str], given: str = "", seconds: float = 20) -> bool:
        """Runs a command in the container, and says whether it ended well in time."""
        try:
            return self.compose("exec", "-T", key, *words, given=given, seconds=seconds).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def log_in(self, key: str) -> int:
        if not self.passes(key, self.words(key)):
            raise _Failed("log-in", "the probe fails in a container that is healthy")
        return 1

    def refuse(self, key: str, what: str, password: str) -> int:
        """Runs the probe with another password, where it reads one itself."""
        words = self.words(key)
        others = [SECRET_FILE.sub("/dev/stdin", word) for word in words]
        if others != words and self.passes(key, others, password):
            raise _Failed(what, "the probe passes with it")
        return int(others != words)

    def connect(self, compiled: Compiled, key: str) -> int:
        """Logs in with every driver that is installed here, with the right password and with a wrong one."""
        count = 0
        rows = parse_yaml((SCHEMAS / "drivers.yaml").read_bytes(), "drivers.yaml", Report())
        dotenv = self.project().dotenv(self.report)
        values, tried = dotenv.values if dotenv else {}, rows.data if rows else {}
        for driver, connection in compiled.project.access[key].host.items():
            rule = tried.get(driver)
            if not rule or (self.mode != "off" and rule.get("tls") is False):
                continue
            right = render_connection(connection, values)
            done = self.python(rule["code"], right)
            if "ModuleNotFoundError" in done.stderr:
                continue
            if done.returncode:
                raise _Failed(f"driver {driver}", done.stderr.strip().splitlines()[-1].replace(right, "***"))
            wrong = {one.key: "wrong-Password-1" for one in references([connection.parts, connection.query])}
            if (
                wrong
                and not self.python(rule["code"], render_connection(connection, values | wrong)).returncode
            ):
                raise _Failed(f"driver {driver}", "it logs in with a wrong password")
            count += 1
        return count

    def python(self, code: str, url: str) -> subprocess.CompletedProcess[str]:
        program = f"import sys\nurl = sys.stdin.read()\n{code}\n"
        command = [sys.executable, "-c", program]
        return subprocess.run(
            command, cwd=self.folder, input=url, capture_output=True, text=True, timeout=60, check=False
        )

    def restart(self, key: str) -> int:
        self.must("restart", "restart", key)
        self.must("restart", *_UP)
        return self.log_in(key)

    def rotate(self, compiled: Compiled, key: str) -> int:
        """Lets the application have another password, and brings the stack up again."""
        database = compiled.stack.databases[key]
        dotenv = self.project().dotenv(self.report)
        if dotenv is None or "password" not in database_secrets(database):
            return 0
        old = dotenv.values[database.password_key]
        (self.folder / ".env").write_text(update_dotenv(dotenv, [(database.password_key, "", "")]))
        self.compile()
        self.must("new password", *_UP)
        self.log_in(key)
        if f"/run/secrets/{key}-password" in str(self.words(key)):
            self.refuse(key, "the old password", old)
        return 1

    def pause(self, key: str) -> int:
        self.must("paused", "kill", "-s", "STOP", key)
        try:
            if self.passes(key, self.words(key), seconds=10):
                raise _Failed("paused", "the probe passes while the server is stopped")
        finally:
            self.compose("kill", "-s", "CONT", key)
        return 1
