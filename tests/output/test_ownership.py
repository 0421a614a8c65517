"""What stackc did not write is a person's own: never replaced without a backup. `check` tells of each change."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

import pytest

from compiler.output import lock
from compiler.output.files import AREA, LARGEST
from tests.conftest import stackc
from tests.output.test_files import NOBODY, unprivileged

STACK = """\
name: demo
databases:
  main: {adapter: postgresql, tls: require}
  cache: {adapter: redis, read_only: true}
"""
PLAIN = ["tls/ca.crt", "tls/.gitignore", "secrets/cache-password", "configs/cache-server"]
OTHERS = ["tls/main.key", "tls/main.crt", *PLAIN]
RENDERED = [*OTHERS, "docker-compose.yml", ".env.example", "secrets/.gitignore"]
RENDERED += ["tls/authority.key", "tls/authority.crt"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("stack.yaml").write_text(STACK)
    return tmp_path


def run(*command: str) -> tuple[int, str]:
    done = stackc(*command)
    return done.exit_code, done.output


def contents() -> dict[str, bytes]:
    files = (file for file in Path().rglob("*") if file.is_file() and AREA not in file.parts)
    return {str(file): file.read_bytes() for file in files}


@pytest.mark.parametrize("path", RENDERED)
def test_a_file_that_was_there_before_is_kept(path: str) -> None:
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text("mine")
    before = contents()
    code, told = run("compile")
    assert (code, contents()) == (1, before)
    assert f"{path}:1:1: error: {path} exists and was not made by stackc [foreign-output]" in told or (
        path.startswith("tls/authority") and "foreign-output" in told
    )


@pytest.mark.parametrize("path", OTHERS)
def test_force_keeps_it_beside_what_replaces_it(path: str) -> None:
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text("mine")
    Path(path).chmod(0o600)
    code, told = run("compile", "--force")
    assert (code, Path(f"{path}.bak").read_text()) == (0, "mine")
    assert Path(f"{path}.bak").stat().st_mode & 0o777 == 0o600
    assert f"overwrote {path} and kept what was there as {path}.bak" in told


@pytest.mark.parametrize("path", PLAIN)
def test_no_backup_replaces_another(path: str) -> None:
    for text in ("first", "second"):
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(text)
        assert run("compile", "--force")[0] == 0
    assert (Path(f"{path}.bak").read_text(), Path(f"{path}.bak2").read_text()) == ("first", "second")


@pytest.mark.parametrize("path", OTHERS)
def test_an_edit_by_hand_is_kept_and_check_tells_how_to_mend_it(path: str) -> None:
    assert run("compile")[0] == run("check")[0] == 0
    Path(path).write_text(Path(path).read_text() + "# mine\n")
    before = contents()
    code, told = run("compile")
    assert (code, contents()) == (1, before)
    assert "edited-output" in told or "unusable-certificate" in told
    code, told = run("check")
    assert code == 1
    assert path in told
    assert "stackc compile --force" in told or "unusable-certificate" in told


@pytest.mark.parametrize("path", RENDERED)
@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.unlink(),
        lambda path: (path.rename("elsewhere"), path.symlink_to(Path("elsewhere").absolute())),
        lambda path: path.chmod(0o666),
    ],
    ids=["gone", "link", "open"],
)
def test_check_sees_whatever_up_would_use(path: str, change: Callable[[Path], object]) -> None:
    assert run("compile")[0] == run("check")[0] == run("check")[0] == 0
    change(Path(path))
    code, told = run("check")
    assert (code, path in told) == (1, True), told


@pytest.mark.parametrize("lost", [".*", "MAIN_PASSWORD=.*"], ids=["all", "one"])
def test_lost_secrets_are_made_again_only_when_that_is_asked_for(lost: str) -> None:
    assert run("compile")[0] == 0
    before = Path(".env").read_text()
    Path(".env").write_text(re.sub(lost, "", before))
    if lost == ".*":
        Path(".env").unlink()
    left = contents()
    for words in (["check"], ["compile"], ["compile", "--force"], ["compile", "--diff"]):
        code, told = run(*words)
        assert (code, "[missing-secrets]" in told, "--new-secrets" in told) == (1, True, True), told
    assert contents() == left
    assert run("compile", "--new-secrets")[0] == 0
    after = Path(".env").read_text()
    assert after != before
    assert after.count("MAIN_PASSWORD=") == 1
    assert run("check") == (0, "")


def test_a_secret_that_the_stack_names_now_is_no_lost_one() -> None:
    assert run("compile")[0] == 0
    Path("stack.yaml").write_text(f"{STACK}secrets: {{later: {{generate: hex}}}}\n")
    code, told = run("compile")
    assert (code, told.startswith("updated docker-compose.yml\nupdated .env.example\nupdated .env\n")) == (
        0,
        True,
    )


def test_a_fresh_clone_without_secrets_is_fine_and_says_so() -> None:
    assert run("compile")[0] == 0
    for file in [Path(".env"), *Path("secrets").iterdir(), *Path("tls").iterdir(), *Path(AREA).iterdir()]:
        file.unlink()
    code, told = run("check")
    assert (code, told.count("[not-compiled-here]")) == (0, 1)
    assert run("compile")[0] == 0
    assert run("check") == (0, "")


def test_what_is_known_may_be_lost_where_nothing_was_edited() -> None:
    assert run("compile")[0] == 0
    for file in Path(AREA).iterdir():
        file.unlink()
    before = contents()
    assert run("compile") == (0, "docker-compose.yml is up to date\n")
    assert contents() == before
    Path("stack.yaml").write_text(STACK.replace("tls: require", "tls: verify-full"))
    assert run("compile")[0] == 0


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"\xff", b'{"digests": 1}', b'{"digests": {}, "key": "x"}']
)
def test_what_is_known_may_be_damaged(content: bytes) -> None:
    assert run("compile")[0] == 0
    (Path(AREA) / "written").write_bytes(content)
    assert run("compile") == (0, "docker-compose.yml is up to date\n")


@pytest.mark.parametrize("name", ["compose.yaml", "compose.yml", "docker-compose.override.yml"])
def test_another_file_that_compose_reads_is_told(name: str) -> None:
    assert run("compile")[0] == run("check")[0] == 0
    Path(name).write_text("services: {}\n")
    for command in ("check", "compile"):
        code, told = run(command)
        assert (code, f"{name}:1:1: warning" in told) == (0, True), told
        assert "[other-compose-file]" in told


def test_a_variable_that_makes_compose_read_something_else_is_told() -> None:
    Path(".env").write_text("A=1\nCOMPOSE_FILE=other.yml\n")
    told = run("compile")[1]
    assert ".env:2:14: warning: COMPOSE_FILE makes Compose read" in told
    assert "[compose-variable]" in told


def test_another_stack_does_not_take_a_folder_over() -> None:
    Path("other.yaml").write_text(STACK.replace("demo", "other"))
    assert run("compile", "-o", "out")[0] == 0
    before = {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
    code, told = run("compile", "other.yaml", "-o", "out")
    assert (code, "out holds what ../stack.yaml renders [other-stack]" in told) == (1, True), told
    assert {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()} == before
    assert run("compile", "other.yaml", "-o", "out", "--force")[0] == 0
    assert "name: other\n" in Path("out/docker-compose.yml").read_text()


def test_what_another_environment_rendered_is_named() -> None:
    Path("stack.yaml").write_text(STACK + "environments:\n  staging: {databases: {cache: {memory: 512M}}}\n")
    assert run("compile", "-e", "staging")[0] == 0
    code, told = run("check")
    assert (code, "[other-environment]" in told, "`-e staging`" in told) == (1, True, True)
    assert run("check", "-e", "staging")[0] == 0


def modes(*names: str) -> dict[str, int]:
    return {name: Path(name).stat().st_mode & 0o777 for name in names}


def test_modes_are_right_whatever_they_were_and_whatever_the_umask_is() -> None:
    before = os.umask(0)
    try:
        assert run("compile")[0] == 0
    finally:
        os.umask(before)
    modes = {
        name: Path(name).stat().st_mode & 0o777
        for name in ("tls", "secrets", "configs", AREA, ".env", "tls/main.key")
    }
    assert modes == {
        "tls": 0o700,
        "secrets": 0o700,
        "configs": 0o755,
        AREA: 0o700,
        ".env": 0o600,
        "tls/main.key": 0o600,
    }
    for name in modes:
        if name not in ("configs", AREA):
            Path(name).chmod(0o755)
    code, told = run("check")
    assert (code, "[open-output]" in told) == (1, True)
    assert run("compile") == (0, "docker-compose.yml is up to date\n")
    assert {name: Path(name).stat().st_mode & 0o777 for name in modes} == modes
    assert run("check")[0] == 0


@pytest.fixture
def imported(folder: Path) -> None:
    """Runs everything once: another user may not read where Python is installed."""
    for word in ("compile", "check", "connect main", "connect nobody", "adapters list"):
        run(*word.split())
    for name in ("docker-compose.yml", ".env.example", ".env", AREA, "tls", "secrets", "configs"):
        path = folder / name
        rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.usefixtures("imported")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs files of two users")
def test_what_another_user_left_behind_is_mended_or_told() -> None:
    os.chown(".", NOBODY, NOBODY)
    with unprivileged():
        assert run("compile")[0] == run("check")[0] == 0
    owners = {path: path.stat().st_uid for path in Path().rglob("*") if path.name != "stack.yaml"}
    assert set(owners.values()) == {NOBODY}
    os.chown("docker-compose.yml", 0, 0)
    for command, code, told in (
        ("check", 1, "[open-output]"),
        ("compile", 0, "up to date"),
        ("check", 0, ""),
    ):
        with unprivileged():
            done = run(command)
        assert (done[0], told in done[1]) == (code, True)
    os.chown(".env", 0, 0)
    for command in ("check", "compile", "connect main --reveal"):
        with unprivileged():
            code, told = run(*command.split())
        assert (code, "cannot be read: permission denied" in told) == (1, True)
    # Root mends what root has left.
    assert run("compile")[0] == 0
    assert {path: path.stat().st_uid for path in owners} == owners
    with unprivileged():
        assert run("check") == (0, "")


@pytest.mark.usefixtures("imported")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs files of two users")
@pytest.mark.parametrize("name", ["stack.yaml", "adapters", "adapters/mine.yaml", "tls", ".stackc", "."])
@pytest.mark.parametrize("command", ["compile", "check", "connect main", "adapters list --adapters adapters"])
def test_what_cannot_be_read_is_a_finding(name: str, command: str) -> None:
    Path("adapters").mkdir()
    Path("adapters/mine.yaml").write_text("adapter: mine\nextends: redis\ntitle: Mine\n")
    os.chown(".", NOBODY, NOBODY)
    with unprivileged():
        assert run("compile")[0] == 0
    Path(name).chmod(0)
    os.chown(name, 0, 0)
    with unprivileged():
        done = stackc(*command.split())
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert name != "adapters" or (done.exit_code, "cannot be read" in done.output) != (0, False)


def test_a_large_file_in_the_place_of_an_output_is_not_read() -> None:
    with Path("docker-compose.yml").open("wb") as file:
        file.truncate(LARGEST + 1)
    code, told = run("compile")
    assert (code, "[output-too-large]" in told) == (1, True)


def test_check_tells_of_a_compile_that_was_stopped() -> None:
    assert run("compile")[0] == run("check")[0] == 0
    inode = Path(AREA).stat().st_ino
    row = ["docker-compose.yml", 0o644, False, "", "new-0", "", 0]
    (Path(AREA) / "new-0").write_bytes(Path("docker-compose.yml").read_bytes())
    (Path(AREA) / "replace").write_text(json.dumps([inode, [row]]))
    Path("docker-compose.yml").unlink()
    code, told = run("check")
    assert (code, "[interrupted-compile]" in told) == (1, True)
    assert run("compile")[0] == run("check")[0] == 0


def test_a_folder_that_another_run_holds_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.1)
    with lock.hold(Path()):
        code, told = run("compile")
    assert (code, "[output-locked]" in told) == (1, True)
    assert not Path("docker-compose.yml").exists()


def test_a_state_that_another_user_closed_is_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("compile")[0] == 0
    exists = Path.exists

    def denied(path: Path) -> bool:
        if AREA in path.parts[:-1]:
            raise PermissionError(13, "Permission denied")
        return exists(path)

    monkeypatch.setattr(Path, "exists", denied)
    assert run("check") == (0, "")
