"""Redis and Valkey as adapters: what their real clients read in each connection string, and the script of the start."""

from __future__ import annotations

import subprocess
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import kombu
import pytest
import redis
import valkey

from compiler.model import Access, Reference
from compiler.pages.trials.trial import HOSTILE
from compiler.project.connections import render_connection
from compiler.registry.registry import Registry
from compiler.report import Report
from compiler.run.passes import compile_document
from compiler.source import parse_yaml
from tests.adapters.plans import Plan, build_database, plan_database

TODAY = "2026-11-23"
ENGINES = ("redis", "valkey")


def build(adapter: str, options: str = "") -> tuple[Plan | None, list[str]]:
    return build_database(f"adapter: {adapter}, port: 24010{options}")


def plan(adapter: str, options: str = "") -> Plan:
    return plan_database(f"adapter: {adapter}, port: 24010{options}")


def access(adapter: str, options: str = "") -> Access:
    return plan(adapter, options).access["db"]


def text(adapter: str, driver: str, password: str = "secret", options: str = "") -> str:
    return render_connection(access(adapter, options).network[driver], {"DB_PASSWORD": password})


def pool(url: str) -> dict[str, Any]:
    module = valkey if url.startswith("valkey") else redis
    connection = module.ConnectionPool.from_url(url)
    return {"size": connection.max_connections, **connection.connection_kwargs}


def spec(made: Plan, name: str) -> Any:
    return next(one for one in made.containers if one.name == name)


DRIVERS = [("redis", "url"), ("redis", "redis_py"), ("valkey", "redis_py"), ("valkey", "valkey_py")]


@pytest.mark.parametrize("password", HOSTILE)
@pytest.mark.parametrize(("adapter", "driver"), DRIVERS)
def test_python_client_reads_the_password_unchanged(adapter: str, driver: str, password: str) -> None:
    read = pool(text(adapter, driver, password))
    assert (read["username"], read["password"], read["host"], read["port"]) == ("db", password, "db", 6379)


@pytest.mark.parametrize("password", HOSTILE)
def test_celery_reads_the_password_unchanged(password: str) -> None:
    read = kombu.Connection(text("redis", "celery", password))
    assert (read.userid, read.password, read.hostname, read.virtual_host) == ("db", password, "db", "0")


def test_client_gets_pool_and_timeouts_from_its_string() -> None:
    read = pool(text("redis", "redis_py", options=", pool: {size: 7}, query_timeout: 500ms, database: '3'"))
    assert (read["size"], read["socket_timeout"], read["socket_connect_timeout"], read["db"]) == (
        7,
        0.5,
        5.0,
        3,
    )


@pytest.mark.parametrize(("adapter", "driver"), DRIVERS[1:])
def test_verify_full_checks_chain_and_host(adapter: str, driver: str) -> None:
    read = pool(text(adapter, driver, options=", tls: verify-full"))
    assert (read["ssl_cert_reqs"], read["ssl_check_hostname"]) == ("required", True)
    assert read["ssl_ca_certs"] == "/etc/stackc/tls/ca.crt"


@pytest.mark.parametrize(("adapter", "driver"), DRIVERS[1:])
def test_require_encrypts_without_checking(adapter: str, driver: str) -> None:
    url = text(adapter, driver, options=", tls: require")
    read = pool(url)
    assert url.split("://")[0] in ("rediss", "valkeys")
    assert (read["ssl_cert_reqs"], read["ssl_check_hostname"], "ssl_ca_certs" in read) == (
        "none",
        False,
        False,
    )


@pytest.mark.parametrize(("mode", "wanted"), [("require", "CERT_NONE"), ("verify-full", "CERT_REQUIRED")])
def test_celery_takes_the_mode_of_tls(mode: str, wanted: str) -> None:
    read = kombu.Connection(text("redis", "celery", options=f", tls: {mode}"))
    assert getattr(read.ssl["ssl_cert_reqs"], "name", read.ssl["ssl_cert_reqs"]) == wanted


