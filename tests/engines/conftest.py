"""Boots rendered stacks on a Docker daemon; without one the engine tests skip, or fail where they are required."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import pytest

from compiler.run.workspace import Project
from tests.conftest import read_env

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

REQUIRED = bool(os.environ.get("STACKC_REQUIRE_ENGINES"))


def run(
    *command: str, cwd: Path | None = None, input: str | None = None, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Runs a command with a clean environment, so that no variable of the shell changes what Compose reads."""
    environment = {key: os.environ[key] for key in ("PATH", "HOME", "DOCKER_HOST") if key in os.environ}
    return subprocess.run(
        command, cwd=cwd, input=input, env=environment, timeout=timeout, capture_output=True, text=True
    )


@lru_cache
def missing(image: str | None = None) -> str:
    """Says why no engine can be booted here; empty where one can."""
    try:
        answer = run("docker", "compose", "version")
    except FileNotFoundError:
        return "there is no docker command"
    if answer.returncode or run("docker", "info").returncode:
        return "no Docker daemon with Compose answers"
    if image and run("docker", "image", "inspect", image).returncode:
        return f"the image {image} is not here"
    return ""


def need(*images: str) -> None:
    """Skips the test where Docker or an image is missing, or fails it where engine tests are required."""
    for image in images or (None,):
        if reason := missing(image):
            pytest.fail(reason) if REQUIRED else pytest.skip(reason)


@dataclass
class Stack:
    """A compiled stack in a folder, and the Compose project that runs it."""

    folder: Path
    texts: list[str] = field(default_factory=list)

    def compile(self, text: str | None = None) -> None:
        """Writes stack.yaml if a text is given, and renders it; a finding of severity error fails the test."""
        if text is not None:
            (self.folder / "stack.yaml").write_text(text)
        outcome = Project(self.folder / "stack.yaml", self.folder, today="2026-01-01").compile()
        assert not [one for one in outcome.diagnostics if one.severity == "error"], outcome.diagnostics

    def compose(
        self, *arguments: str, input: str | None = None, timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        return run("docker", "compose", *arguments, cwd=self.folder, input=input, timeout=timeout)

    def up(self, *arguments: str) -> None:
        """Brings the stack up and waits until it is healthy."""
        done = self.compose(
            "up", "-d", "--wait", "--wait-timeout", "240", "--pull", "never", "--remove-orphans", *arguments
        )
        assert done.returncode == 0, (
            f"{done.stderr[-3000:]}\n{self.compose('logs', '--tail', '40').stdout[-6000:]}"
        )

    def exec(self, service: str, *command: str, input: str | None = None) -> subprocess.CompletedProcess[str]:
        return self.compose("exec", "-T", service, *command, input=input)

    def sh(self, service: str, script: str) -> subprocess.CompletedProcess[str]:
        return self.exec(service, "sh", "-c", script)

    @property
    def env(self) -> Mapping[str, str]:
        """The values of the rendered `.env`."""
        return read_env((self.folder / ".env").read_text()).values

    def set_env(self, key: str, value: str) -> None:
        """Writes a value into `.env`, as a person would, in single quotes where that can hold it."""
        from compiler.targets.dotenv import update_dotenv

        file = self.folder / ".env"
        text = file.read_text() if file.exists() else ""
        file.write_text(update_dotenv(read_env(text), [(key, value, "")]))

    def health(self, service: str) -> str:
        return self.inspect(service, "{{.State.Health.Status}}")

    def inspect(self, service: str, template: str) -> str:
        name = self.compose("ps", "-a", "-q", service).stdout.strip()
        return run("docker", "inspect", "-f", template, name).stdout.strip()

    def wait_for(self, condition: object, seconds: float = 60) -> None:
        """Waits until the callable is true; fails the test after the time."""
        assert callable(condition)
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "what was waited for did not come true"
            time.sleep(0.3)

    def down(self) -> None:
        self.compose("down", "-v", "--remove-orphans", "--timeout", "5")


@pytest.fixture(scope="module")
def boot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """Gives a function that makes a Stack in a new folder; every stack of the module is taken down at its end."""
    made: list[Stack] = []

    def make(text: str, *images: str, env: Mapping[str, str] | None = None, up: bool = True) -> Stack:
        need(*images)
        stack = Stack(tmp_path_factory.mktemp("stack"))
        made.append(stack)
        for key, value in (env or {}).items():
            stack.set_env(key, value)
        stack.compile(text)
        if up:
            stack.up()
        return stack

    yield make
    for stack in made:
        stack.down()
