"""Volumes that the engines' own images made, taken over with their rows, and what people need of a server besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.engines.conftest import Stack, need, run
from tests.engines.test_postgresql import strings

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.engine
IMAGE = "pgvector/pgvector:pg16"
OLD = """
name: stackctest-moving
services:
  umami:
    image: {image}
    environment: {{POSTGRES_USER: umami, POSTGRES_PASSWORD: "old one", POSTGRES_DB: umami}}
    volumes: ["umami-data:/var/lib/postgresql/data"]
    healthcheck: &ready {{test: ["CMD", "pg_isready", "-h", "127.0.0.1"], interval: 1s, retries: 60}}
  plain:
    image: {image}
    environment: {{POSTGRES_PASSWORD: "old too"}}
    volumes: ["plain-data:/var/lib/postgresql/data"]
    healthcheck: *ready
volumes: {{umami-data: null, plain-data: null}}
"""
NEW = """
name: stackctest-moving
databases:
  umami:
    adapter: postgresql
    port: 20201
    admin: umami
    user: umami
    volume: umami-data
    settings: {log_min_duration_statement: 250ms, work_mem: 8MB}
    environment: {TZ: Europe/Berlin}
  plain:
    adapter: postgresql
    port: 127.0.0.1:20202
    volume: {name: stackctest-moving_plain-data, external: true}
    user: app
    database: shop
    needs: [change-data-capture]
    scripts: [seed.sql]
  temporal: {on: plain, rights: [create-database]}
  visibility: {on: plain, database: temporal_visibility}
"""
ROWS = """
CREATE TYPE mood AS ENUM ('ok');
CREATE TABLE notes (id serial PRIMARY KEY, text text, m mood);
INSERT INTO notes (text) VALUES ('kept');
"""


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    need(IMAGE)
    stack = Stack(tmp_path_factory.mktemp("stack"))
    file = stack.folder / "docker-compose.yml"
    file.write_text(OLD.format(image=IMAGE))
    stack.up()
    made = stack.exec("umami", "psql", "-U", "umami", "-c", ROWS)
    made = made if made.returncode else stack.exec("plain", "createdb", "-U", "postgres", "shop")
    made = (
        made if made.returncode else stack.exec("plain", "psql", "-U", "postgres", "-d", "shop", "-c", ROWS)
    )
    assert made.returncode == 0, made.stderr
    stack.compose("down", "--timeout", "20")
    file.unlink()
    for key, value in (("UMAMI_PASSWORD", "old one"), ("PLAIN_ADMIN_PASSWORD", "old too")):
        stack.set_env(key, value)
    (stack.folder / "seed.sql").write_text("CREATE TABLE seeded (id int);\nINSERT INTO nowhere VALUES (1);\n")
    stack.compile(NEW)
    yield stack
    stack.down()
    run("docker", "volume", "rm", "stackctest-moving_plain-data")


def test_a_script_that_fails_fails_the_start_and_leaves_nothing_behind(moved: Stack) -> None:
    done = moved.compose("up", "-d", "--wait", "--wait-timeout", "120", "--pull", "never")
    assert done.returncode != 0
    assert "nowhere" in moved.compose("logs", "plain-init").stdout
    with psycopg.connect(strings(moved, "plain")["url"]) as connection:
        assert connection.execute("SELECT to_regclass('seeded')").fetchone() == (None,)


def test_a_script_runs_once_as_the_application(moved: Stack) -> None:
    (moved.folder / "seed.sql").write_text("CREATE TABLE seeded AS SELECT 1 AS id;\n")
    moved.compile()
    for _ in range(2):
        moved.up("--force-recreate")
        with psycopg.connect(strings(moved, "plain")["url"]) as connection:
            query = (
                "SELECT (SELECT count(*) FROM seeded), tableowner FROM pg_tables WHERE tablename = 'seeded'"
            )
            assert connection.execute(query).fetchone() == (1, "app")


@pytest.mark.parametrize(("database", "user"), [("umami", "umami"), ("plain", "app")])
def test_old_rows_are_served_to_the_application(moved: Stack, database: str, user: str) -> None:
    moved.up()
    with psycopg.connect(strings(moved, database)["url"]) as connection:
        assert connection.execute("SELECT current_user, text FROM notes").fetchone() == (user, "kept")
        connection.execute("ALTER TABLE notes ADD COLUMN more text")
        connection.execute("ALTER TYPE mood ADD VALUE 'better'")
        connection.execute("INSERT INTO notes (text) VALUES ('new')")
        connection.rollback()


def test_settings_and_variables_hold(moved: Stack) -> None:
    moved.up()
    with psycopg.connect(strings(moved, "umami")["url"]) as connection:
        query = "SELECT current_setting('log_min_duration_statement'), current_setting('work_mem')"
        assert connection.execute(query).fetchone() == ("250ms", "8MB")
    assert moved.exec("umami", "printenv", "TZ").stdout == "Europe/Berlin\n"


def test_capabilities_that_are_needed_are_delivered(moved: Stack) -> None:
    moved.up()
    with psycopg.connect(strings(moved, "plain")["url"], autocommit=True) as connection:
        connection.execute("SELECT pg_create_logical_replication_slot('cdc', 'pgoutput')")
        connection.execute("SELECT pg_drop_replication_slot('cdc')")


def test_several_databases_on_one_server_have_users_of_their_own(moved: Stack) -> None:
    moved.up()
    with psycopg.connect(strings(moved, "temporal")["url"], autocommit=True) as connection:
        assert connection.execute("SELECT current_user, current_database()").fetchone() == ("temporal",) * 2
        connection.execute("CREATE DATABASE shadow")
        connection.execute("DROP DATABASE shadow")
    with psycopg.connect(strings(moved, "visibility")["url"], autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE DATABASE shadow")
        assert connection.execute("SELECT current_database()").fetchone() == ("temporal_visibility",)
    password = moved.env["VISIBILITY_PASSWORD"]
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(f"postgresql://visibility:{password}@127.0.0.1:20202/temporal")
