"""MySQL and MariaDB as adapters: what clients read in each connection string, and the scripts of the start."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from inspect import signature
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from compiler.pages.trials.trial import HOSTILE
from compiler.project.connections import render_connection
from compiler.registry.registry import Registry
from compiler.report import Report
from compiler.run.passes import compile_document
from compiler.source import parse_yaml
from tests.adapters.plans import Plan

if TYPE_CHECKING:
    from pathlib import Path

    from compiler.model import Access
    from tests.adapters.plans import Container

import pymysql
import sqlalchemy

ENGINES = ("mysql", "mariadb")
BOTH = pytest.mark.parametrize("adapter", ENGINES)
MODES = (", tls: require", ", tls: verify-full")
CA = "/etc/stackc/tls/ca.crt"
VERSIONS = [
    (one.name, version) for one in Registry().adapters() if one.name in ENGINES for version in one.versions
]


def build(adapter: str, options: str = "") -> tuple[Plan | None, list[str]]:
    text = f"name: trial\ndatabases:\n  db: {{adapter: {adapter}, port: 21050{options}}}\n"
    document = parse_yaml(text.encode(), "stack.yaml", Report())
    assert document
    report = Report()
    compiled = compile_document(
        document, Registry(), report, environment="local", today="2026-11-23", source="stack.yaml"
    )
    told = [f"{one.message}; {one.help}" for one in report if one.id != "end-of-life"]
    return (Plan(compiled.project) if compiled else None), told


@cache
def plan(adapter: str, options: str = "") -> Plan:
    made, found = build(adapter, options)
    assert made, found
    return made


def access(adapter: str, options: str = "") -> Access:
    return plan(adapter, options).access["db"]


def text(adapter: str, driver: str, password: str = "secret", options: str = "") -> str:
    return render_connection(access(adapter, options).network[driver], {"DB_PASSWORD": password})


def container(adapter: str, name: str = "db", options: str = "") -> Container:
    return next(one for one in plan(adapter, options).containers if one.name == name)


def script(adapter: str, options: str = "") -> str:
    """Returns the statements of the job."""
    made = container(adapter, "db-init", options)
    return next(str(file.content) for file in made.files if file.name == "db-init")


def alchemy(adapter: str, driver: str, password: str = "secret", options: str = "") -> dict[str, Any]:
    """Returns what SQLAlchemy hands to the driver."""
    url = sqlalchemy.make_url(text(adapter, driver, password, options))
    arguments: dict[str, Any] = url.get_dialect()().create_connect_args(url)[1]
    return arguments


def random_passwords(count: int) -> list[str]:
    random = Random("mysql")
    alphabet = [chr(code) for code in range(1, 0x250) if not 0x7F <= code <= 0x9F] + list("€π漢🔑")
    return ["".join(random.choices(alphabet, k=random.randint(1, 40))) for _ in range(count)]


@pytest.mark.parametrize("password", HOSTILE)
@pytest.mark.parametrize("driver", ["sqlalchemy", "sqlalchemy_async"])
@BOTH
def test_sqlalchemy_reads_the_password_unchanged(adapter: str, driver: str, password: str) -> None:
    read = alchemy(adapter, driver, password)
    assert (read["user"], read["password"], read["host"], read["port"]) == ("db", password, "db", 3306)
    assert (read.get("database") or read["db"]) == "db"


@pytest.mark.parametrize("password", HOSTILE)
@BOTH
def test_jdbc_has_user_and_password_as_parameters(adapter: str, password: str) -> None:
    url = urlsplit(text(adapter, "jdbc", password).removeprefix("jdbc:"))
    read = parse_qs(url.query, strict_parsing=True)
    assert (url.scheme, url.netloc, url.path) == (adapter, "db:3306", "/db")
    assert (read["user"], read["password"]) == (["db"], [password])


@BOTH
def test_random_passwords_arrive_in_every_driver_that_parses_here(adapter: str) -> None:
    for password in random_passwords(200):
        read = [alchemy(adapter, driver, password) for driver in ("sqlalchemy", "sqlalchemy_async")]
        read.append(json.loads(text(adapter, "pymysql", password)))
        assert [one["password"] for one in read] == [password] * 3


@pytest.mark.parametrize("options", ["", *MODES])
@BOTH
def test_pymysql_takes_every_argument(adapter: str, options: str) -> None:
    arguments = json.loads(text(adapter, "pymysql", "it's \\ 🔑", options))
    bound = signature(pymysql.connections.Connection.__init__).bind(None, **arguments).arguments
    assert (bound["password"], bound["port"], bound["connect_timeout"]) == ("it's \\ 🔑", 3306, 10)


@pytest.mark.parametrize("driver", ["sqlalchemy", "sqlalchemy_async"])
@BOTH
def test_sqlalchemy_gets_tls_and_timeout_from_its_string(adapter: str, driver: str) -> None:
    read = alchemy(adapter, driver, options=", tls: verify-full, query_timeout: 2s")
    assert read["ssl"] == {"ca": CA, "check_hostname": True} and read["connect_timeout"] == 10
    assert alchemy(adapter, driver, options=", tls: require")["ssl"] == {"check_hostname": False}
    assert "ssl" not in alchemy(adapter, driver)


@pytest.mark.parametrize(
    ("driver", "require", "verify"),
    [
        ("url", "ssl-mode=REQUIRED", "ssl-mode=VERIFY_IDENTITY&ssl-ca=%2Fetc%2Fstackc%2Ftls%2Fca.crt"),
        ("go", "tls=skip-verify", "tls=true"),
        ("dotnet", ";SslMode=Required;", f";SslMode=VerifyFull;SslCa={CA};"),
        ("pymysql", '"ssl": {"check_hostname": false}', f'"ssl": {{"ca": "{CA}"}}'),
    ],
)
@BOTH
def test_drivers_say_tls_in_their_own_words(adapter: str, driver: str, require: str, verify: str) -> None:
    assert require in text(adapter, driver, options=MODES[0])
    assert verify in text(adapter, driver, options=MODES[1])
    assert not re.search("ssl|tls", text(adapter, driver), re.IGNORECASE)


def test_jdbc_drivers_have_words_of_their_own_for_tls() -> None:
    assert "&sslMode=REQUIRED&" in text("mysql", "jdbc", options=MODES[0])
    assert "&sslMode=VERIFY_IDENTITY&" in text("mysql", "jdbc", options=MODES[1])
    assert "&sslMode=trust&" in text("mariadb", "jdbc", options=MODES[0])
    assert text("mariadb", "jdbc", options=MODES[1]).endswith(
        "&sslMode=verify-full&connectTimeout=10000&serverSslCert=/etc/stackc/tls/ca.crt"
    )


@pytest.mark.parametrize(("options", "verified"), [(MODES[0], False), (MODES[1], True)])
def test_mysql2_reads_tls_as_json(options: str, verified: bool) -> None:
    read = parse_qs(urlsplit(text("mysql", "node_mysql2", options=options)).query)
    assert json.loads(read["ssl"][0])["rejectUnauthorized"] is verified
    assert (read["connectionLimit"], read["connectTimeout"]) == (["10"], ["10000"])


@pytest.mark.parametrize("password", HOSTILE)
def test_go_reads_its_string_from_the_right(password: str) -> None:
    head, _, query = text("mysql", "go", password).rpartition("/")
    userinfo, _, address = head.rpartition("@")
    assert (userinfo, address, query) == (f"db:{password}", "tcp(db:3306)", "db?timeout=10s")


def test_pool_and_query_timeout_reach_who_reads_them() -> None:
    options = ", pool: {size: 7}, query_timeout: 1500ms"
    assert "MaximumPoolSize=7;ConnectionTimeout=10;DefaultCommandTimeout=2" in text(
        "mysql", "dotnet", options=options
    )
    assert "connectionLimit=7" in text("mariadb", "node_mariadb", options=options)
    assert any("pool_size=7" in line for line in access("mysql", options).network["sqlalchemy"].code)


def test_timeout_of_mysql_spares_the_superuser() -> None:
    command = container("mysql", options=", query_timeout: 1500ms").spec["command"]
    assert "--init-connect=SET SESSION max_execution_time = 1500" in command
    assert not any("max-execution-time" in word for word in command)


def test_timeout_of_mariadb_is_a_limit_of_the_user() -> None:
    limited = script("mariadb", ", query_timeout: 1500ms")
    assert "WITH MAX_STATEMENT_TIME ', 1500 / 1000" in limited
    assert "WITH MAX_STATEMENT_TIME ', 0 / 1000" in script("mariadb")


# https://dev.mysql.com/doc/relnotes/mysql/8.4/en/news-8-4-0.html and those of 9.0
DROPPED = tuple(
    f"--{one}" for one in ("default-authentication", "expire-logs", "skip-host-cache", "ssl=", "mysql-native")
)


@pytest.mark.parametrize(("adapter", "version"), VERSIONS)
def test_every_version_starts_its_own_server_without_dropped_options(adapter: str, version: str) -> None:
    server = container(
        adapter, options=f", version: '{version}', tls: require, memory: 1G, query_timeout: 1s"
    )
    assert server.spec["image"] == f"{adapter}:{version}"
    assert server.spec["command"][0] == {"mysql": "mysqld", "mariadb": "mariadbd"}[adapter]
    dropped = [word for word in server.spec["command"] if word.startswith(DROPPED)]
    assert dropped == (["--expire-logs-days=3"] if version == "5.7" else [])
    assert ("TLSv1.3" in str(server.spec["command"])) is (version != "5.7")
    assert "--require-secure-transport=ON" in server.spec["command"]


def test_mariadb_keeps_no_command_of_mysql() -> None:
    made = [container("mariadb", name, ", tls: verify-full") for name in ("db", "db-init")]
    shell = str([one.spec.get("entrypoint") for one in made]) + str(made[0].spec["healthcheck"])
    assert "mariadb " in shell and not re.search(r"\bmysqld?\s+\"?-|--ssl-mode", shell)


@pytest.mark.parametrize("memory", ["1G", "2048M"])
@BOTH
def test_half_of_the_memory_is_the_buffer_pool(adapter: str, memory: str) -> None:
    command = container(adapter, options=f", memory: {memory}").spec["command"]
    assert f"--innodb-buffer-pool-size={512 if memory == '1G' else 1024}M" in command


def test_memory_that_the_server_takes_alone_is_told() -> None:
    assert build("mysql", ", memory: 512M")[1] == [
        "MySQL needs about 500 MB before it keeps any data; give it at least 768M of memory"
    ]
    assert build("mariadb", ", memory: 512M")[1] == []


@pytest.mark.parametrize("options", [", database: mysql", f", user: {'u' * 33}", ", database: a/b"])
@BOTH
def test_names_that_the_engine_does_not_take_are_refused(adapter: str, options: str) -> None:
    assert build(adapter, options)[0] is None


def test_underscore_of_a_database_grants_no_other_one() -> None:
    assert r"REPLACE('shop_db', '_', '\\_')" in script("mysql", ", database: shop_db")


def start(adapter: str, password: str, folder: Path, existing: bool) -> str:
    """Runs the start script with a program in place of the image's entrypoint, and returns what reaches it."""
    secret, data, init = folder / "secret", folder / "data", folder / "root.sql"
    secret.write_bytes(password.encode())
    (data / "mysql").mkdir(parents=True) if existing else data.mkdir()
    entrypoint = folder / "docker-entrypoint.sh"
    entrypoint.write_text('#!/bin/sh\nprintf %s "${MYSQL_ROOT_PASSWORD-$MARIADB_ROOT_PASSWORD}"\n')
    entrypoint.chmod(0o755)
    shell = str(container(adapter).spec["entrypoint"][2]).replace(
        "/run/secrets/db-admin-password", str(secret)
    )
    shell = shell.replace("/var/lib/mysql", str(data)).replace("/dev/shm/root.sql", str(init))
    done = subprocess.run(
        ["sh", "-ec", shell.replace("chown mysql", "test -O"), "--", "mysqld"],
        env={"PATH": f"{folder}:/usr/bin:/bin"},
        capture_output=True,
        check=True,
    )
    return init.read_text() if existing else done.stdout.decode()


