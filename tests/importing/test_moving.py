"""What of a Compose file becomes a database, what stays as it is, and what is never touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.conftest import stackc

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "environment: {POSTGRES_PASSWORD: x1y2}"
DATA = "volumes: [data:/var/lib/postgresql/data]"


def imported(
    folder: Path, services: str, env: str | None = None, rest: str = ""
) -> tuple[dict[str, Any], str]:
    """Returns the stack of these services, which is written in flow style, and what is told."""
    (folder / "compose.yaml").write_text(f"services:\n{services}\nvolumes: {{data: }}\n{rest}")
    if env is not None:
        (folder / ".env").write_text(env)
    done = stackc("import", folder)
    assert done.exit_code == 0, done.output
    return yaml.safe_load((folder / "stack.yaml").read_text()), done.output


def database(options: str, image: str = "postgres:16") -> str:
    return f'  db: {{image: "{image}", {options}}}'


@pytest.mark.parametrize(
    ("options", "image", "expected"),
    [
        ("", "postgres:16", {"version": "16", "user": "postgres", "database": "postgres"}),
        ("", "pgvector/pgvector:pg17", {"version": "17"}),
        ("", "docker.io/library/postgres:15.4-alpine@sha256:" + "a" * 64, {"version": "15"}),
        ("", "postgres", {"version": "17"}),
        ("", "timescale/timescaledb:2.17.2-pg16", {"version": "16"}),
        (
            "command: postgres -c work_mem=8MB --jit=off",
            "postgres:16",
            {"settings": {"work_mem": "8MB", "jit": "off"}},
        ),
        ("command: [-c, max_connections=50]", "postgres:16", {"max_connections": 50}),
        ('ports: ["5432:5432"]', "postgres:16", {"port": "0.0.0.0:5432"}),
        ('ports: ["127.0.0.1:${P:-15432}:5432"]', "postgres:16", {"port": 15432}),
        ('ports: ["[::1]:15432:5432"]', "postgres:16", {"port": "[::1]:15432"}),
        ("mem_limit: 512m, profiles: [a]", "postgres:16", {"memory": "512m", "profiles": ["a"]}),
        (
            "deploy: {resources: {limits: {memory: 1G, cpus: 0.5}}}",
            "postgres:16",
            {"memory": "1G", "cpus": "0.5"},
        ),
        ("labels: [a=b]", "postgres:16", {"x-compose": {"labels": ["a=b"]}}),
    ],
)
def test_a_service_becomes_a_database(
    tmp_path: Path, options: str, image: str, expected: dict[str, Any]
) -> None:
    stack, _ = imported(tmp_path, database(f"{PASSWORD}, {DATA}, {options}", image))
    entry = stack["databases"]["db"]
    assert {key: entry.get(key) for key in expected} == expected
    assert (entry["adapter"], entry["volume"]) == ("postgresql", "data")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("environment: {POSTGRES_HOST_AUTH_METHOD: trust}", "POSTGRES_HOST_AUTH_METHOD is trust"),
        ("environment: {POSTGRES_DB: x}", "it asks for no password"),
        ("environment: {POSTGRES_PASSWORD_FILE: /x}", "it reads POSTGRES_PASSWORD_FILE"),
        ("environment: {POSTGRES_PASSWORD: x, POSTGRES_USER: A-b}", 'the user "A-b"'),
        (f"{PASSWORD}, entrypoint: x", "it has `entrypoint`"),
        (f"{PASSWORD}, command: [sh, -c, x]", "its `command` holds more"),
        (f'{PASSWORD}, command: "\'"', "its `command` has a quote"),
        (f"{PASSWORD}, command: [-c, ssl=on]", "stackc itself sets ssl"),
        (f"{PASSWORD}, volumes: [data:/var/lib/postgresql/data:Z]", "its mount of /var/lib/postgresql/data"),
        (f"{PASSWORD}, volumes: [./own.conf:/etc/own.conf]", "its mount of /etc/own.conf"),
        (f'{PASSWORD}, ports: ["5432"]', "it publishes 5432"),
        (f"{PASSWORD}, networks: {{default: {{aliases: [x]}}}}", "it has names or addresses of its own"),
        (f"{PASSWORD}, mem_limit: 1.5g", "it has other limits"),
    ],
)
def test_what_would_not_be_the_same_stays_a_service(tmp_path: Path, options: str, why: str) -> None:
    stack, told = imported(tmp_path, database(options))
    assert "databases" not in stack
    assert f"  db: {why}" in told.partition("stayed a plain service")[2]


REDIS = "  kv: {image: 'redis:7.2', volumes: ['data:/data']}\n"
URL = "${{ databases.kv.url }}"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("redis://kv", URL),
        ("redis://kv:6379/", URL),
        ("redis://:@kv:6379/0", URL),
        ("${CACHE:-redis://kv:6379}", URL),
        ("redis://kv:6379/2", "redis://:${{ databases.kv.password }}@kv:6379/2"),
        ("redis://kv/0?db=3", "redis://:${{ databases.kv.password }}@kv/0?db=3"),
    ],
)
def test_a_client_of_an_open_database_takes_its_new_password(
    tmp_path: Path, written: str, expected: str
) -> None:
    stack, told = imported(tmp_path, f"{REDIS}  app: {{image: x, environment: {{U: '{written}'}}}}")
    assert stack["services"]["app"]["environment"]["U"] == expected
    assert stack["databases"]["kv"]["user"] == "default"
    assert "app: U has the password that the first compile makes for kv" in told
    done = stackc("compile", tmp_path)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("client", "why"),
    [
        ("environment: {KV_HOST: kv}", 'KV_HOST of "app" is no URL'),
        ("environment: {U: 'redis://kv:6380'}", 'U of "app" is no URL'),
        ("environment: {U: 'redis://kv,redis://other'}", 'U of "app" is no URL'),
        ("environment: {U: 'redis://u:p@kv'}", 'U of "app" is no URL'),
        ("environment: {U: 'redis://${KV:-kv}/3'}", 'U of "app" is no URL'),
        ("env_file: app.env", 'U of "app" is no URL'),
        ("depends_on: [kv]", 'nothing in "app" says how'),
        ("environment: {U: 'redis://kv'}, command: [--cache, 'kv:6379']", '"app" names it outside'),
        ("labels: [a=b]", "no service names it"),
    ],
)
def test_an_open_database_stays_where_a_client_takes_no_password(
    tmp_path: Path, client: str, why: str
) -> None:
    (tmp_path / "app.env").write_text("U=redis://kv:6379/3\n")
    stack, told = imported(tmp_path, f"{REDIS}  app: {{image: x, {client}}}")
    assert "databases" not in stack
    assert "it asks for no password, and" in told and why in told


def test_who_comes_by_the_port_of_an_open_database_is_told(tmp_path: Path) -> None:
    open_ = REDIS.replace("volumes", "ports: ['6379:6379'], volumes")
    _, told = imported(tmp_path, f"{open_}  app: {{image: x, environment: {{U: 'redis://kv'}}}}")
    assert (
        "kv: whoever comes by its port needs the password too, which will be in .env as KV_PASSWORD" in told
    )


def test_what_env_lacks_is_told(tmp_path: Path) -> None:
    own = "environment: {POSTGRES_PASSWORD: '${DB_PASS:?}'}"
    app = "  app: {image: 'x:${TAG:?which}', environment: {A: '${B}', C: '${D:-${E:?}}'}}"
    stack, told = imported(tmp_path, f"{database(own)}\n{app}", env="TAG=1\n")
    assert "databases" not in stack
    assert "db: .env does not set DB_PASS, which its image takes; write it there, and import again" in told
    assert "  write DB_PASS, E into .env, or set them in the shell as before" in told


def test_an_address_of_ipv4_is_told_once(tmp_path: Path) -> None:
    _, told = imported(tmp_path, "  a: {image: x, ports: ['80:80']}\n  b: {image: x, ports: ['81:81']}")
    assert told.count("0.0.0.0 is IPv4 alone; the same line with [::] in its place, beside it") == 1
    (tmp_path / "stack.yaml").unlink()
    _, told = imported(tmp_path, "  a: {image: x, ports: ['127.0.0.1:80:80']}")
    assert "[::]" not in told


@pytest.mark.parametrize(
    ("volume", "mount", "are_scripts"),
    [
        ("", "./a.sql", True),
        ("./new:", "./a.sql", True),
        ("./there:", "./a.sql", False),
        ("data:", "./a.sql", False),
        ("", "./a.sh", False),
        ("", "./scripts", False),
        ("", "./missing.sql", False),
    ],
)
def test_scripts_are_moved_where_nothing_has_run_them(
    tmp_path: Path, volume: str, mount: str, are_scripts: bool
) -> None:
    for name in ("a.sql", "a.sh"):
        (tmp_path / name).write_text("SELECT 1;\n")
    for name in ("there", "scripts"):
        (tmp_path / name).mkdir()
    mounts = [f"'{mount}:/docker-entrypoint-initdb.d/x.sql'"]
    mounts += [f"'{volume}/var/lib/postgresql/data'"] if volume else []
    stack, told = imported(tmp_path, database(f"{PASSWORD}, volumes: [{', '.join(mounts)}]"))
    entry = stack["databases"]["db"]
    assert entry.get("scripts") == (["a.sql"] if are_scripts else None)
    assert ("x-compose" in entry, f"{mount} is run by the image" in told) == (
        not are_scripts,
        not are_scripts,
    )


def test_other_versions_stay(tmp_path: Path) -> None:
    _, told = imported(tmp_path, database(PASSWORD, "postgres:9.6"))
    assert "db: postgresql has no version line of the image postgres:9.6" in told


def test_a_service_with_the_variables_of_a_database_is_none(tmp_path: Path) -> None:
    variables = "environment: {POSTGRES_PASSWORD: abcd, POSTGRES_USER: x}"
    stack, _ = imported(tmp_path, f"  app: {{image: 'shop:1', {variables}, ports: ['8000:8000']}}")
    assert stack.keys() == {"name", "services"}


@pytest.mark.parametrize(
    ("env", "lines", "password"),
    [
        (None, "DB_PASSWORD=x1y2", None),
        ("DB_PASSWORD=x1y2\n", "DB_PASSWORD=x1y2", None),
        ("DB_PASSWORD=mine\n", "DB_PASSWORD_2=x1y2", "${{ secrets.db_password_2 }}"),
        ("# mine\nDB_PASSWORD=", "DB_PASSWORD_2=x1y2", "${{ secrets.db_password_2 }}"),
    ],
)
def test_lines_of_ones_own_stay(tmp_path: Path, env: str | None, lines: str, password: str | None) -> None:
    stack, told = imported(tmp_path, database(PASSWORD), env)
    text = (tmp_path / ".env").read_text()
    assert text.startswith(env or "")
    assert lines in text.splitlines()
    assert stack["databases"]["db"].get("password") == password
    assert "x1y2" not in told + (tmp_path / "stack.yaml").read_text()


def test_a_variable_with_the_password_is_taken(tmp_path: Path) -> None:
    services = database("environment: {POSTGRES_PASSWORD: '${OLD:?set it}'}")
    stack, _ = imported(tmp_path, services, env="OLD=x1y2\n")
    assert stack["secrets"] == {"old": {"environment": "OLD"}}
    assert (tmp_path / ".env").read_text() == "OLD=x1y2\n"


def test_a_secret_that_is_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "password.txt").write_text("from the file\n")
    variables = "environment: {POSTGRES_PASSWORD_FILE: /run/secrets/db}, secrets: [db]"
    imported(tmp_path, database(variables), rest="secrets: {db: {file: ./password.txt}}\n")
    assert "DB_PASSWORD='from the file'" in (tmp_path / ".env").read_text()


@pytest.mark.parametrize(
    ("value", "text", "lines"),
    [
        ("A_TOKEN: abcdefgh", "${APP_A_TOKEN}", "APP_A_TOKEN=abcdefgh"),
        ("A_TOKEN: 'a$$b c d'", "${APP_A_TOKEN}", "APP_A_TOKEN='a$b c d'"),
        ("A_TOKEN: '${TOKEN:-abcdefgh}'", "${TOKEN}", "TOKEN=abcdefgh"),
        ("A_TOKEN: '${EMPTY:-abcdefgh}'", "${EMPTY:-abcdefgh}", ""),
        ("A_TOKEN: '${TOKEN}'", "${TOKEN}", ""),
        ("DB_PASS: x1$$y2", "${DB_PASSWORD}", ""),
        ("DB_URL: 'postgres://u:other@db/x'", "${APP_DB_URL}", "APP_DB_URL=postgres://u:other@db/x"),
        ("AUTH: 'true'", "true", ""),
    ],
)
def test_nothing_secret_stands_in_the_stack(tmp_path: Path, value: str, text: str, lines: str) -> None:
    own = "environment: {POSTGRES_PASSWORD: x1$$y2}"
    services = f"{database(own)}\n  app: {{image: x, environment: {{{value}}}}}"
    stack, _ = imported(tmp_path, services, env="EMPTY=\n")
    assert [*stack["services"]["app"]["environment"].values()] == [text]
    written = (tmp_path / ".env").read_text()
    assert (lines in written.splitlines()) if lines else written.count("\n") == 4


def test_a_url_takes_the_password_of_its_database(tmp_path: Path) -> None:
    url = "postgres://u:{}@db/x?a=b"
    services = f"{database(PASSWORD)}\n  app: {{image: x, environment: ['URL={url.format('x1y2')}']}}"
    stack, _ = imported(tmp_path, services)
    assert stack["services"]["app"]["environment"] == [f"URL={url.format('${DB_PASSWORD}')}"]


@pytest.mark.parametrize(
    ("port", "written"),
    [
        ('"80:80"', "0.0.0.0:80:80"),
        ("80", "0.0.0.0::80"),
        ('"${A:-80}:80/udp"', "0.0.0.0:${A:-80}:80/udp"),
        ('"127.0.0.1:80:80"', "127.0.0.1:80:80"),
        ('"${WHOLE}"', "0.0.0.0:99:98"),
        ('"${HERE}"', "127.0.0.1:99:98"),
        ("{published: 81}", {"published": 81}),
        ('{target: 80, published: "81"}', {"target": 80, "published": "81", "host_ip": "0.0.0.0"}),
    ],
)
def test_ports_stay_open_to_whom_they_were(tmp_path: Path, port: str, written: Any) -> None:
    env = "WHOLE=99:98\nHERE=127.0.0.1:99:98\n"
    stack, _ = imported(tmp_path, f"  app: {{image: x, ports: [{port}]}}", env)
    assert stack["services"]["app"]["ports"] == [written]


def test_comments_and_anchors_of_services_stay(tmp_path: Path) -> None:
    services = """\
  # The shop.
  app: &app
    image: shop:1 # pinned
    environment: {A: "1"}

  other:
    <<: *app
