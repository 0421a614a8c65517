"""No value that may be secret reaches stdout, stderr, a log or the cache, in any format of any command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from compiler.source.masking import is_secret_name, masked_lines
from tests.conftest import stackc

SECRETS = [
    "hunter2x",
    "Zq9xSecretVal7",
    "p@ss/w:rd",
    "sk-proj-Ab3Ab3Ab3Ab3",
    "0123456789abcdef0123456789abcdef",
]
KEYS = [
    "DB_PASS",
    "POSTGRES_PASSWORD",
    "PRIVATE_KEY",
    "ENCRYPTION_KEY",
    "apiToken",
    "openai_key",
    "pasword",
    "JWT_SECRET",
]
# Each is a fault at, in or beside the value of a key.
FAULTS = [
    "{key}: [{value}]",
    "{key}: {{a: {value}}}",
    '{key}: "ab${{x {value} }}"',
    '{key}: "${{{{ {value} }}}}"',
    "{key}: {value}\n      {key}: {value}",
    "{key}: {value}\n\t  A: 1",
    "{key}: !secret {value}",
    "{key}: {value}\n      http://localhost:5432: 1",
    '{key}: "{value}\n',
]
PLACES = [
    "services:\n  app:\n    image: nginx:1.29-alpine\n    environment:\n      {fault}\n",
    "services:\n  app:\n    image: nginx:1.29-alpine\n    labels:\n      {fault}\n",
    "databases:\n  main:\n    adapter: postgresql\n    options:\n      {fault}\n",
    "secrets:\n    tok:\n      {fault}\n",
]
WHOLE = [
    "services: {{app: {{image: nginx, environment: [{key}={value}, {key}={value}], nope: 1}}}}\n",
    "secrets: {{tok: {value}}}\nservices: {{app: {{image: nginx}}}}\n",
    "secrets:\n  tok: {value}\nservices: {{app: {{image: nginx}}}}\n",
    "services: {{app: {{image: nginx, command: redis-server --requirepass {value}, nope: 1}}}}\n",
    "services: {{app: {{image: nginx, command: [redis-server, --requirepass, {value}], nope: 1}}}}\n",
    "services: {{app: {{image: nginx, command: curl -u me:{value} x, nope: 1}}}}\n",
    "services: {{app: {{image: nginx, environment: {{URL: 'http://me:{value}@localhost:5432/x'}}, nope: 1}}}}\n",
    "databases: {{main: {{adapter: postgresql, password: {value}, pool: x}}}}\n",
    "databases: {{main: {{adapter: postgresql, pasword: {value}}}}}\n",
    "databases:\n  main:\n    adapter: postgresql\n    password: |\n      {value}\n     x\n",
    "databases:\n  main:\n    adapter: postgresql\n    password:\n    - {value}\n",
    "x: {{{key}: {value}}}\nservices: {{app: {{image: nginx}}}}\n",
]


def iter_probes() -> Iterator[tuple[str, str]]:
    number = 0
    for template in WHOLE:
        for value in SECRETS:
            number += 1
            yield value, template.format(key=KEYS[number % len(KEYS)], value=value)
    for place in PLACES:
        for fault in FAULTS:
            for shift in range(4):
                number += 1
                value = SECRETS[number % len(SECRETS)]
                key = KEYS[(number + shift) % len(KEYS)]
                yield value, place.format(fault=fault.format(key=key, value=value))


PROBES = [*iter_probes()]


def test_there_are_enough_probes() -> None:
    assert len(PROBES) >= 200


@pytest.mark.parametrize("command", [["check"], ["compile", "-v"], ["compile", "--diff"]], ids=" ".join)
@pytest.mark.parametrize("form", ["text", "json", "github", "sarif"])
def test_no_report_shows_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], form: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    leaked = []
    for value, stack in PROBES:
        Path("stack.yaml").write_text("name: demo\n" + stack)
        done = stackc(*command, "--format", form)
        assert done.exit_code in (0, 1), done.output
        if value in done.output:
            leaked.append((value, stack, done.output))
    for file in tmp_path.joinpath("cache").rglob("*"):
        assert file.is_dir() or not any(value in file.read_text() for value in SECRETS)
    assert leaked == []


@pytest.mark.parametrize("value", SECRETS)
@pytest.mark.parametrize("form", ["text", "json", "github", "sarif"])
def test_no_diff_shows_a_secret_of_an_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, form: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("stack.yaml").write_text("name: demo\nservices: {app: {image: 'nginx:1.29-alpine'}}\n")
    Path("docker-compose.yml").write_text(
        f"services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: {value}\n    command: x --password {value}\n"
    )
    for command in (["compile"], ["compile", "--diff"], ["check"]):
        assert value not in stackc(*command, "--format", form).output


def test_what_stands_in_env_is_shown_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("PIN=9081\nPASSPHRASE=correct horse\nCODE=abc-def\n")
    Path("stack.yaml").write_text(
        "name: demo\nservices: {app: {image: nginx, working_dir: abc-def, hostname: correct horse, nope: abc-def}}\n"
    )
    told = stackc("compile").output
    assert "abc-def" not in told
    assert "correct horse" not in told


@pytest.mark.parametrize(
    "name", [*KEYS, "PGPASSWORD", "x-api-key", "MYSQL_PWD", "AUTH", "clientSecret", "accessKey"]
)
def test_a_name_that_says_so_is_one_of_a_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "image",
        "secrets",
        "POSTGRES_PASSWORD_FILE",
        "key_path",
        "ports",
        "author",
        "keyspace",
        "token_name",
        "passive",
    ],
)
def test_another_name_is_not(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "line",
    [
        "  image: ghcr.io/danny-avila/librechat:v0.8.1",
        "  POSTGRES_PASSWORD: ${MAIN_PASSWORD}",
        "  url: ${{ databases.main.url }}",
        "  jwt: {generate: hex, bytes: 32}",
        "  command: redis-server --maxmemory-policy allkeys-lru",
        "  vector: {collection: documents, dimensions: 1536, metric: cosine}",
    ],
)
def test_what_is_no_secret_is_shown(line: str) -> None:
    assert masked_lines(["secrets:" if "generate" in line else "services:", line])[1] == line


def test_the_path_of_a_hidden_value_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("stack.yaml").write_text("services: {app: {image: nginx, environment: {DB_PASS: [hunter2]}}}\n")
    assert '"environment.DB_PASS" of service "app" is a list' in stackc("check").output
