"""Every engine that can be booted, in one stack, with read-only file systems and a service that uses them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engines.conftest import Stack

pytestmark = pytest.mark.engine
IMAGES = (
    "pgvector/pgvector:pg16",
    "mysql:8.0",
    "redis:7.2-alpine",
    "mongo:7.0",
    "clickhouse/clickhouse-server:latest",
)
DATABASES = ("accounts", "orders", "cache", "catalog", "events")
STACK = """
name: stackctest-together
services:
  worker:
    image: redis:7.2-alpine
    entrypoint: [tail, -f, /dev/null]
    uses: [accounts, orders, cache, catalog, events]
    environment: {HOST: "${{ databases.accounts.host }}"}
    healthcheck: {test: [CMD-SHELL, "true"]}
databases:
  accounts: {adapter: postgresql, read_only: true}
  orders: {adapter: mysql, read_only: true}
  cache: {adapter: redis, read_only: true}
  catalog: {adapter: mongodb, read_only: true}
  events: {adapter: clickhouse, read_only: true, nofile: 20000}
"""


@pytest.fixture(scope="module")
def together(boot: Callable[..., Stack]) -> Stack:
    return boot(STACK, *IMAGES)


def test_service_starts_last_and_reads_every_connection(together: Stack) -> None:
    variables = together.sh("worker", "env").stdout
    for name in DATABASES:
        key = f"{name.upper()}_URL"
        assert f"{key}={together.env[key]}" in variables
    assert "HOST=accounts" in variables


def test_service_reaches_every_database_by_name(together: Stack) -> None:
    for name in DATABASES:
        assert together.sh("worker", f"getent hosts {name}").returncode == 0


@pytest.mark.parametrize("name", DATABASES)
def test_file_system_is_read_only(together: Stack, name: str) -> None:
    assert together.inspect(name, "{{.HostConfig.ReadonlyRootfs}}") == "true"
    assert "Read-only file system" in together.sh(name, "touch /stackc-was-here").stderr


@pytest.mark.parametrize("name", DATABASES)
def test_container_has_no_more_rights_than_it_needs(together: Stack, name: str) -> None:
    assert together.inspect(name, "{{.HostConfig.CapDrop}}") == "[ALL]"
    assert "no-new-privileges:true" in together.inspect(name, "{{.HostConfig.SecurityOpt}}")


def test_everything_is_healthy_again_after_a_restart(together: Stack) -> None:
    assert together.compose("restart", *DATABASES).returncode == 0
    together.up()
    assert [together.health(name) for name in DATABASES] == ["healthy"] * len(DATABASES)
