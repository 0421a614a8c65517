from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.expressions.quoting import env_quote
from compiler.report import Diagnostic, Report
from compiler.targets.dotenv import env_example, parse_dotenv, update_dotenv
from tests.compose import HOSTILE, compose_binaries, config, run_config
from tests.conftest import read_env

if TYPE_CHECKING:
    from pathlib import Path

    from compiler.targets.dotenv import Dotenv

TEXT = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    st.text("ab \t\n\r'\"\\$#{}=:", max_size=12),
)
KEY = st.sampled_from(["A", "B", "C", "_d", "E1"])
BETWEEN = st.sampled_from(
    ["\n", "\r\n", "\n\n", "\n# note\n", " # note\n", "\n  # 'note\n", "\n \t\n", "\n\x85\n"]
)
VALUE = st.one_of(
    TEXT.map(env_quote),
    st.text("ab01 \t'\"\\#=:\x85\xa0\u2003é$", max_size=10),
    st.text('ab01 \t\n\\"#=nrtcfvx07$', max_size=10).map('"{}"'.format),
    st.text("ab01 \t\n\\'#=nrt07$", max_size=10).map("'{}'".format),
)
STATEMENT = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["", "", "  ", "export ", "export\t\t", "\xa0"]),
    st.sampled_from(["A", "B", "C", "D.e", "F-g[0]", "É", "A\t"]),
    st.sampled_from(["=", "=", " = ", ":", ": ", "\t=\xa0"]),
    VALUE,
    BETWEEN,
)
FILE = st.builds(
    "{}{}".format, st.sampled_from(["", "", "\ufeff", "\n", "# x\n"]), st.lists(STATEMENT).map("".join)
)


def read(text: str) -> dict[str, str]:
    return dict(read_env(text).values)


def faults(text: str, path: str = ".env") -> list[Diagnostic]:
    """Returns the findings of a text that is refused."""
    report = Report()
    assert (parse_dotenv(text, path, report) is None) == bool(report.errors)
    return list(report)


@pytest.mark.parametrize("value", HOSTILE)
def test_a_quoted_hostile_value_is_read_back(value: str) -> None:
    assert read(f"A={env_quote(value)}\nB=b") == {"A": value, "B": "b"}


@given(TEXT, BETWEEN)
def test_any_quoted_value_is_read_back(value: str, between: str) -> None:
    assert read(f"A={env_quote(value)}{between}B=b") == {"A": value, "B": "b"}


@pytest.mark.parametrize("command", compose_binaries(), ids=" ".join)
@settings(max_examples=6, deadline=None)
@given(st.lists(FILE, min_size=60, max_size=90))
def test_reads_what_compose_reads(
    tmp_path_factory: pytest.TempPathFactory, command: tuple[str, ...], files: list[str]
) -> None:
    ours = {f"s{n}": read_env(text).values for n, text in enumerate(files) if is_literal(text)}
    directory = tmp_path_factory.mktemp("project")
    for name, text in zip(ours, filter(is_literal, files), strict=True):
        (directory / name).write_bytes(text.encode())
    services = "".join(f"\n  {name}: {{image: a, env_file: {name}}}" for name in ours) or " {z: {image: a}}"
    (directory / "docker-compose.yml").write_text(f"services:{services}")
    theirs = {
        name: entry.get("environment", {}) for name, entry in config(directory, *command)["services"].items()
    }
    assert {name: without_empty(theirs[name]) for name in ours} == ours


def is_literal(text: str) -> bool:
    dotenv = parse_dotenv(text, ".env", Report())
    return dotenv is not None and not interpolated(dotenv)


def interpolated(dotenv: Dotenv) -> set[str]:
    return {key for key, entry in dotenv.entries.items() if entry.is_interpolated}


def without_empty(variables: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in variables.items() if key}


