"""The first stack: what `stackc init` asks, writes and says."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from compiler.pages.first import SCHEMA, pinned
from tests.conftest import CASES, at_terminal, stackc
from tests.stacks import registry


def test_init_writes_a_stack_that_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = stackc("init")
    assert result.stdout.splitlines() == [
        *("wrote stack.yaml", "wrote stack.schema.json", "wrote .gitignore", "wrote .dockerignore"),
        "next: stackc compile",
    ]
    assert (tmp_path / ".gitignore").read_text().split()[0] == ".env"
    assert stackc("compile").stderr == ""


def test_init_refuses_a_folder_with_a_stack_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text("name: mine\n")
    result = stackc("init", tmp_path)
    assert (result.exit_code, "[file-exists]" in result.stderr) == (1, True)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("stack.yaml", "name: mine\n")]


def test_init_makes_the_folder_and_says_what_is_next(tmp_path: Path) -> None:
    result = stackc("init", tmp_path / "new" / "app")
    assert (result.exit_code, result.stdout.splitlines()[-1].split()[-1]) == (
        0,
        str(tmp_path / "new" / "app"),
    )


@pytest.mark.parametrize("name", sorted({case.name for case in CASES}))
def test_init_from_copies_a_shipped_stack_that_compiles(tmp_path: Path, name: str) -> None:
    assert stackc("init", "--from", name, tmp_path).exit_code == 0
    result = stackc("compile", tmp_path / "stack.yaml")
    assert result.exit_code == 0, result.output


def test_init_says_what_a_stack_needs_beside_it(tmp_path: Path) -> None:
    (tmp_path / "orders").mkdir()
    told = stackc("init", "--from", "microservices", tmp_path).stdout.splitlines()
    note = "note: the stack names catalog, frontend, gateway, signing.pem, which are yours to put beside it"
    assert note in told
    assert not [line for line in stackc("init", tmp_path / "new").stdout.splitlines() if "yours" in line]


@pytest.mark.parametrize(
    ("folder", "name"), [("shop", "shop"), ("My Shop.v2", "my-shop-v2"), ("__x", "x"), ("…", "minimal")]
)
def test_init_names_the_stack_like_its_folder(tmp_path: Path, folder: str, name: str) -> None:
    assert stackc("init", tmp_path / folder).exit_code == 0
    assert f"\nname: {name}\n" in "\n" + (tmp_path / folder / "stack.yaml").read_text()
    assert stackc("compile", tmp_path / folder / "stack.yaml").exit_code == 0


def test_init_adds_to_files_that_are_there_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".gitignore").write_text("node_modules\n*.key")
    Path(".dockerignore").write_text(".git\n")
    told = stackc("init").stdout.splitlines()
    assert {"updated .gitignore", "updated .dockerignore"} < set(told)
    assert Path(".gitignore").read_text() == "node_modules\n*.key\n.env\n.env.bak*\nsecrets/\n.stackc/\n"
    assert Path(".dockerignore").read_text().split()[:2] == [".git", "**/.env"]
    Path("stack.yaml").unlink()
    assert stackc("init").stdout.splitlines() == ["wrote stack.yaml", "next: stackc compile"]


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_what_init_writes_keeps_secrets_out_of_git_and_of_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    assert stackc("init").exit_code == 0
    text = Path("stack.yaml").read_text().replace("image: nginx:1.29-alpine", "build: .")
    Path("stack.yaml").write_text(text)
    assert stackc("compile").stderr == ""


def test_init_writes_the_schema_that_the_first_line_names(tmp_path: Path) -> None:
    assert stackc("init", tmp_path).exit_code == 0
    assert (tmp_path / "stack.yaml").read_text().startswith(f"# yaml-language-server: $schema={SCHEMA}\n")
    schema = json.loads((tmp_path / SCHEMA).read_text())
    assert schema == json.loads(stackc("schema").stdout)


def test_init_pins_a_version_that_lives_and_says_where_it_is_not_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795392000")
    told = stackc("init", "--from", "six-databases", tmp_path).stdout
    assert "mysql 8.4 is written for orders: the default, 8.0, has had no fixes since 2026-04-30" in told
    assert "clickhouse 26.3 is written for events: the default, latest, changes under" in told
    stack = yaml.safe_load((tmp_path / "stack.yaml").read_text())
    assert [one for one in stack["databases"].values() if not isinstance(one["version"], str)] == []
    assert "[end-of-life]" not in stackc("compile", tmp_path).stderr


def test_a_version_is_written_in_the_form_of_its_database() -> None:
    text = "databases:\n  a: {adapter: redis, port: 1} # x\n  b:\n    adapter: redis\n    port: 2\n"
    made = pinned("name: a\n" + text + "  c: {adapter: auto}\n", registry(), "2026-01-01", [])
    assert made.splitlines()[2:] == [
        '  a: {adapter: redis, version: "7.2", port: 1} # x',
        *("  b:", "    adapter: redis", '    version: "7.2"', "    port: 2", "  c: {adapter: auto}"),
    ]


# questions


def test_at_a_terminal_init_asks_and_asks_again_where_it_does_not_know(tmp_path: Path) -> None:
    answers = "pg reddis\npg, redis\nghcr.io/acme/Web nginx\nghcr.io/acme/web:V1 nginx nginx:2\nstaging\n"
    code, told = at_terminal(tmp_path, answers, "init")
    assert (code, 'did you mean "redis"?' in told, '"ghcr.io/acme/Web" cannot be one' in told) == (
        0,
        True,
        True,
    )
    stack = yaml.safe_load((tmp_path / "stack.yaml").read_text())
    assert [one["adapter"] for one in stack["databases"].values()] == ["postgresql", "redis"]
    images = {"web": "ghcr.io/acme/web:V1", "nginx": "nginx", "nginx-2": "nginx:2"}
    assert {name: one["image"] for name, one in stack["services"].items()} == images
    assert list(stack["environments"]) == ["staging"]
    assert stackc("compile", tmp_path).exit_code == 0


def test_who_answers_nothing_gets_a_stack_that_compiles(tmp_path: Path) -> None:
    assert at_terminal(tmp_path, "\n\n\n", "init")[0] == 0
    assert stackc("compile", tmp_path, "-q").output == ""


@pytest.mark.parametrize("words", [["--yes"], ["--from", "minimal"]], ids=" ".join)
def test_with_yes_or_a_stack_to_start_from_nothing_is_asked(tmp_path: Path, words: list[str]) -> None:
    code, told = at_terminal(tmp_path, "", "init", *words)
    assert (code, "Databases" in told, (tmp_path / "stack.yaml").exists()) == (0, False, True)


def test_who_leaves_in_between_has_changed_nothing(tmp_path: Path) -> None:
    assert (at_terminal(tmp_path, "pg\n\x04", "init")[0], list(tmp_path.iterdir())) == (130, [])


def test_init_list_names_every_shipped_stack() -> None:
    assert stackc("init", "--list").stdout.split() == sorted({case.name for case in CASES})


def test_init_from_an_unknown_stack_is_wrong_usage(tmp_path: Path) -> None:
    result = stackc("init", "--from", "nope", tmp_path)
    assert (result.exit_code, "minimal" in result.stderr) == (2, True)
