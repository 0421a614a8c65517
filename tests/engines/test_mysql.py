"""MySQL as rendered, on running servers."""

from __future__ import annotations

import asyncio
import json
import shlex
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from compiler.model import Certificate
from compiler.pages.access import find_connections
from compiler.report import Report, Span
from compiler.run.workspace import Project
from compiler.targets.certificates import issue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engines.conftest import Stack

import asyncmy  # noqa: F401
import pymysql
import sqlalchemy

pytestmark = pytest.mark.engine
IMAGES = ("mysql:8.0", "mysql:8.4")
ASCII = "it's \\ \"$HOME\" #%/@:?&+=;`\\'"
HOSTILE = ASCII + "\n-- π🔑\\"
PLAIN = """
name: stackctest-mysql-plain
databases:
  main: {adapter: mysql, port: 21020, database: shop_db, query_timeout: 1s, memory: 768M}
  safe: {adapter: mysql, version: 8.4, port: 21021, tls: verify-full, binary_log: false}
"""


@pytest.fixture(scope="module")
def plain(boot: Callable[..., Stack]) -> Stack:
    passwords = {"MAIN_PASSWORD": HOSTILE, "MAIN_ADMIN_PASSWORD": HOSTILE[::-1], "SAFE_PASSWORD": ASCII}
    return boot(PLAIN, *IMAGES, env=passwords)


def strings(stack: Stack, database: str) -> dict[str, str]:
    project = Project(stack.folder / "stack.yaml", stack.folder, today="2026-01-01")
    found = Report()
    drivers, _ = find_connections(project, database, found, driver=None, origin="host", reveal=True)
    assert drivers, list(found)
    return {name: row["string"] for name, row in drivers.items()}


def connect(stack: Stack, database: str = "main", **changes: Any) -> Any:
    """Connects as the application, with its password as bytes, as PyMySQL wants it beyond Latin-1."""
    arguments = json.loads(strings(stack, database)["pymysql"]) | changes
    if isinstance(arguments["password"], str):
        arguments["password"] = arguments["password"].encode()
    return closing(pymysql.connect(autocommit=True, **arguments))


