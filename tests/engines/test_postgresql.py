"""PostgreSQL as rendered, on a running server."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import asyncpg
import psycopg
import pytest
import sqlalchemy

from compiler.pages.access import find_connections
from compiler.report import Report
from compiler.run.workspace import Project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engines.conftest import Stack

pytestmark = pytest.mark.engine
IMAGE = "pgvector/pgvector:pg16"
HOSTILE = 'it\'s \\ "$HOME" #%/@:?&+ π🔑'
PLAIN = """
name: stackctest-postgresql-plain
databases:
  main: {adapter: postgresql, port: 20001, query_timeout: 2s, memory: 512M, pool: {size: 7}}
"""
VECTOR = ", vector: {dimensions: 3, metric: l2}, extensions: [pg_trgm]}"
TLS = """
name: stackctest-postgresql-tls
databases:
  safe: {adapter: pg, port: 20002, tls: verify-full}
  rag: {adapter: pg, port: 20003, vector: {collection: langchain_pg_embedding, dimensions: 3, managed: false}}
"""


@pytest.fixture(scope="module")
def plain(boot: Callable[..., Stack]) -> Stack:
    return boot(PLAIN, IMAGE, env={"MAIN_PASSWORD": HOSTILE, "MAIN_ADMIN_PASSWORD": HOSTILE})


@pytest.fixture(scope="module")
def secured(boot: Callable[..., Stack]) -> Stack:
    return boot(TLS, IMAGE)


def strings(stack: Stack, database: str) -> dict[str, str]:
    project = Project(stack.folder / "stack.yaml", stack.folder, today="2026-01-01")
    found = Report()
    drivers, _ = find_connections(project, database, found, driver=None, origin="host", reveal=True)
    assert drivers, list(found)
    return {name: row["string"] for name, row in drivers.items()}


def test_every_driver_logs_in_with_a_hostile_password(plain: Stack) -> None:
    texts = strings(plain, "main")
    for driver in ("url", "psycopg"):
        with psycopg.connect(texts[driver]) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("main",)
    for driver in ("sqlalchemy", "sqlalchemy_psycopg2"):
        engine = sqlalchemy.create_engine(texts[driver])
        with engine.connect() as connection:
            assert connection.execute(sqlalchemy.text("SELECT current_database()")).scalar() == "main"
        engine.dispose()
    assert asyncio.run(_asyncpg(texts["asyncpg"])) == "main"
    assert asyncio.run(_sqlalchemy_async(texts["sqlalchemy_async"])) == "main"


async def _asyncpg(url: str, **options: object) -> str:
    connection = await asyncpg.connect(url, **options)
    try:
        return str(await connection.fetchval("SELECT current_user"))
    finally:
        await connection.close()


async def _sqlalchemy_async(url: str) -> str:
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(url)
    async with engine.connect() as connection:
        name = (await connection.execute(sqlalchemy.text("SELECT current_user"))).scalar()
    await engine.dispose()
    return str(name)


def test_wrong_password_is_refused(plain: Stack) -> None:
    url = strings(plain, "main")["url"].replace("it%27s", "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_application_is_not_superuser_and_owns_its_database(plain: Stack) -> None:
    with psycopg.connect(strings(plain, "main")["url"]) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert row == (False, False, False)
        connection.execute("CREATE TABLE own (id int)")
        connection.rollback()


def test_query_timeout_ends_a_long_query(plain: Stack) -> None:
    with (
        psycopg.connect(strings(plain, "main")["url"]) as connection,
        pytest.raises(psycopg.errors.QueryCanceled),
    ):
        connection.execute("SELECT pg_sleep(10)")


def test_probe_fails_on_a_wrong_password(plain: Stack) -> None:
    probe = plain.inspect("main", "{{index .Config.Healthcheck.Test 1}}")
    assert plain.sh("main", probe).returncode == 0
    wrong = probe.replace('cat "$1"', "echo wrong")
    assert wrong != probe and plain.sh("main", wrong).returncode != 0


def test_no_password_is_shown_by_inspect_or_in_the_process_list(plain: Stack) -> None:
    shown = plain.inspect("main", "{{json .}}") + plain.inspect("main-init", "{{json .}}")
    processes = plain.sh("main", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout
    for key in ("MAIN_PASSWORD", "MAIN_ADMIN_PASSWORD"):
        assert plain.env[key] not in shown and plain.env[key] not in processes


def test_memory_limit_holds_and_sets_the_buffers(plain: Stack) -> None:
    assert plain.inspect("main", "{{.HostConfig.Memory}}") == str(512 << 20)
    with psycopg.connect(strings(plain, "main")["url"]) as connection:
        assert connection.execute("SHOW shared_buffers").fetchone() == ("128MB",)


def test_second_up_adds_index_and_extension_and_a_changed_password(plain: Stack) -> None:
    with psycopg.connect(strings(plain, "main")["url"]) as connection:
        connection.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (42)")
    plain.set_env("MAIN_PASSWORD", "changed'\\\n")
    plain.compile(PLAIN.replace("}}\n", "}" + VECTOR + "\n"))
    plain.up()
    with psycopg.connect(strings(plain, "main")["url"]) as connection:
        assert connection.execute("SELECT id FROM kept").fetchone() == (42,)
        names = {row[0] for row in connection.execute("SELECT extname FROM pg_extension").fetchall()}
        assert {"vector", "pg_trgm"} <= names
        connection.execute(
            "INSERT INTO documents (embedding) SELECT ARRAY[i, i % 7, 1]::vector FROM generate_series(1, 2000) i"
        )
        connection.execute("ANALYZE documents")
        connection.execute("SET enable_seqscan = off")
        query = _query(plain, "main").replace("[…]", "[1,2,3]")
        plan = connection.execute("EXPLAIN " + query.rstrip().rstrip(";")).fetchall()
        assert "documents_embedding_l2_hnsw" in str(plan)


def _query(stack: Stack, database: str) -> str:
    project = Project(stack.folder / "stack.yaml", stack.folder, today="2026-01-01")
    _, query = find_connections(project, database, Report(), driver="url", origin="network", reveal=False)
    assert query
    return query


def test_stop_start_and_recreate_keep_data_and_logins(plain: Stack) -> None:
    for command in (("stop",), ("down", "--timeout", "20")):
        assert plain.compose(*command).returncode == 0
        plain.up()
        with psycopg.connect(strings(plain, "main")["url"]) as connection:
            assert connection.execute(
                "SELECT count(*) FROM pg_tables WHERE tablename = 'kept'"
            ).fetchone() == (1,)


def test_failing_statement_fails_the_up(plain: Stack) -> None:
    text = (plain.folder / "stack.yaml").read_text()
    plain.compile(text.replace("pg_trgm", "no_such_extension"))
    done = plain.compose("up", "-d", "--wait", "--pull", "never")
    assert done.returncode != 0 and "main-init" in done.stderr
    assert "no_such_extension" in plain.compose("logs", "main-init").stdout
    plain.compile(text)
    plain.up()


def test_tls_is_verified_and_plaintext_refused(secured: Stack, tmp_path: Path) -> None:
    url = strings(secured, "safe")["url"]
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone() == (
            True,
        )
    with pytest.raises(psycopg.OperationalError, match="pg_hba"):
        psycopg.connect(url.replace("sslmode=verify-full", "sslmode=disable"))
    other = tmp_path / "other.crt"
    other.write_bytes(_other_authority())
    wrong = url.split("?")[0] + f"?sslmode=verify-full&sslrootcert={other}"
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        psycopg.connect(wrong)
    context = ssl.create_default_context(cafile=str(secured.folder / "tls" / "ca.crt"))
    assert asyncio.run(_asyncpg(strings(secured, "safe")["asyncpg"].split("?")[0], ssl=context)) == "safe"


def _other_authority() -> bytes:
    from datetime import datetime

    from compiler.model import Certificate
    from compiler.report import Report, Span
    from compiler.targets.certificates import issue

    wanted = Certificate(name="x", hosts=("x",), files={"K": ["key"], "B": ["certificate", "key"]})
    artifacts, _ = issue((wanted,), {}, datetime(2026, 1, 1), Span(path="x"), ".", Report())
    return next(artifact.content for artifact in artifacts if artifact.path == "tls/ca.crt")


def test_index_of_a_framework_table_is_made_when_the_table_is_there(secured: Stack) -> None:
    with psycopg.connect(strings(secured, "rag")["url"]) as connection:
        connection.execute("CREATE TABLE langchain_pg_embedding (id text PRIMARY KEY, embedding vector)")
    secured.up()
    with psycopg.connect(strings(secured, "rag")["url"]) as connection:
        indexes = connection.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'langchain_pg_embedding'"
        ).fetchall()
        assert "hnsw (((embedding)::vector(3)) vector_cosine_ops)" in str(indexes)


def test_first_start_is_not_healthy_before_its_scripts_are_done(boot: Callable[..., Stack]) -> None:
    stack = boot("name: stackctest-postgresql-slow\ndatabases:\n  slow: {adapter: pg}\n", IMAGE, up=False)
    (stack.folder / "slow.sh").write_text("sleep 8\ntouch /tmp/slow-done\n")
    overlay = "x-compose: {volumes: ['./slow.sh:/docker-entrypoint-initdb.d/slow.sh:ro']}"
    stack.compile(f"name: stackctest-postgresql-slow\ndatabases:\n  slow: {{adapter: pg, {overlay}}}\n")
    assert stack.compose("up", "-d", "--pull", "never", "slow").returncode == 0
    probe = stack.inspect("slow", "{{index .Config.Healthcheck.Test 1}}")
    stack.wait_for(lambda: "accept connections" in stack.compose("logs", "slow").stdout)
    while stack.sh("slow", "test -e /tmp/slow-done").returncode:
        assert (
            stack.sh("slow", probe).returncode != 0
            or not stack.sh("slow", "test -e /tmp/slow-done").returncode
        )
    stack.wait_for(lambda: stack.health("slow") == "healthy")
