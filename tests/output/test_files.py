from __future__ import annotations

import fcntl
import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from compiler.model import Artifact
from compiler.output import write_artifacts
from compiler.output.files import Refusal, Replacement, remove_leftovers, replace_files
from compiler.report import Report

NOBODY = 65534
LARGE = 1 << 20


def replacement(path, content=b"new", mode=0o644):
    return Replacement(path=path, content=content, mode=mode)


def snapshot(folder):
    def state(path):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        return status.st_ino, status.st_mode, status.st_mtime_ns, content

    return {path: state(path) for path in (folder, *folder.rglob("*"))}


def below(states):
    """Leaves out the folder itself: only its owner can set its time back."""
    return dict(list(states.items())[1:])


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
    write_artifacts(artifacts, folder, force=False, report=report)
    return [
        (one.id, *(text.replace(f"{folder}/", "out/") for text in (one.span.path, one.message)))
        for one in report
    ]


def test_a_full_disk_changes_nothing(small_disk):
    (small_disk / ".env").write_text("OLD=1\n")
    before = snapshot(small_disk)
    env, large = Artifact(path=".env", content=b"NEW=1\n"), Artifact(path="tls/key", content=b"x" * LARGE)
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
    assert written(small_disk, Artifact(path=".env", content=b"y" * 40_000))[0][0] == "disk-full"
    assert snapshot(small_disk) == before


def test_a_refused_write_changes_nothing(tmp_path):
    (tmp_path / ".env").write_text("OLD=1\n")
    before = snapshot(tmp_path)
    with no_file_larger_than(1000):
        found = written(
            tmp_path, Artifact(path=".env", content=b"N"), Artifact(path="b/c", content=b"x" * LARGE)
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
        beside = written(Path("other"), Artifact(path=".env", content=b"x"))
    assert below == [("output-not-writable", "out/tls", "out/tls cannot be written: permission denied")]
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
        found = written(Path(), Artifact(path="a", content=b"x"), Artifact(path=".env", content=content))
    assert found == [("output-not-writable", ".env", ".env cannot be read: permission denied")]
    assert snapshot(tmp_path) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="needs files of two users")
def test_a_secret_of_another_user_that_stays_open_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path().chmod(0o777)
    Path(".env").write_bytes(b"same")
    before = snapshot(tmp_path)
    with unprivileged():
        env = Artifact(path=".env", content=b"same", mode=0o600, secret=True)
        found = written(Path(), Artifact(path="a/b", content=b"x"), env)
    assert found[0][:2] == ("output-not-writable", ".env")
    assert below(snapshot(tmp_path)) == below(before)


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
        replace_files([replacement(Path(name)) for name in ("a", "b", "new", "folder/new", "z")])
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
            replace_files([replacement(first), replacement(busy)])
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
        replace_files([replacement(Path("a"), mode=0o600), replacement(Path("z"))])
    status = Path("a").stat()
    assert (Path("a").read_bytes(), status.st_mode & 0o777, status.st_mtime) == (b"old", 0o644, 1)


def test_a_removed_working_folder_is_a_finding(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert written(Path(), Artifact(path="a", content=b"x"))[0][0] == "output-not-writable"


def test_a_mode_that_was_changed_is_changed_back(tmp_path):
    (tmp_path / ".env").write_bytes(b"x")
    (tmp_path / ".env").chmod(0o644)
    before = snapshot(tmp_path)
    (tmp_path / "z").mkdir()
    mode = Replacement(path=tmp_path / ".env", content=None, mode=0o600)
    with pytest.raises(Refusal):
        replace_files([mode, replacement(tmp_path / "z")])
    (tmp_path / "z").rmdir()
    assert snapshot(tmp_path)[tmp_path / ".env"] == before[tmp_path / ".env"]


WATCHER = """
import os, sys
from pathlib import Path
from compiler.output.files import Replacement, replace_files

def watch(event, args):
    if event in ("os.chmod", "os.rename"):
        status = os.stat(args[0])
        print(event, oct(status.st_mode & 0o777), status.st_size)

os.umask(0)
sys.addaudithook(watch)
replace_files([Replacement(path=Path(sys.argv[1]), content=b"content", mode=0o640)])
"""


def test_a_file_is_open_to_its_owner_only_until_it_is_complete(tmp_path):
    command = [sys.executable, "-c", WATCHER, tmp_path / "key"]
    events = subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()
    assert events == ["os.chmod 0o600 7", "os.rename 0o640 7"]


def test_replacing_files_leaves_nothing_else(tmp_path):
    (tmp_path / "old").write_bytes(b"old")
    replace_files([replacement(tmp_path / "old"), replacement(tmp_path / "new")])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"old": b"new", "new": b"new"}


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
    assert done.stdout.split() == ["env", "compose"]


def test_only_files_of_dead_runs_are_removed(tmp_path):
    dead, alive, other = (tmp_path / name for name in (".stackc-1.tmp", ".stackc-2.tmp", "stackc.tmp"))
    for path in (dead, alive, other):
        path.write_bytes(b"x")
    with alive.open() as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        remove_leftovers([tmp_path, tmp_path / "missing"])
    assert sorted(tmp_path.iterdir()) == sorted([alive, other])


def test_a_leftover_that_is_a_link_or_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / ".stackc-1.tmp")
    (tmp_path / "mine").write_bytes(b"x")
    (tmp_path / ".stackc-2.tmp").symlink_to("mine")
    remove_leftovers([tmp_path])
    assert sorted(path.name for path in tmp_path.glob("*2*")) == [".stackc-2.tmp"]
    assert (tmp_path / "mine").read_bytes() == b"x"


def test_a_run_removes_what_a_killed_run_left_behind(tmp_path):
    (tmp_path / ".stackc-1.tmp").write_bytes(b"half")
    assert written(tmp_path, Artifact(path="a", content=b"x")) == []
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


WRITER = """
import sys
from pathlib import Path
from compiler.model import Artifact
from compiler.output import write_artifacts
from compiler.report import Report

folder, name = Path(sys.argv[1]), sys.argv[2]
for round in range(60):
    content = (f"{name}{round}" * 5000).encode()
    artifacts = [Artifact(path=path, content=content) for path in ("one", "sub/two")]
    report = Report()
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
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["one", "sub", "two"]
