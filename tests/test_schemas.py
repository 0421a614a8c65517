"""The shipped JSON Schemas and adapters, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from compiler.registry.bundle import bundle
from compiler.registry.checks import check_adapter
from compiler.registry.registry import Registry
from compiler.report import Report
from compiler.schema.patterns import is_match
from compiler.source.shipped import ADAPTERS
from tests.stacks import compile_text, load_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN = ("stack.schema.json", "adapter.schema.json")
NAMES = sorted(file.stem for file in ADAPTERS.glob("*.yaml"))


def objects(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields each schema inside a schema, with its place."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for group in ("properties", "patternProperties", "$defs"):
        for name, inner in schema.get(group, {}).items():
            yield from objects(inner, f"{path}/{group}/{name}")
    for keyword in ("items", "additionalProperties", "propertyNames", "then", "else"):
        yield from objects(schema.get(keyword), f"{path}/{keyword}")


@pytest.mark.parametrize("name", [*OWN, "compose-spec.json"])
def test_schema_passes_its_metaschema(name: str) -> None:
    Draft202012Validator.check_schema(load_schema(name))


@pytest.mark.parametrize("name", OWN)
def test_every_property_has_a_description(name: str) -> None:
    bare = [
        path
        for path, schema in objects(load_schema(name))
        if path and not {"description", "$ref"} & set(schema)
    ]
    assert not bare


@pytest.mark.parametrize("name", OWN)
def test_every_object_is_closed(name: str) -> None:
    for path, schema in objects(load_schema(name)):
        # The adapter's options and Compose's own keys are closed where they are joined: compiler/bundle.py.
        if "properties" in schema and path != "/$defs/database":
            assert schema.get("additionalProperties") is False, path


@pytest.mark.parametrize("name", NAMES)
def test_built_in_adapter_is_valid_and_names_its_schema(name: str) -> None:
    report = Report()
    adapter = Registry().load(name, report)
    assert adapter and not report
    assert not check_adapter(adapter)
    first = (ADAPTERS / f"{name}.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../schemas/adapter.schema.json"


def test_x_compose_takes_the_keys_of_a_compose_service() -> None:
    database = load_schema("stack.schema.json")["$defs"]["database"]["properties"]
    compose, values = load_schema("compose-spec.json")["$defs"], load_schema("service-values.schema.json")
    parts = ("service", "container_spec", "workload_spec")
    known = {name for part in parts for name in compose[part]["properties"]}
    refused = {name for name, rule in values["$defs"]["container"]["properties"].items() if "not" in rule}
    assert {*database["x-compose"]["propertyNames"]["enum"]} == known - refused


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("flag", "true|$FLAG|${FLAG}|${FLAG:-true}", "maybe|x$FLAG|${FLAG:-maybe}|$$true"),
        ("size", "512M|${SIZE}M|${SIZE:-512M}|${A:-${B}}", "many|x${SIZE}|${SIZE:-many}"),
        ("taken", "a-b|$NAME|a b $NAME|${NAME:-a-b}", "a b|a $$b|${NAME:-a b}"),
    ],
)
def test_a_value_may_hold_variables(name: str, right: str, wrong: str) -> None:
    forms = [form["pattern"] for _, form in objects(bundle()["$defs"][f"values-{name}"]) if "pattern" in form]
    forms += [
        form["pattern"] for form in bundle()["$defs"][f"values-{name}"].get("allOf", ()) if "pattern" in form
    ]
    assert len(forms) == 1
    assert [text for text in f"{right}|{wrong}".split("|") if is_match(forms[0], text)] == right.split("|")


EMPTY = ['volumes: ["${A-}"]', 'volumes: ["${A:-}:/x"]', 'volumes: ["./x:${A-}"]', 'links: ["${A-}"]']
EMPTY += [
    'volumes_from: ["${A:-}"]',
    'env_file: "${A-}"',
    'env_file: [{path: "${A:-}"}]',
    'label_file: ["${A-}"]',
]


@pytest.mark.parametrize("option", EMPTY)
def test_a_variable_that_may_be_empty_is_refused_where_compose_wants_a_text(option: str) -> None:
    _, found = compile_text(f"name: a\nservices:\n  app: {{image: 'a:1', {option}}}\n")
    assert [one.id for one in found] == ["wrong-format"]
    _, found = compile_text(f"name: a\nservices:\n  app: {{image: 'a:1', {option.replace('-}', '-./y}')}}}\n")
    assert not [one for one in found if one.id == "wrong-format"]
