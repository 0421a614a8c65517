"""The cases of fixtures/valid, snapshots as real files, and an environment in which the test alone decides."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import settings
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from compiler.cli import cli
from compiler.report import Report
from compiler.run.passes import render_secrets
from compiler.run.workspace import Project
from compiler.targets.dotenv import parse_dotenv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syrupy.assertion import SnapshotAssertion

    from compiler.model import Artifact
    from compiler.report import Diagnostic
    from compiler.targets.dotenv import Dotenv

ROOT = Path(__file__).parent.parent
VALID = ROOT / "fixtures" / "valid"
TODAY = "2026-11-23"
# What programs beside stackc need of the shell that started the tests: pip's index, a proxy, a cache.
OUTSIDE = dict(os.environ)
_KEPT = ("DOCKER_HOST", "STACKC_REQUIRE_ENGINES")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Gives each test to the next process that is free, but all that share a daemon, its ports and memory to one."""
    from xdist.scheduler.loadscope import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "engines" if nodeid.startswith("tests/engines/") else nodeid

    return Scheduling(config, log)


# Repeatable by default; `--hypothesis-profile explore` looks further.
settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile("repeatable")


def examples(count: int) -> settings:
    """Returns settings for that many examples, and for twenty times as many where the profile explores.

    STACKC_FUZZ multiplies them.
    """
    times = int(os.environ.get("STACKC_FUZZ", "1"))
    return settings(max_examples=times * count * settings.default.max_examples // 100)


@pytest.fixture(scope="session", autouse=True)
def _clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(("COMPOSE_", "DOCKER_", "STACKC_")) and name not in _KEPT:
                patch.delenv(name)
        for name in ("NO_COLOR", "FORCE_COLOR", "SOURCE_DATE_EPOCH"):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path_factory.mktemp("xdg")))


@dataclass(frozen=True)
class Case:
    """A stack of fixtures/valid in one of its environments."""

    name: str
    environment: str

    @property
    def stack(self) -> Path:
        return VALID / self.name / "stack.yaml"

    def __str__(self) -> str:
        return self.name if self.environment == "local" else f"{self.name}-{self.environment}"


def _cases() -> list[Case]:
    names = sorted(file.parent.name for file in VALID.glob("*/stack.yaml"))
    environments = {
        name: yaml.safe_load((VALID / name / "stack.yaml").read_bytes()).get("environments", {})
        for name in names
    }
    return [Case(name, one) for name in names for one in ("local", *sorted(environments[name]))]


CASES = _cases()


@dataclass(frozen=True)
class Rendered:
    """What a case compiles to, with secrets that are the same in every run."""

    files: dict[str, str]
    secrets: list[str]
    diagnostics: list[Diagnostic]
    sources: dict[str, str]


@cache
def render(case: Case) -> Rendered:
    """Compiles a case with entropy that is the same in every run; private keys are words."""
    project = Project(case.stack, case.stack.parent, environment=case.environment, today=TODAY)
    found = Report()
    compiled = project.compiled(found)
    assert compiled is not None, [*found]
    given = {key: f"private {key}" for one in compiled.project.certificates for key in one.files}
    report = Report()
    env, *_ = render_secrets(compiled.project, read_env(""), Random(case.name).randbytes, given, report)
    artifacts: tuple[Artifact, ...] = (*compiled.artifacts, env)
    files = {artifact.path: artifact.content.decode() for artifact in artifacts}
    keys = [secret.key for secret in compiled.project.secrets]
    return Rendered(files=files, secrets=keys, diagnostics=[*found, *report], sources=project.sources)


@pytest.fixture(params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture
def rendered(case: Case) -> Rendered:
    return render(case)


def read_env(text: str) -> Dotenv:
    """Returns what an `.env` without a fault holds."""
    report = Report()
    dotenv = parse_dotenv(text, ".env", report)
    assert dotenv is not None, list(report)
    return dotenv


class TextFile(SingleFileSnapshotExtension):
    """A snapshot that is a file of its own, so that it diffs as what it is."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


class YamlFile(TextFile):
    file_extension = "yaml"


class EnvFile(TextFile):
    file_extension = "env"


@pytest.fixture
def snapshot_text(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(TextFile)


@pytest.fixture
def snapshot_yaml(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(YamlFile)


@pytest.fixture
def snapshot_env(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(EnvFile)


def stackc(*words: str | Path, input: str | None = None) -> Result:
    """Runs the command in this process; `output` holds stdout and stderr as a person sees them."""
    return CliRunner().invoke(cli, [str(word) for word in words], prog_name="stackc", input=input)


def at_terminal(folder: Path, typed: str, *words: str) -> tuple[int, str]:
    """Runs the command in a folder, at a terminal where this is typed: its status, and what it tells."""
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "compiler", *words]
    process = subprocess.Popen(command, stdin=end, stdout=end, stderr=end, cwd=folder)
    os.close(end)
    os.write(terminal, typed.encode())
    told = b""
    # Linux says EIO when the program has closed its end.
    with suppress(OSError):
        while part := os.read(terminal, 4096):
            told += part
    os.close(terminal)
    return process.wait(), told.decode()
