"""Any Compose file becomes a project of the same form, whose values know their places and which rules can check."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from compiler.project.build import read_project
from compiler.report import Report
from compiler.rules.check import check_project
from compiler.source import parse_yaml
from compiler.targets.compose import written_service
from tests.stacks import TODAY, project_of

SHORT = """\
services:
  app:
    image: nginx
    build: ./app
    ports: ["8080:80/udp", "9000"]
    volumes: ["./a:/a:ro", "data:/b", "/c"]
    environment: [A=1, B]
    labels: [x=y]
    depends_on: [db]
    networks: [inner]
    secrets: [token]
    configs: [settings]
    env_file: app.env
    tmpfs: /tmp
    ulimits: {nofile: 10}
    healthcheck: {test: curl localhost}
  db: {image: postgres}
networks: {inner: }
secrets: {token: {file: ./token}}
configs: {settings: {file: ./settings}}
"""
LONG = """\
services:
  app:
    image: nginx
    build: {context: ./app}
    ports: [{target: "80", published: "8080", protocol: udp}, {target: "9000"}]
    volumes:
      - {type: bind, source: ./a, target: /a, bind: {create_host_path: true}, read_only: true}
      - {type: volume, source: data, target: /b}
      - {type: volume, target: /c}
    environment: {A: "1", B: }
    labels: {x: y}
    depends_on: {db: {condition: service_started}}
    networks: {inner: }
    secrets: [{source: token}]
    configs: [{source: settings}]
    env_file: [{path: app.env}]
    tmpfs: [/tmp]
    ulimits: {nofile: {soft: 10, hard: 10}}
    healthcheck: {test: [CMD-SHELL, curl localhost]}
  db: {image: postgres}
networks: {inner: }
secrets: {token: {file: ./token}}
configs: {settings: {file: ./settings}}
"""


def read(text: str) -> Any:
    document = parse_yaml(text.encode(), "compose.yaml", Report())
    assert document is not None
    return read_project(document, TODAY)


def test_short_and_long_forms_are_one_tree() -> None:
    assert read(SHORT).tree == read(LONG).tree == {"volumes": {}, "models": {}, **yaml.safe_load(LONG)}


@pytest.mark.parametrize("text", [SHORT, LONG], ids=["short", "long"])
def test_a_service_is_written_in_the_form_in_which_it_was(text: str) -> None:
    written = yaml.safe_load(text)["services"]["app"]
    shown = written_service(read(text), "app")
    assert shown == {**written, "depends_on": {"db": {"condition": "service_started"}}}


PLACES = [
    (("services", "app", "ports", 0, "published"), '"8080:80/udp"'),
    (("services", "app", "environment", "B"), "B"),
    (("services", "app", "depends_on", "db"), "db"),
    (("services", "app", "volumes", 1, "source"), '"data:/b"'),
    (("services", "app", "healthcheck", "test", 1), "curl localhost"),
    (("services", "app", "ulimits", "nofile", "soft"), "10"),
]


@pytest.mark.parametrize(("path", "text"), PLACES)
def test_each_value_knows_where_it_was_written(path: tuple[str | int, ...], text: str) -> None:
    span = read(SHORT).places.value(path)
    assert SHORT.splitlines()[span.line - 1][span.column - 1 : span.end_column - 1] == text


STACK = """\
name: demo
services:
  app: {image: a, ports: ["80:80"], environment: {MODE: x}, uses: [main]}
databases:
  main: {adapter: postgresql, port: 5432, memory: 1G, x-compose: {labels: [backup=daily]}}
environments: {local: {services: {app: {environment: {MODE: y}}}}}
"""
ORIGINS = [
    (("services", "app", "image"), "stack", "stack.yaml:3"),
    (("services", "app", "environment", "MODE"), "stack", "stack.yaml:6"),
    (("services", "app", "environment", "MAIN_URL"), "stack", "stack.yaml:3"),
    (("services", "app", "ports", 0, "host_ip"), "default", "stack.yaml:3"),
    (("services", "app", "ports", 0, "published"), "stack", "stack.yaml:3"),
    (("services", "main", "ports", 0, "published"), "stack", "stack.yaml:5"),
    (("services", "main", "labels", "backup"), "stack", "stack.yaml:5"),
    (("services", "main", "logging"), "default", "stack.yaml:5"),
]


@pytest.mark.parametrize(("path", "kind", "place"), ORIGINS)
def test_each_value_of_a_stack_knows_what_kind_of_place_it_comes_from(
    path: tuple[str | int, ...], kind: str, place: str
) -> None:
    places = project_of(STACK).places
    span = places.value(path)
    assert (places.origin(path).kind, f"{span.path}:{span.line}") == (kind, place)


def test_what_an_adapter_says_stands_in_the_adapter() -> None:
    places = project_of(STACK).places
    for key in ("image", "healthcheck", "command", "environment"):
        origin = places.origin(("services", "main", key))
        assert (origin.kind, places.value(("services", "main", key)).path) == (
            "adapter",
            "adapters/postgresql.yaml",
        )


def test_rules_find_the_same_in_a_file_that_stackc_did_not_make() -> None:
    text = """\
services:
  a: {image: a, ports: ["80:80"], depends_on: [c], command: "run && more", mem_limit: 1m}
  b: {image: b, ports: ["0.0.0.0:80:81"], environment: {API: "http://localhost:80"}}
"""
    report = Report()
    check_project(read(text), report)
    assert [(one.id, one.span.line) for one in report] == [
        ("unknown-service", 2),
        ("command-without-shell", 2),
        ("memory-too-small", 2),
        ("duplicate-port", 3),
        ("localhost-in-browser", 3),
    ]


def test_an_overlay_on_a_short_form_keeps_all_that_it_says() -> None:
    overlay = "x-compose: {ulimits: {nofile: {soft: 4096, hard: 8192}}}"
    for adapter in ("clickhouse", "postgresql"):
        text = f"name: demo\ndatabases: {{main: {{adapter: {adapter}, {overlay}}}}}\n"
        written = written_service(project_of(text), "main")
        assert written["ulimits"]["nofile"] == {"soft": 4096, "hard": 8192}