@pytest.mark.parametrize("driver", ["url", "ioredis", "node_redis", "jedis"])
def test_no_parameter_goes_to_clients_that_read_none(driver: str) -> None:
    assert (
        text("redis", driver, options=", tls: verify-full, query_timeout: 2s")
        == "rediss://db:secret@db:6379/0"
    )


def test_dotnet_string_has_what_its_parser_splits_at_commas() -> None:
    head, *pairs = text(
        "redis", "stackexchange_redis", "a=b;c", ", tls: verify-full, query_timeout: 2s"
    ).split(",")
    read = dict(pair.split("=", 1) for pair in pairs)
    assert head == "db:6379"
    assert (read["user"], read["password"], read["ssl"], read["syncTimeout"]) == (
        "db",
        "a=b;c",
        "true",
        "2000",
    )


def test_dotnet_string_refuses_a_comma_in_the_password() -> None:
    with pytest.raises(ValueError, match="no quotes"):
        text("redis", "stackexchange_redis", "a,b")


def test_code_says_what_the_string_cannot() -> None:
    options = ", tls: verify-full, query_timeout: 2s"
    assert "commandTimeout: 2000" in access("redis", options).network["ioredis"].code
    assert any("tls/ca.crt" in line for line in access("redis", options).host["ioredis"].code)


VERSIONS = [
    (one.name, version) for one in Registry().adapters() if one.name in ENGINES for version in one.versions
]


@pytest.mark.parametrize(("adapter", "version"), VERSIONS)
def test_every_version_starts_by_its_own_entrypoint(adapter: str, version: str) -> None:
    server = spec(plan(adapter, f", version: '{version}', tls: require"), "db").spec
    bundle = "bundle-" if version.endswith("bundle") else ""
    assert server["command"] == [
        f"{bundle}docker-entrypoint.sh",
        f"{adapter}-server",
        "/etc/stackc/server.conf",
    ]
    assert server["image"].startswith(("redis:", "valkey/valkey")) and server["image"].endswith("-alpine")


@pytest.mark.parametrize(("adapter", "version"), VERSIONS)
def test_vector_is_where_the_search_module_is(adapter: str, version: str) -> None:
    made, found = build(adapter, f", version: '{version}', vector: {{dimensions: 3}}")
    if version.startswith(("8.", "9.")) and (adapter == "redis" or version.endswith("bundle")):
        assert made and "db-init" in {one.name for one in made.containers}
    else:
        newest = '"8.10"' if adapter == "redis" else '"9.1-bundle"'
        assert found == [f"{adapter} {version} has no vector search; write `version: {newest}`"]


def test_vector_in_another_database_than_0_is_refused() -> None:
    _, found = build("redis", ", version: '8.2', database: '1', vector: {dimensions: 3}")
    assert found == ["vectors are indexed in database 0 alone; leave out `database`"]


@pytest.mark.parametrize("method", ["hnsw", "flat"])
@pytest.mark.parametrize("metric", ["cosine", "l2", "ip"])
def test_query_names_what_init_makes(metric: str, method: str) -> None:
    options = f", version: '8.2', vector: {{dimensions: 3, metric: {metric}, method: {method}}}"
    content = next(
        file.content for file in spec(plan("redis", options), "db-init").files if file.name == "db-init"
    )
    assert f"index='documents_embedding_{metric}_{method}'_'3'" in str(content)
    assert "FT.ALIASUPDATE 'documents'_'embedding'" in str(content)
    assert access("redis", options).query.startswith("FT.SEARCH documents_embedding '*=>[KNN 10 @embedding")


def test_valkey_asks_for_the_index_itself() -> None:
    options = ", version: 8.1-bundle, vector: {dimensions: 3}"
    content = next(
        file.content for file in spec(plan("valkey", options), "db-init").files if file.name == "db-init"
    )
    assert "ALIAS" not in str(content)
    assert access("valkey", options).query.startswith("FT.SEARCH documents_embedding_cosine_hnsw_3 ")


