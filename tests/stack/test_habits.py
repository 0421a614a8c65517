"""What a person writes out of habit, and the help for each."""

from __future__ import annotations

import pytest

from tests.stack.test_database import told, typed
from tests.stacks import only

SERVICE = "name: demo\nservices:\n  web:\n    image: nginx:1.29-alpine\n"


@pytest.mark.parametrize(
    ("options", "help"),
    [
        ("adapter: postgresql, pool: 10", "write `{size: 10}`"),
        ("adapter: postgresql, vector: 1536", "write `{dimensions: 1536}`"),
        ("adaptor: postgresql", 'did you mean "adapter"?'),
        ("adapter: postgresql, mem_limit: 1g", "write `memory:`"),
        ("adapter: postgresql, volumes: [a]", "write `volume:` for the one that holds the data"),
        ("adapter: postgresql, ports: ['5432:5432']", "write `port:`"),
        ("adapter: redis, database: app", "write a number from 0 to 15"),
        ("adapter: postgresql, password: '${DB_PASSWORD}'", "write ${{ secrets.NAME }}"),
    ],
)
def test_a_habit_in_a_database_gets_what_to_write(options: str, help: str) -> None:
    assert told(options)[2].startswith(help)


@pytest.mark.parametrize(
    ("written", "mib"),
    [("512MiB", 512), ("512M", 512), ("1.5G", 1536), ("0.5gb", 512), ("2g", 2048)],
)
def test_memory_is_written_as_in_a_service(written: str, mib: int) -> None:
    assert typed(f"adapter: postgresql, memory: {written}").memory == mib << 20


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("secrets: {jwt: abc123}\n", "write `{generate: hex}`"),
        ("databases: {main: postgresql}\n", "write `{adapter: postgresql}`"),
        ("environments: [staging]\n", "write each as a mapping"),
        ("    expose: ['80']\n    healthcheck: {http: health}\n", "write a path that begins with /"),
        (
            "    uses:\n      - main:\n        as: A\ndatabases: {main: {adapter: postgresql}}\n",
            "indent them further",
        ),
    ],
)
def test_a_habit_in_a_stack_gets_what_to_write(text: str, help: str) -> None:
    assert (only(SERVICE + text).help or "").startswith(help)
