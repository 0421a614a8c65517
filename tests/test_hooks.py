"""The pre-commit hooks that this project offers, tried on a repository with two stacks, and those that it uses."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from compiler.output import STATE
from tests.conftest import OUTSIDE, ROOT, stackc
from tests.test_package import LEFT_OUT

OFFERED: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
USED: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0][
    "hooks"
]
STACK = """\
name: {}
services:
  app: {{image: "nginx:1.29-alpine", uses: [main]}}
databases:
  main: {{adapter: postgresql}}
"""
GIT = ("git", "-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main")


@pytest.mark.parametrize("hook", OFFERED, ids=lambda hook: str(hook["id"]))
@pytest.mark.parametrize(
    "name",
    [
        "stack.yaml",
        "stack.yml",
        "deploy/stack.yaml",
        "a/b-c/stack.yml",
        "a/docker-compose.yml",
        ".env.example",
    ],
)
def test_hook_takes_stacks_and_what_they_render(hook: dict[str, Any], name: str) -> None:
    assert re.search(hook["files"], name)


@pytest.mark.parametrize("hook", OFFERED, ids=lambda hook: str(hook["id"]))
@pytest.mark.parametrize(
    "name",
    [
        "mystack.yaml",
        "stack.yaml.bak",
        "stack.json",
        "stack-yaml",
        "stack.yaml/readme.md",
        "docker-compose.yaml",
        "my.env.example",
        "Stack.yaml",
    ],
)
def test_hook_leaves_other_files(hook: dict[str, Any], name: str) -> None:
    assert not re.search(hook["files"], name)


def test_hooks_are_those_of_the_readme() -> None:
    assert [hook["id"] for hook in OFFERED] == ["stackc-check", "stackc-compile"]
    assert all(hook["id"] in (ROOT / "README.md").read_text() for hook in OFFERED)


def run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs git or pre-commit outside of any repository that the tests themselves are run in."""
    env = {name: value for name, value in OUTSIDE.items() if not name.startswith("GIT_")}
    env |= {"PRE_COMMIT_HOME": str(cwd.parent / "pre-commit"), "PRE_COMMIT_COLOR": "never"}
    command = [str(word) for word in words]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def commit(folder: Path) -> None:
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "--no-verify", "-m", "state"]):
        done = run(*GIT, *words, cwd=folder)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project as a repository of hooks."""
    copy = tmp_path_factory.mktemp("hooks") / "stackc"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT, "tests"))
    commit(copy)
    return copy


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two stacks."""
    for name in ("one", "two"):
        (tmp_path / "repository" / name).mkdir(parents=True)
        (tmp_path / "repository" / name / "stack.yaml").write_text(STACK.format(name))
    (tmp_path / "repository" / ".gitignore").write_text(".env\n")
    commit(tmp_path / "repository")
    return tmp_path / "repository"


# Slow: pre-commit installs stackc into an environment of its own, as it does for a user.
def test_hooks_check_and_compile_every_stack_of_a_repository(offered: Path, repository: Path) -> None:
    assert stackc("compile", repository / "one" / "stack.yaml").exit_code == 0
    commit(repository)
    words = ("-m", "pre_commit", "try-repo", offered, "--ref", "HEAD", "--all-files", "--verbose")
    done = run(sys.executable, *words, cwd=repository)
    check, _, rendered = done.stdout.partition("hook id: stackc-compile")
    assert "two/docker-compose.yml:1:1: error:" in check, done.stdout + done.stderr
    assert "one/docker-compose.yml" not in check
    assert "one/docker-compose.yml is up to date\nwrote two/docker-compose.yml" in rendered
    assert "stackc: add these files to the commit" in rendered
    assert "\nname: two\n" in (repository / "two" / "docker-compose.yml").read_text()
    assert done.returncode == 1


def test_a_hook_takes_the_stack_beside_each_file_and_passes_over_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / "stack.yaml").write_text(STACK.format("one"))
    (tmp_path / "other" / "docker-compose.yml").write_text("services: {}\n")
    rendered = ("one/docker-compose.yml", "one/.env.example", "other/docker-compose.yml")
    first = stackc("compile", "--hook", "one/stack.yaml")
    assert (first.exit_code, first.stderr) == (1, "stackc: add these files to the commit\n")
    assert [stackc(word, "--hook", *rendered).exit_code for word in ("compile", "check")] == [0, 0]
    (tmp_path / "one" / ".env").unlink()

    with (tmp_path / "one" / "docker-compose.yml").open("a") as file:
        file.write("# mine\n")
    assert "one/docker-compose.yml was edited by hand" in stackc("check", "--hook", *rendered).stderr
    assert stackc("check", "--hook", "other/docker-compose.yml").output == ""


def test_a_hook_does_not_fail_for_what_git_ignores(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(STACK.format("one"))
    assert stackc("compile", tmp_path).exit_code == 0
    for path in (".env", STATE):
        (tmp_path / path).unlink()
    done = stackc("compile", "--hook", tmp_path / "stack.yaml")
    assert (done.exit_code, "wrote" in done.stdout) == (0, True), done.output


@pytest.mark.parametrize("hook", USED, ids=lambda hook: str(hook["id"]))
def test_hook_of_this_project_passes(hook: dict[str, Any]) -> None:
    command, *words = shlex.split(hook["entry"])
    words += ["--check"] if hook["id"] == "ruff-format" else []
    program = Path(sys.executable).with_name(command)
    done = run(program, *words, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