def unescape(text: str) -> str:
    """Reads a string as SQL and option files do: https://dev.mysql.com/doc/refman/8.4/en/string-literals.html."""
    return re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), text)


GNU = pytest.mark.skipif(sys.platform != "linux", reason="the script is for the image's GNU tools")
AWKWARD = [*HOSTILE, "two\nlines\n", "'", "\\", "\\n\\s\\'", 'a"b#c"', "-n"]


@GNU
@pytest.mark.parametrize("password", AWKWARD)
def test_first_start_of_mysql_escapes_the_password_for_its_image(password: str, tmp_path: Path) -> None:
    escaped = start("mysql", password, tmp_path, existing=False)
    assert unescape(escaped) == password
    assert not re.search(r"""[^\\](\\\\)*["'\n]""", f" {escaped}")


@pytest.mark.parametrize("password", AWKWARD)
def test_first_start_of_mariadb_passes_the_password_on(password: str, tmp_path: Path) -> None:
    assert start("mariadb", password, tmp_path, existing=False) == password


@GNU
@pytest.mark.parametrize("password", AWKWARD)
@BOTH
def test_later_start_sets_the_password_of_both_superusers(
    adapter: str, password: str, tmp_path: Path
) -> None:
    statements = start(adapter, password, tmp_path, existing=True)
    found = re.findall(r"ALTER USER 'root'@'(.*?)' IDENTIFIED BY '(.*)';", statements)
    assert [(host, unescape(word)) for host, word in found] == [("localhost", password), ("%", password)]


