"""PostgreSQL as an adapter: what clients read in each connection string, and what the job and the pooler are told."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy
from psycopg.conninfo import conninfo_to_dict

from compiler.pages.trials.trial import HOSTILE
from compiler.project.connections import render_connection
from compiler.schema.patterns import is_match
from tests.adapters.plans import build_database, plan_database

if TYPE_CHECKING:
    from tests.adapters.plans import Container, Plan

CA = "/etc/stackc/tls/ca.crt"
TLS = ", tls: verify-full"
LIBPQ = ("url", "psycopg", "django", "go", "go_pq", "golang_migrate", "laravel")
ALCHEMY = ("sqlalchemy", "sqlalchemy_psycopg2", "sqlalchemy_async")


def build(options: str = "") -> tuple[Plan | None, list[str]]:
    return build_database(f"adapter: postgresql{options}")


def plan(options: str = "") -> Plan:
    return plan_database(f"adapter: postgresql{options}")


def text(driver: str, password: str = "secret", options: str = "") -> str:
    connection = plan(options).access["db"].network[driver]
    return render_connection(connection, {"DB_PASSWORD": password})


def container(name: str, options: str = "") -> Container:
    return next(one for one in plan(options).containers if one.name == name)


def content(name: str, options: str = "") -> str:
    files = (file for one in plan(options).containers for file in one.files)
    return next(str(file.content) for file in files if file.name == name)


def passwords() -> list[str]:
    random = Random(7)
    letters = [*map(chr, range(1, 0x17F)), "🔑", "漢", *"'\"\\$%/@:?#&=+ "] * 3
    made = ["".join(random.choices(letters, k=random.randint(1, 40))) for _ in range(200)]
    return [*HOSTILE, *made]


@pytest.mark.parametrize("driver", LIBPQ)
def test_libpq_reads_every_password_unchanged(driver: str) -> None:
    for password in passwords():
        # libpq knows no parameters of pgx's pool.
        read = conninfo_to_dict(text(driver, password).replace("&pool_max_conns=10", ""))
        assert (read["password"], read["host"], read["user"], read["dbname"]) == (password, "db", "db", "db")


@pytest.mark.parametrize("driver", ALCHEMY)
def test_sqlalchemy_reads_every_password_unchanged(driver: str) -> None:
    for password in passwords():
        read = sqlalchemy.make_url(text(driver, password))
        assert (read.password, read.host, read.port, read.database) == (password, "db", 5432, "db")


def test_libpq_knows_every_parameter_and_verifies() -> None:
    read = conninfo_to_dict(text("url", options=TLS))
    assert (read["sslmode"], read["sslrootcert"], read["connect_timeout"]) == ("verify-full", CA, "10")


@pytest.mark.parametrize("driver", ALCHEMY)
def test_sqlalchemy_makes_arguments_that_its_driver_takes(driver: str) -> None:
    for options in ("", ", tls: require", TLS):
        url = sqlalchemy.make_url(text(driver, options=options))
        arguments: tuple[Any, dict[str, Any]] = url.get_dialect()().create_connect_args(url)
        assert "sslmode" not in arguments[1] or driver != "sqlalchemy_async"
        assert ("ssl" in arguments[1]) == (driver == "sqlalchemy_async" and options != "")


def test_node_is_told_its_own_word_for_unverified_tls() -> None:
    assert "sslmode=no-verify" in text("node_pg", options=", tls: require")


def test_pool_size_goes_only_to_drivers_that_read_it() -> None:
    sized = {name for name in plan().access["db"].network if "=10" in text(name).replace("out=10", "")}
    assert sized == {"go", "node_postgres", "dotnet", "prisma", "rails"}


@pytest.mark.parametrize(
    ("dimensions", "kind"), [(3, "vector"), (2000, "vector"), (2001, "halfvec"), (4000, "halfvec")]
)
def test_index_is_of_half_precision_beyond_2000_dimensions(dimensions: int, kind: str) -> None:
    statements = content("db-init", f", vector: {{dimensions: {dimensions}}}")
    assert f"::{kind}({dimensions})) {kind}_cosine_ops" in statements


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("{dimensions: 4001}", "at most 4000 dimensions"),
        ("{dimensions: 3, method: flat}", 'no vector index method "flat"'),
        ("{dimensions: 3, parameters: {m: 1}}", "expected 2 to 100"),
        ("{dimensions: 3, parameters: {m: 64}}", "less than twice m"),
        ("{dimensions: 3, method: ivfflat, parameters: {m: 8}}", 'no option "m"'),
    ],
)
def test_vector_that_cannot_be_indexed_is_refused(options: str, told: str) -> None:
    made, found = build(f", vector: {options}")
    assert made is None and told in found[0]


def test_data_lies_one_folder_higher_from_18() -> None:
    assert container("db", ', version: "17"').spec["volumes"] == ["db-data:/var/lib/postgresql/data"]
    assert container("db", ', version: "18"').spec["volumes"] == ["db-data:/var/lib/postgresql"]


@pytest.mark.parametrize(
    ("version", "method"), [("13", "md5"), ("14", "scram-sha-256"), ("16", "scram-sha-256")]
)
def test_before_14_the_server_and_its_client_know_less(version: str, method: str) -> None:
    options, is_old = f", version: '{version}'", version == "13"
    assert content("db-hba", options).splitlines()[-1] == f"host all all all {method}"
    assert ("--password_encryption=scram-sha-256" in container("db", options).spec["command"]) is is_old
    assert ("\\getenv" in content("db-init", options)) is not is_old
    assert ("\\set password `printf" in content("db-init", options)) is is_old


def test_too_little_memory_is_told() -> None:
    _, found = build(", memory: 6M")
    assert found[0].startswith("PostgreSQL needs about 40 MB") and not build(", memory: 64M")[1]


def test_timeout_is_the_roles_and_is_taken_back() -> None:
    assert 'ALTER ROLE "db" SET statement_timeout = 1500;' in content("db-init", ", query_timeout: 1500ms")
    assert 'ALTER ROLE "db" RESET statement_timeout;' in content("db-init")


def test_pooler_stands_before_the_server() -> None:
    options = ", pooler: true, tls: require, pool: {size: 20}"
    assert conninfo_to_dict(text("url", options=options))["host"] == "db-pooler"
    settings = content("db-pooler-settings", options)
    for line in ("auth_type = scram-sha-256", "default_pool_size = 20", "server_tls_sslmode = verify-full"):
        assert line in settings
    assert container("db-pooler", options).spec["depends_on"]["db-init"]["condition"].endswith("successfully")


def test_server_asks_every_tcp_client_for_a_password() -> None:
    assert content("db-hba") == "local all all trust\nhost all all all scram-sha-256\n"
    assert "hostnossl all all all reject" in content("db-hba", TLS)


@pytest.mark.parametrize(("password", "fits"), [(" it's \\ $x\t", True), ("a\n", False), ("a\nb", False)])
def test_the_superuser_has_a_password_that_the_image_reads_as_it_is(password: str, fits: bool) -> None:
    (one,) = [secret for secret in plan().secrets if "ADMIN" in secret.key]
    assert [is_match(pattern, password) for pattern in one.patterns] == [fits]
