"""Databases that a service names by hand, as files do that were written for Compose alone."""

from __future__ import annotations

import pytest

from compiler.targets.compose import written_service
from tests.stacks import compile_text


def joined(environment: str, database: str = "db") -> tuple[bool, list[str]]:
    text = (
        f"name: a\nservices:\n  app: {{image: 'a:1', environment: {environment}}}\n"
        f"databases: {{{database}: {{adapter: postgresql}}}}\n"
    )
    compiled, found = compile_text(text)
    assert compiled, found
    app = written_service(compiled.project, "app")
    waits, networks = app.get("depends_on", {}), app.get("networks", [])
    assert (database in waits) == ("databases" in networks)
    return database in waits, [one.id for one in found]


@pytest.mark.parametrize(
    "environment",
    [
        '{URL: "postgresql://db:5432/x"}',
        '{URL: "postgresql://db/x"}',
        '{URL: "jdbc:postgresql://db:5432/x?user=y"}',
        '{URL: "postgresql://${U}:${P}@db:5432/x"}',
        '{URL: "redis://other:1,db:2"}',
        '{DSN: "user@tcp(db:3306)/x"}',
        '{DSN: "host=db port=5432"}',
        "{DB_HOST: db}",
        "{PGHOST: db}",
        '{DB_ADDR: "db:5432"}',
        "[DB_HOSTNAME=db]",
        "{DATABASE_SERVER: db}",
    ],
)
def test_a_service_that_names_a_database_joins_it_and_waits(environment: str) -> None:
    assert joined(environment) == (True, [])


@pytest.mark.parametrize(
    "environment",
    [
        "{THEME: db}",
        '{URL: "https://db.example.com/"}',
        '{URL: "https://example.com/db"}',
        "{NAME: db, DB_NAME: db}",
        '{HOST: "mydb"}',
        "{DB_HOST: }",
    ],
)
def test_what_is_no_host_of_it_changes_nothing(environment: str) -> None:
    assert joined(environment) == (False, ["unused-database"])


def test_a_log_in_of_its_own_is_told_and_not_shown() -> None:
    assert joined('{URL: "postgresql://umami:Zq9xVal7@db:5432/umami"}') == (True, ["literal-login"])
    _, found = compile_text(
        "name: a\nservices: {app: {image: 'a:1', environment: [U=postgresql://x:Zq9xVal7@db/x]}}\n"
        "databases: {db: {adapter: postgresql}}\n"
    )
    assert [one.id for one in found] == ["literal-login"]
    assert "Zq9xVal7" not in str([(one.message, one.help) for one in found])
