"""A section of an adapter whose expressions make a value of the wrong kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.adapters.test_containers import build

if TYPE_CHECKING:
    from pathlib import Path

# How the sections of the server and of the job are written, for one line of theirs.
SERVER, JOB = "containers: {server: {%s}}\n", "containers: {init: {%s}}\n"
EACH = 'each: "[1, 2]"'

WRONG = [
    (
        SERVER % f'environment: {{X: {{{EACH}, then: "${{{{ item }}}}"}}}}',
        "wrong-type",
        '"X" of environment is a list',
    ),
    (
        SERVER % 'environment: {X: {when: "true", then: {a: b}}}',
        "wrong-type",
        '"X" of environment is a mapping',
    ),
    (SERVER % 'environment: {PW: "${{ password }}"}', "expression", "MAIN_PASSWORD is secret"),
    (SERVER % 'environment: {PW: "a${{ password }}"}', "expression", "MAIN_PASSWORD is secret"),
    (SERVER % "tmpfs: [{a: b}]", "wrong-type", "of tmpfs is a mapping"),
    (SERVER % f"command: [a, {{{EACH}, then: [{{{EACH}, then: b}}]}}]", "wrong-type", "of command is a list"),
    (SERVER % 'start: "${{ [1] }}"', "expression", "only a single value"),
    (SERVER % "volumes: {data: /}", "wrong-format", "cannot be a folder"),
    (JOB % "statements: [{a: b}]", "wrong-type", "of statements is a mapping"),
]


@pytest.mark.parametrize(("adapter", "code", "told"), WRONG)
def test_a_value_of_the_wrong_kind_is_told_in_the_adapter(
    tmp_path: Path, adapter: str, code: str, told: str
) -> None:
    _, found = build(tmp_path, adapter)
    assert found
    for one in found:
        assert (one.id, one.span.path, one.span.line) == (code, "adapters/own.yaml", 4)
        assert told in one.message
        assert one.help or code == "wrong-type"


def test_a_guard_in_a_loop_leaves_nothing_behind(tmp_path: Path) -> None:
    guard = f'[{{{EACH}, then: {{when: "item > 1", then: "x${{{{ item }}}}"}}}}]'
    project, found = build(
        tmp_path, f"containers: {{server: {{command: {guard}}}, init: {{statements: {guard}}}}}\n"
    )
    assert found == []
    assert project
    assert project.services["main"]["command"] == ["x2"]
    assert project.tree["configs"]["main-init"]["content"] == "x2\n"