def test_mysql_has_no_vector_search_and_names_who_has() -> None:
    made, told = build("mysql", ", version: '9.7', vector: {dimensions: 3}")
    assert made is None and "mysql 9.7 has no vector search" in told[0] and "mariadb" in told[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ", version: '11.4', vector: {dimensions: 3}",
            'mariadb 11.4 has no vector search; write `version: "12.3"`',
        ),
        (
            ", vector: {dimensions: 3, metric: ip}",
            'mariadb 11.8 has no vector metric "ip"; one of: cosine, l2',
        ),
        (", vector: {dimensions: 3, parameters: {m: 2}}", "is 2, expected 3 to 200"),
        (
            ", vector: {dimensions: 16384}",
            "mariadb 11.8 indexes vectors of at most 16383 dimensions, not 16384",
        ),
    ],
)
def test_vector_that_mariadb_cannot_index_is_refused(options: str, message: str) -> None:
    made, told = build("mariadb", options)
    assert made is None and message in told[0]


@pytest.mark.parametrize("version", ["11.8", "12.3"])
def test_vector_query_of_mariadb_asks_what_its_index_measures(version: str) -> None:
    options = f", version: '{version}', vector: {{dimensions: 3, metric: l2, parameters: {{m: 16}}}}"
    statements = script("mariadb", options)
    assert "ADD VECTOR INDEX stackc_euclidean" in statements and "M=16 DISTANCE=euclidean" in statements
    assert "DROP INDEX IF EXISTS stackc_cosine" in statements
    assert "ORDER BY VEC_DISTANCE_EUCLIDEAN(`embedding`" in access("mariadb", options).query


def test_table_of_a_framework_is_not_made() -> None:
    options = ", vector: {dimensions: 3, managed: false, collection: langchain_embedding}"
    statements = script("mariadb", options)
    assert "CREATE TABLE" not in statements and "ALTER TABLE `langchain_embedding` ADD VECTOR" in statements
