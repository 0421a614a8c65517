"""What `uses` adds to a URL, and whom it leaves without a user."""

from __future__ import annotations

from typing import Any

import pytest

from compiler.project.connections import mask, parameters
from tests.stacks import entry, findings, only, project_of, spec_of

CLICKHOUSE = "clickhouse, version: '26.7'"


def used(rule: str, adapter: str = "postgresql") -> str:
    return entry(f"uses: [{{main: {{{rule}}}}}]", f"databases: {{main: {{adapter: {adapter}}}}}")


def environment(rule: str, adapter: str = "postgresql") -> dict[str, Any]:
    text = used(rule, adapter)
    assert findings(text) == []
    shown = spec_of(text)["environment"]
    return {name: "".join(map(str, getattr(value, "parts", [value])[1:])) for name, value in shown.items()}


@pytest.mark.parametrize(
    ("adapter", "rule", "end"),
    [
        ("postgresql", "query: {schema: public}", "&schema=public"),
        ("redis", "query: {db: 1, a b: 'x&y=ü/'}", "?db=1&a%20b=x%26y%3D%C3%BC/"),
        ("postgresql", "driver: laravel, query: {a: true}", "?a=true"),
        ("mysql", "driver: golang_migrate, query: {x-no-lock: true}", "&x-no-lock=true"),
        ("mysql", "driver: prisma, query: {pool_timeout: 1.5}", "&pool_timeout=1.5"),
        (
            CLICKHOUSE,
            "driver: golang_migrate, query: {x-multi-statement: true}",
            "&x-multi-statement=true",
        ),
        ("mongodb", "driver: prisma, query: {retryWrites: false}", "&retryWrites=false"),
        ("rabbitmq", "query: {heartbeat: 30}", "?heartbeat=30"),
        ("redis", "driver: bullmq, query: {family: 0}", "?family=0"),
    ],
)
def test_a_query_goes_on_with_what_the_url_has(adapter: str, rule: str, end: str) -> None:
    assert environment(f"as: URL, {rule}", adapter) == {"URL": end}


def test_a_query_is_of_the_url_and_of_no_other_part() -> None:
    spec = spec_of(used("as: {url: URL, host: HOST, user: USER, password: PW}, query: {a: b}"))["environment"]
    assert (spec["HOST"], spec["USER"]) == ("main", "main")
    assert str(spec["URL"].parts[1]) == "&a=b"


@pytest.mark.parametrize(
    ("adapter", "rule", "found"),
    [
        ("postgresql", "query: {connect_timeout: 5}", ("parameter-twice", "connect_timeout")),
        ("postgresql", "driver: go_pq, query: {sslmode: require}", ("parameter-twice", "sslmode")),
        (
            CLICKHOUSE,
            "driver: golang_migrate, query: {password: x}",
            ("parameter-twice", "password"),
        ),
        ("mysql", "driver: golang_migrate, query: {timeout: 1s}", ("parameter-twice", "timeout")),
        ("postgresql", "driver: dotnet, query: {a: b}", ("query-without-url", "query")),
        ("mysql", "driver: pymysql, query: {a: b}", ("query-without-url", "query")),
        ("kafka", "query: {a: b}", ("query-without-url", "query")),
        ("redis", "driver: stackexchange_redis, query: {a: b}", ("query-without-url", "query")),
        ("postgresql", "as: {host: A}, query: {a: b}", ("query-without-url", "query")),
        ("postgresql", "query: {a: '${B}'}", ("wrong-format", "'${B}'")),
        ("postgresql", "query: {'a=b': c}", ("wrong-format", "'a=b'")),
        ("postgresql", "query: {a: [b]}", ("wrong-type", "[b]")),
    ],
)
def test_a_query_that_does_not_fit_is_told_at_its_place(
    adapter: str, rule: str, found: tuple[str, str]
) -> None:
    assert findings(used(rule, adapter)) == [found]


@pytest.mark.parametrize("adapter", ["redis", "valkey", "postgresql", "mysql", "rabbitmq"])
def test_a_password_without_its_user_is_told(adapter: str) -> None:
    rule = "as: {host: DB_HOST, password: DB_PASSWORD}"
    assert findings(used(rule, adapter)) == [("password-without-user", "password")]


def test_redis_has_a_user_for_a_password_alone() -> None:
    help = only(used("as: {host: DB_HOST, password: DB_PASSWORD}", "redis")).help
    assert help and "user: default" in help
    assert findings(used("as: {host: DB_HOST, password: DB_PASSWORD}", "redis, user: default")) == []
    assert "default" not in str(only(used("as: {password: DB_PASSWORD}")).help)


@pytest.mark.parametrize(
    "uses",
    [
        "uses: [{main: {as: {user: U, password: PW}}}]",
        "uses: [{main: {as: {url: U, password: PW}}}]",
        "uses: [{main: {as: {password: PW}}}, {main: {as: {user: U}}}]",
        "uses: [main, {main: {as: {password: PW}}}]",
        "uses: [{main: {as: {password: DB_PASSWORD}}}]\nenvironment: {DB_USERNAME: '${U}'}",
        "uses: [{main: {as: {password: PGPASSWORD}}}]\nenvironment: {PGUSER: main}",
        "uses: [{main: {as: {password: PW}}}]\nenvironment: {WHO: '${{ databases.main.user }}'}",
        "uses: [{main: {as: {host: A, port: B}}}]",
    ],
)
def test_a_user_that_is_there_is_seen(uses: str) -> None:
    assert findings(entry(uses, "databases: {main: {adapter: postgresql}}")) == []


def test_an_engine_without_users_takes_a_password_alone() -> None:
    assert findings(used("as: {host: H, password: PW}", "meilisearch")) == []


@pytest.mark.parametrize("mode", ["off", "verify-full"])
@pytest.mark.parametrize("sign", "?&")
@pytest.mark.parametrize("adapter", ["postgresql", "mysql", "mariadb", "mongodb", "redis", "clickhouse"])
def test_text_behind_the_url_of_any_driver_goes_on_with_its_query(adapter: str, sign: str, mode: str) -> None:
    version = ", version: '26.7'" if adapter == "clickhouse" else ""
    rest = f"databases: {{main: {{adapter: {adapter}, tls: {mode}{version}}}}}"
    access = project_of(entry("uses: [main]", rest)).access["main"].network
    urls = [one for one in access.values() if parameters(one) is not None]
    values = (f"{one.driver}: '${{{{ databases.main.connections.{one.driver} }}}}{sign}a=b'" for one in urls)
    made = project_of(entry(f"environment: {{{', '.join(values)}}}", rest)).services["app"]["environment"]
    for one in urls:
        whole = mask(one) + str(made[one.driver].parts[1])
        assert whole.count("?") == 1, one.driver
        assert whole.endswith(("?a=b", "&a=b"))
