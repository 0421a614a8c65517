"""The same input makes the same bytes, everywhere and every time; what a person wrote into .env stays."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.conftest import VALID, Case, read_env, stackc

if TYPE_CHECKING:
    from pathlib import Path

PUBLIC = ("docker-compose.yml", ".env.example")


def public(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in PUBLIC}


def compile_elsewhere(stack: Path, output: Path, cwd: Path, **variables: str) -> dict[str, bytes]:
    """Compiles in a process of its own, in another folder and with other variables."""
    code = "from compiler.cli import main; main()"
    words = [sys.executable, "-c", code, "compile", str(stack), "-o", str(output)]
    environment = {**os.environ, **variables}
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return public(output)


@pytest.mark.parametrize("name", ["six-databases", "hostile-values"])
def test_bytes_are_the_same_on_another_machine(name: str, tmp_path: Path) -> None:
    stack, elsewhere = VALID / name / "stack.yaml", tmp_path / "elsewhere"
    elsewhere.mkdir()
    first = compile_elsewhere(stack, tmp_path / "a", VALID, PYTHONHASHSEED="0", TZ="UTC", LC_ALL="C")
    variables = {
        "PYTHONHASHSEED": "4242",
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "C.UTF-8",
        "HOME": str(tmp_path),
    }
    assert compile_elsewhere(stack, tmp_path / "b", elsewhere, **variables) == first
    assert compile_elsewhere(stack, tmp_path / "c", elsewhere, PYTHONUTF8="0", LC_ALL="tr_TR.UTF-8") == first


def test_bytes_do_not_depend_on_how_the_stack_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(VALID / "minimal" / "stack.yaml", tmp_path)
    assert stackc("compile", tmp_path / "stack.yaml", "-o", tmp_path / "absolute").exit_code == 0
    monkeypatch.chdir(tmp_path)
    assert stackc("compile", "./stack.yaml", "-o", "relative").exit_code == 0
    assert public(tmp_path / "absolute") == public(tmp_path / "relative")


def test_bytes_do_not_depend_on_the_env_file(case: Case, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / ".env").write_text("MAIN_PASSWORD='another one'\nTOKEN=mine\nTHEIRS=1\n")
    for folder in ("a", "b"):
        result = stackc("compile", case.stack, "-e", case.environment, "-o", tmp_path / folder)
        assert result.exit_code == 0, result.output
    assert public(tmp_path / "a") == public(tmp_path / "b")


def test_compiling_again_touches_no_file(case: Case, tmp_path: Path) -> None:
    words = ("compile", case.stack, "-e", case.environment, "-o", tmp_path)
    assert stackc(*words).exit_code == 0
    before = {file: (file.stat().st_mtime_ns, file.stat().st_ino) for file in tmp_path.rglob("*")}
    assert stackc(*words).exit_code == 0
    assert {file: (file.stat().st_mtime_ns, file.stat().st_ino) for file in tmp_path.rglob("*")} == before


def test_bytes_are_the_same_whether_the_run_is_remembered_or_not(case: Case, tmp_path: Path) -> None:
    found = []
    for folder in (tmp_path / "first", tmp_path / "remembered"):
        assert stackc("compile", case.stack, "-e", case.environment, "-o", folder).exit_code == 0
        found.append(public(folder))
    assert found[0] == found[1]


def test_order_of_databases_and_services_in_the_stack_does_not_matter(tmp_path: Path) -> None:
    entries = ["  a: {adapter: postgresql}\n", "  b: {adapter: postgresql, port: 5555}\n"]
    services = ["  x: {image: nginx:1.29, uses: [a, b]}\n", "  y: {image: nginx:1.29, uses: [b, a]}\n"]
    found = []
    for order in (1, -1):
        lines = ["name: demo\nservices:\n", *services[::order], "databases:\n", *entries[::order]]
        (tmp_path / "stack.yaml").write_text("".join(lines))
        assert stackc("compile", tmp_path / "stack.yaml").exit_code == 0
        found.append((tmp_path / "docker-compose.yml").read_text().partition("\nname:")[2])
    assert found[0] == found[1]


# .env

STACK = """\
name: demo
services:
  app:
    image: nginx:1.29-alpine
    environment: {TOKEN: "${{ secrets.token }}"}
    uses: [main]
databases:
  main: {adapter: postgresql}
secrets:
  token: {generate: hex}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stack.yaml").write_text(STACK)
    return tmp_path


def values(folder: Path) -> dict[str, str]:
    return dict(read_env((folder / ".env").read_text()).values)


def test_generated_values_differ_between_two_folders(folder: Path) -> None:
    stackc("compile", "-o", "a"), stackc("compile", "-o", "b")
    first, second = values(folder / "a"), values(folder / "b")
    assert [key for key in first if first[key] == second[key]] == []


def test_values_comments_and_order_of_a_person_are_kept(folder: Path) -> None:
    written = "# mine, with ümlaut\nTHEIRS=\"a $${b}\"\n\nexport TOKEN='my own # token' # why\n# last\n"
    (folder / ".env").write_text(written)
    assert stackc("compile").exit_code == 0
    assert (folder / ".env").read_text().startswith(written)
    assert values(folder)["TOKEN"] == "my own # token"


def test_values_that_no_longer_belong_to_the_stack_are_kept(folder: Path) -> None:
    stackc("compile")
    token = values(folder)["TOKEN"]
    (folder / "stack.yaml").write_text(STACK.replace("token", "other"))
    assert stackc("compile").exit_code == 0
    assert values(folder)["TOKEN"] == token


def test_an_empty_value_is_generated(folder: Path) -> None:
    (folder / ".env").write_text("TOKEN=\n# after\n")
    assert stackc("compile").exit_code == 0
    assert len(values(folder)["TOKEN"]) == 64


@pytest.mark.parametrize("password", ["p@ss/w:rd?#%&+ ü", "it's", 'say "hi"', "a$b${c}", "back\\slash\\"])
def test_every_connection_follows_an_edited_password(folder: Path, password: str) -> None:
    stackc("compile")
    before = values(folder)
    text = (folder / ".env").read_text()
    quoted = '"' + password.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"'
    (folder / ".env").write_text(
        text.replace(f"MAIN_PASSWORD={before['MAIN_PASSWORD']}", f"MAIN_PASSWORD={quoted}")
    )
    assert stackc("compile").exit_code == 0
    after = values(folder)
    assert (after["MAIN_PASSWORD"], f":{quote(password, safe='')}@" in after["MAIN_URL"]) == (password, True)
    changed = {key for key in after if after[key] != before[key]}
    assert changed == {"MAIN_PASSWORD", "MAIN_URL", "MAIN_SECRETS_SHA256"}
