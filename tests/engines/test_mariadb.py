"""MariaDB as rendered, on a running server: where its image is, since no lab that is made from packages has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from compiler.pages.access import find_connections
from compiler.report import Report
from compiler.run.workspace import Project
from tests.engines.conftest import missing
from tests.engines.test_mysql import ask, connect, probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engines.conftest import Stack

import pymysql

pytestmark = pytest.mark.engine
IMAGE = "mariadb:11.8"
HOSTILE = "it's \\ \"$HOME\" #%/@:?&+=;`\\'\n-- π🔑\\"
VECTOR = "vector: {dimensions: 3, metric: cosine}"
STACK = f"""
name: stackctest-mariadb-main
databases:
  main: {{adapter: mariadb, port: 21030, database: shop_db, query_timeout: 1500ms, memory: 512M, {VECTOR}}}
  safe: {{adapter: mariadb, port: 21031, tls: verify-full, binary_log: true}}
"""


@pytest.fixture(scope="module")
def stack(boot: Callable[..., Stack]) -> Stack:
    if reason := missing(IMAGE):
        pytest.skip(reason)
    return boot(STACK, IMAGE, env={"MAIN_PASSWORD": HOSTILE, "MAIN_ADMIN_PASSWORD": HOSTILE[::-1]})


def query(stack: Stack) -> str:
    project = Project(stack.folder / "stack.yaml", stack.folder, today="2026-01-01")
    _, query = find_connections(project, "main", Report(), driver="url", origin="network", reveal=False)
    assert query
    return query.replace("[…]", "[1,0,0]")


def test_application_logs_in_and_a_wrong_password_is_refused(stack: Stack) -> None:
    with connect(stack) as connection:
        assert ask(connection, "SELECT DATABASE()") == (("shop_db",),)
        with pytest.raises(pymysql.OperationalError, match="denied"):
            ask(connection, "CREATE DATABASE more")
    with pytest.raises(pymysql.OperationalError, match="Access denied"):
        connect(stack, password="wrong")


def test_probe_fails_on_a_wrong_password(stack: Stack) -> None:
    for database in ("main", "safe"):
        script = probe(stack, database)
        assert stack.sh(database, script).returncode == 0
        wrong = script.replace('cat "$1"', "echo wrong")
        assert wrong != script and "Access denied" in stack.sh(database, wrong).stderr


def test_query_timeout_ends_any_statement_of_the_application(stack: Stack) -> None:
    with connect(stack) as connection:
        assert ask(connection, "SELECT @@max_statement_time") == ((1.5,),)
        with pytest.raises(pymysql.OperationalError, match="max_statement_time exceeded"):
            ask(connection, "CREATE TABLE slow AS SELECT SLEEP(10)")


def test_vector_index_is_in_the_plan_of_the_query(stack: Stack) -> None:
    with connect(stack) as connection:
        rows = ", ".join(f"(VEC_FromText('[{n},{n % 7},1]'))" for n in range(500))
        ask(connection, f"INSERT INTO documents (embedding) VALUES {rows}")
        assert "stackc_cosine" in str(ask(connection, f"EXPLAIN {query(stack)}"))
        assert len(ask(connection, query(stack))) == 10


def test_second_up_changes_metric_and_passwords_and_keeps_the_data(stack: Stack) -> None:
    stack.set_env("MAIN_PASSWORD", "changed'\\")
    stack.set_env("MAIN_ADMIN_PASSWORD", "changed\\'")
    stack.compile(STACK.replace("metric: cosine", "metric: l2"))
    stack.up()
    with connect(stack, password="changed'\\") as connection:
        assert "stackc_euclidean" in str(ask(connection, f"EXPLAIN {query(stack)}"))
        assert ask(connection, "SELECT COUNT(*) FROM documents") == ((500,),)


def test_vectors_of_other_dimensions_fail_the_up(stack: Stack) -> None:
    stack.compile(STACK.replace("dimensions: 3", "dimensions: 4"))
    done = stack.compose("up", "-d", "--wait", "--pull", "never")
    assert done.returncode != 0 and "main-init" in done.stderr
    assert "not of these dimensions: documents.embedding" in stack.compose("logs", "main-init").stdout


def test_vector_index_of_a_framework_stays(stack: Stack) -> None:
    framework = "dimensions: 3, managed: false, collection: own"
    with connect(stack) as connection:
        ask(
            connection,
            "CREATE TABLE own (e VECTOR(3) NOT NULL, embedding VECTOR(3) NOT NULL, VECTOR INDEX (e))",
        )
    stack.compile(STACK.replace("dimensions: 3", framework))
    stack.up()
    with connect(stack) as connection:
        shown = str(ask(connection, "SHOW CREATE TABLE own"))
        assert "VECTOR KEY `e`" in shown and "stackc" not in shown


def test_tls_is_verified_and_plaintext_refused(stack: Stack) -> None:
    with connect(stack, "safe") as connection:
        assert ask(connection, "SHOW STATUS LIKE 'Ssl_cipher'")[0][1].startswith("TLS_")
        assert ask(connection, "SELECT @@log_bin") == ((1,),)
    with pytest.raises(pymysql.OperationalError, match="insecure transport are prohibited"):
        connect(stack, "safe", ssl=None, ssl_disabled=True)
