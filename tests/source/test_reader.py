"""Files and bytes: what is no file, too large or no text that all read alike is told with its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from compiler.report import Diagnostic, Report, Span
from compiler.source import parse_yaml, read_file
from tests.source.reading import at, fault, faults, read

# Bytes


def test_the_first_byte_that_is_not_utf_8_has_a_place() -> None:
    diagnostic = fault("\ufeffa: 1\r\nä: é".encode() + b"\xff\n\xfe")
    assert diagnostic.id == "not-utf-8"
    assert at(diagnostic.span) == (2, 5, 6)
    assert "0xFF" in diagnostic.message


@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"])
def test_another_unicode_encoding_is_refused(encoding: str) -> None:
    diagnostic = fault("\ufeffa: 1".encode(encoding))
    assert diagnostic.id == "not-utf-8"
    assert "UTF-16" in str(diagnostic.help)


@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\x7f", "\x85", "\u2028", "\ufffe"])
def test_an_unprintable_character_is_named_and_pointed_at(character: str) -> None:
    diagnostic = fault(f"a: 1\nb: é{character}\n")
    assert diagnostic.id == "unprintable-character"
    assert at(diagnostic.span) == (2, 5, 6)
    assert f"U+{ord(character):04X}" in diagnostic.message


def test_each_unprintable_character_is_reported_once() -> None:
    assert len(faults("a: \x01\x02\x01\n" * 100)) == 2


def test_an_escape_for_a_character_that_nothing_can_hold_is_refused() -> None:
    assert fault('a: "x\\0"').id == "unprintable-character"
    assert read('a: "\\x07\\u2028"').data["a"] == "\x07\u2028"


def test_a_file_of_one_mebibyte_is_the_limit() -> None:
    start = b"a: 1\n#"
    assert read(start + b"x" * (2**20 - len(start))).data == {"a": 1}
    assert fault(start + b"x" * (2**20 - len(start) + 1)).id == "file-too-large"


# Files


def load_fault(file: Path) -> Diagnostic:
    report = Report()
    assert read_file(file, str(file), report) is None
    (one,) = report
    assert one.span == Span(path=str(file))
    return one


def test_a_file_is_shown_under_the_given_name() -> None:
    document = parse_yaml(b"a: 1\n", "demo/stack.yaml", Report())
    assert document is not None
    assert document.value(("a",)).path == "demo/stack.yaml"


def test_the_bytes_of_a_file_are_read_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(b"\xff\0")
    assert read_file(tmp_path / "ca.pem", "ca.pem", Report()) == b"\xff\0"


def test_a_missing_file_gets_the_name_of_one_beside_it(tmp_path: Path) -> None:
    (tmp_path / "stack.yml").write_text("a: 1\n")
    diagnostic = load_fault(tmp_path / "stack.yaml")
    assert (diagnostic.id, diagnostic.help) == ("missing-file", 'did you mean "stack.yml"?')


@pytest.mark.parametrize("name", ["stack.yaml", "no/stack.yaml", "file/stack.yaml", "nul\0.yaml"])
def test_a_missing_file_is_said_to_be_missing(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("a: 1\n")
    assert load_fault(tmp_path / name).id == "missing-file"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert load_fault(tmp_path).id == "not-a-file"


def test_a_pipe_and_a_device_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert load_fault(tmp_path / "pipe.yaml").id == "not-a-file"
    assert load_fault(Path(os.devnull)).id == "not-a-file"


def test_a_file_that_cannot_be_opened_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    assert load_fault(tmp_path / "loop.yaml").id == "unreadable-file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text("a: 1\n")
    (tmp_path / "stack.yaml").chmod(0)
    assert load_fault(tmp_path / "stack.yaml").id == "unreadable-file"


def test_a_large_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "stack.yaml").open("wb") as stream:
        stream.truncate(2**40)
    assert load_fault(tmp_path / "stack.yaml").id == "file-too-large"