def test_stack_without_vectors_has_no_job() -> None:
    assert [one.name for one in plan("redis", ", version: '8.2'").containers] == ["db"]


def test_pools_of_all_replicas_must_fit_the_server() -> None:
    stack = (
        "name: trial\nservices:\n  app: {image: x, uses: [db], deploy: {replicas: 3}}\n"
        "databases:\n  db: {adapter: redis, maxclients: 100}\n"
    )
    document = parse_yaml(stack.encode(), "stack.yaml", Report())
    assert document
    found = Report()
    compile_document(document, Registry(), found, environment="local", today=TODAY, source="stack.yaml")
    (one,) = found
    assert one.id == "too-many-connections" and "app 3 x 50 + 10 reserved" in one.message


class Start:
    """Runs the rendered start script in a folder, as the container would, up to the server itself."""

    def __init__(self, folder: Path, options: str = "") -> None:
        self.folder = folder
        server = spec(plan("redis", options), "db")
        self.script = server.spec["entrypoint"][2]
        for place in ("run", "data", "etc"):
            (folder / place).mkdir()
        for file in server.files:
            (folder / "etc" / Path(file.target).name).write_text(str(file.content))

    def run(self, user: bytes = b"user", admin: bytes = b"admin") -> list[str]:
        """Returns the server's arguments."""
        for name, value in (("password", user), ("admin-password", admin)):
            (self.folder / f"db-{name}").write_bytes(value)
        script = self.script.replace("/run/secrets/", f"{self.folder}/")
        for inside, outside in (("/run/stackc/", "run"), ("/etc/stackc/", "etc")):
            script = script.replace(inside, f"{self.folder}/{outside}/")
        command = ["/bin/sh", "-ec", script, "--", "printf", "%s\\n", "server"]
        done = subprocess.run(command, cwd=self.folder / "data", capture_output=True, check=True)
        return done.stdout.decode().split("\n")[:-1]

    @property
    def users(self) -> list[list[str]]:
        return [line.split() for line in (self.folder / "run" / "users.acl").read_text().splitlines()]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return Start(tmp_path)


def test_any_password_becomes_its_hash(start: Start) -> None:
    random = Random(7)
    given = [
        *(text.encode() for text in HOSTILE),
        b"ends\n",
        b"\n\n",
        *(random.randbytes(30) for _ in range(200)),
    ]
    for password in (one.replace(b"\0", b"") for one in given):
        start.run(password)
        assert start.users[2][3] == "#" + sha256(password).hexdigest()


def test_only_the_two_users_can_log_in(start: Start) -> None:
    start.run()
    assert start.users[0] == ["user", "default", "reset"]
    assert [user[:3] for user in start.users[1:]] == [["user", "admin", "on"], ["user", "db", "on"]]
    assert (start.folder / "run" / "users.acl").stat().st_mode & 0o777 == 0o600


def test_snapshot_of_an_older_server_becomes_the_append_only_file(start: Start) -> None:
    (start.folder / "data" / "dump.rdb").write_bytes(b"old")
    assert start.run() == ["server", "--appendonly", "yes"]
    assert (start.folder / "data" / "appendonly.aof").read_bytes() == b"old"


def test_append_only_file_that_is_there_is_kept(start: Start) -> None:
    (start.folder / "data" / "appendonlydir").mkdir()
    (start.folder / "data" / "dump.rdb").write_bytes(b"older")
    start.run()
    assert not (start.folder / "data" / "appendonly.aof").exists()


@pytest.mark.parametrize(("kept", "arguments"), [("snapshots", []), ("none", ["--save", ""])])
def test_stale_append_only_file_cannot_come_back(tmp_path: Path, kept: str, arguments: list[str]) -> None:
    start = Start(tmp_path, f", persistence: {kept}")
    (tmp_path / "data" / "appendonlydir").mkdir()
    assert start.run() == ["server", *arguments]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["appendonlydir.old"]


def test_passwords_are_references_until_they_are_in_env() -> None:
    connection = access("redis").network["url"]
    assert connection.parts["password"] == Reference("DB_PASSWORD")
