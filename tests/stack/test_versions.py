"""Which version line a stack means, and what is offered where an adapter has none."""

from __future__ import annotations

import pytest

from compiler.registry.versions import find_line
from tests.stack.test_database import told, typed


@pytest.mark.parametrize(
    ("adapter", "written", "line"),
    [
        ("mysql", "8", "8.4"),
        ("redis", "7", "7.4"),
        ("redis", "8", "8.10"),
        ("elasticsearch", "9", "9.5"),
        ("mariadb", "11", "11.8"),
        ("valkey", "8", "8.1"),
    ],
)
def test_a_whole_version_is_the_newest_line_of_that_major(adapter: str, written: str, line: str) -> None:
    assert typed(f"adapter: {adapter}, version: {written}").version == line


@pytest.mark.parametrize("wanted", ["", ".", "8.", "x", "9" * 5000, "٣"])
def test_what_is_no_version_is_no_line(wanted: str) -> None:
    assert find_line(wanted, ["8.0", "latest"]) is None


@pytest.mark.parametrize(
    ("adapter", "written", "help"),
    [
        ("mysql", "6.0", "one of: 5.7, 8.0, 8.4, 9.7"),
        ("mongodb", "6.1", "one of: 5.0, 6.0, 7.0, 8.0, 8.3"),
        ("redis", "7.1", 'did you mean "7.2"?'),
        ("elasticsearch", "7.10", 'did you mean "7.17"?'),
        ("mysql", "8.0.36", 'did you mean "8.0"?'),
        ("postgresql", "16.4", 'did you mean "16"?'),
        ("mysql", "8.9", "one of: 5.7, 8.0, 8.4, 9.7"),
    ],
)
def test_no_line_of_another_major_and_no_older_one_is_offered(adapter: str, written: str, help: str) -> None:
    assert told(f"adapter: {adapter}, version: {written}")[::2] == ("unknown-version", help)


@pytest.mark.parametrize(
    ("adapter", "written", "first", "page"),
    [
        ("postgresql", "9.6", "13", "https://www.postgresql.org/docs/current/upgrading.html"),
        ("mysql", "4.1", "5.7", "https://dev.mysql.com/doc/refman/5.7/en/upgrading.html"),
        (
            "mongodb",
            "4.4",
            "5.0",
            "https://www.mongodb.com/docs/manual/release-notes/5.0-upgrade-standalone/",
        ),
        ("clickhouse", "24.8", "25.3", "https://clickhouse.com/docs/operations/update"),
    ],
)
def test_data_of_an_older_line_have_a_way(adapter: str, written: str, first: str, page: str) -> None:
    help = f'bring its data to "{first}" or later, as {page} says'
    assert told(f"adapter: {adapter}, version: {written}")[::2] == ("unknown-version", help)


@pytest.mark.parametrize("engine", ["oracle", "sqlite", "cassandra", "couchdb", "postgis"])
def test_no_adapter_is_offered_for_another_engine(engine: str) -> None:
    help = told(f"adapter: {engine}")[2]
    assert "did you mean" not in help
    assert help.endswith("another engine runs as a service")


@pytest.mark.parametrize("slip", ["postgress", "postgrse", "redsi", "mogno", "mariabd"])
def test_a_slip_in_a_name_gets_the_name(slip: str) -> None:
    assert "did you mean" in told(f"adapter: {slip}")[2]
