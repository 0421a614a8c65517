"""The schema for the editor: it refuses what check refuses, and every validator of JSON Schema reads it alike."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from compiler.pages.editor import editor_schema
from compiler.registry.registry import Registry
from compiler.report import Report
from compiler.source import parse_yaml
from compiler.source.shipped import ADAPTERS, folders
from tests.conftest import OUTSIDE, ROOT, VALID

if TYPE_CHECKING:
    from pathlib import Path

INVALID = ROOT / "fixtures" / "invalid"
# Why no schema can say what is wrong, and the files of which that is so.
ACCEPTED = {
    "a warning": """empty-label end-of-life env-file-with-secrets localhost moving-image no-health-check
        shadowed-adapter unpublished-port""",
    "values are compared": "adapter-rule too-many-connections",
    "names are compared": """dependency-cycle duplicate-port inactive-dependency missing-port name-collision
        no-adapter-fits not-published owned-key replaced-command scripts-of-image secret-is-a-file
        unknown-reference""",
    "a text has a syntax of its own": "expression",
    "it is about what is on the disk, or what the command was asked for": """edited-output env-interpolation env-syntax
        foreign-output missing-secret stale-output unknown-environment unset-variable unusable-certificate
        unusable-password unusable-script""",
    "it is about an adapter": """adapter-trial idle-job lost-password missing-mount missing-scheme not-repeatable
        quoted-expression shell-syntax shown-secret unused-key weak-client weak-probe wrong-branch""",
}
AJV = """
const {readFileSync} = require("fs");
const Ajv = require("ajv/dist/2020").default;
const {schema, stacks} = JSON.parse(readFileSync(0, "utf8"));
const validate = new Ajv({strict: true}).compile(schema);
console.log(JSON.stringify(stacks.map((stack) => validate(stack))));
"""


@cache
def validator() -> Draft202012Validator:
    return Draft202012Validator(editor_schema(Registry()))


def read(file: Path) -> Any:
    document = parse_yaml(file.read_bytes(), file.name, Report()) if file.is_file() else None
    return document and document.data


@cache
def invalid() -> dict[str, Any]:
    """Returns the stacks of fixtures/invalid that are readable at all, by their codes."""
    files = {place.stem: place / "stack.yaml" if place.is_dir() else place for place in INVALID.iterdir()}
    stacks = {code: read(file) for code, file in files.items()}
    return {code: stack for code, stack in stacks.items() if stack is not None}


def with_database(**entry: Any) -> dict[str, Any]:
    return {"name": "x", "databases": {"d": entry}}


def with_change(plural: str, entry: Any) -> dict[str, Any]:
    """Returns a stack whose staging changes one service, database or secret."""
    stack = {
        "name": "x",
        "services": {"a": {"image": "b"}},
        "databases": {"a": {"adapter": "pg"}},
        "secrets": {"a": {"generate": "hex"}},
    }
    return {**stack, "environments": {"staging": {plural: {"a": entry}}}}


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(validator().schema)


def test_it_refuses_what_check_refuses() -> None:
    accepted = set()
    for code, stack in invalid().items():
        has_own = (INVALID / code / "adapters").is_dir()
        own = editor_schema(Registry(folders(INVALID / code, None))) if has_own else validator().schema
        if Draft202012Validator(own).is_valid(stack):
            accepted.add(code)
    assert accepted == {code for codes in ACCEPTED.values() for code in codes.split()}


@pytest.mark.parametrize("name", sorted(file.stem for file in ADAPTERS.glob("*.yaml")))
def test_it_knows_each_adapter_in_each_version_by_all_its_names(name: str) -> None:
    adapter = Registry().load(name, Report())
    assert adapter is not None
    needed = {one: adapter.data["examples"][0][one] for one in adapter.data.get("required", ())}
    for word in (name, name.upper(), *adapter.data.get("aliases", [])):
        assert validator().is_valid(with_database(adapter=word, **needed))
    for version in adapter.versions:
        assert validator().is_valid(with_database(adapter=name, version=version, **needed))
    assert not needed or not validator().is_valid(with_database(adapter=name))
    assert not validator().is_valid(with_database(adapter=name, version="0.0.1"))
    assert not validator().is_valid(with_database(adapter=name, no_such=1))


@pytest.mark.parametrize(
    ("adapter", "versions"),
    [("postgresql", [16, "16"]), ("mongodb", [8.0, 8, "8", "8.0"]), ("mariadb", ["10.11", 10.11])],
)
def test_a_version_is_written_as_check_takes_it(adapter: str, versions: list[object]) -> None:
    assert all(validator().is_valid(with_database(adapter=adapter, version=version)) for version in versions)


@pytest.mark.parametrize(
    "entry",
    [
        {"adapter": "no-such"},
        {"adapter": "pg\n"},
        {"adapter": "pg", "version": 3},
        {"adapter": "pg", "user": "public"},
        {"adapter": "pg", "vector": {"dimensions": 9000}},
        {"adapter": "pg", "vector": {"dimensions": 3, "method": "nope"}},
        {"adapter": "pg", "vector": {"dimensions": 3, "parameters": {"lists": 5}}},
        {"adapter": "pg", "needs": ["columnar"]},
        {"adapter": "mysql", "vector": {"dimensions": 3}},
        {"adapter": "pg", "memory": "1G\n"},
        {"adapter": "auto", "needs": ["no-such"]},
    ],
    ids=str,
)
def test_it_refuses_a_wrong_database(entry: dict[str, Any]) -> None:
    assert not validator().is_valid(with_database(**entry))


def test_a_driver_is_one_of_some_adapter() -> None:
    def uses(driver: str) -> dict[str, Any]:
        service = {"image": "b", "uses": [{"d": {"driver": driver}}]}
        return {**with_database(adapter="pg"), "services": {"a": service}}

    assert validator().is_valid(uses("asyncpg"))
    assert not validator().is_valid(uses("asyncpq"))


@pytest.mark.parametrize(
    ("plural", "change"),
    [
        ("services", None),
        ("services", {"environment": {"A": None}, "deploy": {"replicas": 3}}),
        ("services", {"healthcheck": {"http": {"port": 80}}}),
        ("databases", {"port": None, "tls": "require"}),
        ("databases", {"vector": {"metric": "l2"}, "pooler": True}),
        ("databases", {"adapter": "MySQL", "user": None}),
        ("secrets", {"bytes": 64}),
        ("secrets", {"generate": None, "file": "a.pem"}),
    ],
    ids=str,
)
def test_an_environment_changes_what_it_names(plural: str, change: Any) -> None:
    assert validator().is_valid(with_change(plural, change))


@pytest.mark.parametrize(
    ("plural", "change"),
    [
        ("services", {"imag": "b"}),
        ("services", {"image": "B"}),
        ("services", {"healthcheck": {"interval": "5"}}),
        ("services", {"uses": [{"d": {"diver": "url"}}]}),
        ("databases", {"port": 0}),
        ("databases", {"no_such": 1}),
        ("databases", {"adapter": "no-such"}),
        ("secrets", {"bytes": 4}),
        ("volumes", {}),
    ],
    ids=str,
)
def test_an_environment_is_checked_like_the_stack(plural: str, change: Any) -> None:
    assert not validator().is_valid(with_change(plural, change))


def test_the_adapters_of_the_stack_are_in_it(tmp_path: Path) -> None:
    (tmp_path / "adapters").mkdir()
    text = "adapter: postgis\nextends: postgresql\ntitle: PostGIS\naliases: [gis]\n"
    (tmp_path / "adapters" / "postgis.yaml").write_text(text)
    schema = Draft202012Validator(editor_schema(Registry(folders(tmp_path, None))))
    assert schema.is_valid(with_database(adapter="gis"))
    assert not validator().is_valid(with_database(adapter="gis"))


@pytest.fixture(scope="module")
def ajv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder in which node finds ajv, the validator of most editors."""
    folder = tmp_path_factory.mktemp("ajv")
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node is not installed")
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), "ajv@8"]
    if subprocess.run(command, env=OUTSIDE, capture_output=True, timeout=120, check=False).returncode:
        pytest.skip("npm cannot install ajv here")
    (folder / "run.js").write_text(AJV)
    return folder


def test_ajv_reads_it_alike_in_strict_mode(ajv: Path) -> None:
    stacks = [*invalid().values(), *(read(file) for file in sorted(VALID.glob("*/stack.yaml")))]
    told = json.dumps({"schema": validator().schema, "stacks": stacks})
    node = ["node", os.fspath(ajv / "run.js")]
    result = subprocess.run(node, input=told, capture_output=True, text=True, check=False)
    assert result.stderr == ""
    assert json.loads(result.stdout) == [validator().is_valid(stack) for stack in stacks]
