"""What a stack says of a database's server in Compose's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.stacks import compile_text, findings, project_of, resolve, spec_of

if TYPE_CHECKING:
    from pathlib import Path


def database(options: str, rest: str = "") -> str:
    return f"name: demo\ndatabases:\n  main: {{adapter: postgresql, {options}}}\n{rest}"


@pytest.mark.parametrize(
    ("options", "key", "value"),
    [
        ('port: "0.0.0.0:15432"', "ports", ["0.0.0.0:15432:5432"]),
        ('port: "[::1]:15432"', "ports", ["[::1]:15432:5432"]),
        ("port: 15432", "ports", ["127.0.0.1:15432:5432"]),
        ("volume: old", "volumes", ["old:/var/lib/postgresql/data"]),
        ("volume: ./data", "volumes", ["./data:/var/lib/postgresql/data"]),
        ("volume: {name: x_db, external: true}", "volumes", ["main-data:/var/lib/postgresql/data"]),
        ("profiles: [search]", "profiles", ["search"]),
    ],
)
def test_an_option_is_written_as_compose_has_it(options: str, key: str, value: Any) -> None:
    assert spec_of(database(options), "main")[key] == value


def test_every_container_of_a_database_is_in_its_profiles() -> None:
    services = project_of(database("profiles: [search], pooler: true")).services
    assert all(one["profiles"] == ["search"] for one in services.values())
    assert services.keys() == {"main", "main-init", "main-pooler"}
    gate = project_of(database("profiles: [search]")).services["stackc-ready"]
    assert gate["depends_on"]["main-init"]["required"] is False


def test_a_service_that_is_always_there_cannot_wait_for_a_profile() -> None:
    services = "services: {app: {image: x, uses: [main]}}\n"
    assert [id for id, _ in findings(database("profiles: [search]", services))] == ["inactive-dependency"]


def test_a_volume_with_a_name_of_its_own_is_that_one() -> None:
    volumes = project_of(database("volume: {name: old_db, external: true}")).tree["volumes"]
    assert volumes == {"main-data": {"name": "old_db", "external": True}}


def test_a_folder_is_reached_from_the_rendered_files() -> None:
    compiled, _ = compile_text(database("volume: ./data, scripts: [a.sql]"), base="..")
    assert compiled is not None
    project = compiled.project
    assert project.services["main"]["volumes"][0]["source"] == "../data"
    assert project.tree["configs"]["main-script-1"] == {"file": "../a.sql"}


def test_variables_and_x_compose_keep_composes_syntax_and_resolve_references(tmp_path: Path) -> None:
    text = database(
        'environment: {TZ: "${ZONE:-Europe/Berlin}", PRICE: "$$5"}, '
        'x-compose: {environment: ["PEER=${{ databases.other.host }}"], labels: {a: "${ZONE:-x}"}}',
        "  other: {adapter: redis}\n",
    )
    server = resolve(text, tmp_path, dotenv="ZONE=UTC\n")["services"]["main"]
    assert server["labels"]["a"] == "UTC"
    kept = {name: server["environment"][name] for name in ("TZ", "PRICE", "PEER", "POSTGRES_USER")}
    assert kept == {"TZ": "UTC", "PRICE": "$5", "PEER": "other", "POSTGRES_USER": "postgres"}


def test_an_unknown_name_in_x_compose_is_told_at_its_place() -> None:
    text = database('x-compose: {labels: {a: "${{ databases.nope.url }}"}}')
    assert findings(text) == [("unknown-reference", "${{ databases.nope.url }}")]


@pytest.mark.parametrize(
    ("overlay", "help"),
    [
        ("{command: [postgres]}", "write `settings:` of the database in its place"),
        ('{volumes: ["old:/var/lib/postgresql/data"]}', "write `volume:` of the database in its place"),
        ("{environment: {POSTGRES_USER: x}}", "leave it out"),
    ],
)
def test_what_x_compose_overrules_is_told_with_the_option_for_it(overlay: str, help: str) -> None:
    (one,) = compile_text(database(f"x-compose: {overlay}"))[1]
    assert (one.id, one.help) == ("owned-key", help)


def test_what_x_compose_adds_is_no_finding() -> None:
    overlay = '{volumes: ["./x:/x:ro"], environment: [TZ=UTC], networks: [back]}'
    assert findings(database(f"x-compose: {overlay}", "networks: {back: null}\n")) == []


def test_the_job_runs_each_script_in_its_order() -> None:
    services = project_of(database("scripts: [sql/b.sql, sql/a.sql]")).services
    targets = [one["target"] for one in services["main-init"]["configs"][1:]]
    assert targets == ["/etc/stackc/scripts/01-b.sql", "/etc/stackc/scripts/02-a.sql"]
    run = services["main-init"]["entrypoint"][2]
    assert run.endswith(f"once 'b.sql' '{targets[0]}'\nonce 'a.sql' '{targets[1]}'\n")