REFUSED = {
    "A='a\nB=b": (1, 3),
    'A=a\nB="b\\"\n': (2, 3),
    "A=a\nB@=b\n": (2, 2),
    "A=a\n  'b'\n": (2, 3),
    "A B=b\n": (1, 1),
    "A='a\nb'\nexport B C=c": (3, 8),
    "A=${\n": (1, 3),
    'A="a\n${1}"': (1, 3),
    "A=a\r\nexport ": (2, 7),
    "\ufeff@": (1, 1),
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_fault_has_a_place_and_compose_refuses_it_too(text: str, tmp_path: Path) -> None:
    (finding,) = faults(text, "sub/.env")
    assert (finding.id, finding.span.path) == ("env-syntax", "sub/.env")
    assert (finding.span.line, finding.span.column) == REFUSED[text]
    (tmp_path / ".env").write_bytes(text.encode())
    (tmp_path / "docker-compose.yml").write_text("services: {a: {image: a}}")
    assert run_config(tmp_path).returncode != 0


def test_every_fault_is_reported() -> None:
    assert [finding.span.line for finding in faults("A=a\nB B=b\n@\nC=c\nD='d")] == [2, 3, 5]


def test_a_text_that_compose_refuses_is_not_read_even_where_nobody_is_told() -> None:
    assert parse_dotenv("A=a\n@", ".env", Report({"env-syntax": "off"})) is None


def test_nothing_of_the_file_is_shown() -> None:
    findings = faults("A='hunter2'\nhunter2 hunter2=\nB=${hunter2\nhunter2='hunter2")
    assert len(findings) == 3
    assert "hunter2" not in repr((read_env("A='hunter2'"), findings))


def test_a_multi_line_secret_without_quotes_is_a_fault() -> None:
    (finding,) = faults("KEY=-----BEGIN\nMIIE/w==\n")
    assert finding.help == 'write each line as "KEY=value" or "# note", and quote a value of several lines'


@pytest.mark.parametrize("value", ["$A", "a${A}", '"$A"', '"${A:-b}\\$"', "${A?b}", '"\\\\$A"'])
def test_a_value_that_depends_on_another_is_marked(value: str) -> None:
    dotenv = read_env(f"X=x\nV={value}\n")
    assert interpolated(dotenv) == {"V"}


@pytest.mark.parametrize("value", ["'$A'", "$$A", '"\\$A"', "a$", "$1", '"$$"', "$(A)", "'${'"])
def test_a_literal_dollar_is_not_marked(value: str) -> None:
    assert interpolated(read_env(f"V={value}\n")) == set()


def test_the_last_of_two_assignments_counts() -> None:
    dotenv = read_env("A=$B\nA=a\nA\n")
    assert (dotenv.values, interpolated(dotenv)) == ({"A": "a"}, set())


MINE = """\
# mine\r
export A = 'a' # first\r
B: "b"# c\r
A="old"B2=x\r
\r
HOME\r
C=c   # third"""


def test_nothing_changes_where_nothing_differs() -> None:
    dotenv = read_env(MINE)
    assert update_dotenv(dotenv, [("C", "c", "x"), ("A", "old", ""), ("B", "b", "y")]) == MINE


def test_only_the_values_that_differ_are_rewritten() -> None:
    dotenv = read_env(MINE)
    updated = update_dotenv(dotenv, [("C", "it's", "x"), ("A", "new", ""), ("B", "b b", "y")])
    assert updated == MINE.replace('"old"', "'new'").replace('"b"', "'b b'").replace("=c", '="it\'s"')


def test_missing_keys_are_appended_under_their_comment() -> None:
    dotenv = read_env("A=a")
    added = [
        ("B", "", "Two\nlines"),
        ("C", "c", "Two\nlines"),
        ("A", "a", "x"),
        ("D", "d d", "Other"),
        ("E", "e", ""),
    ]
    assert update_dotenv(dotenv, added) == "A=a\n\n# Two\n# lines\nB=''\nC=c\n\n# Other\nD='d d'\nE=e\n"


def test_the_line_endings_of_the_file_are_kept() -> None:
    dotenv = read_env("A=a\r\n")
    assert update_dotenv(dotenv, [("B", "b", "note")]) == "A=a\r\n\r\n# note\r\nB=b\r\n"


def test_a_key_that_is_only_passed_through_gets_a_value() -> None:
    dotenv = read_env("A\nB=b\nA")
    assert update_dotenv(dotenv, [("A", "a", "")]) == "A\nB=b\nA\nA=a\n"


@given(FILE.filter(is_literal), st.dictionaries(KEY, TEXT), st.sampled_from(["", "note", "a\r\nb"]))
def test_an_update_is_read_back_keeps_the_rest_and_is_idempotent(
    text: str, values: dict[str, str], comment: str
) -> None:
    assignments = [(key, value, comment) for key, value in values.items()]
    updated = update_dotenv(read_env(text), assignments)
    assert read(updated) == read(text) | values
    assert update_dotenv(read_env(updated), assignments) == updated
    assert without_values(updated, values).startswith(without_values(text, values))


def without_values(text: str, values: dict[str, str]) -> str:
    ours = [entry for key, entry in read_env(text).entries.items() if key in values]
    for entry in sorted(ours, key=lambda entry: -entry.start):
        text = text[: entry.start] + text[entry.end :]
    return text


def test_the_example_has_the_same_lines_without_values() -> None:
    keys = [("A", "First"), ("B", "First"), ("C", "Second")]
    new = update_dotenv(read_env(""), [(key, "v", comment) for key, comment in keys])
    assert env_example(keys) == new.replace("=v", "=")


def test_a_long_run_of_blanks_or_backslashes_is_read_in_linear_time() -> None:
    assert read_env("A=" + " " * 10**6 + "a").values == {"A": "a"}
    assert faults("A='" + "\\a" * 10**6)
