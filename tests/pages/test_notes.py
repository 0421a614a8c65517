"""A compile says once what it changed in the meaning of a Compose file, and how it is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.pages.notes import iter_notes, next_command
from tests.conftest import stackc
from tests.stacks import DATABASE, project_of, stack

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SERVICES = """
    web: {image: x, ports: ["8080:80", "127.0.0.1:81:81", "0.0.0.0:82:82", "${WHOLE}"]}
    mail: {image: x, ports: [{target: 25, published: "2525"}, "53:53/udp"]}
"""


def test_ports_on_loopback_are_listed_with_the_line_for_the_world() -> None:
    moved, unknown = iter_notes(project_of(stack(SERVICES)))
    assert moved.startswith("only this machine reaches web:8080, mail:2525, mail:53; ")
    assert moved.endswith('"0.0.0.0:8080:80"')
    assert unknown == "a variable decides who reaches web:${WHOLE}"


def test_databases_that_are_not_published_are_listed() -> None:
    text = (
        "name: demo\ndatabases: {a: {adapter: redis}, b: {adapter: redis, port: 6379}, c: {adapter: mysql}}\n"
    )
    (note,) = iter_notes(project_of(text))
    assert note == "only services reach a, c; `port: 6379` opens a database to this machine"


def test_the_command_that_is_printed_ends_well() -> None:
    job = "setup: {image: x, restart: 'no'}"
    assert next_command(project_of(stack(job))) == "docker compose up --detach"
    beside = project_of(stack(job, DATABASE))
    assert next_command(beside) == "docker compose up --wait"
    assert 'docker compose up --wait waits until "setup" has ended' in iter_notes(beside)
    for other in ("restart: always", "restart: 'no', ports: ['80:80']", "restart: 'no', profiles: [p]"):
        assert next_command(project_of(stack(f"a: {{image: x, {other}}}"))) == "docker compose up --wait"


def test_a_compile_says_it_where_it_renders_the_services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stack.yaml").write_text(stack(SERVICES.replace('"${WHOLE}"', "")))
    first, second = stackc("compile"), stackc("compile")
    assert first.stdout.count("note: ") == 1
    assert "note: " not in second.stdout
    assert stackc("compile", "--format", "json").stdout.startswith("{")
