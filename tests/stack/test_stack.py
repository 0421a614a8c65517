"""All faults of a stack in one run, those of environments that are not chosen included."""

from __future__ import annotations

import pytest

from compiler.registry.registry import Registry
from compiler.report import Report
from compiler.source import parse_yaml
from compiler.stack.stack import Stack, build_stack
from tests.stacks import compile_text, findings

STAGING = """\
name: demo
services:
  app: {image: "app:1", restart: always}
databases:
  main: {adapter: postgresql, port: 5432}
secrets:
  key: {generate: hex}
environments:
  staging:
"""


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("services: {app: {restart: sometimes}}", [("not-allowed-value", "sometimes")]),
        ("services: {app: {image: null}}", [("missing-option", "app")]),
        ("services: {app: {imag: b}}", [("unknown-option", "imag")]),
        ("services: {other: {restart: always}}", [("missing-option", "other")]),
        ("databases: {main: {port: 0}}", [("out-of-range", "0")]),
        ("databases: {main: {user: public}}", [("reserved-name", "public")]),
        ("databases: {main: {adapter: mysql, poolr: 1}}", [("unknown-option", "poolr")]),
        ("databases: {main: {adapter: null}}", [("missing-option", "main")]),
        ("secrets: {key: {bytes: 4}}", [("out-of-range", "4")]),
        ("volumes: {}", [("unknown-option", "volumes")]),
        ("services: {app: null}", []),
        ("databases: {main: {port: null}}", []),
    ],
)
def test_an_environment_that_is_not_chosen_is_checked_too(change: str, found: list[tuple[str, str]]) -> None:
    text = f"{STAGING}    {change}\n"
    assert findings(text) == found
    assert all(one.span.line == 10 for one in compile_text(text)[1] if found[0][0] != "missing-option")


def test_a_fault_that_environments_share_is_told_once() -> None:
    text = STAGING.replace("always", "sometimes") + "    services: {app: {scale: 2}}\n"
    assert findings(text) == [("not-allowed-value", "sometimes")]


def built(text: str) -> tuple[Stack | None, list[str]]:
    report = Report()
    document = parse_yaml(text.encode(), "stack.yaml", report)
    assert document is not None
    stack = build_stack(document, Registry(), "local", report)
    return stack, [one.id for one in report]


def test_what_is_in_order_is_there_beside_what_is_not() -> None:
    stack, found = built(
        "name: demo\nservices: {a: {image: a}, b: 5}\nextra: 1\n"
        "databases: {c: {adapter: pg}, d: {adapter: pg, port: 0}, e: {adapter: x}}\n"
    )
    assert stack is not None
    assert ({*stack.services}, {*stack.databases}, {*stack.faulty}) == ({"a", "b"}, {"c"}, {"d", "e"})
    assert sorted(found) == ["out-of-range", "unknown-adapter", "unknown-option", "wrong-type"]


def test_what_follows_from_a_fault_is_not_told() -> None:
    text = (
        "name: demo\nservices:\n  app: {image: 'a:1', uses: [main], depends_on: [other]}\n"
        "  other: 5\ndatabases:\n  main: {adapter: pg, port: 0}\n"
    )
    assert [code for code, _ in findings(text)] == ["wrong-type", "out-of-range"]


def test_what_is_written_wrong_in_a_service_is_not_missing_elsewhere() -> None:
    text = (
        "name: demo\nservices:\n"
        "  app: {image: 'a:1', expose: [x], healthcheck: {interval: often}}\n"
        "  web:\n    image: 'b:1'\n    environment: {APP: '${{ services.app.url }}'}\n"
        "    depends_on: {app: {condition: service_healthy}}\n    volumes: ['files:/files']\n"
        "volumes: {files: {driver: 5}}\n"
    )
    assert [place for _, place in findings(text)] == ["x", "often", "5"]


def test_the_name_of_what_is_wrong_hides_no_other_fault() -> None:
    text = (
        "name: demo\nservices:\n  app: {image: 'a:1', restart: sometimes, container_name: main}\n"
        "  web: {image: 'b:1', container_name: main, volumes: ['app:/a'], environment: [URL]}\n"
        "databases:\n  main: {adapter: pg, port: 0}\nvolumes: {files: {}}\n"
    )
    assert [code for code, _ in findings(text)] == [
        "not-allowed-value",
        "duplicate-container-name",
        "unknown-volume",
        "out-of-range",
    ]


def test_an_unknown_version_hides_no_fault_of_what_every_database_takes() -> None:
    text = "name: demo\ndatabases:\n  main: {adapter: pg, version: 99, port: 0, pooler: true}\n"
    assert findings(text) == [("unknown-version", "99"), ("out-of-range", "0")]


def test_dimensions_are_told_beside_a_method_that_the_engine_lacks() -> None:
    text = (
        "name: demo\ndatabases:\n  main: {adapter: pg, vector: {dimensions: 9000, method: nope, metric: x}}\n"
    )
    assert findings(text) == [
        ("out-of-range", "9000"),
        ("not-allowed-value", "nope"),
        ("not-allowed-value", "x"),
    ]
