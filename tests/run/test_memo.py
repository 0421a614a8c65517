"""What is remembered between runs: it saves time, is never wrong, and its loss or damage harms nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import compiler.run.memo
import compiler.run.workspace
from compiler.output.files import AREA
from compiler.pages.findings import render_report
from compiler.report import Diagnostic, Note, Span
from compiler.run.memo import Known, Memory, key_of, recall, remember
from compiler.run.workspace import Outcome, Project
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
    assert len(remembered()) == 1
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


def again() -> Outcome:
    """Compiles as the command does, which compiles nothing where nothing has changed."""
    return project().compile(again=False)


def test_a_compile_of_an_unchanged_stack_says_what_the_one_before_it_said(folder: Path) -> None:
    first, second = again(), again()
    assert first.compiled is not None
    assert second.compiled is None
    assert [(one.path, one.status) for one in second.changes] == [
        (one.path, one.status) for one in first.changes
    ]
    assert second.diagnostics == first.diagnostics


@pytest.mark.parametrize("name", [".env", "docker-compose.yml"])
def test_a_compile_writes_what_is_gone_though_all_is_remembered(folder: Path, name: str) -> None:
    again()
    content = Path(name).read_bytes()
    Path(name).write_bytes(content.replace(b"demo", b"dome") + b"# mine\n")
    assert again().compiled is not None
    Path(name).unlink()
    if name == ".env":
        assert [one.id for one in again().diagnostics] == ["missing-secrets"]
    else:
        assert again().compiled is not None
        assert Path(name).read_bytes() == content


def test_a_compile_finishes_what_was_left_half_done_though_all_is_remembered(folder: Path) -> None:
    again()
    area = folder / AREA
    area.mkdir(exist_ok=True)
    (area / "replace").write_text("[]")
    assert again().compiled is not None


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
    compiler.run.memo._program.cache_clear()
    assert not is_warm(project())
    compiler.run.memo._program.cache_clear()


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


def test_an_error_is_told_each_time(folder: Path) -> None:
    edit("stack.yaml", "mydb", "mydbb")
    assert codes() == codes() == ["unknown-adapter"]


def told(one: Project) -> str:
    """Returns the report of a check, word for word."""
    return render_report(one.check().diagnostics, one.sources, "text")


def test_a_warning_is_remembered_and_told_word_for_word(folder: Path) -> None:
    first = told(project(today="2099-01-01"))
    assert is_warm(project(today="2099-01-01"))
    assert told(project(today="2099-01-01")) == first
    assert "[end-of-life]" in first
    assert "main: {adapter: mydb}" in first


def test_the_warning_on_a_hidden_adapter_is_remembered_too(folder: Path) -> None:
    (folder / "adapters" / "postgresql.yaml").write_text("adapter: postgresql\nextends: mysql\ntitle: X\n")
    edit("stack.yaml", "mydb", "postgresql")
    one = project(today="2026-01-01")
    assert [found.id for found in one.compile(force=True).diagnostics] == ["shadowed-adapter"]
    assert told(one) == told(project(today="2026-01-01"))
    assert is_warm(project(today="2026-01-01"))


def test_a_warning_does_not_hide_an_edit(folder: Path) -> None:
    assert codes(today="2099-01-01") == codes(today="2099-01-01") == ["end-of-life"]
    (folder / ".env.example").write_text("")
    assert sorted(codes(today="2099-01-01")) == ["end-of-life", "stale-output"]


def test_a_compile_neither_uses_nor_makes_a_memory(folder: Path) -> None:
    for file in remembered():
        file.unlink()
    assert project().compile().compiled is not None
    assert remembered() == []


def test_what_changes_while_it_is_compiled_is_not_remembered(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit("stack.yaml", "demo", "demo2")
    assert project().compile().compiled is not None
    edit("stack.yaml", "demo2", "demo3")
    look_up = compiler.run.workspace.look_up

    def change_after(*given: Any) -> Memory:
        memory = look_up(*given)
        edit("stack.yaml", "demo3", "demo2")
        return memory

    with monkeypatch.context() as patch:
        patch.setattr(compiler.run.workspace, "look_up", change_after)
        assert codes() == []
    edit("stack.yaml", "demo2", "demo3")
    assert codes() == ["stale-output"]


def test_a_fault_that_only_schemas_find_is_not_remembered_as_passed(folder: Path) -> None:
    edit("stack.yaml", "adapter: mydb", "adapter: mydb, port: 0")
    assert codes() == codes() == ["out-of-range"]
    edit("adapters/mydb.yaml", "title: MyDB", "title: MyDB\nhelth: {}")
    assert codes() == codes() == ["unknown-option", "out-of-range"]


def test_another_output_folder_is_checked_for_itself(folder: Path) -> None:
    other = Project(Path("stack.yaml"), Path("other"), today=TODAY)
    assert {one.id for one in other.check().diagnostics} == {"stale-output", "not-compiled-here"}
    assert other.compile().diagnostics == ()
    assert other.check().diagnostics == ()


def test_a_link_to_the_right_content_is_told_as_without_a_memory(folder: Path) -> None:
    (folder / ".env.example").rename(folder / "other")
    (folder / ".env.example").symlink_to("other")
    assert codes() == ["output-is-a-symlink"]


def test_a_pipe_in_the_place_of_an_output_is_not_read(folder: Path) -> None:
    (folder / ".env.example").unlink()
    os.mkfifo(folder / ".env.example")
    assert codes() == ["output-not-writable"]


# Room


def test_only_the_newest_are_kept(folder: Path) -> None:
    (old,) = remembered()
    os.utime(old, (old.stat().st_mtime - 60,) * 2)
    for number in range(70):
        remember(f"{number:064}", {}, [])
    assert len(remembered()) == 64
    assert not old.exists()


def test_what_is_older_than_a_month_goes(folder: Path) -> None:
    (old,) = remembered()
    os.utime(old, (1, 1))
    remember("0" * 64, {}, [])
    assert [file.name for file in remembered()] == ["0" * 64]


# Damage


@pytest.mark.parametrize("old", ["docker-compose.yml", "[]", '"'])
def test_an_entry_that_was_changed_is_no_memory(folder: Path, old: str) -> None:
    (file,) = remembered()
    edit(str(file), old, old + " ")
    assert not is_warm(project())
    assert codes() == []


def test_the_entry_of_another_run_is_no_memory(folder: Path) -> None:
    (file,) = remembered()
    other = project(today="2026-01-02")
    assert other.check().diagnostics == ()
    (second,) = (one for one in remembered() if one != file)
    second.write_bytes(file.read_bytes())
    assert not is_warm(other)


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"nonsense", b"\xff\xfe\0", b"[" * 100_000, b"{}", b"[{}, []", b"1" * 2**21]
)
def test_a_damaged_memory_is_no_memory(folder: Path, content: bytes) -> None:
    for file in remembered():
        file.write_bytes(content)
    (folder / "docker-compose.yml").write_text("edited")
    assert codes() == ["stale-output"]


def test_a_memory_that_was_cut_short_does_not_hide_an_edit(folder: Path) -> None:
    (file,) = remembered()
    text = file.read_text()
    (folder / "docker-compose.yml").write_text("edited")
    for size in range(0, len(text), 10):
        file.write_text(text[:size])
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


def test_what_is_remembered_comes_back(tmp_path: Path) -> None:
    (tmp_path / "a name").write_bytes(b"")
    note = Note("the other \ud800", Span("b", 2))
    found = [Diagnostic("end-of-life", "warning", "told", Span("a", 1, 2, 3, 4), "help", (note,))]
    files = {str(tmp_path / "a name"): b"", str(tmp_path / "none"): None}
    remember("ab" * 32, files, found, ["a name"])
    assert recall("ab" * 32) == Known(found, ["a name"])
    assert recall("cd" * 32) is None
    (tmp_path / "none").write_bytes(b"")
    assert recall("ab" * 32) is None


def test_no_part_of_a_memory_is_left_behind(folder: Path) -> None:
    assert {len(file.name) for file in remembered()} == {64}


def test_another_library_or_python_is_another_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def key() -> str:
        compiler.run.memo._program.cache_clear()
        return key_of([], [])

    keys = [key()]
    for name in (
        "PyYAML-7.0.dist-info",
        "jsonschema-5.0.dist-info",
        "jinja2-4.0.dist-info",
        "other-1.dist-info",
    ):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path), "", "/nowhere"])
        keys.append(key())
    monkeypatch.setattr(sys, "version", "4")
    keys.append(key())
    compiler.run.memo._program.cache_clear()
    assert len({*keys}) == 5
    assert keys[3] == keys[4]
