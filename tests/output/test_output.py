from __future__ import annotations

import os
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from compiler import output
from compiler.model import Artifact
from compiler.output import (
    Refusal,
    check_artifacts,
    content_of,
    hold,
    sign,
    signature,
    tell_refusal,
    write_artifacts,
)
from compiler.output.diff import unified_diff
from compiler.report import Report, Span
from compiler.run.invocation import compile_command
from tests.output.test_files import snapshot

HEADER = b"# Made by stackc from stack.yaml.\n# Edit that file.\n"
COMPOSE = Artifact(path="docker-compose.yml", content=HEADER + b"name: demo\n", signed=True)
ENV = Artifact(path=".env", content=b"PASSWORD=hunter2\n", mode=0o600, secret=True, shared=True)
KEY = Artifact(path="tls/server.key", content=b"-----BEGIN\n", mode=0o600, secret=True)
ALL = [COMPOSE, ENV, KEY]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(artifacts, directory, *, force=False):
    report, changes = Report(), []
    try:
        with hold(directory):
            changes = write_artifacts(artifacts, directory, force=force, report=report)
    except Refusal as refusal:
        tell_refusal(report, refusal, "written")
    return changes, list(report)


def compare(artifacts, directory):
    return check_artifacts(artifacts, directory, force=True, report=Report())


def stale(artifacts, directory):
    report = Report()
    command = partial(compile_command, Path("demo.yaml"), Path("out"), "local", None)
    output.stale(artifacts, directory, environment="local", command=command, report=report)
    return list(report)


def codes(diagnostics):
    return [(finding.id, finding.span.path) for finding in diagnostics]


def statuses(changes):
    return [change.status for change in changes]


def mode(path):
    return path.stat().st_mode & 0o7777


def test_the_signature_is_the_last_line_of_the_header():
    *header, line, rest = sign(HEADER + b"name: demo\n# end\n").split(b"\n", 3)
    assert header == HEADER.split(b"\n")[:2]
    assert line == b"# sha256: " + sha256(b"name: demo\n# end\n").hexdigest().encode()
    assert rest == b"name: demo\n# end\n"


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"#", b"# a", b"# a\n", b"#\n\n# b\n", b"a: 1", HEADER + b"x: #\n"]
)
def test_signed_content_is_intact(content):
    assert signature(sign(content)) == "intact"


@pytest.mark.parametrize("edit", [b"# mine\n", b"mine: 1\n", b"\n"])
def test_content_changed_behind_its_signature_is_edited(edit):
    signed = sign(COMPOSE.content)
    assert signature(signed + edit) == "edited"
    assert signature(signed.replace(b"name", edit + b"name")) == "edited"


def test_a_changed_header_above_the_signature_is_no_edit():
    assert signature(b"# version 2\n" + sign(COMPOSE.content)) == "intact"


@pytest.mark.parametrize(
    "content", [b"", b"name: demo\n", HEADER, b"a: 1\n" + sign(b"b: 1\n"), b"# sha256: 12\n"]
)
def test_content_without_a_signature_on_top_is_foreign(content):
    assert signature(content) == "foreign"


def test_only_what_asks_for_it_is_signed():
    assert content_of(COMPOSE) == sign(COMPOSE.content)
    assert content_of(ENV) == ENV.content


def test_every_file_of_a_missing_folder_is_new(tmp_path):
    changes = compare(ALL, tmp_path / "out")
    assert [(c.path, c.status, c.old, c.new, c.secret) for c in changes] == [
        (a.path, "new", "", content_of(a).decode(), a.secret) for a in ALL
    ]


def test_files_of_a_folder_are_compared_with_what_is_rendered(tmp_path):
    write([COMPOSE, ENV], tmp_path)
    later = Artifact(path=".env", content=b"PASSWORD=hunter3\n", secret=True)
    assert statuses(compare([COMPOSE, later, KEY], tmp_path)) == ["unchanged", "changed", "new"]


def test_a_change_never_prints_a_secret(tmp_path):
    assert "hunter2" not in repr(compare([ENV], tmp_path))


