"""Versions that have ended or move, and the sum of connections that a server has to take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from compiler.registry.registry import Registry
from compiler.report import Report
from compiler.run.passes import compile_document
from compiler.source import parse_yaml

if TYPE_CHECKING:
    from compiler.report import Diagnostic


def findings(databases: str, services: str = "{}", today: str = "2026-01-01") -> list[Diagnostic]:
    text = f"name: demo\nservices: {services}\ndatabases:\n  main: {databases}\n"
    document = parse_yaml(text.encode(), "stack.yaml", Report())
    assert document is not None
    report = Report()
    compile_document(document, Registry(), report, environment="local", today=today, source="stack.yaml")
    return list(report)


def codes(databases: str, today: str = "2026-01-01") -> list[str]:
    return [one.id for one in findings(databases, today=today)]


# Versions


@pytest.mark.parametrize(
    ("today", "expected"),
    [("2026-04-29", []), ("2026-04-30", ["end-of-life"]), ("2030-01-01", ["end-of-life"])],
)
def test_a_version_has_ended_from_its_day_on(today: str, expected: list[str]) -> None:
    assert codes("{adapter: mysql}", today) == expected


def test_a_version_that_is_written_is_a_choice() -> None:
    assert codes("{adapter: mysql, version: '8.0'}", "2027-01-01") == []


def test_a_line_before_the_default_is_told_with_the_way_out_of_it() -> None:
    (one,) = findings("{adapter: postgresql, version: 13}", today="2026-01-01")
    page = "https://www.postgresql.org/docs/current/upgrading.html"
    assert (one.id, one.severity) == ("end-of-life", "warning")
    assert one.help == f'write `version: "14"`; how data come there is in {page}'


def test_an_ended_default_is_told_at_the_adapter_with_a_version_that_lives() -> None:
    (one,) = findings("{adapter: mysql}", today="2027-01-01")
    assert (one.id, one.span.column, one.severity) == ("end-of-life", 19, "warning")
    assert (one.message, one.help) == (
        "mysql 8.0 has had no fixes since 2026-04-30",
        'write `version: "8.4"`',
    )


def test_where_every_version_has_ended_the_image_is_left() -> None:
    (one,) = findings("{adapter: mysql}", today="2999-01-01")
    assert one.help == "write `image:` with a full tag"


def test_a_moving_image_is_a_warning_unless_one_is_written() -> None:
    assert codes("{adapter: clickhouse}") == ["moving-image"]
    assert codes("{adapter: clickhouse, image: 'clickhouse/clickhouse-server:26.3.1'}") == []


def test_the_version_named_for_a_moving_image_is_pinned_and_alive() -> None:
    (one,) = findings("{adapter: clickhouse}")
    version = (one.help or "").split('"')[1]
    assert codes(f"{{adapter: clickhouse, version: '{version}'}}") == []


# Connections


def budget(database: str, services: str) -> list[str]:
    return [one.message for one in findings(database, services) if one.id == "too-many-connections"]


def test_the_sum_is_told_term_by_term() -> None:
    services = (
        "{api: {image: a, deploy: {replicas: 9}, uses: [main]}, job: {image: a, uses: [{main: {pool: 6}}]}}"
    )
    assert budget("{adapter: postgresql}", services) == [
        'database "main" takes 100 connections, and the stack may open 101: api 9 x 10 + job 1 x 6 + 5 reserved'
    ]


def test_connections_that_just_fit_are_fine() -> None:
    services = (
        "{api: {image: a, deploy: {replicas: 9}, uses: [main]}, job: {image: a, uses: [{main: {pool: 5}}]}}"
    )
    assert budget("{adapter: postgresql}", services) == []


@pytest.mark.parametrize(
    "service",
    [
        "{image: a, deploy: {replicas: 10}, uses: [main]}",
        "{image: a, scale: 10, uses: [main]}",
        "{image: a, deploy: {replicas: 2}, uses: [{main: {pool: 50}}]}",
        "{image: a, deploy: {replicas: 10}, environment: {URL: '${{ databases.main.url }}'}}",
        "{image: a, uses: [{main: {pool: 96}}]}",
    ],
)
def test_replicas_and_pools_of_a_service_count(service: str) -> None:
    assert len(budget("{adapter: postgresql}", f"{{api: {service}}}")) == 1


def test_a_service_that_does_not_use_the_database_does_not_count() -> None:
    assert budget("{adapter: postgresql}", "{api: {image: a, deploy: {replicas: 99}}}") == []


def test_the_limit_is_that_of_the_option() -> None:
    services = "{api: {image: a, deploy: {replicas: 15}, uses: [main]}}"
    assert len(budget("{adapter: postgresql, max_connections: 154}", services)) == 1
    assert budget("{adapter: postgresql, max_connections: 155}", services) == []


def test_the_size_of_the_pool_is_that_of_the_database() -> None:
    services = "{api: {image: a, uses: [main]}}"
    (message,) = budget("{adapter: postgresql, pool: {size: 200}}", services)
    assert "api 1 x 200 + 5 reserved" in message


def test_a_pooler_takes_more_than_the_server() -> None:
    services = "{api: {image: a, deploy: {replicas: 20}, uses: [main]}}"
    assert len(budget("{adapter: postgresql}", services)) == 1
    assert budget("{adapter: postgresql, pooler: true}", services) == []


def test_a_server_without_a_limit_takes_any_number() -> None:
    services = "{api: {image: a, deploy: {replicas: 999}, uses: [main]}}"
    assert budget("{adapter: elasticsearch, version: '9.5'}", services) == []


def test_too_many_connections_are_told_at_the_pool() -> None:
    found = findings("{adapter: postgresql, pool: {size: 200}}", "{api: {image: a, uses: [main]}}")
    (one,) = [one for one in found if one.id == "too-many-connections"]
    assert (one.severity, one.span.line, one.span.column) == ("error", 4, 44)