"""
    imported(tmp_path, services)
    assert services.rstrip() in (tmp_path / "stack.yaml").read_text()


def test_a_database_that_a_service_names_by_its_files_is_joined(tmp_path: Path) -> None:
    (tmp_path / "app.env").write_text("DB_HOST=db\n")
    services = database(PASSWORD) + "\n  app: {image: x, env_file: app.env}"
    stack, told = imported(tmp_path, services)
    assert stack["services"]["app"]["depends_on"] == {"db": {"condition": "service_started"}}
    assert "app: waits for db, which it names" in told


def test_a_stack_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {app: {image: x}}\n")
    (tmp_path / "stack.yaml").write_text("mine")
    done = stackc("import", tmp_path)
    assert (done.exit_code, (tmp_path / "stack.yaml").read_text()) == (1, "mine")
    assert "file-exists" in done.output
    assert {file.name for file in tmp_path.iterdir()} == {"compose.yaml", "stack.yaml"}


def test_a_dry_run_prints_the_stack_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {app: {image: x, ports: ['80:80']}}\n")
    done = stackc("import", "--dry-run", tmp_path)
    assert "0.0.0.0:80:80" in yaml.safe_load(done.stdout)["services"]["app"]["ports"]
    assert "moved" in done.stderr
    assert {file.name for file in tmp_path.iterdir()} == {"compose.yaml"}


def test_into_another_folder_paths_lead_back(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "compose.yaml").write_text("services: {app: {build: ., volumes: ['./a:/a']}}\n")
    (tmp_path / "old" / ".env").write_text("A=1\n")
    done = stackc("import", tmp_path / "old", "-o", tmp_path / "new")
    assert done.exit_code == 0, done.output
    app = yaml.safe_load((tmp_path / "new" / "stack.yaml").read_text())["services"]["app"]
    assert (app["build"], app["volumes"]) == ("../old", ["../old/a:/a"])
    assert (tmp_path / "new" / ".env").read_text() == "A=1\n"
    assert {file.name for file in (tmp_path / "old").iterdir()} == {"compose.yaml", ".env"}


@pytest.mark.parametrize(
    ("names", "command"),
    [
        (["docker-compose.yml"], "stackc compile --force"),
        (["compose.yaml"], "mv compose.yaml compose.yaml.bak && stackc compile"),
        (
            ["docker-compose.yml", "docker-compose.override.yml"],
            "mv docker-compose.override.yml docker-compose.override.yml.bak && stackc compile --force",
        ),
    ],
)
def test_the_next_command_works(tmp_path: Path, names: list[str], command: str) -> None:
    for name in names:
        (tmp_path / name).write_text("services: {app: {image: 'x:1'}}\n")
    assert stackc("import", tmp_path).output.splitlines()[-1] == f"next: cd {tmp_path} && {command}"
