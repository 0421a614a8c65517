"""Connection strings of frameworks and tools, as far as their own parsers are here; tests/engines has them log in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, unquote_plus, urlsplit

import dj_database_url
import environ
import pytest

from compiler.pages.trials.trial import HOSTILE
from compiler.project.connections import render_connection
from tests.adapters.plans import plan_database

if TYPE_CHECKING:
    from collections.abc import Callable

CA = "/etc/stackc/tls/ca.crt"
DJANGO: dict[str, Callable[[str], Any]] = {
    "dj-database-url": dj_database_url.parse,
    "django-environ": environ.Env.db_url_config,
}
# In words of their own: with TLS that nobody checks, and with TLS that is checked.
WORDS = [
    ("postgresql", "prisma", "sslmode=require", f"sslaccept=strict&sslcert={CA}&sslrootcert={CA}"),
    ("postgresql", "go_pq", "sslmode=require", f"sslmode=verify-full&sslrootcert={CA}"),
    ("postgresql", "golang_migrate", "sslmode=require", f"sslmode=verify-full&sslrootcert={CA}"),
    ("postgresql", "django", "sslmode=require", f"sslmode=verify-full&sslrootcert={CA}"),
    ("postgresql", "rails", "sslmode=require", f"sslmode=verify-full&sslrootcert={CA}"),
    ("postgresql", "laravel", "sslmode=require", f"sslmode=verify-full&sslrootcert={CA}"),
    ("postgresql", "spring_r2dbc", "sslMode=require", f"sslMode=verify-full&sslRootCert={CA}"),
    ("mysql", "prisma", "sslaccept=accept_invalid_certs", f"sslaccept=strict&sslcert={CA}"),
    ("mysql", "golang_migrate", "tls=skip-verify", f"tls=stackc&x-tls-ca={CA}"),
    ("mysql", "django", "ssl_mode=REQUIRED", "ssl_mode=VERIFY_IDENTITY"),
    ("mysql", "rails", "ssl_mode=REQUIRED", f"ssl_mode=VERIFY_IDENTITY&sslca={CA}"),
    ("mysql", "rails_trilogy", "ssl_mode=REQUIRED_NOVERIFY", f"ssl_mode=VERIFY_IDENTITY&ssl_ca={CA}"),
    ("mysql", "spring_r2dbc", "sslMode=REQUIRED", f"sslMode=VERIFY_IDENTITY&sslCa={CA}"),
    ("mariadb", "spring_r2dbc", "sslMode=trust", f"serverSslCert={CA}"),
    ("mongodb", "prisma", "tlsAllowInvalidCertificates=true", f"tlsCAFile={CA}"),
    ("mongodb", "golang_migrate", "tlsInsecure=true", f"tlsCAFile={CA}"),
    ("clickhouse", "golang_migrate", "secure=true&skip_verify=true", "secure=true&skip_verify=false"),
    ("redis", "django", "ssl_cert_reqs=none", f"ssl_ca_certs={CA}"),
    ("valkey", "bullmq", "rediss://", "rediss://"),
    ("redis", "rails", "rediss://", "rediss://"),
]


def text(adapter: str, driver: str, password: str = "secret", options: str = "") -> str:
    connection = plan_database(f"adapter: {adapter}{options}").access["db"].network[driver]
    return render_connection(connection, {"DB_PASSWORD": password})


@pytest.mark.parametrize(("adapter", "driver", "require", "verify"), WORDS)
def test_a_string_says_tls_in_the_words_of_its_driver(
    adapter: str, driver: str, require: str, verify: str
) -> None:
    plain, unchecked, checked = (
        text(adapter, driver, options=f", tls: {mode}").replace("%2F", "/")
        for mode in ("off", "require", "verify-full")
    )
    assert require in unchecked
    assert verify in checked
    assert CA not in unchecked
    assert not any(one in plain for one in (require, verify, CA, "ssl", "tls") if "disable" not in plain)


@pytest.mark.parametrize("adapter", ["postgresql", "mysql"])
@pytest.mark.parametrize("reader", DJANGO)
def test_django_reads_name_and_password_unchanged(adapter: str, reader: str) -> None:
    for password in HOSTILE:
        read = DJANGO[reader](text(adapter, "django", password))
        assert (read["USER"], read["PASSWORD"], read["HOST"], read["NAME"]) == ("db", password, "db", "db")
        assert read["ENGINE"] == f"django.db.backends.{adapter}"
        assert read["OPTIONS"] == {"connect_timeout": 10}


def test_django_environ_reads_the_cache() -> None:
    read = environ.Env.cache_url_config(text("redis", "django", "p@:/ss", ", tls: verify-full"))
    assert read["LOCATION"] == "rediss://db:p%40%3A%2Fss@db:6379/0"
    assert read["OPTIONS"]["ssl_ca_certs"] == CA


# Go reads the last "/" as the end of the address, and golang-migrate the two words before it as parts of a URL.
# https://github.com/go-sql-driver/mysql#dsn-data-source-name
@pytest.mark.parametrize("password", HOSTILE)
def test_golang_migrate_reads_its_mysql_string_from_the_right(password: str) -> None:
    whole = text("mysql", "golang_migrate", password, ", tls: verify-full")
    head, _, rest = whole.removeprefix("mysql://").rpartition("/")
    login, _, address = head.rpartition("@")
    user, _, secret = login.partition(":")
    name, _, query = rest.partition("?")
    assert (unquote_plus(user), unquote_plus(secret), address, name) == ("db", password, "tcp(db:3306)", "db")
    assert parse_qs(query)["x-tls-ca"] == [CA]


@pytest.mark.parametrize("password", HOSTILE)
def test_golang_migrate_finds_the_log_in_of_clickhouse_in_the_query(password: str) -> None:
    read = urlsplit(text("clickhouse", "golang_migrate", password))
    assert (read.netloc, read.path) == ("db:9000", "")
    assert parse_qs(read.query)["password"] == [password]


@pytest.mark.parametrize("adapter", ["postgresql", "mysql"])
@pytest.mark.parametrize("driver", ["prisma", "rails", "laravel", "spring_r2dbc"])
def test_a_url_holds_every_password(adapter: str, driver: str) -> None:
    for password in HOSTILE:
        read = urlsplit(text(adapter, driver, password).removeprefix("r2dbc:"))
        assert (unquote(read.password or ""), read.path) == (password, "/db")


def test_lib_pq_always_gets_a_mode_and_nothing_that_it_does_not_know() -> None:
    known = {"sslmode", "sslrootcert", "connect_timeout"}
    for mode in ("off", "require", "verify-full"):
        read = parse_qs(urlsplit(text("postgresql", "go_pq", options=f", tls: {mode}")).query)
        assert "sslmode" in read
        assert read.keys() <= known
