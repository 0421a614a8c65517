"""The commands that name or run `docker compose`, by a docker that writes down what it is asked."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from compiler.report import Report, Span
from tests.conftest import at_terminal, stackc
from tests.engines.conftest import need, run
from tests.stacks import project_of, registry

STACK = """\
name: demo
services:
  app: {image: "nginx:1.29-alpine", uses: [main, cache]}
databases:
  main: {adapter: postgresql, user: owner}
  cache: {adapter: redis}
  search: {adapter: meilisearch}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stack.yaml").write_text(STACK)
    assert stackc("compile").exit_code == 0
    return tmp_path


def words(*given: str | Path) -> list[str]:
    result = stackc(*given)
    assert result.exit_code == 0, result.output
    return shlex.split(result.stdout)


def test_the_commands_name_the_rendered_file(folder: Path) -> None:
    start = ["docker", "compose", "-f", "docker-compose.yml"]
    assert words("up", "app") == [*start, "up", "--wait", "app"]
    assert words("ps") == [*start, "ps", "--all"]
    assert words("logs", "--follow", "main") == [*start, "logs", "--tail", "100", "--follow", "main"]
    assert words("shell", "app") == [*start, "exec", "-T", "app", "sh"]


def test_from_elsewhere_the_way_to_the_file_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stackc("compile", "-o", "out dir").exit_code == 0
    (folder / "deep").mkdir()
    monkeypatch.chdir(folder / "deep")
    assert words("ps", "-q")[3] == "../docker-compose.yml"
    assert words("ps", "-f", folder, "-o", "../out dir")[3] == "../out dir/docker-compose.yml"


def test_up_checks_first(folder: Path) -> None:
    (folder / ".env").unlink()
    result = stackc("up")
    assert (result.exit_code, result.stdout, "[missing-secrets]" in result.stderr) == (1, "", True)


def test_up_does_not_take_the_end_of_a_job_for_a_failure(folder: Path) -> None:
    (folder / "stack.yaml").write_text(
        'name: demo\nservices: {job: {image: "x:1", command: ["true"], restart: "no"}}\n'
    )
    assert stackc("compile").exit_code == 0
    assert words("up")[-2:] == ["up", "--detach"]


@pytest.mark.parametrize("command", ["up", "ps", "logs", "shell app"])
def test_what_was_not_compiled_yet_is_told_with_the_command_to_do_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "stack.yaml").write_text(STACK)
    monkeypatch.chdir(tmp_path)
    result = stackc(*command.split(), "-f", "shop")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "shop/docker-compose.yml is missing" in result.stderr
    assert "help: run `stackc compile shop/stack.yaml`" in result.stderr


def test_run_hands_the_command_to_docker(folder: Path) -> None:
    (folder / "bin").mkdir()
    docker = folder / "bin" / "docker"
    docker.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 7\n')
    docker.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "compiler", "logs", "--run", "main"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (
        7,
        ["compose", "-f", "docker-compose.yml", "logs", "--tail", "100", "main"],
    )


def test_without_docker_that_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    result = stackc("ps", "--run")
    assert (result.exit_code, "docker cannot be run: no such file" in result.stderr) == (1, True)


def test_the_client_of_a_job_is_opened_in_one_more_container_of_it(folder: Path) -> None:
    *before, script = words("shell", "main")
    asked = ["run", "-T", "--rm", "--entrypoint", "/bin/sh", "main-init", "-ec"]
    assert before == ["docker", "compose", "-f", "docker-compose.yml", *asked]
    assert script.splitlines()[-1] == "client 'main' 'owner' '/run/secrets/main-password' -d 'main'"


def test_the_client_of_a_server_is_opened_in_the_server(folder: Path) -> None:
    assert words("shell", "cache")[4:-1] == ["exec", "-T", "cache", "/bin/sh", "-ec"]


def test_at_a_terminal_the_client_gets_it(folder: Path) -> None:
    code, told = at_terminal(folder, "", "shell", "cache")
    assert (code, " exec cache /bin/sh -ec " in told) == (0, True)


def test_no_password_stands_in_the_command(folder: Path) -> None:
    values = re.findall(r"PASSWORD='?(\w+)", (folder / ".env").read_text())
    assert values
    for name in ("main", "cache"):
        assert not [value for value in values if value in stackc("shell", name).output]


def test_a_database_without_a_client_of_its_own_is_told(folder: Path) -> None:
    result = stackc("shell", "search")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "stack.yaml:7:3: error: meilisearch has no client that stackc can open [no-shell]" in result.stderr
    assert "as `stackc connect search --from host` shows" in result.stderr


def test_an_unknown_name_gets_the_nearest(folder: Path) -> None:
    result = stackc("shell", "mian")
    assert (result.exit_code, 'did you mean "main"?' in result.stderr) == (1, True)


@pytest.mark.parametrize(
    "name", ["clickhouse", "mariadb", "mongodb", "mssql", "mysql", "neo4j", "postgresql", "redis", "valkey"]
)
def test_each_shell_logs_in_as_the_application_with_a_secret_that_its_container_has(name: str) -> None:
    adapter = registry().find(name, Span(""), Report())
    assert adapter
    entry = {"adapter": name, **adapter.data.get("examples", [{}])[0]}
    project = project_of(json.dumps({"name": "demo", "databases": {"main": entry}}))
    container, script = project.shells["main"]
    mounted = [one.get("target", one["source"]) for one in project.services[container]["secrets"]]
    assert re.findall(r"/run/secrets/([a-z-]*password)", script.splitlines()[-1]) == ["main-password"]
    assert "main-password" in mounted
    assert script.count("\nclient() (\n") == 1


@pytest.mark.engine
@pytest.mark.parametrize(
    ("entry", "image", "asked", "answer"),
    [
        (
            "adapter: postgresql, version: 17, user: owner",
            "pgvector/pgvector:pg17",
            "SELECT current_user, 5 * 7;",
            "owner",
        ),
        (
            "adapter: mysql, version: '8.4', user: owner, tls: verify-full",
            "mysql:8.4",
            "SELECT CURRENT_USER();",
            "owner@%",
        ),
        ("adapter: mariadb, user: owner", "mariadb:11.8", "SELECT CURRENT_USER();", "owner@%"),
        ("adapter: mongodb, user: owner", "mongo:7.0", "db.runCommand({ping: 1}).ok + 41", "42"),
        (
            "adapter: clickhouse, user: owner, x-compose: {ulimits: null}",
            "clickhouse/clickhouse-server:latest",
            "SELECT user FROM system.processes;",
            "owner",
        ),
        ("adapter: redis, user: owner, tls: verify-full", "redis:7.2-alpine", "ACL WHOAMI", "owner"),
    ],
)
def test_the_client_is_logged_in(folder: Path, entry: str, image: str, asked: str, answer: str) -> None:
    need(image)
    Path("stack.yaml").write_text(f"name: stackctest-shell\ndatabases: {{main: {{{entry}}}}}\n")
    assert stackc("compile").exit_code == 0
    try:
        assert run(*words("up"), "--pull", "never").returncode == 0
        done = run(*words("shell", "main"), input=asked + "\n")
        assert (done.returncode, answer in done.stdout) == (0, True), done.stderr
    finally:
        run("docker", "compose", "down", "-v", "--timeout", "5")
