"""A change of many files: killed at any point it is finished or taken back by the next run; two runs take turns."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from random import Random
from time import sleep
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from compiler.output import lock
from compiler.output.files import AREA, Refusal
from compiler.output.lock import hold
from compiler.output.transaction import Replacement, is_interrupted, replace_files
from compiler.report import Report
from compiler.run.workspace import Project
from compiler.targets.dotenv import parse_dotenv
from tests.conftest import TODAY

STACK = """\
name: demo
databases:
  main: {adapter: postgresql, tls: require}
  cache: {adapter: redis, read_only: true}
"""
# Every call is one point; of all of them the suite takes each fourth, and all where that is asked for.
STEP = 1 if "STACKC_ALL_POINTS" in os.environ else 4
# What changes a file system, by the names under which pathlib and the compiler call it.
CALLS = ("open", "mkdir", "link", "replace", "rename", "unlink", "rmdir", "chmod", "fchmod", "fsync", "utime")


def project(folder: Path) -> Project:
    return Project(folder / "stack.yaml", folder, today=TODAY)


def in_child(action: Callable[[], Any]) -> int:
    """Runs an action in a process of its own and returns its wait status."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            code = 0 if action() else 2
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


def killed_after(calls: int, action: Callable[[], Any]) -> Callable[[], Any]:
    """Returns an action that kills its process at the call with this number that changes the file system."""

    def run() -> Any:
        left = iter(range(calls))

        def counted(call: Callable[..., Any]) -> Callable[..., Any]:
            def count(*given: Any, **named: Any) -> Any:
                if (call is not real_open or given[1] & os.O_WRONLY) and next(left, None) is None:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*given, **named)

            return count

        real_open = os.open
        for name in CALLS:
            setattr(os, name, counted(getattr(os, name)))
        return action()

    return run


def assert_one_generation(folder: Path) -> None:
    """The certificate, its key in both places and the password in both places belong together."""
    env = parse_dotenv((folder / ".env").read_text(), ".env", Report())
    assert env is not None
    key = (folder / "tls/main.key").read_bytes()
    certificate = x509.load_pem_x509_certificate((folder / "tls/main.crt").read_bytes())
    authority = x509.load_pem_x509_certificate((folder / "tls/authority.crt").read_bytes())
    certificate.verify_directly_issued_by(authority)
    assert load_pem_private_key(key, None).public_key() == certificate.public_key()
    assert env.values["MAIN_TLS_KEY"].encode() == key
    assert (folder / "secrets/cache-password").read_text() == env.values["CACHE_PASSWORD"]
    assert (folder / "tls/ca.crt").read_bytes() == (folder / "tls/authority.crt").read_bytes()


def is_compiled(folder: Path) -> bool:
    return project(folder).compile().diagnostics == ()


def is_whole(folder: Path) -> bool:
    return is_compiled(folder) and project(folder).check().diagnostics == ()


def prepare(folder: Path) -> None:
    (folder / "stack.yaml").write_text(STACK)
    assert project(folder).compile().diagnostics == ()


def change_all(folder: Path) -> None:
    """Edits the stack, the password and the authority, so that nearly every file is rendered anew."""
    (folder / "stack.yaml").write_text(
        STACK + "services: {web: {image: 'nginx:1.29-alpine', uses: [main, cache]}}\n"
    )
    env = folder / ".env"
    env.write_text(env.read_text().replace("CACHE_PASSWORD=", "CACHE_PASSWORD=other"))
    for name in ("authority.key", "authority.crt"):
        (folder / "tls" / name).unlink()


@pytest.mark.parametrize("first", [True, False])
def test_a_kill_at_any_call_leaves_nothing_that_the_next_run_does_not_mend(
    tmp_path: Path, first: bool
) -> None:
    for points in range(0, 1000, STEP):
        folder = tmp_path / str(points)
        folder.mkdir()
        (folder / "stack.yaml").write_text(STACK)
        if not first:
            prepare(folder)
            change_all(folder)
        status = in_child(killed_after(points, partial(is_compiled, folder)))
        if status != signal.SIGKILL:
            assert status == 0
            break
        assert in_child(partial(is_whole, folder)) == 0, points
        assert_one_generation(folder)
        assert sorted(path.name for path in (folder / AREA).iterdir()) == [".gitignore", "written"]
    assert points > 60


def delayed(action: Callable[[], Any]) -> Callable[[], Any]:
    """Returns an action in whose process each rename takes a while, another one each time."""

    def run() -> Any:
        real, pick = os.replace, Random(os.getpid())

        def replace(*given: Any) -> None:
            sleep(pick.random() / 100)
            real(*given)

        os.replace = replace  # type: ignore[assignment]
        return action()

    return run


@pytest.mark.parametrize("first", [True, False])
def test_runs_at_the_same_time_take_turns(tmp_path: Path, first: bool) -> None:
    for number in range(int(os.environ.get("STACKC_ROUNDS", "6"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "stack.yaml").write_text(STACK)
        if not first:
            prepare(folder)
            change_all(folder)
        with ThreadPoolExecutor() as pool:
            run = delayed(partial(is_compiled, folder))
            assert list(pool.map(in_child, [run, run, run])) == [0, 0, 0]
        assert_one_generation(folder)
        assert project(folder).check().diagnostics == ()


def test_a_run_that_waits_says_so_and_gives_up_in_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.1)
    with hold(tmp_path), pytest.raises(Refusal, match="another run") as refused, hold(tmp_path):
        pass
    assert refused.value.path == tmp_path
    assert caplog.messages == [f"waiting for another run of stackc in {tmp_path}"]


def test_a_folder_that_was_made_for_nothing_is_gone(tmp_path: Path) -> None:
    with hold(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
    assert list(tmp_path.iterdir()) == []


HOSTILE = [
    b"",
    b"[",
    b"null",
    b"{}",
    b"[0, []]",
    b'[0, [["../outside", 420, false, "", "new-0", "", 0]]]',
    b'[0, [["a", 420, false, "", "new-0", "", 0]]]',
    b"[" * 100_000,
]


@pytest.mark.parametrize("name", ["replace", "restore"])
@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_a_list_of_somebody_else_is_removed_unread(tmp_path: Path, name: str, content: bytes) -> None:
    folder = tmp_path / "in"
    (folder / AREA).mkdir(parents=True)
    files = [tmp_path / "outside", folder / "a"]
    for file in files:
        file.write_text("mine")
    (folder / AREA / "new-0").write_text("theirs")
    (folder / AREA / name).write_bytes(content)
    with hold(folder):
        assert not is_interrupted(folder)
    assert [file.read_text() for file in files] == ["mine", "mine"]
    assert list((folder / AREA).iterdir()) == []


def test_a_link_in_the_place_of_the_area_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "new-1").write_text("mine")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / AREA).symlink_to(tmp_path / "elsewhere")
    with hold(tmp_path / "in"), pytest.raises(Refusal):
        replace_files(tmp_path / "in", [Replacement("a", b"x", 0o644)])
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["new-1"]
