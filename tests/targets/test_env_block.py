"""What stackc derives stands in a block of its own in `.env`; every other line is a person's, and stays."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.report import Report
from compiler.targets.env_block import Lines, update_env
from tests.conftest import read_env, stackc

STACK = "name: demo\ndatabases:\n  redis: {adapter: redis}\n"
MINE = "# mine\nA=1\nREDIS_PASSWORD=my-Password-1\n"
BEGIN, END = "# stackc renders the lines from here on", "# stackc renders no more."


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("stack.yaml").write_text(STACK)
    Path(".env").write_text(MINE)
    return tmp_path


def run(*words: str) -> tuple[int, str]:
    done = stackc(*words)
    return done.exit_code, done.output


def env() -> str:
    return Path(".env").read_text()


def outside(text: str) -> str:
    return re.sub(rf"(?ms)^{BEGIN}.*?^{END}\n?", "", text)


@pytest.mark.parametrize(
    "line",
    ["REDIS_URL=rediss://user:x@prod.example.com:6380/3", "REDIS_SECRETS_SHA256=x", "export REDIS_URL='x'"],
)
def test_a_line_of_ones_own_is_never_overruled(line: str) -> None:
    """Whatever it says: `env-clash`."""
    Path(".env").write_text(f"{MINE}{line}\n")
    before = sorted(path.name for path in Path().iterdir())
    code, told = run("compile")
    key = line.removeprefix("export ").partition("=")[0]
    assert (code, f'.env:4:{line.index("=") + 2}: error: "{key}" of .env would be overruled' in told) == (
        1,
        True,
    ), told
    assert "prod.example.com" not in told
    assert (env(), sorted(path.name for path in Path().iterdir())) == (f"{MINE}{line}\n", before)


def test_a_line_that_says_the_same_is_left_alone() -> None:
    Path(".env").write_text(f"{MINE}REDIS_URL=redis://redis:my-Password-1@redis:6379/0\n")
    assert run("compile")[0] == run("check")[0] == 0
    assert env().count("REDIS_URL=") == 1


def test_what_follows_from_a_new_password_is_rendered_anew() -> None:
    assert run("compile")[0] == 0
    Path(".env").write_text(env().replace("my-Password-1", "my-Password-2", 1))
    assert run("check")[0] == 1
    assert run("compile")[0] == run("check")[0] == 0
    assert "REDIS_URL=redis://redis:my-Password-2@redis:6379/0" in env()


def test_lines_of_ones_own_stay_where_they_are() -> None:
    assert run("compile")[0] == 0
    Path(".env").write_text(f"FIRST=1\n{env()}LAST=1\n")
    text = env()
    assert run("check") == (0, "")
    assert (run("compile")[0], env()) == (0, text)
    Path("stack.yaml").write_text(STACK + "  two: {adapter: redis}\n")
    assert run("compile")[0] == run("check")[0] == 0
    assert env().startswith("FIRST=1\n# mine\nA=1\n") and env().endswith(f"{END}\nLAST=1\n")
    assert env().index("TWO_PASSWORD=") < env().index(BEGIN) < env().index("TWO_URL=")


def test_what_nobody_needs_any_more_is_gone_but_for_its_password() -> None:
    Path("stack.yaml").write_text(STACK + "  two: {adapter: redis}\n")
    assert run("compile")[0] == 0
    Path("stack.yaml").write_text(STACK)
    assert run("compile")[0] == run("check")[0] == 0
    assert ("TWO_URL" in env(), "TWO_PASSWORD=" in env()) == (False, True)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("REDIS_URL=", "REDIS_URL=x"),
        lambda text: text.replace(END, f"MINE=1\n{END}"),
        lambda text: text.replace(END, f"# a note\n{END}"),
        lambda text: text.replace(END, ""),
        lambda text: text + text[text.index(BEGIN) :],
    ],
)
def test_an_edited_block_is_told_and_changes_nothing(change: object) -> None:
    assert callable(change)
    assert run("compile")[0] == 0
    Path(".env").write_text(change(env()))
    text = env()
    for command in ("compile", "check"):
        code, told = run(command)
        assert (code, "[env-block]" in told, env()) == (1, True, text)
    Path(".env").write_text(outside(text).split(BEGIN)[0])
    assert run("compile")[0] == run("check")[0] == 0


keys = st.sampled_from(["A", "B", "DB_PASSWORD", "DB_URL"])
values = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
own = st.lists(st.sampled_from(["A=1", "# note", "", "B='x y'", 'C="a\nb"', "DB_PASSWORD=old"]), max_size=6)


@given(own, own, values, values, st.sampled_from(["\n", "\r\n"]))
def test_whatever_is_there_stays_and_comes_back(
    above: list[str], below: list[str], first: str, second: str, newline: str
) -> None:
    def lines(value: str) -> Lines:
        return Lines([("DB_PASSWORD", "old", "Database")], [("DB_URL", value, "Connection")])

    report = Report()
    start = "".join(f"{line}{newline}" for line in above)
    one = update_env(read_env(start), lines(first), report)
    assert one is not None and one.startswith(start)
    grown = one + "".join(f"{line}{newline}" for line in below)
    two = update_env(read_env(grown), lines(second), report)
    assert two is not None and not len(report)
    assert read_env(two).values["DB_URL"] == second
    assert update_env(read_env(two), lines(second), report) == two
    assert update_env(read_env(two), lines(first), report) == update_env(
        read_env(grown), lines(first), report
    )


def test_a_password_may_be_replaced_in_the_whole_file() -> None:
    assert run("compile")[0] == 0
    Path(".env").write_text(env().replace("my-Password-1", "my-Password-2"))
    assert run("compile")[0] == run("check")[0] == 0
    assert "REDIS_URL=redis://redis:my-Password-2@redis:6379/0" in env()
