"""`stackc adapters test --boot` on running engines: what passes, and what only an engine can tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import stackc
from tests.engines.conftest import need, run
from tests.engines.debian import image_of

pytestmark = pytest.mark.engine
REDIS = "redis:7.2-alpine"
CHECKS = ["up", "log-in", "wrong password", "drivers", "restart", "new password", "paused"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("adapters").mkdir()
    return tmp_path


def boot(name: str, **changes: Any) -> tuple[int, dict[str, Any], str]:
    if changes:
        text = {"adapter": name, "title": "Mine", **changes}
        Path(f"adapters/{name}.yaml").write_text(json.dumps(text))
    done = stackc("adapters", "test", name, "--boot", "--format", "json")
    assert not run("docker", "ps", "-aq", "--filter", "name=stackc-boot").stdout
    return done.exit_code, json.loads(done.stdout)[0], done.stderr


@pytest.mark.parametrize(
    ("name", "image", "drivers"), [("postgresql", "pgvector/pgvector:pg16", 8), ("mysql", "mysql:8.4", 4)]
)
def test_a_built_in_adapter_passes(name: str, image: str, drivers: int) -> None:
    need(image)
    code, row, told = boot(name)
    assert (code, [row[check] for check in CHECKS]) == (0, [2, 2, 2, drivers, 2, 2, 2]), told


def test_an_engine_without_passwords_passes() -> None:
    versions = {"1.6": {"image": image_of("memcached")}}
    code, row, told = boot("mine", extends="memcached", versions=versions)
    assert (code, [row[check] for check in CHECKS]) == (0, [2, 2, 0, 0, 2, 0, 2]), told


def test_a_probe_that_passes_with_a_wrong_password_is_found() -> None:
    need(REDIS)
    probe = {"test": "client 127.0.0.1 ${{ user }} ${{ secrets.password }} PING | grep -q ."}
    code, row, told = boot(
        "mine",
        extends="redis",
        default_version="7.2",
        versions={"7.2": {"image": REDIS}},
        containers={"server": {"healthcheck": probe}},
    )
    assert (code, row["passed"]) == (1, False)
    assert "with TLS off, a wrong password: the probe passes with it [adapter-boot]" in told


def test_a_server_that_does_not_come_up_is_told() -> None:
    need(REDIS)
    code, row, told = boot(
        "mine",
        extends="redis",
        default_version="7.2",
        versions={"7.2": {"image": REDIS}},
        containers={"server": {"command": ["redis-server", "--no-such-option"]}},
    )
    assert (code, row["passed"], "with TLS off, up: " in told) == (1, False, True)


def test_without_docker_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    done = stackc("adapters", "test", "redis", "--boot")
    assert (done.exit_code, "no Docker answers here" in done.output) == (1, True)
