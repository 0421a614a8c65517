"""What an adapter can say beside the common: each in a small adapter of its own, right and wrong."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from shutil import which
from typing import Any

import pytest
import yaml

from compiler.pages.trials.trial import run_trials
from compiler.registry.registry import Registry
from compiler.report import Report
from compiler.source import patch
from tests.adapters.standins import Standin
from tests.conftest import stackc

BASE: dict[str, Any] = {
    "adapter": "mine",
    "title": "Mine",
    "documentation": "https://example.com/",
    "capabilities": ["queue", "a-word-of-its-own"],
    "default_version": "1",
    "versions": {"1": {"image": "example/mine:1"}},
    "credentials": {"admin": "root", "user": {"pattern": "^[a-z]+$"}},
    "client": 'MINE_PASSWORD="$secret" mine --host "$host" --user "$user" "$@"',
    "containers": {
        "server": {
            "port": 4000,
            "healthcheck": {"test": "client 127.0.0.1 ${{ user }} ${{ secrets.password }} ping"},
        }
    },
    "connections": {"url": {"title": "Mine", "parts": {"scheme": "mine"}}},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("adapters").mkdir()
    return tmp_path


def run(command: str, entry: str = "", services: str = "", **changes: Any) -> tuple[int, str]:
    Path("adapters/mine.yaml").write_text(json.dumps(patch(BASE, changes), indent=1))
    Path("stack.yaml").write_text(f"name: demo\ndatabases:\n  main: {{adapter: mine{entry}}}\n{services}")
    done = stackc(*command.split())
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def service(name: str = "main") -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(Path("docker-compose.yml").read_text())["services"][name]
    return found


def server(**changes: Any) -> dict[str, Any]:
    return {"containers": {"server": changes}}


NO_PASSWORD = {
    # A JSON merge patch would keep what is there, and `{}` has nothing in it.
    "secrets": {},
    "client": None,
    **server(healthcheck={"test": "mine --host 127.0.0.1 ping"}),
    "credentials": {"admin": None, "user": None},
}


def test_an_engine_without_passwords_makes_none() -> None:
    assert run("adapters test mine", **NO_PASSWORD)[0] == 0
    code, told = run("compile", **NO_PASSWORD)
    assert (code, "with new secrets" in told) == (0, False), told
    assert "MAIN_URL=mine://main:4000" in Path(".env").read_text().splitlines()
    assert "secrets" not in service()


@pytest.mark.parametrize(
    ("entry", "services", "told"),
    [
        (', password: "${{ secrets.a }}"', "secrets: {a: {generate: hex}}\n", "has no passwords"),
        ("", "services: {app: {image: 'a:1', uses: [main: {as: {password: PW}}]}}\n", "no password that"),
        (
            "",
            "services: {app: {image: 'a:1', environment: {P: '${{ databases.main.password }}'}}}\n",
            '"password"',
        ),
    ],
)
def test_whoever_asks_for_its_password_is_told(entry: str, services: str, told: str) -> None:
    code, output = run("compile", entry, services, **NO_PASSWORD)
    assert (code, told in output) == (1, True), output


def test_an_image_without_a_shell_is_probed_by_a_program() -> None:
    reads = {"path": "/etc/mine.conf", "lines": ["secret = ${{ secrets.password }}"]}
    changes = server(healthcheck={"test": ["CMD", "/mine", "status", "${{ server }}"]}, files={"mine": reads})
    assert run("adapters test mine", **changes)[0] == 0
    assert run("compile", **changes)[0] == 0
    assert service()["healthcheck"]["test"] == ["CMD", "/mine", "status", "main"]


@pytest.mark.parametrize(
    ("test", "told"),
    [
        (["CMD", "/mine", "status"], "[weak-probe]"),
        (["/mine", "status"], "[not-allowed-value]"),
        (["CMD"], "[out-of-range]"),
        ({"a": "b"}, "[wrong-type]"),
        (["CMD", ["a"]], "[wrong-type]"),
    ],
)
def test_a_probe_of_another_form_is_refused(test: Any, told: str) -> None:
    code, output = run("adapters test mine", **server(healthcheck={"test": test}))
    assert (code, told in output) == (1, True), output


JOB = {
    "image": "example/tools:1",
    "language": "cypher",
    "file": "init.txt",
    "run": "client ${{ server }} ${{ admin }} ${{ secrets.admin_password }} < ${{ init.file }}",
    "statements": ["CREATE (n:${{ user | identifier }} {name: ${{ options.word }}});"],
}
WORD = {"word": {"description": "A word", "type": "string", "default": 'it\'s "a" \\ `word` $x'}}


def test_a_job_has_an_image_of_its_own_and_cypher_its_quotes() -> None:
    # The user of the probe has to be there before the job.
    told = {"environment": {"MINE_PASSWORD_FILE": "${{ secrets.password }}"}}
    changes = {"containers": {"init": JOB, "server": told}, "options": WORD}
    assert run("adapters test mine", **changes)[0] == 0
    assert run("compile", **changes)[0] == 0
    assert (service("main-init")["image"], "tmpfs" in service("main-init")) == ("example/tools:1", False)
    text = yaml.safe_load(Path("docker-compose.yml").read_text())["configs"]["main-init"]["content"]
    literal = text.partition("{name: ")[2].partition("}")[0].replace("$$", "$")
    assert (json.loads(literal), "(n:`main`" in text) == (WORD["word"]["default"], True)


@pytest.mark.parametrize(
    "text",
    ["'${{ options.word }}'", '"${{ options.word }}"', "`${{ options.word }}`", "// ${{ options.word }}"],
)
def test_an_expression_in_quotes_of_cypher_is_refused(text: str) -> None:
    job = {**JOB, "statements": [f"RETURN {text}"]}
    code, output = run("compile", containers={"init": job}, options=WORD)
    assert (code, "[quoted-expression]" in output) == (1, True), output


def test_what_compose_says_of_a_container_is_carried_over() -> None:
    option = {
        "plugins": {"description": "Plugins", "type": "array", "items": {"type": "string"}, "default": []}
    }
    changes = server(
        hostname="${{ server }}", platform="linux/amd64", stop_signal="SIGINT", outbound="options.plugins"
    )
    assert run("compile", options=option, **changes)[0] == 0
    made = service()
    assert (made["hostname"], made["platform"], made["stop_signal"]) == ("main", "linux/amd64", "SIGINT")
    assert made["networks"] == ["databases"]
    assert run("compile", ", plugins: [a]", options=option, **changes)[0] == 0
    assert service()["networks"] == ["default", "databases"]


def test_further_secrets_stand_in_connections_alone() -> None:
    reader = {"title": "Reader", "parts": {"user": "reader", "password": "${{ passwords.reader }}"}}
    changes: dict[str, Any] = {
        "secrets": {"password": {}, "admin_password": {}, "reader": {}},
        "connections": {"readonly": reader},
    }
    use = "services: {app: {image: 'a:1', uses: [main: {driver: readonly, as: READ_URL}]}}\n"
    assert run("compile", services=use, **changes)[0] == 0
    env = dict(line.partition("=")[::2] for line in Path(".env").read_text().splitlines())
    assert env["MAIN_READONLY"] == f"mine://reader:{env['MAIN_READER']}@main:4000"
    wrong = server(environment={"X": "${{ passwords.reader }}"})
    code, output = run("compile", **patch(changes, wrong))
    assert (code, "secret and cannot stand here" in output) == (1, True)


def test_the_published_port_can_be_named() -> None:
    changes = server(
        host_port=4001, environment={"AT": "host:${{ published.port if published.port else 0 }}"}
    )
    assert run("compile", ", port: 14000", **changes)[0] == 0
    assert (service()["environment"]["AT"], service()["ports"]) == ("host:14000", ["127.0.0.1:14000:4001"])
    assert run("compile", **changes)[0] == 0
    assert service()["environment"]["AT"] == "host:0"


def test_an_option_can_be_needed() -> None:
    licence = {"description": "Whether you accept it", "const": True}
    changes = {"required": ["licence"], "options": {"licence": licence}, "examples": [{"licence": True}]}
    code, output = run("compile", **changes)
    assert (code, 'needs the option "licence"' in output) == (1, True)
    assert run("compile", ", licence: true", **changes)[0] == 0
    assert run("adapters test mine", **changes)[0] == 0
    assert "licence: Whether you accept it (needed)" in run("adapters show mine", **changes)[1]
    code, output = run("adapters test mine", required=["lisence"], options={"licence": licence})
    assert (code, 'did you mean "licence"?' in output) == (1, True), output


def test_a_note_is_told_by_the_first_compile() -> None:
    note = {"note": "Something that a person has to know."}
    assert "note on mine: Something that a person has to know.\n" in run("compile", **note)[1]
    assert "note" not in run("compile", **note)[1]
    assert "note: Something that a person has to know.\n" in run("adapters show mine", **note)[1]


@pytest.mark.parametrize("driver", ["admin_password", "host_url", "secrets_sha256"])
def test_a_driver_cannot_have_the_key_of_something_else(driver: str) -> None:
    code, output = run("adapters test mine", connections={driver: {"title": "Driver"}})
    assert (code, "[key-collision]" in output) == (1, True), output


def test_the_client_leaves_the_variables_of_its_caller_alone(tmp_path: Path) -> None:
    call = "client ${{ server }} ${{ admin }} ${{ secrets.admin_password }} < ${{ init.file }}"
    job = {**JOB, "run": f"secret=mine\n{call}\necho $secret"}
    Path("adapters/mine.yaml").write_text(
        json.dumps(patch(BASE, {"containers": {"init": job}, "options": WORD}))
    )
    standin = Standin(tmp_path, "adapter: mine", {"db-admin-password": "other"})
    standin.program("mine", "assert os.environ['MINE_PASSWORD'] == 'other'")
    done = standin.run("db-init")
    assert done.stdout == "mine\n", done.stderr


def test_a_script_that_shellcheck_refuses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "shellcheck"
    program.write_text(
        "#!/bin/sh\ngrep -q 'mine --host' || exit 0\necho '-:1:1: error: Remove this [SC1000]'\nexit 1\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    code, output = run("adapters test mine")
    assert (code, "cannot read this probe: -:1:1: error: Remove this [SC1000] [shell-syntax]" in output) == (
        1,
        True,
    )


@pytest.mark.parametrize("name", Registry().names())
def test_shellcheck_refuses_no_script_of_a_built_in_adapter(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert which("shellcheck")
    report = Report()
    (row,), _ = run_trials([name], None, report)
    assert (row["passed"], row["probes"] > 0) == (True, True), [*report]


def test_the_real_shellcheck_reads_what_a_shell_lets_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    start = 'if [ "$1" = "a"]; then echo a; fi\nexec mine "$@"\n'
    code, output = run("adapters test mine", **server(start=start))
    assert (code, "[SC1073] [shell-syntax]" in output) == (1, True), output


def connected(driver: dict[str, Any], entry: str = "") -> tuple[int, str]:
    changes = {"connections": {"go": {"title": "go-mine <https://example.com/go>", **driver}}}
    limit = {"query_timeout": {"applies": "client"}}
    return run("connect main --driver go --format json", entry, **changes, **limit)


def test_parameters_come_in_the_order_in_which_they_are_written() -> None:
    reads = {
        "max": "port",
        "timeout": "timeout.ms if timeout.set else none",
        "mode": "'fast'",
        "wait": 10,
    }
    code, told = connected({"query": {"app": "it is ${{ server }}"}, "reads": reads})
    assert (code, json.loads(told)["go"]["string"]) == (
        0,
        "mine://main:***@main:4000?app=it%20is%20main&max=4000&mode=fast&wait=10",
    )
    assert json.loads(told)["go"]["documentation"] == "https://example.com/go"
    assert "&timeout=1500&" in connected({"reads": reads}, ", query_timeout: 1500ms")[1]


@pytest.mark.parametrize(
    ("driver", "told"),
    [
        ({"reads": {"max": "pool.sise"}}, '"pool" has no "sise" [expression]'),
        ({"reads": {"max": "${{ pool.size }}"}}, "an expression stands here as it is [expression]"),
        ({"reads": {"max": ["pool.size"]}}, "[wrong-type]"),
        ({"title": "go https://example.com/go>"}, "[wrong-format]"),
    ],
)
def test_a_parameter_that_is_no_expression_is_told(driver: dict[str, Any], told: str) -> None:
    code, output = connected(driver)
    assert (code, told in output) == (1, True), output


def test_statements_are_in_a_file_with_the_ending_of_their_language() -> None:
    job = {
        "language": "javascript",
        "run": "client ${{ server }} root ${{ secrets.admin_password }} ${{ init.file }}",
    }
    assert run("compile", containers={"init": job})[0] == 0
    assert service("main-init")["configs"][0]["target"] == "/etc/stackc/init.js"
