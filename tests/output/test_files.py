from __future__ import annotations

import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from compiler.model import Artifact
from compiler.output import tell_refusal, write_artifacts
from compiler.output.files import AREA, Refusal
from compiler.output.lock import hold
from compiler.output.transaction import Replacement, replace_files
from compiler.report import Report

NOBODY = 65534
LARGE = 1 << 20


def replacement(path, content=b"new", mode=0o644):
    return Replacement(path=str(path), content=content, mode=mode)


def replace(folder, *replacements):
    with hold(folder):
        replace_files(folder, replacements)


def snapshot(folder):
    def state(path):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        return status.st_ino, status.st_mode, path.is_file() and status.st_mtime_ns, content

    return {path: state(path) for path in (folder, *folder.rglob("*"))}


def below(states):
    """Leaves out the folder itself: only its owner can set its time back."""
    return dict(list(states.items())[1:])


ENV = Artifact(path=".env", shared=True, content=b"same", mode=0o600, secret=True)


@contextmanager
def unprivileged():
    user = os.geteuid()
    os.seteuid(user or NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


@contextmanager
def no_file_larger_than(size):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["-t", "tmpfs", "-o", "size=64k,nr_inodes=16", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(["mount", *options], check=False, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs more rights")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def written(folder, *artifacts):
    report = Report()
    try:
        with hold(folder):
            write_artifacts(artifacts, folder, force=False, report=report)
    except Refusal as refusal:
        tell_refusal(report, refusal, "written")
    return [
        (one.id, *(text.replace(f"{folder}/", "out/") for text in (one.span.path, one.message)))
        for one in report
    ]


def test_a_full_disk_changes_nothing(small_disk):
    (small_disk / ".env").write_text("OLD=1\n")
    before = snapshot(small_disk)
    env, large = (
        Artifact(path=".env", shared=True, content=b"NEW=1\n"),
        Artifact(path="tls/key", content=b"x" * LARGE),
    )
    assert written(small_disk, env, large) == [
        ("disk-full", "out/tls/key", "out/tls/key does not fit on the disk")
    ]
    assert snapshot(small_disk) == before


def test_a_disk_without_room_for_one_more_file_changes_nothing(small_disk):
    (small_disk / ".env").write_text("OLD=1\n")
    artifacts = [Artifact(path=f"{number}/file", content=b"x") for number in range(16)]
    before = snapshot(small_disk)
    assert {finding[0] for finding in written(small_disk, *artifacts)} == {"disk-full"}
    assert snapshot(small_disk) == before


def test_a_disk_with_room_for_one_copy_only_changes_nothing(small_disk):
    (small_disk / ".env").write_bytes(b"x" * 40_000)
    before = snapshot(small_disk)
    assert written(small_disk, Artifact(path=".env", shared=True, content=b"y" * 40_000))[0][0] == "disk-full"
    assert snapshot(small_disk) == before


def test_a_refused_write_changes_nothing(tmp_path):
    (tmp_path / ".env").write_text("OLD=1\n")
    before = snapshot(tmp_path)
    with no_file_larger_than(1000):
        found = written(
            tmp_path,
            Artifact(path=".env", shared=True, content=b"N"),
            Artifact(path="b/c", content=b"x" * LARGE),
        )
    assert found == [("output-not-writable", "out/b/c", "out/b/c cannot be written: file too large")]
    assert snapshot(tmp_path) == before


def test_a_refused_write_into_a_missing_folder_leaves_no_folder(tmp_path):
    with no_file_larger_than(1000):
        found = written(tmp_path / "a" / "b", Artifact(path="c/d", content=b"x" * LARGE))
    assert found[0][0] == "output-not-writable"
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_folder_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("out").mkdir()
    for path in (Path(), Path("out")):
        path.chmod(0o555)
    before = snapshot(tmp_path)
    with unprivileged():
        below = written(Path("out"), Artifact(path="tls/key", content=b"x"))
        beside = written(Path("other"), Artifact(path=".env", shared=True, content=b"x"))
    place = f"out/{AREA}"
    assert below == [("output-not-writable", place, f"{place} cannot be written: permission denied")]
    assert beside == [("output-not-writable", "other", "other cannot be written: permission denied")]
    assert snapshot(tmp_path) == before


def test_an_unchanged_file_in_a_read_only_folder_is_fine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a").write_bytes(b"x")
    Path().chmod(0o555)
    with unprivileged():
        assert written(Path(), Artifact(path="a", content=b"x")) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs files of two users")
@pytest.mark.parametrize("content", [b"same", b"other"])
def test_a_file_of_another_user_that_cannot_be_read_changes_nothing(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    Path().chmod(0o777)
    Path(".env").write_bytes(b"same")
    Path(".env").chmod(0o600)
    before = snapshot(tmp_path)
    with unprivileged():
        found = written(
            Path(), Artifact(path="a", content=b"x"), Artifact(path=".env", shared=True, content=content)
        )
    assert found == [("output-not-writable", ".env", ".env cannot be read: permission denied")]
    assert snapshot(tmp_path) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="needs files of two users")
def test_a_secret_of_another_user_that_stays_open_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path().chmod(0o1777)  # Here only its owner replaces a file.
    Path(".env").write_bytes(b"same")
    before = snapshot(tmp_path)
    with unprivileged():
        found = written(Path(), Artifact(path="a/b", content=b"x"), ENV)
    assert found[0][:2] == ("output-not-writable", ".env")
    assert below(snapshot(tmp_path)) == below(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs files of two users")
def test_a_secret_that_another_user_can_read_becomes_ones_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.chown(".", NOBODY, NOBODY)
    Path(".env").write_bytes(b"same")
    with unprivileged():
        assert written(Path(), ENV) == []
    status = Path(".env").stat()
    assert (status.st_uid, status.st_mode & 0o777, Path(".env").read_bytes()) == (NOBODY, 0o600, b"same")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_writes_is_the_folder_owners(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.chown(".", NOBODY, NOBODY)
    artifacts = (ENV, Artifact(path="new/a", content=b"x"), Artifact(path="tls/b", content=b"x", closed=True))
    for _ in range(2):
        assert written(Path("out/put"), *artifacts) == []
        places = [Path("out"), *(path for path in Path("out").rglob("*") if path.name != ".gitignore")]
        assert {(place.stat().st_uid, place.stat().st_gid) for place in places} == {(NOBODY, NOBODY)}
        for place in places[1:]:
            os.chown(place, 0, 0)
        os.chown("out/put", NOBODY, NOBODY)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs files of two users")
def test_a_file_that_cannot_be_replaced_brings_the_replaced_ones_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "z"):
        Path(name).write_bytes(b"old")
        os.chown(name, NOBODY, NOBODY)
    os.chown("z", 0, 0)
    Path().chmod(0o1777)  # Here only its owner replaces a file.
    before = snapshot(tmp_path)
    with unprivileged(), pytest.raises(Refusal) as refused:
        replace(Path(), *(replacement(name) for name in ("a", "b", "new", "folder/new", "z")))
    assert refused.value.path == Path("z")
    assert below(snapshot(tmp_path)) == below(before)


def test_a_mount_point_that_cannot_be_replaced_brings_the_replaced_ones_back(small_disk):
    first, busy = small_disk / "first", small_disk / "busy"
    for path in (first, busy):
        path.write_bytes(b"old")
    subprocess.run(["mount", "--bind", first, busy], check=True)
    before = snapshot(small_disk)
    try:
        with pytest.raises(Refusal) as refused:
            replace(small_disk, replacement("first"), replacement("busy"))
        assert (refused.value.path, snapshot(small_disk)) == (busy, before)
    finally:
        subprocess.run(["umount", str(busy)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs files of two users")
def test_a_file_that_this_user_may_not_link_is_brought_back_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a").write_bytes(b"old")
    Path("a").chmod(0o644)
    os.utime("a", (1, 1))
    Path("z").mkdir()
    Path().chmod(0o777)
    with unprivileged(), pytest.raises(Refusal, match="z: "):
        replace(Path(), replacement("a", mode=0o600), replacement("z"))
    status = Path("a").stat()
    assert (Path("a").read_bytes(), status.st_mode & 0o777, status.st_mtime) == (b"old", 0o644, 1)


def test_a_removed_working_folder_is_a_finding(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert written(Path(), Artifact(path="a", content=b"x"))[0][0] == "output-not-writable"


WATCHER = """
import os, sys
from pathlib import Path
from compiler.output.transaction import Replacement, replace_files

def watch(event, args):
    if event in ("os.chmod", "os.rename"):
        status = os.stat(args[0])
        print(event, oct(status.st_mode & 0o777), status.st_size)

os.umask(0)
sys.addaudithook(watch)
replace_files(Path(sys.argv[1]), [Replacement(path="key", content=b"content", mode=0o640)])
"""


def test_a_file_is_open_to_its_owner_only_until_it_is_complete(tmp_path):
    command = [sys.executable, "-c", WATCHER, tmp_path]
    events = subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()
    assert "os.rename 0o640 7" in events
    assert not any("7" in event and "0o6" not in event for event in events)


def test_replacing_files_leaves_nothing_else(tmp_path):
    (tmp_path / "old").write_bytes(b"old")
    replace(tmp_path, replacement("old"), replacement("new"))
    assert {path.name: path.read_bytes() for path in tmp_path.glob("[!.]*")} == {"old": b"new", "new": b"new"}
    assert [path.name for path in (tmp_path / AREA).iterdir()] == [".gitignore"]


RENAMES = """
import sys
from pathlib import Path
from compiler.model import Artifact
from compiler.output import write_artifacts
from compiler.report import Report

sys.addaudithook(lambda event, args: event == "os.rename" and print(Path(args[1]).name))
artifacts = [Artifact(path="compose", content=b"x", signed=True), Artifact(path="env", content=b"x")]
write_artifacts(artifacts, Path(sys.argv[1]), force=False, report=Report())
"""


def test_what_a_signed_file_refers_to_is_there_before_it(tmp_path):
    command = [sys.executable, "-c", RENAMES, tmp_path]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["replace", "env", "compose", "written"]


def test_a_run_removes_what_a_killed_run_left_behind(tmp_path):
    (tmp_path / AREA).mkdir()
    (tmp_path / AREA / "new-0").write_bytes(b"half")
    assert written(tmp_path, Artifact(path="a", content=b"x")) == []
    assert sorted(path.name for path in (tmp_path / AREA).iterdir()) == [".gitignore", "written"]


WRITER = """
import sys
from pathlib import Path
from compiler.model import Artifact
from compiler.output import hold, write_artifacts
from compiler.report import Report

folder, name = Path(sys.argv[1]), sys.argv[2]
for round in range(60):
    content = (f"{name}{round}" * 5000).encode()
    artifacts = [Artifact(path=path, content=content) for path in ("one", "sub/two")]
    report = Report()
    with hold(folder):
        write_artifacts(artifacts, folder, force=False, report=report)
    assert not report, list(report)
"""


def test_runs_at_the_same_time_leave_whole_files_only(tmp_path):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, name]) for name in "abcd"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        for path in (tmp_path / "one", tmp_path / "sub" / "two"):
            content = path.read_bytes() if path.exists() else b""
            seen.add(content == content[: len(content) // 5000] * 5000)
    assert [writer.returncode for writer in writers] == [0, 0, 0, 0]
    assert seen == {True}
    assert sorted(path.name for path in tmp_path.rglob("[!.]*")) == ["one", "sub", "two", "written"]
