"""The reference and the page of symptoms: the files are what the commands print, and what they say holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from compiler.cli import cli
from compiler.pages.findings import load_pages
from compiler.pages.reference import load_symptoms, reference_tables
from compiler.registry.registry import Registry
from compiler.source.shipped import SCHEMAS
from tests.conftest import stackc
from tests.stacks import compile_text, load_schema

if TYPE_CHECKING:
    from compiler.pages.reference import Table

KEYS = [(table, key) for table in reference_tables() for key in table.keys]
SYMPTOMS = [row for rows in load_symptoms().values() for row in rows]
COMPOSE = load_schema("compose-spec.json")["$defs"]
NAMES = {key for _, key in KEYS} | {"healthcheck", "required"}
NAMES |= {
    name for part in ("service", "container_spec", "workload_spec") for name in COMPOSE[part]["properties"]
}
NAMES |= {name for one in Registry().adapters() for name in one.at(one.default_version).get("options", {})}
BASE = yaml.safe_load("""
name: demo
services: {api: {image: "nginx:1.29-alpine", expose: ["8080"]}}
databases: {main: {adapter: postgresql}, orders: {adapter: postgresql}}
secrets: {token: {generate: hex}}
""")
CARRIED = {
    "": BASE,
    "services.api": BASE["services"]["api"],
    "services.api.healthcheck.http": {"path": "/"},
    "databases.main": {"adapter": "postgresql"},
    "databases.main.volume": {"name": "pgdata"},
    "databases.main.tls": {"mode": "require", "certificate": "own.crt", "key": "own.key", "ca": "ca.crt"},
    "databases.main.vector": {"dimensions": 3},
    "secrets.token": {"generate": "hex"},
}


@pytest.mark.parametrize(
    ("name", "command"),
    [("README.md", "schema --format markdown"), ("TROUBLESHOOTING.md", "explain --symptoms")],
)
def test_file_is_what_the_command_prints(name: str, command: str) -> None:
    printed = stackc(*command.split())
    assert printed.exit_code == 0, printed.output
    if (SCHEMAS / name).read_text() != printed.stdout:
        pytest.fail(f"schemas/{name} is out of date, run `stackc {command} > schemas/{name}`", pytrace=False)


def test_every_row_has_the_cells_of_its_head() -> None:
    for name in ("README.md", "TROUBLESHOOTING.md"):
        for table in re.findall(r"(?:^\|.*\n)+", (SCHEMAS / name).read_text(), re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1, table[:80]


def put(data: Any, path: list[str | int], value: Any) -> Any:
    """Returns a copy of data in which a value stands at a path."""
    if not path:
        return value
    step, *rest = path
    if isinstance(step, int):
        return [put({}, rest, value)]
    return {**data, step: put(data.get(step, {}), rest, value)}


def errors(place: str, key: str, example: Any, carried: dict[str, Any]) -> list[str]:
    """Returns what is wrong with a stack that has an example at a place, beside what is carried there."""
    where = place.replace("databases.main", "databases.orders").replace("uses[]", "uses.0")
    path = [int(step) if step == "0" else step for step in where.split(".") if step]
    name, *inner = key.split(".")
    stack = put(BASE, path, {**carried, name: put({}, [*inner], example)})
    return [one.message for one in compile_text(yaml.safe_dump(stack))[1] if one.severity == "error"]


@pytest.mark.parametrize(("table", "key"), KEYS, ids=lambda one: getattr(one, "place", one) or "stack")
def test_every_key_has_examples_that_a_stack_takes(table: Table, key: str) -> None:
    examples = table.keys[key].get("examples")
    assert examples, f"write `examples` beside the description of `{table.place}.{key}`"
    for example in examples:
        beside = errors(table.place, key, example, CARRIED.get(table.place, {}))
        # What excludes the others stands alone.
        assert not beside or not errors(table.place, key, example, {}), beside


def test_no_example_is_taken_of_a_key_that_is_not_there() -> None:
    assert errors("databases.main.vector", "dimension", 3, CARRIED["databases.main.vector"])


def test_symptoms_have_the_form_of_their_schema() -> None:
    schema = load_schema("symptoms.schema.json")
    Draft202012Validator.check_schema(schema)
    symptoms = yaml.safe_load((SCHEMAS / "symptoms.yaml").read_text())
    # `seen` of a finding has the same form.
    symptoms += [{**symptoms[0], "seen": page.seen} for page in load_pages().values() if page.seen]
    found = Draft202012Validator(schema).iter_errors(symptoms)
    assert [f"{error.json_path}: {error.message}" for error in found] == []


def is_known(code: str) -> bool:
    """Says whether a piece of code in a text names a finding, a command, or a key of a stack and what it holds."""
    words = code.split()
    if words[0] in ("docker", "sudo", "${{"):
        return True
    if words[0] == "stackc":
        return words[1] in cli.commands and (words[1] != "explain" or words[2] in load_pages())
    return words[0].partition(":")[0].strip("{") in NAMES


@pytest.mark.parametrize(("texts", "cause", "remedy"), SYMPTOMS)
def test_every_symptom_names_what_there_is(texts: list[str], cause: str, remedy: str) -> None:
    codes = re.findall(r"`([^`]+)`", remedy)
    assert any(map(is_known, codes)), remedy
    wrong = [one for one in codes if re.match(r"stackc |[a-z_]+:( |$)", one) and not is_known(one)]
    assert wrong == []


def test_explain_needs_a_finding_or_the_question_for_symptoms() -> None:
    assert stackc("explain").exit_code == stackc("schema", "--adapter", "--format", "markdown").exit_code == 2
