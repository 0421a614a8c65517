"""Databases on the server of another one."""

from __future__ import annotations

import pytest

from tests.stacks import findings, project_of

MAIN = "name: demo\ndatabases:\n  main: {adapter: postgresql, pool: {size: 40}, port: 15432, tls: require}\n"


def test_a_further_database_has_a_job_and_a_user_and_no_server() -> None:
    project = project_of(MAIN + "  jobs: {on: main}\n")
    assert project.services.keys() == {"main", "main-init", "jobs-init", "stackc-ready"}
    assert project.services["jobs-init"]["depends_on"] == {"main": {"condition": "service_healthy"}}
    assert project.ready["jobs"] == {"main": "service_healthy", "jobs-init": "service_completed_successfully"}
    parts = project.access["jobs"].parts
    assert (parts["host"], parts["user"], parts["database"]) == ("main", "jobs", "jobs")
    assert {one.key for one in project.secrets} >= {"MAIN_PASSWORD", "MAIN_ADMIN_PASSWORD", "JOBS_PASSWORD"}
    assert "JOBS_ADMIN_PASSWORD" not in {one.key for one in project.secrets}


def test_the_application_as_administrator_has_one_password_with_it() -> None:
    text = MAIN.replace("tls: require", "admin: umami, user: umami") + "  jobs: {on: main, user: umami}\n"
    keys = {one.key for one in project_of(text).secrets}
    assert {key for key in keys if key.endswith("PASSWORD")} == {"MAIN_PASSWORD"}


def test_the_connections_of_all_databases_of_a_server_are_added_up() -> None:
    services = "services: {a: {image: x, uses: [main, jobs]}, b: {image: x, uses: [jobs]}}\n"
    text = MAIN + "  jobs: {on: main, pool: {size: 30}}\n" + services
    assert findings(text)[0] == ("too-many-connections", "40")


@pytest.mark.parametrize(
    ("entry", "id", "place"),
    [
        ("{on: nothing}", "unknown-reference", "nothing"),
        ("{on: jobs}", "unknown-reference", "jobs"),
        ("{on: cache}", "unsupported-option", "cache"),
        ("{on: main, memory: 1G}", "unsupported-option", "memory"),
        ("{on: main, adapter: postgresql}", "unsupported-option", "adapter"),
        ("{on: main, extension: [a]}", "unknown-option", "extension"),
        ("{on: main, database: main}", "shared-names", "main"),
        ("{on: main, user: main}", "shared-names", "main"),
    ],
)
def test_what_a_further_database_cannot_have_is_told(entry: str, id: str, place: str) -> None:
    text = f"{MAIN}  cache: {{adapter: redis}}\n  jobs: {entry}\n"
    assert findings(text) == [(id, place)]


def test_an_option_of_a_single_database_is_its_own() -> None:
    project = project_of(MAIN + "  jobs: {on: main, extensions: [pg_trgm]}\n")
    configs = project.tree["configs"]
    assert "pg_trgm" in configs["jobs-init"]["content"] and "pg_trgm" not in configs["main-init"]["content"]


def test_what_is_wrong_with_a_server_is_told_once() -> None:
    main = "main: {adapter: mysql, memory: 512M, x-compose: {privileged: true}}"
    text = f"name: demo\ndatabases:\n  {main}\n  jobs: {{on: main}}\n"
    assert findings(text) == [
        ("adapter-rule", "512M"),
        ("privileged-database", "privileged"),
    ]


def test_a_rule_about_a_further_database_is_told_there() -> None:
    vector = "{dimensions: 3, parameters: {m: 100}}"
    assert findings(f"{MAIN}  jobs: {{on: main, vector: {vector}}}\n")[0][0] == "adapter-rule"
