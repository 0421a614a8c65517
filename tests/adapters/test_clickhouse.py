"""ClickHouse as an adapter: what its real clients send, its configuration, and its scripts in a real shell."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.server import HTTPServer
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree

import clickhouse_connect
import clickhouse_driver
import pytest
import sqlalchemy
from clickhouse_connect.driver.exceptions import DatabaseError

from compiler.pages.trials.trial import HOSTILE
from compiler.project.connections import render_connection
from compiler.run.workspace import Project
from tests.adapters.plans import build_database, plan_database
from tests.servers import QuietHandler, serving

if TYPE_CHECKING:
    from pathlib import Path

    from compiler.model import Access
    from tests.adapters.plans import Plan

TODAY = "2026-11-23"
VERSIONS = ("latest", "25.8", "26.3", "26.5", "26.6", "26.7")


def build(options: str = "") -> tuple[Plan | None, list[str]]:
    return build_database(f"adapter: clickhouse{options}")


def plan(options: str = "") -> Plan:
    return plan_database(f"adapter: clickhouse{options}")


def access(options: str = "") -> Access:
    return plan(options).access["db"]


def text(driver: str, options: str = "", password: str = "secret", *, host: bool = False) -> str:
    connections = access(options).host if host else access(options).network
    return render_connection(connections[driver], {"DB_PASSWORD": password})


def container(name: str, options: str = "") -> Any:
    return next(one for one in plan(options).containers if one.name == name)


def content(name: str, options: str = "") -> str:
    return next(one.content for one in container("db", options).files if one.name == name)


class Recorder(HTTPServer):
    """Takes what a client sends, and answers that it is no database."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        super().__init__(("127.0.0.1", 0), _Record)


class _Record(QuietHandler):
    server: Recorder

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        _, _, encoded = self.headers["Authorization"].partition(" ")
        user, _, password = base64.b64decode(encoded).decode().partition(":")
        self.server.seen.append((user, password))
        self.send_error(500)


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with serving(Recorder()) as server:
        yield server


@pytest.mark.parametrize("password", HOSTILE)
def test_clickhouse_connect_sends_what_its_string_says(recorder: Recorder, password: str) -> None:
    dsn = text("clickhouse_connect", f", port: {recorder.server_port}", password, host=True)
    with pytest.raises(DatabaseError, match="500"):
        clickhouse_connect.get_client(dsn=dsn)
    assert recorder.seen[-1] == ("db", password) and urlsplit(dsn).path == "/db"


@pytest.mark.parametrize("password", HOSTILE)
def test_sqlalchemy_sends_what_its_string_says(recorder: Recorder, password: str) -> None:
    url = text("sqlalchemy", f", port: {recorder.server_port}, query_timeout: 1500ms", password, host=True)
    with pytest.raises(sqlalchemy.exc.DatabaseError, match="500"):
        sqlalchemy.create_engine(url).connect()
    read = sqlalchemy.make_url(url)
    assert recorder.seen[-1] == ("db", password)
    assert (read.database, read.query["max_execution_time"]) == ("db", "2")


@pytest.mark.parametrize("password", HOSTILE)
def test_clickhouse_driver_reads_what_its_string_says(password: str) -> None:
    client = clickhouse_driver.Client.from_url(text("clickhouse_driver", ", query_timeout: 30s", password))
    read = client.connection
    assert (read.user, read.password, read.database) == ("db", password, "db")
    assert list(read.hosts) == [("db", 9000)] and read.connect_timeout == 10.0
    assert not read.secure_socket and client.settings == {"max_execution_time": "30"}


@pytest.mark.parametrize("password", HOSTILE)
def test_password_stands_in_every_url(password: str) -> None:
    for driver in ("url", "node", "go"):
        read = urlsplit(text(driver, password=password))
        assert (read.username, unquote(read.password or "")) == ("db", password)
    assert parse_qs(urlsplit(text("jdbc", password=password)[5:]).query)["password"] == [password]