def test_everything_is_written_with_its_content_and_mode(tmp_path):
    changes, diagnostics = write(ALL, tmp_path / "new" / "out")
    assert (statuses(changes), diagnostics) == (["new"] * 3, [])
    for artifact in ALL:
        path = tmp_path / "new" / "out" / artifact.path
        assert (path.read_bytes(), mode(path)) == (content_of(artifact), artifact.mode)
    assert sorted(p.name for p in (tmp_path / "new" / "out").iterdir()) == sorted(
        [".env", ".stackc", COMPOSE.path, "tls"]
    )


def test_the_mode_does_not_depend_on_the_umask(tmp_path):
    before = os.umask(0o077)
    write(ALL, tmp_path)
    os.umask(before)
    assert mode(tmp_path / COMPOSE.path) == 0o644


def test_a_second_run_touches_nothing(tmp_path):
    write(ALL, tmp_path)
    before = snapshot(tmp_path)
    changes, diagnostics = write(ALL, tmp_path)
    assert (statuses(changes), diagnostics, snapshot(tmp_path)) == (["unchanged"] * 3, [], before)


def test_a_changed_file_alone_is_written(tmp_path):
    write(ALL, tmp_path)
    before = snapshot(tmp_path)
    write([COMPOSE, Artifact(path=".env", content=b"B=2\n", mode=0o600, secret=True), KEY], tmp_path)
    after = snapshot(tmp_path)
    assert [path.name for path in after if after[path] != before[path] and path.is_file()] == [
        ".env",
        "written",
    ]


def test_a_secret_that_others_can_read_is_closed_and_keeps_its_content(tmp_path):
    write(ALL, tmp_path)
    (tmp_path / ".env").chmod(0o644)
    content = (tmp_path / ".env").read_bytes()
    assert write(ALL, tmp_path)[1] == []
    assert (mode(tmp_path / ".env"), (tmp_path / ".env").read_bytes()) == (0o600, content)


def test_a_secret_is_never_readable_by_others(tmp_path):
    write([Artifact(path="key", content=b"x", secret=True)], tmp_path)
    assert mode(tmp_path / "key") == 0o640


def test_a_file_edited_by_hand_is_kept(tmp_path):
    write(ALL, Path("out"))
    (tmp_path / "out" / COMPOSE.path).write_bytes(sign(COMPOSE.content) + b"mine: 1\n")
    before = snapshot(tmp_path)
    changes, diagnostics = write([COMPOSE, Artifact(path=".env", content=b"new")], Path("out"))
    assert (statuses(changes), codes(diagnostics)) == (
        ["edited", "changed"],
        [("edited-output", "out/docker-compose.yml")],
    )
    assert snapshot(tmp_path) == before


def test_a_file_of_someone_else_is_kept(tmp_path):
    (tmp_path / COMPOSE.path).write_text("services: {}\n")
    before = snapshot(tmp_path)
    changes, diagnostics = write(ALL, Path())
    assert (changes[0].status, codes(diagnostics)) == ("foreign", [("foreign-output", COMPOSE.path)])
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("content", [b"services: {}\n", sign(COMPOSE.content) + b"mine: 1\n"])
def test_force_overwrites_edited_and_foreign_files(tmp_path, content):
    (tmp_path / COMPOSE.path).write_bytes(content)
    assert write(ALL, tmp_path, force=True)[1] == []
    assert (tmp_path / COMPOSE.path).read_bytes() == content_of(COMPOSE)


def test_an_edit_is_shown_as_a_diff(tmp_path):
    (tmp_path / COMPOSE.path).write_bytes(sign(COMPOSE.content) + b"mine: 1\n")
    assert "-mine: 1" in unified_diff(compare([COMPOSE], tmp_path)[0]).splitlines()


def test_a_file_that_is_no_text_is_compared_too(tmp_path):
    (tmp_path / COMPOSE.path).write_bytes(b"\xff\x00")
    (change,) = compare([COMPOSE], tmp_path)
    assert (change.status, change.old) == ("foreign", "\\xff\x00")


def test_the_diff_of_a_secret_file_tells_no_secret(tmp_path):
    assert unified_diff(compare([ENV], tmp_path)[0]).splitlines()[-1] == "+PASSWORD=***"


def block_with_file(path):
    path.write_text("here")


def block_with_folder(path):
    path.mkdir()


def block_with_link(path):
    (path.parent / "elsewhere").mkdir()
    path.symlink_to("elsewhere")


def block_with_broken_link(path):
    path.symlink_to("nowhere")


