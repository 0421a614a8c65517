"""Where the secrets of a folder would go without a word: into a commit, into an image."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import stackc

STACK = """\
name: demo
services:
  app: {build: BUILD, uses: [main], read_only: true}
databases:
  main: {adapter: postgresql}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def told(*words: str, id: str) -> list[str]:
    """Returns the findings with this id, as lines, and what they say to do."""
    result = stackc(*words)
    assert result.exit_code == 0, result.output
    lines = result.stderr.splitlines()
    return [f"{one}; {lines[lines.index(one) + 4].strip()}" for one in lines if f"[{id}]" in one]


def image(build: str = ".", **files: str) -> list[str]:
    """Returns what is found where the folder has these files, by their names without the dots."""
    Path("stack.yaml").write_text(STACK.replace("BUILD", build))
    names = {"dockerfile": "Dockerfile", "ignore": ".dockerignore", "own": "Dockerfile.dockerignore"}
    for name, text in files.items():
        Path(names[name]).write_text(text)
    return told("compile", id="secret-in-image")


def test_a_build_that_copies_the_env_file_is_told_with_the_line_to_write() -> None:
    (found,) = image()
    assert found.startswith('stack.yaml:3:16: warning: the image of "app" takes in .env, which nothing keeps')
    assert "= help: add `.env` to .dockerignore" in stackc("check").stderr


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nCOPY . .\n",
        "from a\ncopy --chown=1:1 ./ /app/\n",
        'FROM a\nADD [".", "/app"]\n',
        "FROM a\nCOPY a.txt \\\n  . /app\n",
        "FROM a\nCOPY * /app\n",
        "FROM a\nCOPY .e?v /app\n",
        "FROM a\nONBUILD COPY . .\n",
    ],
)
def test_a_dockerfile_that_copies_it_is_told(text: str) -> None:
    assert len(image(dockerfile=text)) == 1


@pytest.mark.parametrize(
    "text",
    ["FROM a\nCOPY src .\n", "FROM a\nCOPY --from=b . .\n", "FROM a\n# COPY . .\nCOPY package*.json ./\n"],
)
def test_a_dockerfile_that_copies_other_files_is_fine(text: str) -> None:
    assert image(dockerfile=text) == []


@pytest.mark.parametrize(
    "lines", [".env", "/.env\n", "**/.env", "*", "a\n.e*\n# x", "**", ".env\n!.env.example"]
)
def test_a_dockerignore_keeps_it_out(lines: str) -> None:
    assert image(ignore=lines) == []


@pytest.mark.parametrize("lines", ["env", "*.env.bak", ".env\n!.env", "*\n!.env", "#.env", "src/.env"])
def test_a_dockerignore_that_lets_it_in_is_told(lines: str) -> None:
    assert len(image(ignore=lines)) == 1


def test_a_dockerignore_of_the_dockerfile_is_read_in_its_place() -> None:
    assert image(ignore=".env", own="src", dockerfile="COPY . .") != []
    assert image(own=".env") == []


@pytest.mark.parametrize(
    "build", ["./app", "https://example.com/app.git", "'${CONTEXT:-.}'", "{context: app}"]
)
def test_a_context_that_does_not_hold_it_is_fine(build: str) -> None:
    Path("app").mkdir()
    assert image(build) == []


def test_a_service_without_a_build_is_fine() -> None:
    Path("stack.yaml").write_text(
        "name: demo\nservices: {app: {image: a, uses: [main]}}\n" + STACK[STACK.index("databases:") :]
    )
    assert told("compile", id="secret-in-image") == []


def test_a_context_around_the_output_folder_holds_it() -> None:
    Path("stack.yaml").write_text(STACK.replace("BUILD", "."))
    (found,) = told("compile", "-o", "deploy", id="secret-in-image")
    assert "takes in deploy/.env" in found
    Path(".dockerignore").write_text("deploy\n")
    assert told("compile", "-o", "deploy", id="secret-in-image") == []


def test_check_sees_when_the_dockerignore_changes() -> None:
    assert len(image()) == 1
    assert len(told("check", id="secret-in-image")) == 1
    Path(".dockerignore").write_text(".env\n")
    assert told("check", id="secret-in-image") == []
    Path(".dockerignore").write_text("\n")
    assert len(told("check", id="secret-in-image")) == 1


def git(*words: str) -> None:
    subprocess.run(["git", *words], check=True, capture_output=True)


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_what_git_would_commit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    git("init")
    Path("stack.yaml").write_text("name: demo\ndatabases: {main: {adapter: postgresql, tls: require}}\n")
    for command in ("compile", "check", "check"):
        result = stackc(command)
        assert result.stderr.startswith(".env:1:1: warning: git would commit .env [unignored-secret]")
        assert "= help: add `.env` to .gitignore" in result.stderr
    Path(".gitignore").write_text(".env\n")
    # As in a hook, where git says where its files are.
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert stackc("check").output == ""
    monkeypatch.delenv("GIT_DIR")
    git("add", "-f", ".env")
    assert "git would commit .env [unignored" in stackc("check").stderr


def test_outside_of_a_work_tree_nothing_is_asked() -> None:
    Path("stack.yaml").write_text("name: demo\ndatabases: {main: {adapter: postgresql}}\n")
    assert "[unignored-secret]" not in stackc("compile").output
    Path(".git").write_text("gitdir: /nowhere\n")
    assert "[unignored-secret]" not in stackc("check").output