def test_drivers_read_200_random_passwords_unchanged() -> None:
    random = Random(9000)
    letters = [chr(code) for code in (*range(0x20, 0x7F), 0xA0, 0xE9, 0x3B1, 0x2028, 0x6F22, 0x1F511)]
    for _ in range(200):
        password = "".join(random.choices(letters, k=random.randint(1, 40)))
        client = clickhouse_driver.Client.from_url(text("clickhouse_driver", password=password))
        assert client.connection.password == password
        assert sqlalchemy.make_url(text("sqlalchemy", password=password)).password == password
        assert unquote(urlsplit(text("url", password=password)).password or "") == password


@pytest.mark.parametrize(("mode", "verified"), [("require", False), ("verify-full", True)])
def test_clickhouse_driver_takes_the_mode_of_tls(mode: str, verified: bool) -> None:
    read = clickhouse_driver.Client.from_url(text("clickhouse_driver", f", tls: {mode}")).connection
    assert read.secure_socket and list(read.hosts) == [("db", 9440)]
    assert (read.verify_cert, read.check_hostname) == (verified, verified)
    assert (read.ssl_options["ca_certs"] == "/etc/stackc/tls/ca.crt") is verified


@pytest.mark.parametrize("driver", ["sqlalchemy", "sqlalchemy_async"])
@pytest.mark.parametrize(("mode", "verified"), [("require", "false"), ("verify-full", "true")])
def test_sqlalchemy_takes_the_mode_of_tls(driver: str, mode: str, verified: str) -> None:
    url = sqlalchemy.make_url(text(driver, f", tls: {mode}"))
    _, arguments = url.get_dialect()().create_connect_args(url)
    assert (arguments["port"], arguments["secure"], arguments["verify"]) == (8443, "true", verified)
    assert ("ca_cert" in arguments) is (mode == "verify-full")


@pytest.mark.parametrize("driver", ["url", "node", "jdbc", "dotnet"])
def test_encrypted_http_is_https_on_its_own_port(driver: str) -> None:
    plain, encrypted = text(driver), text(driver, ", tls: require")
    assert ("8123" in plain, "https" in plain) == (True, False)
    assert ("8443" in encrypted, "https" in encrypted) == (True, True)


def test_every_line_renders_encrypted_with_a_vector_and_limits() -> None:
    for version in VERSIONS:
        more = f", version: '{version}', tls: verify-full, memory: 2G, query_timeout: 5s"
        made = plan(more + ", vector: {dimensions: 3, metric: l2}")
        image = made.containers[0].spec["image"]
        assert image == f"clickhouse/clickhouse-server:{version}"


def test_vectors_need_a_line_that_has_them() -> None:
    made, found = build(", version: '25.3', vector: {dimensions: 3}")
    assert made is None and "clickhouse 25.3 has no vector search" in found[-1]
    assert container("db", ", version: '25.3'").spec["image"].endswith(":25.3")


def test_inner_product_needs_a_newer_line() -> None:
    made, found = build(", version: '26.3', vector: {dimensions: 3, metric: ip}")
    assert made is None and found == ['clickhouse 26.3 has no vector metric "ip"; one of: cosine, l2']


def test_native_port_is_published_when_it_is_asked_for() -> None:
    both = ", port: 15001, native_port: 15002, tls: require"
    assert container("db", both).spec["ports"] == ["127.0.0.1:15001:8443", "127.0.0.1:15002:9440"]
    assert text("clickhouse_driver", both, host=True).startswith(
        "clickhouses://db:secret@127.0.0.1:15002/db?"
    )
    assert "clickhouse_driver" not in access(", port: 15001").host
    assert list(access(", native_port: 15002").host) == [
        "clickhouse_driver",
        "go",
        "golang_migrate",
    ]


def test_native_port_cannot_be_published_twice() -> None:
    made, found = build(", port: 15001, native_port: 15001")
    assert made is None and any("the host port 15001 is published twice" in one for one in found)


def test_application_gets_its_database_and_nothing_else() -> None:
    users = ElementTree.fromstring(content("db-users", ", query_timeout: 5s"))
    assert users.findtext("users/db/profile") == "application"
    assert users.findtext("profiles/application/max_execution_time") == "5"
    granted = [one.text for one in users.iterfind("users/db/grants/query")]
    assert granted == ["GRANT ALL ON `db`.*", "GRANT TABLE ENGINE ON *"]
    assert [one.text for one in users.iterfind("users/default/networks/ip")] == ["127.0.0.1", "::1"]


