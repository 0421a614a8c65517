"""Each option of each adapter refuses a wrong value at its own line; the values are in fixtures/invalid/options."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from compiler.registry.bundle import bundle
from compiler.registry.registry import Registry
from compiler.report import Report
from compiler.run.passes import compile_document
from compiler.source import parse_yaml
from tests.conftest import ROOT, TODAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compiler.report import Diagnostic

OPTIONS = ROOT / "fixtures" / "invalid" / "options"
REGISTRY = Registry()
ADAPTERS = REGISTRY.names()
COMMON = "database"


@cache
def wrong_values(name: str) -> dict[str, list[Any]]:
    document = parse_yaml((OPTIONS / f"{name}.yaml").read_bytes(), name, Report())
    assert document is not None
    return dict(document.data)


def options_of(name: str) -> dict[str, str]:
    """Returns every option of an adapter with the first version line that has it; dots lead to parameters."""
    adapter = REGISTRY.load(name, Report())
    assert adapter is not None
    options: dict[str, str] = {}
    for version in adapter.versions:
        spec = adapter.at(version)
        methods = (spec.get("vector") or {}).get("methods", {})
        names = [*spec.get("options", {})]
        names += [f"vector.{method}.{one}" for method, parameters in methods.items() for one in parameters]
        options = {**dict.fromkeys(names, version), **options}
    return options


def common_options() -> set[str]:
    entry = bundle()["$defs"]["database"]["properties"]
    inner = {f"{name}.{one}" for name in ("pool", "vector") for one in entry[name]["properties"]}
    forms = entry["tls"]["oneOf"]
    return {*entry, *inner, *(f"tls.{one}" for form in forms for one in form.get("properties", ()))}


def needed(name: str) -> dict[str, Any]:
    """Returns what a database of this adapter cannot do without."""
    adapter = REGISTRY.load(name, Report()) if name != COMMON else None
    first = (adapter.data.get("examples") or [{}])[0] if adapter else {}
    return {one: first[one] for one in (adapter.data.get("required", ()) if adapter else ())}


def lines(entry: dict[str, Any], indent: str = "    ") -> Iterator[str]:
    for key, value in entry.items():
        if isinstance(value, dict) and value and indent < " " * 9:
            yield f"{indent}{key}:"
            yield from lines(value, indent + "  ")
        else:
            yield f"{indent}{key}: {json.dumps(value)}"


def entry_with(option: str, value: Any, entry: dict[str, Any]) -> dict[str, Any]:
    *outer, name = option.split(".")
    if outer[:1] == ["vector"]:
        rest = {"method": outer[1], "parameters": {name: value}} if len(outer) > 1 else {name: value}
        return {**entry, "vector": {"dimensions": 3, **rest}}
    if outer == ["tls"]:
        return {**entry, "tls": {"mode": "require", "certificate": "a", "key": "b", "ca": "c", name: value}}
    return {**entry, outer[0]: {name: value}} if outer else {**entry, name: value}


def findings(option: str, value: Any, entry: dict[str, Any]) -> tuple[list[Diagnostic], int]:
    """Returns what is found in a database with one wrong value, and the line of that value."""
    text = ["name: demo", "databases:", "  main:", *lines(entry_with(option, value, entry))]
    line = next(n for n, one in enumerate(text, 1) if one.strip().startswith(f"{option.split('.')[-1]}:"))
    document = parse_yaml("\n".join(text).encode(), "stack.yaml", Report())
    assert document is not None
    found = Report()
    compile_document(document, REGISTRY, found, environment="local", today=TODAY, source="stack.yaml")
    return [one for one in found if one.severity == "error"], line


CASES = [
    pytest.param(name, option, value, id=f"{name}-{option}-{json.dumps(value)}")
    for name in (COMMON, *ADAPTERS)
    for option, values in wrong_values(name).items()
    for value in values
]


@pytest.mark.parametrize(("name", "option", "value"), CASES)
def test_a_wrong_value_is_found_at_its_own_line(name: str, option: str, value: Any) -> None:
    versions = {} if name == COMMON else {"version": options_of(name)[option]}
    entry = {**needed(name), "adapter": "postgresql" if name == COMMON else name, **versions}
    found, line = findings(option, value, entry)
    rows = range(line, line + 1 + (len(value) if isinstance(value, dict) else 0))
    assert [one.span.line in rows for one in found] == [True], [one.message for one in found]
    assert found[0].help


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_option_of_an_adapter_has_a_wrong_value(name: str) -> None:
    assert wrong_values(name).keys() == options_of(name).keys()


def test_every_common_option_has_a_wrong_value() -> None:
    assert wrong_values(COMMON).keys() == common_options()


def test_every_file_of_wrong_values_is_of_an_adapter() -> None:
    assert {file.stem for file in OPTIONS.iterdir()} == {COMMON, *ADAPTERS}
