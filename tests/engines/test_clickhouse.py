"""ClickHouse as rendered, on a running server."""

from __future__ import annotations

import ssl
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

import clickhouse_connect
import clickhouse_driver
import pytest
import sqlalchemy
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_driver.errors import Error as DriverError

from compiler.pages.access import find_connections
from compiler.report import Report
from compiler.run.workspace import Project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engines.conftest import Stack

pytestmark = pytest.mark.engine
IMAGE = "clickhouse/clickhouse-server:latest"
HOSTILE = 'it\'s \\ "$HOME" ]]>&amp;<x> #%/@:?+ π🔑'
EVENTS = "events: {adapter: clickhouse, port: 23000, native_port: 23001, nofile: 20000, query_timeout: 2s, memory: 1G"
BOTH = f"""
name: stackctest-clickhouse-both
databases:
  {EVENTS}}}
  safe: {{adapter: ch, port: 23002, native_port: 23003, nofile: 20000, tls: verify-full}}
"""
MORE = BOTH.replace(EVENTS, f"{EVENTS}, database: more")
SLOW = """
name: stackctest-clickhouse-slow
databases:
  slow:
    adapter: clickhouse
    nofile: 20000
    x-compose: {volumes: ['./slow.sh:/docker-entrypoint-initdb.d/slow.sh:ro']}
"""
# Servers that are older than the client lack what it asks for right after it has logged in.
OLD_SERVER = "Unknown identifier: readonly"


@pytest.fixture(scope="module")
def stack(boot: Callable[..., Stack]) -> Stack:
    return boot(BOTH, IMAGE, env={"EVENTS_PASSWORD": HOSTILE, "EVENTS_ADMIN_PASSWORD": HOSTILE + " "})


def strings(stack: Stack, database: str) -> dict[str, str]:
    project = Project(stack.folder / "stack.yaml", stack.folder, today="2026-01-01")
    found = Report()
    drivers, _ = find_connections(project, database, found, driver=None, origin="host", reveal=True)
    assert drivers, list(found)
    return {name: row["string"] for name, row in drivers.items()}


def ask(stack: Stack, query: str, database: str = "events", **options: str) -> list[tuple[object, ...]]:
    client = clickhouse_driver.Client.from_url(strings(stack, database)["clickhouse_driver"])
    for name, value in options.items():
        setattr(client.connection, name, value)
    try:
        return list(client.execute(query))
    finally:
        client.disconnect()


def fetch(url: str, query: str, context: ssl.SSLContext | None = None) -> str:
    parts = urlsplit(url)
    login = b64encode(f"{parts.username}:{unquote(parts.password or '')}".encode()).decode()
    address = f"{parts.scheme}://{parts.hostname}:{parts.port}{parts.path}?{parts.query}"
    request = Request(address, data=query.encode(), headers={"Authorization": f"Basic {login}"})
    with urlopen(request, context=context) as answer:
        return str(answer.read().decode().strip())


def test_every_driver_logs_in_with_a_hostile_password(stack: Stack) -> None:
    texts = strings(stack, "events")
    assert fetch(texts["url"], "SELECT currentDatabase()") == "events"
    assert ask(stack, "SELECT currentDatabase()") == [("events",)]
    for login in (
        lambda: clickhouse_connect.get_client(dsn=texts["clickhouse_connect"]).close(),
        lambda: sqlalchemy.create_engine(texts["sqlalchemy"]).connect().close(),
    ):
        try:
            login()
        except (DatabaseError, sqlalchemy.exc.DatabaseError) as fault:
            assert OLD_SERVER in str(fault), fault


def test_wrong_password_is_refused(stack: Stack) -> None:
    with pytest.raises(DriverError, match=r"Wrong password|Authentication failed"):
        ask(stack, "SELECT 1", password="wrong")
    with pytest.raises(DatabaseError, match=r"Wrong password|Authentication failed"):
        clickhouse_connect.get_client(dsn=strings(stack, "events")["clickhouse_connect"], password="wrong")


def test_user_without_a_password_is_not_heard_from_outside(stack: Stack) -> None:
    with pytest.raises(DriverError, match=r"not allowed to connect|Authentication failed"):
        ask(stack, "SELECT 1", user="default", password="")


def test_query_timeout_ends_a_long_query(stack: Stack) -> None:
    with pytest.raises(DriverError, match="Timeout exceeded"):
        ask(stack, "SELECT count() FROM system.numbers")


@pytest.mark.parametrize("database", ["events", "safe"])
def test_probe_fails_on_a_wrong_password(stack: Stack, database: str) -> None:
    probe = stack.inspect(database, "{{index .Config.Healthcheck.Test 1}}")
    assert stack.sh(database, probe).returncode == 0
    wrong = probe.replace(f"/run/secrets/{database}-password", "/tmp/wrong")
    done = stack.sh(database, f"printf wrong >/tmp/wrong\n{wrong}")
    assert done.returncode != 0 and ("Wrong password" in done.stderr or "Authentication" in done.stderr)


