"""Every folder of fixtures/import: what `stackc import` makes of it, and that it deploys what Compose did before."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from compiler.output import RIVALS
from compiler.source.masking import is_secret_name
from tests.compose import compose_binaries, config
from tests.conftest import ROOT, read_env, stackc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

IMPORT = ROOT / "fixtures" / "import"
CASES = sorted(folder.name for folder in IMPORT.iterdir())


@pytest.fixture(params=CASES)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return shutil.copytree(IMPORT / request.param, tmp_path / request.param)


def deployed(folder: Path) -> dict[str, Any]:
    return config(folder, compose_binaries()[0][0], *compose_binaries()[0][1:], "--profile", "*")


def addresses(ports: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    said = [{"host_ip": "0.0.0.0", "published": "", **one} for one in ports]
    return sorted(
        tuple(str(one[key]) for key in ("host_ip", "published", "target", "protocol")) for one in said
    )


def test_stack(folder: Path, snapshot_yaml: SnapshotAssertion) -> None:
    assert stackc("import", folder).exit_code == 0
    text = (folder / "stack.yaml").read_text().replace(f"{folder}/", "")
    assert text == snapshot_yaml
    values = read_env((folder / ".env").read_text()).values if (folder / ".env").exists() else {}
    secret = [value for key, value in values.items() if is_secret_name(key) and len(value) > 12]
    assert [value for value in secret if value in text] == []


def test_report(folder: Path, snapshot_text: SnapshotAssertion) -> None:
    assert stackc("import", folder).output.replace(f"{folder}", "FOLDER") == snapshot_text


def test_it_deploys_what_was_deployed(folder: Path) -> None:
    before = deployed(folder)
    old = (folder / ".env").read_text() if (folder / ".env").exists() else ""
    assert stackc("import", folder).exit_code == 0
    assert not (folder / ".env").exists() or (folder / ".env").read_text().startswith(old)
    done = stackc("compile", folder / "stack.yaml", "--force")
    assert done.exit_code == 0, done.output
    for rival in RIVALS:
        (folder / rival).unlink(missing_ok=True)
    stack = yaml.safe_load((folder / "stack.yaml").read_text())
    assert list(differences(before, deployed(folder), stack)) == []
    known = {*read_env((folder / ".env").read_text()).values.values()}
    for name in stack.get("databases", {}):
        variables = before["services"][name].get("environment") or {}
        old_ones = {one for key, one in variables.items() if key.endswith(("PASSWORD", "MASTER_KEY"))}
        assert old_ones - {"yes"} <= known


def bare(value: str) -> str:
    """Returns a URL of Redis without what a database that asked for no password adds to it."""
    return re.sub(r"^(redis://)(?:[^@/]*@)?([\w-]+:6379)(?:/0?$)?", r"\1\2", value)


def differences(before: dict[str, Any], after: dict[str, Any], stack: dict[str, Any]) -> Iterator[str]:
    """Yields what is deployed otherwise than before, besides what stackc promises to add."""
    databases = stack.get("databases", {})
    for name in after["services"].keys() - before["services"].keys():
        if name != "stackc-ready" and name.rpartition("-")[0] not in databases:
            yield name
    if before["name"] != after["name"]:
        yield "name"
    for name, service in before["services"].items():
        now = after["services"].get(name, {})
        same: dict[str, bool] = {key: service.get(key) == now.get(key) for key in service.keys() | now.keys()}
        same["ports"] = addresses(service.get("ports", [])) == addresses(now.get("ports", []))
        if name in databases:
            mounts = [{"bind": {}, **one} for one in service.get("volumes", ()) if "source" in one]
            if "scripts" in databases[name]:
                mounts = [one for one in mounts if "initdb.d" not in one["target"]]
            same["volumes"] = all(
                one in [{"bind": {}, **other} for other in now["volumes"]] for one in mounts
            )
            same = {key: same[key] for key in ("image", "container_name", "ports", "volumes") if key in same}
        else:
            for key in ("depends_on", "networks", "environment"):
                known, new = service.get(key) or {}, now.get(key) or {}
                is_read = key == "environment" and not stack["services"][name].get("env_file")
                same[key] = known.keys() <= new.keys() and not (is_read and new.keys() - known.keys())
            variables, new = service.get("environment") or {}, now.get("environment") or {}
            same["environment"] &= all(
                value == new.get(key) or (value and bare(value) == bare(new.get(key) or ""))
                for key, value in variables.items()
            )
            same["labels"] = True
        yield from (f"{name}.{key}" for key, is_same in same.items() if not is_same)
    volumes = {one.get("name") for one in (before.get("volumes") or {}).values()}
    yield from volumes - {one.get("name") for one in (after.get("volumes") or {}).values()}
