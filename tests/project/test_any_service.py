"""Services of the Compose schema's own vocabulary with any values: a finding or a plan, and never a crash."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import examples
from tests.findings import has_errors
from tests.stacks import compile_text, load_schema

Json = st.SearchStrategy[Any]

# What the rules look at: numbers with and without units, names, paths, variables, expressions, and nonsense.
WORDS = (
    *(
        "a",
        "app",
        "main",
        "default",
        "databases",
        "data",
        "token",
        "0",
        "1",
        "-1",
        "80",
        "70000",
        "0.5",
        "1e3",
    ),
    *(
        "5s",
        "1m30s",
        "64M",
        "1k",
        "64Mi",
        "host",
        "none",
        "always",
        "on-failure:3",
        "CMD",
        "CMD-SHELL",
        "NONE",
    ),
    *("service:app", "service:nobody", "./here", "../there", "~/home", "/absolute", "v:/data", "data:/data"),
    *("./x:/y:ro", "/a:b", "C:\\x:/y", "a=b", "=b", "A=b=c", "com.docker.compose.x=y", ".env", "UPPER/x:y"),
    *(
        "8080:80",
        "80-90:80",
        "0.0.0.0:80:80/udp",
        "[::1]:80:80",
        "localhost:5432",
        "postgresql://u@localhost:5432/x",
    ),
    *("${A}", "$A", "$$A", "${A:-b}", "${A:-${B}}", "${A:?c}", "${A", "${}", "${A:-./x}:/y", "${A}:${B}:80"),
    *(
        "${{ stack.name }}",
        "${{ databases.main.url }}",
        "x-${{ databases.main.password }}",
        "${{ databases.main }}",
    ),
    *(
        "${{ services.app.url }}",
        "${{ services.app.host }}:80",
        "${{ secrets.token }}",
        "${{ nothing }}",
        "${{",
    ),
    *(
        "${{ 1 + 1 }}",
        "${{ true }}",
        "${{ none }}",
        "${{ [1, 2] }}",
        "a && b",
        "a 'b",
        "a (b",
        "",
        " ",
        "x\ny",
        "\t",
    ),
)
PRINTABLE = st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"))
TEXTS = st.one_of(st.sampled_from(WORDS), st.text(PRINTABLE, max_size=8))
KEYS = st.sampled_from(["app", "main", "data", "default", "A", "a=b", "${A}", "x-y", "nofile", "a b"])
NAMES = st.one_of(KEYS, st.text(PRINTABLE, max_size=5))
NUMBERS = st.one_of(st.integers(-2, 70000), st.sampled_from([0.5, 1e18, -0.0]))


@cache
def of(reference: str) -> Json:
    return st.deferred(lambda: strategy(load_schema("compose-spec.json")["$defs"][reference]))


def strategy(schema: Any) -> Json:
    """Returns values of a schema, most of which it accepts."""
    if not isinstance(schema, dict) or not schema:
        return TEXTS
    if "$ref" in schema:
        return of(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    forms = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    if forms:
        return st.one_of(*map(strategy, forms))
    types = schema.get("type", "string")
    return st.one_of(*(typed(name, schema) for name in ([types] if isinstance(types, str) else types)))


def typed(name: str, schema: dict[str, Any]) -> Json:
    if name == "object":
        known = {key: strategy(inner) for key, inner in schema.get("properties", {}).items()}
        required = {key: known[key] for key in schema.get("required", ())}
        fixed = st.fixed_dictionaries(
            required, optional={key: known[key] for key in known if key not in required}
        )
        patterns = [
            strategy(inner) for key, inner in schema.get("patternProperties", {}).items() if key != "^x-"
        ]
        return st.dictionaries(NAMES, st.one_of(*patterns), max_size=3) if patterns else fixed
    if name == "array":
        return st.lists(strategy(schema.get("items")), max_size=3)
    simple: dict[str, Json] = {
        "boolean": st.booleans(),
        "null": st.none(),
        "number": NUMBERS,
        "integer": st.integers(-2, 70000),
    }
    return simple.get(name, TEXTS)


def options() -> dict[str, Json]:
    defs = load_schema("compose-spec.json")["$defs"]
    parts = ("container_spec", "workload_spec", "service")
    return {key: strategy(inner) for part in parts for key, inner in defs[part]["properties"].items()}


OPTIONS = options()
SERVICES = st.lists(st.sampled_from(sorted(OPTIONS)), max_size=4, unique=True).flatmap(
    lambda keys: st.fixed_dictionaries({key: OPTIONS[key] for key in keys})
)
ANYTHING = st.recursive(
    st.one_of(TEXTS, NUMBERS, st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)


def check(entry: dict[str, Any], more: dict[str, Any]) -> None:
    stack = {
        "name": "demo",
        "services": {"app": {"image": "app:1", **entry}},
        "databases": {"main": {"adapter": "postgresql"}},
        "secrets": {"token": {"generate": "hex"}},
        **more,
    }
    compiled, diagnostics = compile_text(json.dumps(stack, ensure_ascii=False))
    assert (compiled is None) == has_errors(diagnostics)
    assert all(one.message and one.message[0] != " " for one in diagnostics)


@examples(300)
@given(entry=SERVICES)
def test_any_service_ends_in_a_plan_or_in_findings(entry: dict[str, Any]) -> None:
    check(entry, {})


@examples(150)
@given(key=st.sampled_from(sorted(OPTIONS)), value=ANYTHING)
def test_any_value_of_an_option_ends_in_a_plan_or_in_findings(key: str, value: Any) -> None:
    check({key: value}, {})


@examples(150)
@given(kind=st.sampled_from(["volumes", "networks", "configs"]), data=st.data())
def test_any_top_level_entry_ends_in_a_plan_or_in_findings(kind: str, data: st.DataObject) -> None:
    entries = st.dictionaries(NAMES, of(kind.removesuffix("s")), max_size=3)
    check({}, {kind: data.draw(entries)})