def ask(connection: Any, statement: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return tuple(cursor.fetchall())


def as_root(stack: Stack, database: str, statement: str) -> str:
    """Runs a statement over the server's socket, where no TLS is asked for."""
    password = f'MYSQL_PWD="$(cat /run/secrets/{database}-admin-password)"'
    done = stack.sh(database, f"{password} mysql -uroot -N -e {shlex.quote(statement)}")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def probe(stack: Stack, database: str) -> str:
    return stack.inspect(database, "{{index .Config.Healthcheck.Test 1}}")


CIPHER = "SHOW STATUS LIKE 'Ssl_cipher'"


async def _asyncmy(url: str, statement: str, **arguments: Any) -> list[Any]:
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(url, connect_args=arguments)
    async with engine.connect() as connection:
        rows = list((await connection.exec_driver_sql(statement)).all())
    await engine.dispose()
    return rows


def _sqlalchemy(url: str, statement: str, **arguments: Any) -> list[Any]:
    engine = sqlalchemy.create_engine(url, connect_args=arguments)
    with engine.connect() as connection:
        rows = list(connection.exec_driver_sql(statement).all())
    engine.dispose()
    return rows


def test_every_driver_logs_in_with_a_hostile_password(plain: Stack) -> None:
    texts, who = strings(plain, "main"), "SELECT USER() LIKE 'main@%%', DATABASE()"
    with connect(plain) as connection:
        assert ask(connection, who.replace("%%", "%")) == ((1, "shop_db"),)
    assert _sqlalchemy(texts["sqlalchemy"], who, password=HOSTILE.encode()) == [(1, "shop_db")]
    rows = asyncio.run(_asyncmy(texts["sqlalchemy_async"], who, password=HOSTILE.encode()))
    assert rows == [(1, "shop_db")]


def test_wrong_password_is_refused(plain: Stack) -> None:
    for database in ("main", "safe"):
        with pytest.raises(pymysql.OperationalError, match="Access denied"):
            connect(plain, database, password="wrong")


def test_application_has_its_database_and_no_other(plain: Stack) -> None:
    as_root(plain, "main", "CREATE DATABASE shopxdb")
    with connect(plain) as connection:
        ask(connection, "CREATE TABLE kept AS SELECT 42 AS id")
        for statement in (
            "USE shopxdb",
            "CREATE DATABASE more",
            "SELECT * FROM mysql.user",
            "CREATE USER me",
        ):
            with pytest.raises(pymysql.err.MySQLError, match="denied"):
                ask(connection, statement)


def test_query_timeout_ends_a_long_query_of_the_application_alone(plain: Stack) -> None:
    columns = "information_schema.columns"
    with (
        connect(plain) as connection,
        pytest.raises(pymysql.OperationalError, match="maximum statement execution"),
    ):
        ask(connection, f"SELECT COUNT(*) FROM {columns} a, {columns} b, {columns} c")
    assert as_root(plain, "main", "SELECT @@max_execution_time") == "0"


def test_probe_fails_on_a_wrong_password(plain: Stack) -> None:
    for database in ("main", "safe"):
        script = probe(plain, database)
        assert plain.sh(database, script).returncode == 0
        wrong = script.replace('cat "$1"', "echo wrong")
        assert wrong != script and "Access denied" in plain.sh(database, wrong).stderr


def test_no_password_is_shown_by_inspect_by_a_log_or_in_the_process_list(plain: Stack) -> None:
    names = ("main", "main-init", "safe", "safe-init")
    shown = "".join(plain.inspect(name, "{{json .Config}}") for name in names) + plain.compose("logs").stdout
    shown += plain.sh("main", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout
    for key in ("MAIN_PASSWORD", "MAIN_ADMIN_PASSWORD", "SAFE_PASSWORD", "SAFE_ADMIN_PASSWORD"):
        for spelled in (plain.env[key], plain.env[key].encode().hex(), json.dumps(plain.env[key])[1:-1]):
            assert spelled not in shown and spelled.upper() not in shown


def test_memory_limit_holds_and_sets_the_buffer_pool(plain: Stack) -> None:
    assert plain.inspect("main", "{{.HostConfig.Memory}}") == str(768 << 20)
    assert as_root(plain, "main", "SELECT @@innodb_buffer_pool_size >> 20") == "384"
    assert plain.inspect("main", "{{.State.OOMKilled}} {{.RestartCount}}") == "false 0"


def test_options_reach_the_server(plain: Stack) -> None:
    ask_for = "SELECT @@max_connections, @@log_bin, @@binlog_expire_logs_seconds, @@character_set_server"
    assert as_root(plain, "main", ask_for).split() == ["151", "1", "259200", "utf8mb4"]
    assert as_root(plain, "safe", "SELECT @@log_bin") == "0"


def test_tls_is_verified_and_plaintext_refused(plain: Stack, tmp_path: Path) -> None:
    texts = strings(plain, "safe")
    with connect(plain, "safe") as connection:
        assert ask(connection, CIPHER)[0][1].startswith("TLS_")
    assert _sqlalchemy(texts["sqlalchemy"], CIPHER)[0][1].startswith("TLS_")
    assert asyncio.run(_asyncmy(texts["sqlalchemy_async"], CIPHER))[0][1].startswith("TLS_")
    with pytest.raises(pymysql.OperationalError, match="insecure transport are prohibited"):
        connect(plain, "safe", ssl=None, ssl_disabled=True)
    other = tmp_path / "other.crt"
    other.write_bytes(_other_authority())
    with pytest.raises(pymysql.OperationalError, match="CERTIFICATE_VERIFY_FAILED"):
        connect(plain, "safe", ssl={"ca": str(other)})


def _other_authority() -> bytes:
    wanted = Certificate(name="x", hosts=("x",), files={"K": ["key"], "B": ["certificate", "key"]})
    artifacts, _ = issue((wanted,), {}, datetime(2026, 1, 1), Span(path="x"), ".", Report())
    return next(artifact.content for artifact in artifacts if artifact.path == "tls/ca.crt")


def test_probe_fails_on_a_server_that_has_lost_its_key(plain: Stack) -> None:
    key = as_root(plain, "safe", "SELECT @@ssl_key")
    reload = "; ALTER INSTANCE RELOAD TLS NO ROLLBACK ON ERROR"
    as_root(plain, "safe", f"SET GLOBAL require_secure_transport = OFF, ssl_key = '/nowhere'{reload}")
    found = plain.sh("safe", probe(plain, "safe"))
    as_root(plain, "safe", f"SET GLOBAL require_secure_transport = ON, ssl_key = '{key}'{reload}")
    assert found.returncode != 0 and "SSL" in found.stderr
    assert plain.sh("safe", probe(plain, "safe")).returncode == 0


def test_second_up_takes_new_passwords_and_another_database(plain: Stack) -> None:
    plain.set_env("MAIN_PASSWORD", "changed'\\")
    plain.set_env("MAIN_ADMIN_PASSWORD", "changed\\'")
    plain.compile(PLAIN.replace("shop_db", "shop_two"))
    plain.up()
    with connect(plain, password="changed'\\") as connection:
        assert ask(connection, "SELECT id, DATABASE() FROM shop_db.kept") == ((42, "shop_two"),)
    with connect(plain, user="root", password="changed\\'") as connection:
        assert ask(connection, "SELECT 1") == ((1,),)
    with pytest.raises(pymysql.OperationalError, match="Access denied"):
        connect(plain, password=HOSTILE)


def test_restart_and_recreation_keep_data_and_logins(plain: Stack) -> None:
    plain.compile(PLAIN)
    for command in (("restart",), ("down", "--timeout", "60")):
        assert plain.compose(*command).returncode == 0
        plain.up()
        with connect(plain) as connection:
            assert ask(connection, "SELECT id FROM kept") == ((42,),)


def test_failing_statement_fails_the_up_and_is_tried_again(plain: Stack) -> None:
    as_root(plain, "main", "SET GLOBAL super_read_only = ON")
    done = plain.compose("up", "-d", "--wait", "--pull", "never")
    assert done.returncode != 0 and "main-init" in done.stderr
    assert "super-read-only" in plain.compose("logs", "main-init").stdout
    as_root(plain, "main", "SET GLOBAL super_read_only = OFF, read_only = OFF")
    plain.up()


def test_first_start_is_not_healthy_before_its_scripts_are_done(boot: Callable[..., Stack]) -> None:
    head = "name: stackctest-mysql-slow\ndatabases:\n  slow: {adapter: mysql, read_only: true"
    stack = boot(head + "}\n", IMAGES[0], up=False)
    (stack.folder / "slow.sh").write_text("touch /tmp/slow-begun\nsleep 8\ntouch /tmp/slow-done\n")
    volume = "./slow.sh:/docker-entrypoint-initdb.d/slow.sh:ro"
    stack.compile(head + f", x-compose: {{volumes: ['{volume}']}}}}\n")
    assert stack.compose("up", "-d", "--pull", "never", "slow").returncode == 0
    stack.wait_for(lambda: not stack.sh("slow", "test -e /tmp/slow-begun").returncode)
    script, seen = probe(stack, "slow"), 0
    while stack.sh("slow", "test -e /tmp/slow-done").returncode:
        passed = not stack.sh("slow", script).returncode
        assert not passed or not stack.sh("slow", "test -e /tmp/slow-done").returncode
        seen += 1
    assert seen > 1
    stack.wait_for(lambda: stack.health("slow") == "healthy")
