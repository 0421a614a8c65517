"""What is remembered between runs: it saves time, is never wrong, and its loss or damage harms nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import compiler.run.memo
from compiler.run.memo import is_current, key_of, recall, remember
from compiler.run.workspace import Project
from compiler.source.shipped import user_folder
from tests.conftest import TODAY

if TYPE_CHECKING:
    from collections.abc import Callable

STACK = "name: demo\ndatabases:\n  main: {adapter: mydb}\nenvironments:\n  staging: {}\n"
MYDB = "adapter: mydb\nextends: postgresql\ntitle: MyDB\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns a folder with a stack that was compiled and checked, in which the test runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "adapters").mkdir()
    (tmp_path / "adapters" / "mydb.yaml").write_text(MYDB)
    (tmp_path / "stack.yaml").write_text(STACK)
    assert project().compile().diagnostics == ()
    assert codes() == []
    return tmp_path


def project(environment: str = "local", today: str = TODAY, adapters: Path | None = None) -> Project:
    return Project(Path("stack.yaml"), Path(), environment=environment, today=today, adapters=adapters)


def codes(**changes: str) -> list[str]:
    return [one.id for one in project(**changes).check().diagnostics]


def remembered() -> list[Path]:
    cache = user_folder("XDG_CACHE_HOME", ".cache")
    assert cache is not None
    return [file for file in cache.rglob("*") if file.is_file()]


def is_warm(one: Project) -> bool:
    """Answers whether a check of the project needs no pass at all."""
    return one.check().compiled is None


def edit(file: str, old: str, new: str) -> None:
    text = Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new))


# Time


def test_an_unchanged_stack_is_not_compiled_again(folder: Path) -> None:
    assert is_warm(project())
    assert project().check().diagnostics == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda: edit("stack.yaml", "name: demo", "name: demo "),
        lambda: edit("adapters/mydb.yaml", "MyDB", "My DB"),
        lambda: Path("adapters/other.yaml").write_text(MYDB.replace("mydb", "other")),
        lambda: Path("adapters/mydb.yaml").rename("adapters/mydb2.yaml"),
        lambda: Path("adapters/mydb.yaml").unlink(),
    ],
)
def test_any_change_of_an_input_is_seen(folder: Path, change: Callable[[], object]) -> None:
    change()
    assert not is_warm(project()) or project().check().diagnostics


def test_environment_day_adapters_and_version_are_inputs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "mydb.yaml").write_text(MYDB.replace("MyDB", "Other"))
    others = [project("staging"), project(today="2027-01-01"), project(adapters=Path("more"))]
    assert [is_warm(one) for one in others] == [False, False, False]
    monkeypatch.setattr(compiler.run.memo, "__version__", "99")
    assert not is_warm(project())


def test_inputs_that_only_join_to_the_same_text_are_told_apart() -> None:
    keys = [
        key_of(["ab", "c"], []),
        key_of(["a", "bc"], []),
        key_of(["abc"], []),
        key_of([], [("a", b"bc")]),
        key_of([], [("ab", b"c")]),
        key_of([], [("a", b""), ("", b"bc")]),
        key_of(["\ud800"], [("\udcff", b"\xff")]),
    ]
    assert len(set(keys)) == len(keys)


# Truth


@pytest.mark.parametrize("name", ["docker-compose.yml", ".env.example"])
def test_an_edited_output_is_stale_though_all_is_remembered(folder: Path, name: str) -> None:
    with (folder / name).open("a") as stream:
        stream.write("#\n")
    assert codes() == ["stale-output"]


@pytest.mark.parametrize("name", ["docker-compose.yml", ".env.example"])
def test_a_missing_output_is_stale_though_all_is_remembered(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert codes() == ["stale-output"]


def test_a_check_needs_no_env_file(folder: Path) -> None:
    (folder / ".env").unlink()
    assert codes() == []


def test_an_error_is_told_each_time(folder: Path) -> None:
    edit("stack.yaml", "mydb", "mydbb")
    assert codes() == codes() == ["unknown-adapter"]


def test_a_warning_is_told_each_time(folder: Path) -> None:
    assert [project(today="2099-01-01").compile().compiled is not None for _ in range(2)] == [True, True]
    assert codes(today="2099-01-01") == codes(today="2099-01-01") == ["end-of-life"]


def test_the_warning_on_a_hidden_adapter_is_told_each_time(folder: Path) -> None:
    (folder / "adapters" / "postgresql.yaml").write_text("adapter: postgresql\nextends: mysql\ntitle: X\n")
    edit("stack.yaml", "mydb", "postgresql")
    found = [[one.id for one in project(today="2026-01-01").compile().diagnostics] for _ in range(2)]
    assert found == [["shadowed-adapter"], ["shadowed-adapter"]]


def test_a_fault_that_only_schemas_find_is_not_remembered_as_passed(folder: Path) -> None:
    edit("stack.yaml", "adapter: mydb", "adapter: mydb, port: 0")
    assert codes() == codes() == ["out-of-range"]
    edit("adapters/mydb.yaml", "title: MyDB", "title: MyDB\nhelth: {}")
    assert codes() == codes() == ["unknown-option"]


def test_another_output_folder_is_checked_for_itself(folder: Path) -> None:
    other = Project(Path("stack.yaml"), Path("other"), today=TODAY)
    assert {one.id for one in other.check().diagnostics} == {"stale-output"}
    assert other.compile().diagnostics == ()
    assert other.check().diagnostics == ()


# Damage


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"nonsense", b"\xff\xfe\0", b"x" * 100_000, b"0 docker-compose.yml\n"]
)
def test_a_damaged_memory_is_no_memory(folder: Path, content: bytes) -> None:
    for file in remembered():
        file.write_bytes(content)
    assert codes() == []
    (folder / "docker-compose.yml").write_text("edited")
    assert codes() == ["stale-output"]


def test_a_memory_that_was_cut_short_does_not_hide_an_edit(folder: Path) -> None:
    (folder / "docker-compose.yml").write_text("edited")
    for file in remembered():
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(line for line in lines if "docker-compose.yml" not in line))
    assert codes() == ["stale-output"]


def test_a_folder_in_the_place_of_a_memory_harms_nothing(folder: Path) -> None:
    for file in remembered():
        file.unlink()
        file.mkdir()
    assert codes() == codes() == []


@pytest.mark.parametrize("cache", ["file", "file/below", "/proc/nowhere", "relative"])
def test_a_cache_that_cannot_be_written_harms_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, cache: str
) -> None:
    (folder / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", cache if cache == "relative" else str(folder / cache))
    assert codes() == codes() == []
    assert not (folder / "relative").exists()


def test_a_user_without_a_home_has_no_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "getuid", lambda: 2**30)
    assert user_folder("XDG_CACHE_HOME", ".cache") is None
    assert codes() == []
    assert not is_warm(project())


def test_what_cannot_be_read_at_once_is_not_remembered(folder: Path) -> None:
    os.mkfifo(folder / "adapters" / "pipe.yaml")
    assert codes() == []
    assert not is_warm(project())


def test_what_is_remembered_comes_back() -> None:
    remember("ab" * 32, {"docker-compose.yml": "1" * 64, "folder/a name": "2" * 64})
    assert recall("ab" * 32) == {"docker-compose.yml": "1" * 64, "folder/a name": "2" * 64}
    assert recall("cd" * 32) is None


def test_nothing_remembered_is_never_current(tmp_path: Path) -> None:
    assert not is_current({}, tmp_path)


def test_no_part_of_a_memory_is_left_behind(folder: Path) -> None:
    assert {len(file.name) for file in remembered()} == {62}
