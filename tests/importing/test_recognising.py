"""Which adapter and which version line a service is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from compiler.importing.reading import Reader
from compiler.importing.recognising import Unusual, find_engine
from compiler.report import Report
from tests.stacks import registry

if TYPE_CHECKING:
    from pathlib import Path

    from compiler.importing.recognising import Engine


def engine_of(folder: Path, options: str) -> Engine | None:
    (folder / "compose.yaml").write_text(f"services: {{app: {{{options}}}}}\n")
    compose = Reader(Report()).compose([folder], None)
    assert compose is not None
    return find_engine(compose, compose.project.services["app"], registry().adapters())


@pytest.mark.parametrize(
    ("image", "adapter", "line", "is_told"),
    [
        ("postgres:17.2-bookworm", "postgresql", "17", True),
        ("registry.example.com/postgres:17", "", "", False),
        ("mysql:8", "mysql", "8.4", True),
        ("mysql:5.7", "mysql", "5.7", True),
        ("mongo:5.0.31-focal", "mongodb", "5.0", True),
        ("mysql:8.0.39", "mysql", "8.0", True),
        ("mariadb:lts", "mariadb", "12.3", False),
        ("redis:7-alpine", "redis", "7.4", True),
        ("valkey/valkey:8-bookworm", "valkey", "8.1", True),
        ("valkey/valkey-bundle:8", "valkey", "8.1-bundle", True),
        ("clickhouse/clickhouse-server", "clickhouse", "latest", True),
        ("clickhouse/clickhouse-server:26.3.4.5-alpine", "clickhouse", "26.3", True),
        ("docker.elastic.co/elasticsearch/elasticsearch:8.19.1", "elasticsearch", "8.19", True),
        ("getmeili/meilisearch:v1.53.0", "meilisearch", "1.53", True),
        ("nginx:1.29", "", "", False),
    ],
)
def test_the_image_says_which(tmp_path: Path, image: str, adapter: str, line: str, is_told: bool) -> None:
    engine = engine_of(tmp_path, f'image: "{image}"')
    found = (engine.adapter.name, engine.version, engine.is_told) if engine else ("", "", False)
    assert found == (adapter, line, is_told)


def test_of_an_image_without_a_version_the_folder_says_which(tmp_path: Path) -> None:
    for folder, line in (("/var/lib/postgresql/data", "17"), ("/var/lib/postgresql", "18")):
        engine = engine_of(tmp_path, f'image: postgres, volumes: ["x:{folder}"]')
        assert engine is not None
        assert engine.version == line


@pytest.mark.parametrize(
    "sign",
    [
        'volumes: ["x:/var/lib/postgresql/data"]',
        'ports: ["15432:5432"]',
        "healthcheck: {test: pg_isready -U x}",
    ],
)
def test_another_image_is_known_by_its_variables_and_one_more_sign(tmp_path: Path, sign: str) -> None:
    variables = "environment: {POSTGRES_PASSWORD: x}"
    engine = engine_of(tmp_path, f'image: "acme/postgres:16", {variables}, {sign}')
    assert engine is not None
    assert (engine.adapter.name, engine.version, engine.is_own) == ("postgresql", "16", False)
    assert engine_of(tmp_path, f'image: "acme/postgres:16", {variables}') is None
    assert engine_of(tmp_path, f'image: "acme/postgres:16", {sign}') is None


def test_what_adapters_say_of_their_images_are_words_of_an_entry() -> None:
    for adapter in registry().adapters():
        rules, spec = adapter.data.get("import") or {}, adapter.at(adapter.default_version)
        meanings = [*rules.get("variables", {}).values(), *rules.get("arguments", {}).values()]
        words = {
            part for one in meanings if isinstance(one, list) for word in one for part in word.split("/")
        } | {*rules.get("otherwise", {})}
        assert words <= {"admin", "user", "database", *spec["secrets"], *spec.get("options", {})}, (
            adapter.name
        )


@pytest.mark.parametrize(
    ("image", "why"), [("mysql:5.6", "no version line"), ("apache/kafka:4.0.0", "its listeners")]
)
def test_what_no_adapter_takes_over_says_why(tmp_path: Path, image: str, why: str) -> None:
    with pytest.raises(Unusual, match=why):
        engine_of(tmp_path, f'image: "{image}"')
