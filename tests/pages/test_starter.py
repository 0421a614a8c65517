"""A stranger's first adapter: the file that is written, the guide, and the schema for an editor."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from compiler.expressions.quoting import CONNECTION_FILTERS
from compiler.expressions.sandbox import _environment
from compiler.project.adapter_texts import sink
from compiler.project.references import build_scope
from tests.conftest import ROOT, stackc
from tests.stacks import compile_text

GUIDE = ROOT / "adapters" / "README.md"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--image", "acme/base:2.1-alpine"],
        ["--image", "registry.example.com:5000/acme@sha256:" + "0" * 64],
        ["--extends", "redis"],
        ["--extends", "pg"],
    ],
)
def test_a_new_adapter_passes_its_trial_and_compiles(words: list[str]) -> None:
    done = stackc("adapters", "new", "acme", *words)
    assert done.exit_code == 0, done.output
    assert done.output == "wrote adapters/acme.yaml\nnext: stackc adapters test adapters/acme.yaml\n"
    tried = stackc("adapters", "test", "adapters/acme.yaml")
    assert (tried.exit_code, "passed" in tried.output) == (0, True), tried.output
    Path("stack.yaml").write_text("name: demo\ndatabases: {main: {adapter: acme}}\n")
    assert stackc("compile").exit_code == 0


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["redis"], 1, "[shadowed-adapter]"),
        (["pg"], 1, "[shadowed-adapter]"),
        (["mine", "--extends", "redsi"], 1, 'did you mean "redis"?'),
        (["Mine"], 2, "small letters"),
        (["../mine"], 2, "small letters"),
        (["mine", "--extends", "redis", "--image", "acme"], 2, "leave --image out"),
        (["mine", "--image", 'a"b:1'], 2, "docker pull"),
        (["mine", "--image", "nats"], 2, "with the tag of one version"),
        (["mine", "--image", "nats:latest"], 2, "with the tag of one version"),
        (["auto"], 1, "a word of stackc itself"),
    ],
)
def test_what_cannot_be_a_new_adapter_writes_nothing(words: list[str], code: int, told: str) -> None:
    done = stackc("adapters", "new", *words)
    assert (done.exit_code, told in done.output) == (code, True), done.output
    assert not Path("adapters").exists()


def test_a_file_that_is_there_is_kept() -> None:
    assert stackc("adapters", "new", "acme").exit_code == 0
    Path("adapters/acme.yaml").write_text("mine")
    done = stackc("adapters", "new", "acme")
    assert (done.exit_code, "[file-exists]" in done.output) == (1, True)
    assert Path("adapters/acme.yaml").read_text() == "mine"


def test_every_built_in_adapter_follows_the_schema_for_editors() -> None:
    schema = json.loads(stackc("schema", "--adapter").output)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for file in (ROOT / "adapters").glob("*.yaml"):
        assert validator.is_valid(yaml.safe_load(file.read_text())), file.name
    assert not validator.is_valid({"adapter": "mine"})


def test_the_schema_and_the_guide_name_every_name_and_filter() -> None:
    schema = json.loads(stackc("schema", "--adapter").output)["description"]
    guide = stackc("adapters", "guide").output
    assert guide == GUIDE.read_text()
    compiled, _ = compile_text("name: a\ndatabases: {db: {adapter: postgresql}}\n")
    assert compiled
    scope = build_scope(compiled.stack.databases["db"])
    names = {f"{name}.{part}" for name in ("pool", "timeout", "memory") for part in scope[name]}
    for name in (*scope.keys() - {"pool", "timeout", "memory", "init", "vector", "tls"}, *names):
        assert re.search(rf"\b{re.escape(name)}\b", schema), name
        assert re.search(rf"`{re.escape(name)}(\.\*)?`", guide), name
    filters = {*_environment(None).filters, *CONNECTION_FILTERS, *sink("sql").filters}
    for name in filters:
        assert re.search(rf"\b{name}\b", schema.partition("Filters")[2]), name
        assert f"`{name}`" in guide, name


def test_the_file_of_an_adapter_is_printed_as_it_is() -> None:
    written = (ROOT / "adapters" / "memcached.yaml").read_text()
    assert stackc("adapters", "show", "memcached", "--source").output == written
    Path("adapters").mkdir()
    Path("adapters/cache.yaml").write_text(own := "adapter: cache\nextends: memcached\ntitle: Cache\n")
    shown = stackc("adapters", "show", "cache", "--source").output
    assert shown.endswith(own) and "`stackc adapters show memcached --source`" in shown.splitlines()[0]
    assert stackc("adapters", "show", "cache", "--source", "--format", "json").exit_code == 2


def test_an_adapter_in_capitals_is_read_and_one_beside_it_told() -> None:
    Path("adapters").mkdir()
    Path("adapters/cache.YAML").write_text("adapter: cache\nextends: memcached\ntitle: Cache\n")
    done = stackc("adapters", "test", "adapters/cache.YAML")
    assert (done.exit_code, "passed" in done.output) == (0, True), done.output
    Path("adapters/cache.yml").write_text("adapter: cache\nextends: redis\n")
    done = stackc("adapters", "show", "cache")
    assert (done.exit_code, '"adapters/cache.yml" has the same name' in done.output) == (0, True), done.output


EXAMPLES = re.findall(r"^```yaml\n(adapter: .*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_each_adapter_of_the_guide_passes_its_trial(text: str) -> None:
    name = yaml.safe_load(text)["adapter"]
    Path("adapters").mkdir()
    Path(f"adapters/{name}.yaml").write_text(text)
    done = stackc("adapters", "test", name)
    assert done.exit_code == 0, done.output


def test_the_guide_has_examples() -> None:
    assert len(EXAMPLES) == 2