def test_query_timeout_is_reset_where_it_is_not_given() -> None:
    assert "max_execution_time" not in content("db-users")


def test_memory_of_the_server_stays_below_the_limit() -> None:
    server = ElementTree.fromstring(content("db-server", ", memory: 2G"))
    assert server.findtext("max_server_memory_usage") == str(1536 << 20)
    assert "max_server_memory_usage" not in content("db-server")


def test_no_plain_port_is_left_beside_tls() -> None:
    server = ElementTree.fromstring(content("db-server", ", tls: require"))
    gone = {one.tag for one in server.iter() if one.get("remove")}
    assert {"http_port", "tcp_port", "mysql_port", "postgresql_port", "interserver_http_port"} <= gone
    assert (server.findtext("https_port"), server.findtext("tcp_port_secure")) == ("8443", "9440")


SETTINGS = (
    ", settings: {mark_cache_size: 5000, logger.level: '<b>', profile.max_threads: 4, "
    "merge_tree.max_parts: 7, logger.size: 10M}"
)


def test_settings_are_of_the_server_its_sections_and_the_application() -> None:
    server = ElementTree.fromstring(content("db-settings", SETTINGS))
    assert [(one.tag, one.findtext("level"), one.findtext("size")) for one in server.iter("logger")] == [
        ("logger", "<b>", "10M")
    ]
    assert (server.findtext("mark_cache_size"), server.findtext("merge_tree/max_parts")) == ("5000", "7")
    assert server.find("profile") is None
    users = ElementTree.fromstring(content("db-users", SETTINGS))
    assert users.findtext("profiles/application/max_threads") == "4"
    target = next(one.target for one in container("db", SETTINGS).files if one.name == "db-settings")
    assert target > next(one.target for one in container("db").files if one.name == "db-server")


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("max_connections", "write the option `max_connections` of the database"),
        ("profile.max_execution_time", "write `query_timeout` of the database"),
        ("openSSL.server", "write `tls` of the database"),
        ("tcp_port_secure", "clients and the health check rest on it; remove it"),
        ("user_files_path", "the data stay on the volume; remove it"),
        ("profiles.default", "users and passwords rest on it; write `profile.NAME` for a setting of queries"),
        ("a.b.c", "write the engine's own name of it"),
    ],
)
def test_settings_on_which_promises_rest_are_refused(name: str, help: str) -> None:
    made, found = build(f", settings: {{{name}: 1}}")
    assert made is None and found[0].endswith(help)


def test_the_administrator_of_old_data_can_be_the_application(shell: Shell, tmp_path: Path) -> None:
    one = ", admin: chief, user: chief, volume: ./data"
    users = ElementTree.fromstring(content("db-users", one))
    assert [user.tag for user in users.iterfind("users/*")] == ["default", "chief"]
    assert users.findtext("users/chief/profile") == "application" and users.find("users/chief/grants") is None
    assert shell(container("db", one).spec["entrypoint"][2], "old", "old").returncode == 0
    written = ElementTree.parse(tmp_path / "etc/clickhouse-server/users.d/stackc-passwords.xml").getroot()
    assert [user.tag for user in written.iterfind("users/*")] == ["chief"]


FURTHER = "adapter: clickhouse, query_timeout: 9s, needs: [sql]}\n  more: {on: db, query_timeout: 5s%s"


def further(options: str = "") -> tuple[str, list[str]]:
    """Returns the script of the job of a database on the server of `db`, and its statements."""
    made = plan_database(FURTHER % options)
    job = next(one for one in made.containers if one.name == "more-init")
    return job.spec["entrypoint"][2], [one for one in str(job.files[0].content).split(";\n") if one.strip()]


