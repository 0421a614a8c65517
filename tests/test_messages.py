"""One cause has one finding, and its help names what to write: mistakes as people make them."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from compiler.cli.commands import cli
from compiler.registry.bundle import database_schema
from tests.conftest import read_env, stackc
from tests.stacks import registry

if TYPE_CHECKING:
    from pathlib import Path

APP = 'app: {{image: "nginx:1.29", {}}}'


def found(folder: Path, text: str, *words: str) -> list[dict[str, str]]:
    (folder / "stack.yaml").write_text("name: demo\n" + text)
    done = stackc("compile", folder, "--format", "json", *words)
    return list(json.loads(done.stdout)["findings"])


def services(options: str) -> str:
    return f"services: {{{APP.format(options)}}}\n"


DATABASE = "databases: {db: {adapter: postgresql}}\n"


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ('servces: {app: {image: "nginx:1.29"}}\n', 'did you mean "services"?'),
        ('services: {app: {images: "nginx:1.29"}}\n', 'did you mean "image"?'),
        (
            services("uses: [db], environment: {U: '${{ databases.db.url }}'}")
            + DATABASE.replace("s:", ":", 1),
            'did you mean "databases"?',
        ),
        (
            services("environment: {T: '${{ secrets.token }}'}") + "secret: {token: {generate: hex}}\n",
            'did you mean "secrets"?',
        ),
        (services("volumes: [data:/data]") + "volums: {data: }\n", 'did you mean "volumes"?'),
        (
            services("environment: {T: '${{ secrets.jwt }}'}"),
            "add `secrets: {jwt: {generate: hex}}`",
        ),
        (
            services("environment: {T: '${{ secrets.jwt }}'}") + "secrets: {other: {generate: hex}}\n",
            "add `jwt: {generate: hex}` under `secrets:`",
        ),
        (services("uses: [main]"), "add `main:` with its `adapter:` under `databases:`"),
        (services("environment: [DATABASE_URL: x]"), "write `- DATABASE_URL=x`"),
        (services("environment: [A_PASSWORD: geheim12]"), "write `- A_PASSWORD=VALUE`"),
        (services("labels: [5]"), "write `- NAME=VALUE`"),
        (
            "services: {vpn: {image: 'vpn:1'}, app: {image: 'x:1', uses: [db], network_mode: 'service:vpn'}}\n"
            + DATABASE,
            'give "vpn", whose network it shares, `uses: [db]`: it then joins the databases',
        ),
        (
            services("uses: [db], network_mode: host") + DATABASE,
            "remove `network_mode`: the service then joins the network of the databases",
        ),
        (
            "databases: {db: {adapter: postgresql, password: '${DB_PASSWORD}'}}\n",
            "write ${{ secrets.NAME }}, and `NAME: {environment: KEY}` under `secrets:` for KEY in .env",
        ),
        (
            "databases: {db: {adapter: postgresql, x-compose: {labels: ['a=${{ databases.nope.url }}']}}}\n",
            "add `nope:` with its `adapter:` under `databases:`",
        ),
        ("databases: {db: {adapter: redis, database: app}}\n", "write a number from 0 to 15"),
        ("databases: {db: {adapter: postgresql, scripts: [a.sh]}}\n", "name files of SQL, such as seed.sql"),
    ],
)
def test_a_mistake_has_one_finding_that_says_what_to_write(tmp_path: Path, text: str, help: str) -> None:
    assert [(one["severity"], one["help"]) for one in found(tmp_path, text)] == [("error", help)]


@pytest.mark.parametrize(
    ("environments", "help"),
    [
        ("[staging]", "write each as a mapping, such as `staging: {services: {}}`"),
        ("{staging: }", "write `{}` where it changes nothing"),
        ("{stagin: {}}", 'did you mean "stagin"?'),
    ],
)
def test_an_environment_that_is_none_is_told(tmp_path: Path, environments: str, help: str) -> None:
    text = f"{services('ports: []')}environments: {environments}\n"
    assert [one["help"] for one in found(tmp_path, text, "-e", "staging")] == [help]


@pytest.mark.parametrize(
    ("options", "help"),
    [
        ("x-compose: {command: [-c, wal_level=logical]}", "write `settings:` of the database in its place"),
        ("x-compose: {ports: ['0.0.0.0:15432:5432']}", "add `default` to its networks"),
        (
            "profiles: [search]",
            "write the long form with `required: false`, or give both a profile: Compose refuses it otherwise",
        ),
    ],
)
def test_what_a_server_makes_of_it_is_told(tmp_path: Path, options: str, help: str) -> None:
    text = f"{services('uses: [db]')}databases: {{db: {{adapter: postgresql, {options}}}}}\n"
    assert [(one["severity"], one["help"]) for one in found(tmp_path, text)] == [("warning", help)]


def test_a_need_is_delivered(tmp_path: Path) -> None:
    assert found(tmp_path, "databases: {db: {adapter: postgresql, needs: [change-data-capture]}}\n") == []
    rendered = (tmp_path / "docker-compose.yml").read_text()
    assert "--wal_level=logical" in rendered and " REPLICATION PASSWORD" in rendered


def test_a_service_reaches_databases_by_the_network_that_it_shares(tmp_path: Path) -> None:
    vpn = "vpn: {image: 'vpn:1', uses: [db]}, proxy: {image: 'x:1', network_mode: 'service:vpn'}"
    app = "app: {image: 'x:1', uses: [db], network_mode: 'service:proxy'}"
    assert found(tmp_path, f"services: {{{vpn}, {app}}}\n{DATABASE}") == []


def test_no_help_for_a_name_is_a_regular_expression() -> None:
    for adapter in registry().adapters():
        for version in adapter.versions:
            for name in ("admin", "database", "user"):
                option = database_schema(adapter, version)["properties"][name]
                help = "".join(one.get("x-help", "") for one in option.get("allOf", ()))
                assert not {*"^[]{}?*$"} & {*help}, (adapter.name, name, help)
                assert adapter.data["documentation"] not in help, f"{adapter.name} says no reason for {name}"


def test_an_adapter_without_a_reason_sends_to_its_documentation(tmp_path: Path) -> None:
    (tmp_path / "adapters").mkdir()
    own = "adapter: own\nextends: redis\ncredentials: {user: {pattern: '^[ab]+$', reason: null}}\n"
    (tmp_path / "adapters" / "own.yaml").write_text(own)
    (one,) = found(tmp_path, "databases: {db: {adapter: own, user: x}}\n")
    assert one["help"].startswith("write another `user:`; which ones fit is in https://redis.io")


@pytest.mark.parametrize(("entry", "count"), [("", 1), (', version: "8.0"', 0), (', version: "8.4"', 0)])
def test_only_a_default_that_has_ended_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str, count: int
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795392000")
    told = found(tmp_path, f"databases: {{db: {{adapter: mysql{entry}}}}}\n")
    assert [one["help"] for one in told] == ['write `version: "8.4"`'] * count
    line = "the default has had no fixes since 2026-04-30; `stackc init` writes version 8.4"
    assert line in stackc("adapters", "show", "mysql").stdout
    assert "no fixes" not in stackc("adapters", "show", "mariadb").stdout


# commands


@pytest.mark.parametrize(
    ("word", "right"),
    [
        *((word, "stackc check") for word in ("validate", "lint", "test")),
        *((word, "stackc compile") for word in ("render", "build", "generate")),
        ("down", "docker compose down"),
        ("start", "stackc up"),
    ],
)
def test_a_command_of_other_tools_is_answered_with_the_right_one(word: str, right: str) -> None:
    done = stackc(word)
    assert (done.exit_code, f"write `{right}`" in done.stderr) == (2, True)
    assert word not in cli.commands


# variables of the shell

SECRET = services("environment: {KEY: '${{ secrets.stripe }}', PORT: '${PORT}'}")
SECRET += "secrets: {stripe: {environment: STRIPE_KEY}}\n"


def test_a_variable_of_the_shell_counts_and_is_not_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("STRIPE_KEY=\n")
    assert (
        found(tmp_path, SECRET)[0]["help"]
        == "write it behind STRIPE_KEY= in .env, or set STRIPE_KEY in the shell"
    )
    monkeypatch.setenv("STRIPE_KEY", "sk_of_the_shell_12")
    monkeypatch.setenv("PORT", "80")
    assert found(tmp_path, SECRET) == []
    assert stackc("check", tmp_path).output == ""
    assert read_env((tmp_path / ".env").read_text()).values["STRIPE_KEY"] == ""
    monkeypatch.delenv("STRIPE_KEY")
    assert "[missing-secret]" in stackc("check", tmp_path).stderr


def test_a_file_holds_what_the_shell_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_KEY", "sk_of_the_shell_12")
    text = services("read_only: true, secrets: [stripe]") + SECRET.splitlines()[1]
    assert found(tmp_path, text) == []
    assert (tmp_path / "secrets" / "stripe").read_text() == "sk_of_the_shell_12"
    assert "STRIPE_KEY" not in read_env((tmp_path / ".env").read_text()).values
    assert "sk_of" not in stackc("check", tmp_path, "-v").output


def test_only_secrets_of_the_shell_are_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_KEY", "sk_of_the_shell_12")
    monkeypatch.setenv("PLACE", str(tmp_path))
    text = services("environment: {KEY: '${{ secrets.stripe }}', A: '${PLACE}', B: '${NOT_SET}'}")
    told = found(tmp_path, text + SECRET.splitlines()[1])
    assert [one["id"] for one in told] == ["unset-variable"]
    assert str(tmp_path) in stackc("compile", tmp_path).output


def test_a_connection_is_shown_with_what_the_shell_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_KEY", "sk_of_the_shell_12")
    entry = "databases: {db: {adapter: postgresql, password: '${{ secrets.stripe }}'}}\n"
    assert found(tmp_path, entry + SECRET.splitlines()[1]) == []
    shown = stackc("connect", "db", "-f", tmp_path, "--reveal", "--driver", "url")
    assert shown.stdout.startswith("postgresql://db:sk_of_the_shell_12@db:5432/db")


def test_a_variable_of_the_shell_that_is_no_text_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_KEY", "\udcff")
    assert [one["id"] for one in found(tmp_path, SECRET)] == ["missing-secret"]


def test_a_line_of_env_wins_over_the_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_KEY", "sk_of_the_shell_12")
    (tmp_path / ".env").write_text("STRIPE_KEY=sk_of_the_file_1\nPORT=1\n")
    assert found(tmp_path, services("read_only: true, secrets: [stripe]") + SECRET.splitlines()[1]) == []
    assert (tmp_path / "secrets" / "stripe").read_text() == "sk_of_the_file_1"


# services that could be databases


def test_a_service_with_the_image_of_an_engine_gets_a_hint_once(tmp_path: Path) -> None:
    text = "services: {db: {image: 'docker.io/library/postgres:16'}, kv: {image: redis}, web: {image: 'nginx:1'}}\n"
    (tmp_path / "stack.yaml").write_text("name: demo\n" + text)
    (note,) = [line for line in stackc("compile", tmp_path).stdout.splitlines() if "stackc import" in line]
    assert note == (
        "note: `databases: {db: {adapter: postgresql}, kv: {adapter: redis}}` does more for db, kv; "
        "`stackc import` moves such services in, or says why not"
    )
    assert "stackc import" not in stackc("compile", tmp_path).output


# paths for machines


@pytest.mark.parametrize("form", ["github", "sarif"])
def test_machines_count_paths_from_the_root_of_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "stack.yaml").write_text("name: demo\nservices: {a: {image: x, foo: 1}}\n")
    monkeypatch.chdir(tmp_path / "deploy")
    for words in ([], [tmp_path / "deploy"], ["../deploy"]):
        told = stackc("check", "--format", form, *words).stdout
        assert ("file=deploy/stack.yaml," if form == "github" else '"uri": "deploy/stack.yaml"') in told
    assert '"path": "stack.yaml"' in stackc("check", "--format", "json").stdout
