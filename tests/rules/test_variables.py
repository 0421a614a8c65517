from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.project.interpolation import fill_variables, scan_variables
from compiler.report import Report
from compiler.rules.variables import check_set, missing_variables
from tests.compose import environment, run_config
from tests.stacks import compile_text, entry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", []),
        ("$A and ${B}", [("A", "", ""), ("B", "", "")]),
        ("${A:-b c}${D-}", [("A", ":-", "b c"), ("D", "-", "")]),
        ("${A:-${B:-c}}", [("A", ":-", "${B:-c}")]),
        ("${A:?say so}", [("A", ":?", "say so")]),
        ("$$A $${B} $1 a$ $(x)", []),
        ("$$$A", [("A", "", "")]),
    ],
)
def test_variables_are_read_as_compose_reads_them(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert list(scan_variables(text)) == expected


@pytest.mark.parametrize("text", ["${", "${A", "${}", "${1}", "${A.b}", "${A }", "${A/x/y}", "a ${A:-${B} c"])
def test_what_compose_cannot_read_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"\$\{"):
        list(scan_variables(text))


@pytest.mark.parametrize(
    ("text", "known", "missing"),
    [
        ("$A", set(), ["A"]),
        ("$A", {"A"}, []),
        ("${A:-b}", set(), []),
        ("${A:-$B}", set(), ["B"]),
        ("${A:-$B}", {"A"}, []),
        ("${A:+$B}", {"A"}, ["B"]),
        ("${A:+$B}", set(), []),
        ("${A:?no}", set(), ["A"]),
    ],
)
def test_a_default_stands_in_for_a_value(text: str, known: set[str], missing: list[str]) -> None:
    assert [name for name, _, _ in missing_variables(text, known)] == missing


def test_an_unset_variable_is_told_once_at_its_place() -> None:
    compiled, _ = compile_text(entry("environment: {A: $X}\ncommand: [a, '${X} ${Y:?no}']"))
    assert compiled is not None
    found = Report()
    check_set(compiled.project, {"Z"}, found)
    assert [(one.span.line, one.message) for one in found] == [
        (5, 'service "app" takes X from .env, which does not set it'),
        (6, 'service "app" takes Y from .env, which does not set it, so Compose will not start'),
    ]


def read(text: str) -> bool:
    try:
        list(missing_variables(text, {"A", "B"}))
    except ValueError:
        return False
    return True


def test_the_same_texts_are_read_as_by_compose(tmp_path: Path) -> None:
    texts = [
        "$A",
        "${A}",
        "${A-b}",
        "${A:+${B}}",
        "${A",
        "${",
        "${}",
        "${1}",
        "${A.b}",
        "$1",
        "a$",
        "$(x)",
        "${A }",
    ]
    for text in texts:
        (tmp_path / "docker-compose.yml").write_text(
            f"name: demo\nservices: {{a: {{image: a, user: '{text}'}}}}\n"
        )
        (tmp_path / ".env").write_text("A=1\nB=2\n")
        assert (run_config(tmp_path).returncode == 0) == read(text), text


@given(st.text("${}:-?+AB1 .", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert read(text) or "${" in text


def test_the_example_has_the_services_own_variables() -> None:
    text = (
        "name: a\nservices:\n"
        "  app: {image: 'a:1', environment: {A: '${TOKEN}', B: '${X:-1}', C: '${TOKEN:?no}', D: '${MAIN_URL}'}}\n"
        "databases: {main: {adapter: redis}}\n"
    )
    compiled, _ = compile_text(text)
    assert compiled
    example = compiled.artifacts[1].content.decode()
    assert example.endswith("\n# Variables of the services\nTOKEN=\n")
    assert example.count("MAIN_URL=") == 1


@pytest.mark.parametrize(
    "text",
    [
        "plain, a$$b, $$$$, $1, a$",
        "$SET|${SET}|${NOT}|$EMPTY|",
        "${SET:-d}|${NOT:-d}|${EMPTY:-d}|${NOT-d}|${EMPTY-d}|",
        "${SET:+p}|${NOT:+p}|${EMPTY:+p}|${EMPTY+p}|",
        "${SET:?m}|${SET?m}|",
        "${NOT:-${EMPTY:-${SET}}}|${NOT:-a${SET}b}|${SET:-${NOT:?m}}",
    ],
)
def test_variables_are_filled_in_as_compose_does(tmp_path: Path, text: str) -> None:
    tree = f"services: {{a: {{image: x, environment: {{A: '{text}'}}}}}}\n"
    found = environment(tmp_path, tree, "SET=value\nEMPTY=\n")
    assert fill_variables(text, {"SET": "value", "EMPTY": ""}) == found["A"]