def test_a_further_database_has_a_user_of_its_own(shell: Shell, tmp_path: Path) -> None:
    script, statements = further()
    assert "ALTER USER `more` SETTINGS PROFILE 'application', max_execution_time = 5" in statements
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/clickhouse-client").write_text(f"#!/bin/sh\ncat >>{tmp_path}/asked\n")
    made = script.partition("# What the statements print")[0].replace(
        "/run/secrets/more-", "/run/secrets/db-"
    )
    assert shell(made, "it's", client=False).returncode == 0
    digest = sha256(b"it's").hexdigest()
    assert (tmp_path / "asked").read_text() == "".join(
        f"{what} more IDENTIFIED WITH sha256_hash BY '{digest}';\n"
        for what in ("CREATE USER IF NOT EXISTS", "ALTER USER")
    )


Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Runs a script of the adapter, with its absolute paths below a folder of its own."""

    def run(
        script: str, password: str, admin: str = "admin", *, client: bool = True
    ) -> subprocess.CompletedProcess[str]:
        for folder in ("run/secrets", "etc/clickhouse-server/users.d", "etc/stackc", "dev/shm", "tmp", "bin"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "run/secrets/db-password").write_text(password)
        (tmp_path / "run/secrets/db-admin-password").write_text(admin)
        (tmp_path / "etc/stackc/init.sql").write_text("SELECT 1;\n")
        program = tmp_path / "bin/clickhouse-client"
        if client:
            program.write_text(f'#!/bin/sh\ncp -p "${{1#--config-file=}}" {tmp_path}/seen.xml\n')
        program.touch(mode=0o755)
        program.chmod(0o755)
        script = re.sub(r"/(?=(run/secrets|etc|dev/shm|tmp)/)", f"{tmp_path}/", script)
        script = script.replace("chown 101:101", "true").replace("exec /entrypoint.sh", "true")
        environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "HOSTNAME": "self"}
        return subprocess.run(
            ["/bin/sh", "-ec", script, "--"], env=environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.parametrize("password", HOSTILE)
def test_start_writes_hashes_of_the_passwords(shell: Shell, tmp_path: Path, password: str) -> None:
    done = shell(container("db").spec["entrypoint"][2], password, f"{password}\u00e9")
    assert done.returncode == 0, done.stderr
    file = tmp_path / "etc/clickhouse-server/users.d/stackc-passwords.xml"
    users = ElementTree.parse(file).getroot()
    for user, secret in (("db", password), ("admin", f"{password}\u00e9")):
        assert users.findtext(f"users/{user}/password_sha256_hex") == sha256(secret.encode()).hexdigest()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("password", [*HOSTILE, "]]>", "a]]]>>b", "<![CDATA[", " "])
def test_client_of_the_probe_gets_the_password_unchanged(shell: Shell, tmp_path: Path, password: str) -> None:
    probe = container("db", ", tls: require").spec["healthcheck"]["test"][1]
    assert shell(probe, password).returncode == 0
    read = ElementTree.parse(tmp_path / "seen.xml").getroot()
    assert (read.findtext("user"), read.findtext("password")) == ("db", password)
    assert (read.findtext("port"), read.findtext("secure")) == ("9440", "1")
    assert (tmp_path / "seen.xml").stat().st_mode & 0o777 == 0o600 and not [*(tmp_path / "dev/shm").iterdir()]


@pytest.mark.parametrize(("mode", "wanted"), [("off", None), ("require", "none"), ("verify-full", "strict")])
def test_client_of_the_job_gets_the_password_and_the_mode_of_tls(
    shell: Shell, tmp_path: Path, mode: str, wanted: str | None
) -> None:
    script = container("db-init", f", tls: {mode}").spec["entrypoint"][2]
    assert shell(script, HOSTILE[0]).returncode == 0
    read = ElementTree.parse(tmp_path / "seen.xml").getroot()
    assert (read.findtext("host"), read.findtext("password")) == ("db", HOSTILE[0])
    assert read.findtext("openSSL/client/verificationMode") == wanted


def test_password_with_a_control_character_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(
        "name: trial\ndatabases: {db: {adapter: clickhouse, version: '26.3'}}\n"
    )
    (tmp_path / ".env").write_text("DB_PASSWORD='tab\tbed'\n")
    outcome = Project(tmp_path / "stack.yaml", tmp_path, today=TODAY).compile()
    assert [one.id for one in outcome.diagnostics] == ["unusable-password"]


def test_each_script_is_run_once_as_the_application() -> None:
    script = "once 'a.sql' '/etc/stackc/scripts/01-a.sql'"
    made = container("db-init", ", scripts: [a.sql]").spec["entrypoint"][2]
    assert made.rstrip().endswith(script) and "stackc_scripts" in made
    assert "once()" not in container("db-init").spec["entrypoint"][2]
