"""Which files Compose reads, and how they make one project."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.importing.reading import Compose, Reader
from compiler.report import Report


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def read(*paths: Path) -> Compose:
    report = Report()
    compose = Reader(report).compose(paths, None)
    assert compose is not None, [*report]
    return compose


def refused(*paths: Path) -> list[str]:
    report = Report()
    assert Reader(report).compose(paths, None) is None
    return [one.id for one in report]


def service(image: str, rest: str = "") -> str:
    return f"services: {{app: {{image: {image}, {rest}}}}}\n"


def test_an_item_that_is_there_twice_is_taken_as_compose_takes_it(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(
        service("a:1", "environment: [TZ=UTC, A=1, TZ=UTC], dns: [1.1.1.1, 1.1.1.1]")
    )
    assert read(tmp_path).project.services["app"]["environment"] == {"TZ": "UTC", "A": "1"}


def test_the_first_file_and_the_first_override_are_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        compose_dot_yml=service("one", 'ports: ["80:80"], environment: [A=1, B=2], command: [a]'),
        docker_compose_dot_yml="not read",
    )
    (tmp_path / "docker-compose.yml").write_text("services: {other: {image: x}}\n")
    (tmp_path / "docker-compose.override.yml").write_text(
        service("two", 'ports: ["81:81"], environment: {B: 3}, command: [b]')
    )
    app = read(tmp_path).project.services["app"]
    assert (app["image"], app["command"], app["environment"]) == ("two", ["b"], {"A": "1", "B": "3"})
    assert [port["published"] for port in app["ports"]] == ["80", "81"]


def test_compose_file_of_env_names_the_files(tmp_path: Path) -> None:
    write(tmp_path, a_dot_yml=service("a"), b_dot_yml=service("b"), compose_dot_yaml=service("c"))
    (tmp_path / ".env").write_text("COMPOSE_FILE=a.yml:b.yml\nCOMPOSE_PROJECT_NAME=Shop.1\n")
    compose = read(tmp_path)
    assert compose.project.services["app"]["image"] == "b"
    assert compose.name == "shop1"


def test_files_that_are_named_are_merged_in_order(tmp_path: Path) -> None:
    write(tmp_path, a_dot_yml="name: first\n" + service("a"), b_dot_yml="name: second\n" + service("b"))
    assert read(tmp_path / "a.yml", tmp_path / "b.yml").name == "second"


@pytest.mark.parametrize("entry", ["part/compose.yml", "{path: [part/compose.yml], env_file: part/.env}"])
def test_what_is_included_keeps_its_paths_and_its_variables(tmp_path: Path, entry: str) -> None:
    text = 'services: {db: {image: "postgres:${VERSION}", volumes: ["./data:/data"]}}\n'
    write(tmp_path, part__compose_dot_yml=text, compose_dot_yaml=f"include: [{entry}]\n" + service("x"))
    (tmp_path / "part" / ".env").write_text("VERSION=16\nOTHER=of ${VERSION}\n")
    (tmp_path / ".env").write_text("OTHER=mine\n")
    compose = read(tmp_path)
    db = compose.project.services["db"]
    assert db["volumes"][0]["source"] == "./part/data"
    assert compose.filled(db["image"]) == "postgres:16"
    assert compose.further == {"VERSION": "16"}


def test_a_file_that_includes_itself_is_told(tmp_path: Path) -> None:
    write(tmp_path, a_dot_yml="include: [b.yml]\n", b_dot_yml="include: [a.yml]\n")
    assert refused(tmp_path / "a.yml") == ["include-cycle"]


def test_a_service_has_what_it_extends(tmp_path: Path) -> None:
    text = """\
services:
  base: {image: base, environment: {A: 1, B: 2}, volumes: ["./a:/a"]}
  app: {extends: base, environment: [B=3], volumes: ["./b:/b"]}
  far: {extends: {file: part/other.yml, service: end}, command: [x]}
"""
    other = """\
services:
  end: {extends: {service: first}, image: end}
  first: {image: first, env_file: x.env, build: .}
"""
    write(tmp_path, compose_dot_yaml=text, part__other_dot_yml=other)
    services = read(tmp_path).project.services
    assert services["app"]["environment"] == {"A": "1", "B": "3"}
    assert [one["source"] for one in services["app"]["volumes"]] == ["./a", "./b"]
    assert (services["far"]["image"], services["far"]["build"]["context"]) == ("end", "./part")
    assert services["far"]["env_file"][0]["path"] == "./part/x.env"


@pytest.mark.parametrize(
    ("services", "id"),
    [
        ("a: {extends: b}", "unknown-service"),
        ("a: {extends: {file: nope.yml, service: b}}", "missing-file"),
        ("a: {extends: a}", "dependency-cycle"),
        ("a: {extends: b}, b: {extends: a}", "dependency-cycle"),
        ("a: {extends: {file: compose.yaml, service: a}}", "dependency-cycle"),
        ("a: {extends: {file: ., service: a}}", "not-a-file"),
    ],
)
def test_what_no_service_can_extend_is_told(tmp_path: Path, services: str, id: str) -> None:
    assert refused(write(tmp_path, compose_dot_yaml=f"services: {{{services}}}\n")) == [id]


def test_a_folder_without_a_file_is_told(tmp_path: Path) -> None:
    assert refused(tmp_path) == ["missing-file"]
    assert refused(tmp_path / "compose.yaml") == ["missing-file"]


def test_a_section_without_entries_is_taken(tmp_path: Path) -> None:
    write(tmp_path, compose_dot_yaml=service("x") + "volumes:\nnetworks:\n")
    assert read(tmp_path).project.tree["volumes"] == {}


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("services: [", "yaml-syntax"),
        ("services: [a]\n", "wrong-type"),
        ("services: {app: {image: [x]}}\n", "wrong-type"),
        ("services: {app: {image: x, image: y}}\n", "duplicate-key"),
    ],
)
def test_what_compose_refuses_is_told(tmp_path: Path, text: str, id: str) -> None:
    assert id in refused(write(tmp_path, compose_dot_yaml=text))


def test_a_broken_env_is_told(tmp_path: Path) -> None:
    write(tmp_path, compose_dot_yaml=service("x"))
    (tmp_path / ".env").write_bytes(b"A=\xff\n")
    assert refused(tmp_path) == ["not-utf-8"]
    (tmp_path / ".env").write_text("A='\n")
    assert refused(tmp_path) == ["env-syntax"]
