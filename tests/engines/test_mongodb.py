"""MongoDB as rendered, on a running server of the lab."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

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

import pymongo

pytestmark = pytest.mark.engine
IMAGE = "mongo:7.0"
HOSTILE = 'it\'s \\ "$HOME" `id` ${x} #%/@:?&+;= <π漢>'
STACK = """
name: stackctest-mongodb-main
databases:
  main: {adapter: mongodb, port: 22050, query_timeout: 5s, memory: 512M, pool: {size: 7}}
  safe: {adapter: mongo, database: Shop, port: 22051, tls: verify-full}
"""
SLOW = """
name: stackctest-mongodb-slow
databases:
  slow:
    adapter: mongo
    read_only: true
    x-compose: {volumes: ["./slow.sh:/docker-entrypoint-initdb.d/slow.sh:ro"]}
"""


@pytest.fixture(scope="module")
def stack(boot: Callable[..., Stack]) -> Stack:
    return boot(STACK, IMAGE, env={"MAIN_PASSWORD": HOSTILE, "MAIN_ADMIN_PASSWORD": HOSTILE})


def strings(stack: Stack, database: str, origin: str = "host") -> dict[str, str]:
    project = Project(stack.folder / "stack.yaml", stack.folder, today="2026-01-01")
    found = Report()
    drivers, _ = find_connections(project, database, found, driver=None, origin=origin, reveal=True)
    assert drivers, list(found)
    return {name: row["string"] for name, row in drivers.items()}


def insert(url: str, database: str | None = None) -> int:
    """Logs in, writes into the database of the string or another, and counts what is there."""
    with pymongo.MongoClient(url, serverSelectionTimeoutMS=4000) as client:
        items = (client[database] if database else client.get_default_database()).items
        items.insert_one({"kept": 42})
        return int(items.count_documents({"kept": 42}))


async def ping(url: str) -> float:
    async with pymongo.AsyncMongoClient(url) as client:
        return float((await client.get_default_database().command("ping"))["ok"])


def test_every_python_string_logs_in_with_a_hostile_password(stack: Stack) -> None:
    texts = strings(stack, "main")
    for driver in ("url", "pymongo"):
        assert insert(texts[driver]) > 0
        assert asyncio.run(ping(texts[driver])) == 1


def test_shell_logs_in_with_the_string_of_the_network(stack: Stack) -> None:
    for database, name in (("main", "main"), ("safe", "Shop")):
        url = strings(stack, database, "network")["node"]
        done = stack.exec(database, "mongosh", "--quiet", url, "--eval", "db.getName()")
        assert done.stdout.strip() == name, done.stderr


def test_wrong_password_is_refused(stack: Stack) -> None:
    url = strings(stack, "main")["url"].replace("it%27s", "wrong")
    with pytest.raises(pymongo.errors.OperationFailure, match="Authentication failed"):
        insert(url)


def test_application_has_its_own_database_alone(stack: Stack) -> None:
    url = strings(stack, "main")["url"]
    with pytest.raises(pymongo.errors.OperationFailure, match="not authorized"):
        insert(url, "other")
    with (
        pymongo.MongoClient(url) as client,
        pytest.raises(pymongo.errors.OperationFailure, match="not authorized"),
    ):
        client.get_default_database().command("createUser", "more", pwd="more", roles=["readWrite"])


def test_probe_fails_on_a_wrong_password(stack: Stack) -> None:
    for database in ("main", "safe"):
        probe = stack.inspect(database, "{{index .Config.Healthcheck.Test 1}}")
        done = stack.sh(database, probe)
        assert done.returncode == 0, done.stderr
        wrong = probe.replace(f"/run/secrets/{database}-admin-password", "/tmp/wrong")
        done = stack.sh(database, f"printf wrong >/tmp/wrong\n{wrong}")
        assert wrong != probe and done.returncode != 0
        assert "Authentication failed" in done.stderr


def test_no_password_is_shown_by_inspect_or_in_the_process_list(stack: Stack) -> None:
    shown = stack.inspect("main", "{{json .}}") + stack.inspect("main-init", "{{json .}}")
    probe = stack.inspect("main", "{{index .Config.Healthcheck.Test 1}}")
    watch = "while kill -0 $!; do cat /proc/[0-9]*/cmdline; done 2>/dev/null | tr '\\0' ' '"
    shown += stack.sh("main", f"({probe}) & {watch}").stdout
    assert "mongosh" in shown
    for key in ("MAIN_PASSWORD", "MAIN_ADMIN_PASSWORD"):
        assert stack.env[key] not in shown and quote(stack.env[key], safe="") not in shown


def test_memory_limit_holds_and_sets_the_cache(stack: Stack) -> None:
    assert stack.inspect("main", "{{.HostConfig.Memory}}") == str(512 << 20)
    assert "--wiredTigerCacheSizeGB=0.25" in stack.inspect("main", "{{json .Config.Cmd}}")


def test_probes_leave_no_logs_behind(stack: Stack) -> None:
    assert stack.sh("main", "ls /tmp/stackc-client/.mongodb/mongosh/config").returncode == 0
    assert stack.sh("main", "find /tmp -name '*_log*'").stdout == ""


def test_tls_is_verified_and_plaintext_refused(stack: Stack, tmp_path: Path) -> None:
    url = strings(stack, "safe")["pymongo"]
    assert insert(url) > 0
    with pytest.raises(pymongo.errors.ServerSelectionTimeoutError):
        insert(url.split("?")[0] + "?authSource=Shop")
    other = tmp_path / "other.crt"
    other.write_bytes(_other_authority())
    with pytest.raises(pymongo.errors.ServerSelectionTimeoutError, match="certificate verify failed"):
        insert(url.split("?")[0] + f"?authSource=Shop&tls=true&tlsCAFile={other}")


def _other_authority() -> bytes:
    wanted = Certificate(name="x", hosts=("x",), files={"K": ["key"], "B": ["certificate", "key"]})
    artifacts, _ = issue((wanted,), {}, datetime(2026, 1, 1), Span(path="x"), ".", Report())
    return next(artifact.content for artifact in artifacts if artifact.path == "tls/ca.crt")


def test_recreation_with_another_password_and_database_keeps_the_data(stack: Stack) -> None:
    old, container = strings(stack, "main")["url"], stack.inspect("main", "{{.Id}}")
    count = insert(old)
    stack.set_env("MAIN_PASSWORD", "changed'\\")
    stack.compile(STACK.replace("database: Shop", "database: Store"))
    stack.up()
    assert stack.inspect("main", "{{.Id}}") != container
    assert insert(strings(stack, "main")["url"]) == count + 1
    assert insert(strings(stack, "safe")["pymongo"]) == 1
    with pytest.raises(pymongo.errors.OperationFailure, match="Authentication failed"):
        insert(old)


def test_stop_and_start_keep_data_and_logins(stack: Stack) -> None:
    count = insert(strings(stack, "main")["url"])
    container = stack.inspect("main", "{{.Id}}")
    assert stack.compose("stop").returncode == 0
    stack.up()
    assert stack.inspect("main", "{{.Id}}") == container
    assert insert(strings(stack, "main")["url"]) == count + 1


def test_failing_statement_fails_the_up(stack: Stack) -> None:
    password = quote(stack.env["MAIN_ADMIN_PASSWORD"], safe="")
    with pymongo.MongoClient(f"mongodb://root:{password}@127.0.0.1:22050/admin") as client:
        client.admin.command("createUser", "other", pwd="other-password", roles=["root"])
        client.admin.command("updateUser", "root", roles=["read"])
    done = stack.compose("up", "-d", "--wait", "--pull", "never")
    assert done.returncode != 0 and "main-init" in done.stderr
    assert "not authorized on main to execute command" in stack.compose("logs", "main-init").stdout
    with pymongo.MongoClient("mongodb://other:other-password@127.0.0.1:22050/admin") as client:
        client.admin.command("updateUser", "root", roles=["root"])
    stack.up()


def test_first_start_is_not_healthy_before_its_scripts_are_done(boot: Callable[..., Stack]) -> None:
    stack = boot(SLOW, IMAGE, up=False)
    (stack.folder / "slow.sh").write_text("touch /tmp/begun; until [ -e /tmp/go ]; do sleep 0.2; done\n")
    assert stack.compose("up", "-d", "--pull", "never", "slow").returncode == 0
    stack.wait_for(lambda: not stack.sh("slow", "test -e /tmp/begun").returncode)
    probe = stack.inspect("slow", "{{index .Config.Healthcheck.Test 1}}")
    nobody = probe.replace("${login}@", "").replace("authSource=${SOURCE}&", "")
    assert not stack.sh("slow", nobody.replace('"$HOSTNAME"', "127.0.0.1")).returncode
    assert stack.sh("slow", probe).returncode != 0
    assert stack.sh("slow", "touch /tmp/go").returncode == 0
    stack.wait_for(lambda: stack.health("slow") == "healthy", 120)
