"""Databases that nothing reaches."""

from __future__ import annotations

import pytest

from tests.stacks import entry, findings

UNUSED = [("unused-database", "main")]


@pytest.mark.parametrize(
    "options",
    [
        "uses: [main]",
        "uses: [{main: {as: {host: H}}}]",
        "depends_on: [main]",
        "environment: {U: '${{ databases.main.url }}'}",
        "environment: {H: '${{ databases.main.host }}'}",
        "environment: {U: 'postgresql://main/x'}",
        "labels: {a: '${{ databases.main.port }}'}",
    ],
)
def test_a_database_that_a_service_names_is_used(options: str) -> None:
    assert findings(entry(options, "databases: {main: {adapter: postgresql}}")) == []


@pytest.mark.parametrize(
    "rest",
    [
        "databases: {main: {adapter: postgresql, port: 5432}}",
        "databases: {main: {adapter: postgresql, port: 0.0.0.0:5432}}",
        "databases: {main: {adapter: postgresql, x-compose: {ports: ['5432:5432']}}}",
        "databases: {main: {adapter: rabbitmq, management_port: 15672}}",
        "databases: {main: {adapter: postgresql, pooler: true, port: 5432}}",
        "databases: {main: {adapter: postgresql}}\nconfigs: {c: {content: '${{ databases.main.host }}'}}",
        "databases: {main: {adapter: postgresql}, more: {on: main, port: 5432}}",
        "databases: {main: {adapter: postgresql}}\ninclude: [other.yaml]",
    ],
)
def test_a_database_that_is_reached_otherwise_is_used(rest: str) -> None:
    assert ("unused-database", "main") not in findings(entry("", rest))


@pytest.mark.parametrize(
    "options", ["command: 'app --db main'", "environment: {NAME: main}", "networks: [x]"]
)
def test_a_database_that_nothing_reaches_is_told_at_its_key(options: str) -> None:
    rest = "databases: {main: {adapter: postgresql}}\nnetworks: {x: }"
    assert findings(entry(options, rest)) == UNUSED


def test_each_of_several_on_a_server_is_told_by_itself() -> None:
    rest = "databases: {main: {adapter: postgresql}, more: {on: main}, other: {on: main}}"
    assert findings(entry("uses: [more]", rest)) == [("unused-database", "other")]


def test_a_stack_of_databases_alone_is_not_told() -> None:
    assert findings("name: a\ndatabases: {main: {adapter: postgresql}}\n") == []


def test_a_slip_in_the_name_is_told_once() -> None:
    rest = "databases: {main: {adapter: postgresql}}"
    assert [id for id, _ in findings(entry("uses: [mian]", rest))] == ["unknown-reference"]
