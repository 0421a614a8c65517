"""Every case of fixtures/valid: what it renders, and that Compose and its specification accept that."""

from __future__ import annotations

import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from compiler.pages.findings import render_report
from compiler.pages.trials.entries import stacks
from compiler.registry.registry import Registry
from compiler.report import Report, Span
from compiler.run.passes import compile_document, render_secrets
from compiler.source import parse_yaml
from tests.compose import compose_binaries
from tests.conftest import CASES, ROOT, TODAY, Case, Rendered, read_env, render

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

ADAPTERS = sorted(file.stem for file in (ROOT / "adapters").glob("*.yaml"))


@cache
def compose_validator() -> jsonschema.protocols.Validator:
    schema = json.loads((ROOT / "schemas" / "compose-spec.json").read_bytes())
    return jsonschema.validators.validator_for(schema)(schema)


def accepted(folder: Path, files: dict[str, str], *command: str) -> str:
    """Returns what `config` of a real Compose has to say about files that it accepts."""
    for name in ("docker-compose.yml", ".env"):
        (folder / name).write_text(files[name], encoding="utf-8")
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(
        [*command, "config", "-q"], cwd=folder, env=clean, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    # Compose 5 says so of a secret's owner and mode, and yet keeps them where the value comes from .env.
    return "\n".join(
        line for line in done.stderr.splitlines() if "not supported outside Swarm mode" not in line
    )


def test_compose_file(rendered: Rendered, snapshot_yaml: SnapshotAssertion) -> None:
    assert rendered.files["docker-compose.yml"] == snapshot_yaml


def test_env_file(rendered: Rendered, snapshot_env: SnapshotAssertion) -> None:
    assert rendered.files[".env"] == snapshot_env


def test_env_example(rendered: Rendered, snapshot_env: SnapshotAssertion) -> None:
    assert rendered.files[".env.example"] == snapshot_env


def test_report(rendered: Rendered, snapshot_text: SnapshotAssertion) -> None:
    report = render_report(rendered.diagnostics, rendered.sources, "text")
    assert report.replace(f"{ROOT}/", "") == snapshot_text


def test_compose_file_follows_the_specification(rendered: Rendered) -> None:
    tree = yaml.safe_load(rendered.files["docker-compose.yml"])
    assert [error.message for error in compose_validator().iter_errors(tree)] == []


@pytest.mark.parametrize("command", compose_binaries(), ids=lambda command: Path(command[0]).name)
def test_compose_accepts_the_files_without_a_word(
    rendered: Rendered, command: tuple[str, ...], tmp_path: Path
) -> None:
    assert accepted(tmp_path, rendered.files, *command) == ""


def test_secrets_are_in_the_env_file_alone(rendered: Rendered) -> None:
    values = read_env(rendered.files[".env"]).values
    secret = [values[key] for key in rendered.secrets]
    told = rendered.files["docker-compose.yml"] + rendered.files[".env.example"]
    assert [value for value in secret if value in told] == []


def test_env_example_names_every_key(rendered: Rendered) -> None:
    keys = [list(read_env(rendered.files[name]).values) for name in (".env", ".env.example")]
    assert [key for key in keys[0] if not key.endswith(("_TLS_KEY", "_TLS_BUNDLE"))] == keys[1]


def test_cases_cover_every_environment() -> None:
    assert Case("environments", "staging") in CASES
    assert render(Case("environments", "staging")).files != render(Case("environments", "local")).files


def every_database(name: str) -> dict[str, Any]:
    """Returns a stack with the adapter in every version, mode of TLS, metric and method, each at its own port."""
    report = Report()
    adapter = Registry().find(name, Span(path="test"), report)
    assert adapter is not None, list(report)
    entries = [dict(entry) for entry in stacks(adapter)]
    databases = {f"{entry.pop('name', 'd')}{index}": entry for index, entry in enumerate(entries)}
    for port, entry in enumerate(databases.values(), 20_000):
        if "port" in entry:
            entry["port"] = port
    return {"name": "every", "databases": databases}


@cache
def render_every(name: str) -> dict[str, str]:
    document = parse_yaml(json.dumps(every_database(name)).encode(), "stack.yaml", Report())
    assert document is not None
    report = Report()
    compiled = compile_document(
        document, Registry(), report, environment="local", today=TODAY, source="stack.yaml"
    )
    assert compiled is not None, list(report)
    given = {key: "private" for one in compiled.project.certificates for key in one.files}
    env, *_ = render_secrets(compiled.project, read_env(""), Random(0).randbytes, given, report)
    assert env is not None
    assert not report.errors
    return {one.path: one.content.decode() for one in (*compiled.artifacts, env)}


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_version_follows_the_specification(name: str) -> None:
    tree = yaml.load(render_every(name)["docker-compose.yml"], yaml.CSafeLoader)
    # One of those that differ in their numbers alone: most have the same shape.
    shapes = {re.sub(r"\d+", "", json.dumps(service)): key for key, service in tree["services"].items()}
    tree["services"] = {key: tree["services"][key] for key in shapes.values()}
    assert [error.message for error in compose_validator().iter_errors(tree)] == []


@pytest.mark.parametrize("command", compose_binaries(), ids=lambda command: Path(command[0]).name)
@pytest.mark.parametrize("name", ADAPTERS)
def test_compose_accepts_every_version(name: str, command: tuple[str, ...], tmp_path: Path) -> None:
    assert accepted(tmp_path, render_every(name), *command) == ""