def test_no_password_is_shown_by_inspect_processes_or_logs(stack: Stack) -> None:
    shown = stack.inspect("events", "{{json .}}") + stack.inspect("events-init", "{{json .}}")
    shown += stack.sh("events", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout
    shown += stack.compose("logs").stdout
    assert stack.env["EVENTS_PASSWORD"] == HOSTILE
    assert HOSTILE not in shown and "🔑" not in shown and "\\ud83d" not in shown


def test_server_runs_as_its_own_user_and_keeps_only_hashes(stack: Stack) -> None:
    assert stack.sh("events", "stat -c %u /proc/1").stdout.strip() == "101"
    passwords = "/etc/clickhouse-server/users.d/stackc-passwords.xml"
    assert stack.sh("events", f"stat -c '%u %a' {passwords}").stdout.strip() == "101 600"
    written = stack.sh("events", f"cat {passwords}").stdout
    assert "password_sha256_hex" in written and stack.env["EVENTS_PASSWORD"] not in written


def test_memory_limit_holds(stack: Stack) -> None:
    assert stack.inspect("events", "{{.HostConfig.Memory}}") == str(1 << 30)


def test_stop_start_and_recreate_keep_data_and_logins(stack: Stack) -> None:
    ask(stack, "CREATE TABLE kept (id UInt32) ENGINE = MergeTree ORDER BY id")
    ask(stack, "INSERT INTO kept SELECT number FROM numbers(42)")
    for command in (("stop",), ("down", "--timeout", "20")):
        assert stack.compose(*command).returncode == 0
        stack.up()
        assert ask(stack, "SELECT count() FROM kept") == [(42,)]


def test_second_up_adds_a_database_and_takes_a_changed_password(stack: Stack) -> None:
    stack.set_env("EVENTS_PASSWORD", "changed ]]> '\\")
    stack.compile(MORE)
    stack.up()
    assert ask(stack, "SELECT currentDatabase()") == [("more",)]


def test_failing_statement_fails_the_up(stack: Stack) -> None:
    ask(stack, "CREATE TABLE documents (id UInt32, embedding String) ENGINE = MergeTree ORDER BY id")
    stack.compile(MORE.replace(EVENTS, f"{EVENTS}, vector: {{dimensions: 3}}"))
    done = stack.compose("up", "-d", "--wait", "--pull", "never")
    assert done.returncode != 0 and "events-init" in done.stderr
    assert "Exception" in stack.compose("logs", "events-init").stdout
    stack.compile(MORE)
    stack.up()


def test_tls_is_verified(stack: Stack, tmp_path: Path) -> None:
    authority = stack.folder / "tls" / "ca.crt"
    texts = strings(stack, "safe")
    assert ask(stack, "SELECT 1", "safe") == [(1,)]
    context = ssl.create_default_context(cafile=str(authority))
    assert fetch(texts["url"], "SELECT currentDatabase()", context) == "safe"
    other = tmp_path / "other.crt"
    other.write_bytes(_other_authority())
    wrong = texts["clickhouse_driver"].replace(authority.name, "nothing").split("?")[0]
    client = clickhouse_driver.Client.from_url(f"{wrong}?ca_certs={other}")
    with pytest.raises(DriverError, match=r"(?i)certificate.verify.failed"):
        client.execute("SELECT 1")
    with pytest.raises(Exception, match=r"(?i)certificate.verify.failed"):
        fetch(texts["url"], "SELECT 1", ssl.create_default_context(cafile=str(other)))


def _other_authority() -> bytes:
    from datetime import datetime

    from compiler.model import Certificate
    from compiler.report import Report, Span
    from compiler.targets.certificates import issue

    wanted = Certificate(name="x", hosts=("x",), files={"K": ["key"], "B": ["certificate", "key"]})
    artifacts, _ = issue((wanted,), {}, datetime(2026, 1, 1), Span(path="x"), ".", Report())
    return next(artifact.content for artifact in artifacts if artifact.path == "tls/ca.crt")


def test_plaintext_is_refused(stack: Stack) -> None:
    url = strings(stack, "safe")["clickhouse_driver"].split("?")[0]
    client = clickhouse_driver.Client.from_url(url.replace("clickhouses:", "clickhouse:"))
    with pytest.raises((DriverError, EOFError, OSError)):
        client.execute("SELECT 1")
    listening = stack.sh("safe", "cat /proc/1/net/tcp /proc/1/net/tcp6").stdout
    ports = {int(line.split()[1].split(":")[1], 16) for line in listening.splitlines() if " 0A " in line}
    assert ports & set(range(8000, 10000)) == {8443, 9440}


def test_first_start_is_not_healthy_before_its_scripts_are_done(boot: Callable[..., Stack]) -> None:
    slow = boot("name: stackctest-clickhouse-slow\ndatabases: {slow: {adapter: ch}}\n", IMAGE, up=False)
    (slow.folder / "slow.sh").write_text("touch /tmp/begun\nsleep 6\ntouch /tmp/done\n")
    slow.compile(SLOW)
    assert slow.compose("up", "-d", "--pull", "never", "slow").returncode == 0
    probe = slow.inspect("slow", "{{index .Config.Healthcheck.Test 1}}")
    slow.wait_for(lambda: slow.sh("slow", "test -e /tmp/begun").returncode == 0)
    assert slow.sh("slow", "clickhouse-client --host 127.0.0.1 --query 'SELECT 1'").stdout == "1\n"
    while slow.sh("slow", "test -e /tmp/done").returncode:
        assert slow.sh("slow", probe).returncode != 0 or slow.sh("slow", "test -e /tmp/done").returncode == 0
    slow.wait_for(lambda: slow.health("slow") == "healthy")