def block_with_pipe(path):
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("block", "path", "code"),
    [
        (block_with_file, "out", "output-not-a-folder"),
        (block_with_broken_link, "out", "output-not-a-folder"),
        (block_with_file, "out/tls", "output-not-a-folder"),
        (block_with_link, "out/tls", "output-is-a-symlink"),
        (block_with_link, "out/.env", "output-is-a-symlink"),
        (block_with_broken_link, "out/.env", "output-is-a-symlink"),
        (block_with_folder, "out/.env", "output-is-a-folder"),
        (block_with_pipe, "out/.env", "output-not-writable"),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_what_stands_in_the_way_stays_and_is_named(tmp_path, block, path, code, force):
    (tmp_path / path).parent.mkdir(exist_ok=True)
    block(tmp_path / path)
    before = snapshot(tmp_path)
    diagnostics = write(ALL, Path("out"), force=force)[1]
    assert codes(diagnostics) == [(code, path)]
    assert snapshot(tmp_path) == before


def test_a_folder_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("here")
    diagnostics = write(ALL, Path("file/out"))[1]
    assert codes(diagnostics) == [("output-not-a-folder", "file/out")]


def test_a_link_to_the_output_folder_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    assert write(ALL, tmp_path / "out")[1] == []
    assert (tmp_path / "real" / ".env").exists()


def test_every_obstacle_is_reported_at_once():
    Path("out/.env").mkdir(parents=True)
    Path("out/tls").write_text("here")
    Path("out", COMPOSE.path).write_text("services: {}\n")
    assert codes(write(ALL, Path("out"))[1]) == [
        ("output-is-a-folder", "out/.env"),
        ("foreign-output", "out/docker-compose.yml"),
        ("output-not-a-folder", "out/tls"),
    ]


@pytest.mark.parametrize("force", [False, True])
def test_what_a_report_leaves_out_is_not_overwritten_either(tmp_path, force):
    (tmp_path / ".env").symlink_to("elsewhere")
    (tmp_path / COMPOSE.path).write_text("services: {}\n")
    before = snapshot(tmp_path)
    report = Report({"output-is-a-symlink": "off", "foreign-output": "off"})
    write_artifacts(ALL, tmp_path, force=force, report=report)
    assert (len(report), snapshot(tmp_path)) == (0, before)


def test_checking_writes_nothing(tmp_path):
    report = Report()
    check_artifacts(ALL, tmp_path / "out", force=False, report=report)
    assert not report
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a//b", "a/../../b", ""])
def test_an_artifact_cannot_leave_the_folder(tmp_path, path):
    with pytest.raises(ValueError, match="below the output folder"):
        write([Artifact(path=path, content=b"x")], tmp_path)


def test_a_current_folder_that_is_gone_is_a_finding(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    (finding,) = write([ENV], Path())[1]
    assert finding.message == ".stackc cannot be written: no such file or directory"
    assert finding.span == Span(path=".stackc")


def test_rendered_files_are_not_stale(tmp_path):
    write(ALL, tmp_path)
    assert stale(ALL, tmp_path) == []


@pytest.mark.parametrize("byte", [b"x", b"#", b"\n"])
def test_one_byte_makes_a_signed_file_stale(byte):
    write(ALL, Path("out"))
    Path("out", COMPOSE.path).write_bytes(content_of(COMPOSE) + byte)
    (finding,) = stale(ALL, Path("out"))
    assert (finding.id, finding.span) == ("stale-output", Span(path="out/docker-compose.yml"))
    assert finding.message == "out/docker-compose.yml was edited by hand"
    assert "let `stackc compile --force demo.yaml -o out` overwrite it" in str(finding.help)


def test_a_missing_file_is_stale_and_the_command_to_make_it_works_from_here():
    (finding,) = stale([COMPOSE], Path("out"))
    assert finding.help == "run `stackc compile demo.yaml -o out`"
    assert codes(stale([COMPOSE], Path("out"))) == [("stale-output", f"out/{COMPOSE.path}")]


def test_a_path_that_cannot_be_read_is_named_instead_of_called_stale(tmp_path):
    (tmp_path / COMPOSE.path).mkdir()
    assert codes(stale([COMPOSE], Path())) == [("output-is-a-folder", COMPOSE.path)]
