"""YAML to data and places: what a person wrote arrives as written, and every fault has a code and a place."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from compiler.report import Diagnostic, Span
from compiler.source import Document, load_yaml, merge_patch, parse_yaml

INVALID = Path(__file__).parent.parent / "fixtures" / "invalid"
FIXTURES = [
    "alias-expansion",
    "duplicate-key",
    "empty-file",
    "merge-key",
    "multiple-documents",
    "nested-too-deep",
    "non-string-key",
    "not-a-mapping",
    "not-utf-8",
    "unknown-anchor",
    "unknown-tag",
    "unprintable-character",
    "yaml-syntax",
    "yaml-tab",
]


def read(text: str | bytes) -> Document:
    document, diagnostics = parse_yaml(text.encode() if isinstance(text, str) else text, "stack.yaml")
    assert diagnostics == []
    assert document is not None
    return document


def faults(text: str | bytes) -> list[Diagnostic]:
    document, diagnostics = parse_yaml(text.encode() if isinstance(text, str) else text, "stack.yaml")
    assert document is None
    return diagnostics


def fault(text: str | bytes) -> Diagnostic:
    (diagnostic,) = faults(text)
    return diagnostic


def at(span: Span) -> tuple[int, int, int]:
    assert span.end_line == span.line
    return (span.line, span.column, span.end_column)


def shown(text: str, span: Span) -> str:
    return text.splitlines()[span.line - 1][span.column - 1 : span.end_column - 1]


def typed(value: object) -> tuple[type, object]:
    return (type(value), value)


# Values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("null", None),
        ("~", None),
        ("NULL", None),
        ("", None),
        ("16", 16),
        ("-3", -3),
        ("0", 0),
        ("9223372036854775807", 9223372036854775807),
        ("8.0", 8.0),
        ("1.5", 1.5),
        ("-0.25", -0.25),
        ("!!str 16", "16"),
        ("!!str", ""),
        ("!!int 0x1F", 31),
        ("!!int '16'", 16),
        ("!!float 1e3", 1000.0),
        ("!!bool true", True),
        ("!!null ~", None),
    ],
)
def test_core_schema_scalars_have_their_types(text: str, value: object) -> None:
    assert typed(read(f"a: {text}").data["a"]) == typed(value)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "3.10",
            "0755",
            "0o17",
            "0x1F",
            "1e3",
            "1_000",
            "+5",
            ".5",
            "5.",
            "1.50",
            "-0",
            "007",
            "22:22",
            "00.5",
        ),
        *(
            "no",
            "on",
            "yes",
            "off",
            "y",
            "n",
            "No",
            "YES",
            "tRue",
            "nUll",
            "2024-01-01",
            "=",
            "<<",
            "-x",
            "1.2.3",
        ),
        *(".inf", "-.inf", ".nan", "1.0e+16", "0.00001", "12345678901234567890", "١٢", "${A}", "${{ b }}"),
    ],
)
def test_other_unquoted_text_stays_as_written(text: str) -> None:
    assert read(f"a: {text}").data["a"] == text


@pytest.mark.parametrize("text", ["'16'", '"16"', "|-\n  16", ">-\n  16"])
def test_quoted_and_block_text_is_a_string(text: str) -> None:
    assert read(f"a: {text}").data["a"] == "16"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**19) + 1, 10**19 - 1) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_what_a_yaml_writer_writes_is_read_back(value: object) -> None:
    text = yaml.safe_dump({"a": value}, default_flow_style=False)
    if "\\0" not in text:
        assert read(text).data == {"a": value}


# Places


def test_places_of_keys_and_values_cover_their_tokens() -> None:
    document = read("name: demo\nweb:\n  - image: 'a b'  # why\n    n: 8080\n")
    assert at(document.key(("name",))) == (1, 1, 5)
    assert at(document.value(("name",))) == (1, 7, 11)
    assert at(document.key(("web", 0, "image"))) == (3, 5, 10)
    assert at(document.value(("web", 0, "image"))) == (3, 12, 17)
    assert at(document.value(("web", 0, "n"))) == (4, 8, 12)


def test_an_absent_path_has_the_place_of_what_is_around_it() -> None:
    document = read("web:\n  image: nginx\n")
    assert document.value(("web", "image", 0, "x")) == document.value(("web", "image"))
    assert document.key(("web", "ports")) == document.key(("web",))
    assert at(document.key(("databases",))) == (1, 1, 4)


@pytest.mark.parametrize(
    ("text", "first_line"),
    [
        ("a: {b: 1, c: [2]}  # why", "{b: 1, c: [2]}"),
        ("a: {b: 1,\n  c: 2}", "{b: 1"),
        ("a: [\n  1]", "["),
        ("a: []", "[]"),
        ("a:\n  b: 1  # why\n  c: 2", "b: 1"),
        ("a:\n  b:\n    c: 2", "b"),
        ("a:\n  - b: 1\n    c: 2", "- b: 1"),
        ("a: |  # why\n  text", "|"),
        ("a: >-\n  text", ">-"),
        ('a: "one  \n  two"', '"one'),
        ("a: one\n  two", "one"),
        ("a: &x !!str one", "one"),
        ("a: &x\n  b: 1", "b: 1"),
        ("a: &x {b: 1}", "{b: 1}"),
        ("a:  # nothing", "a"),
        ("a: &x", "&x"),
    ],
)
def test_a_place_is_one_line_of_the_value(text: str, first_line: str) -> None:
    assert shown(text, read(text).value(("a",))) == first_line


def test_an_empty_list_item_has_the_place_of_its_dash() -> None:
    assert at(read("a:\n  - 1\n  -\n").value(("a", 1))) == (3, 3, 4)


def test_a_list_item_has_its_value_as_its_key() -> None:
    document = read("a: [1, two]")
    assert document.key(("a", 1)) == document.value(("a", 1))


def test_columns_count_characters_and_not_bytes() -> None:
    document = read("\ufeff\U0001f600é: {ü: \U0001f680\U0001f680, z: 1}\n")
    assert at(document.key(("\U0001f600é",))) == (1, 1, 3)
    assert at(document.value(("\U0001f600é", "ü"))) == (1, 9, 11)
    assert at(document.key(("\U0001f600é", "z"))) == (1, 13, 14)
    assert not document.text.startswith("\ufeff")


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_every_line_break_counts_once(line_break: str) -> None:
    assert at(read(line_break.join(["a: 1", "", "b: 2", ""])).key(("b",))) == (3, 1, 2)


# Anchors


def test_an_alias_repeats_the_value_and_its_inner_places() -> None:
    document = read("a: &x\n  b: [1]\nc: *x\n")
    assert document.data["c"] == {"b": [1]}
    assert at(document.value(("c",))) == (3, 4, 6)
    assert at(document.value(("c", "b", 0))) == (2, 7, 8)
    assert document.data["a"] is not document.data["c"]


def test_merge_keys_give_way_to_written_keys_and_to_earlier_sources() -> None:
    text = "a: &a {x: 1, y: 1, z: 1}\nb: &b {y: 2, w: 2}\nc:\n  x: 3\n  <<: [*b, *a]\n"
    document = read(text)
    assert document.data["c"] == {"x": 3, "y": 2, "w": 2, "z": 1}
    assert at(document.key(("c", "z"))) == (1, 20, 21)


def test_merge_keys_reach_through_other_merge_keys() -> None:
    assert read("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b}\n").data["c"] == {"x": 1, "y": 2}


def test_a_quoted_merge_key_is_a_plain_key() -> None:
    assert read("a: {'<<': 1}").data == {"a": {"<<": 1}}


def test_an_anchor_can_be_defined_again() -> None:
    assert read("a: &x 1\nb: &x 2\nc: *x\n").data["c"] == 2


def test_many_uses_of_one_anchor_are_fine() -> None:
    text = "a: &a {restart: always, logging: {driver: local}}\nb:\n"
    text += "".join(f"  web{n}:\n    <<: *a\n    image: nginx\n" for n in range(1000))
    assert len(read(text).data["b"]) == 1000


@pytest.mark.parametrize(
    "text",
    [
        (INVALID / "alias-expansion.yaml").read_text(),
        "a: &a [*a]",
        "a: &a {b: *a}",
        "a: &a {<<: *a}",
        'a: &a "' + "x" * 500_000 + '"\nb: [' + "*a, " * 9 + "]",
        "a: &a {" + "".join(f"k{n}: 1, " for n in range(9999)) + "}\nb: {<<: [" + "*a, " * 9999 + "]}",
    ],
)
def test_exploding_aliases_are_refused(text: str) -> None:
    assert fault(text).id == "alias-expansion"


def test_nesting_through_aliases_is_limited_too() -> None:
    text = "a: &a " + "[" * 60 + "]" * 60 + "\nb: " + "[" * 60 + "*a" + "]" * 60
    assert fault(text).id == "nested-too-deep"


def test_a_hundred_levels_are_read() -> None:
    assert read("a: " + "[" * 99 + "x" + "]" * 99).data["a"][0]


# Faults


@pytest.mark.parametrize("code", FIXTURES)
def test_fixture_has_its_one_fault(code: str) -> None:
    document, diagnostics = load_yaml(INVALID / f"{code}.yaml")
    assert document is None
    assert [d.id for d in diagnostics] == [code]


def test_duplicate_key_points_at_both_lines() -> None:
    diagnostic = fault("a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert at(diagnostic.span) == (4, 3, 4)
    assert [at(note.span) for note in diagnostic.notes] == [(2, 3, 4)]
    assert '"b"' in diagnostic.message


@pytest.mark.parametrize("text", ["a: 1\n'a': 2", "<<: {}\n<<: {}", "{a: 1, a: 1}", "? a\n: 1\n? a\n"])
def test_every_way_to_repeat_a_key_is_seen(text: str) -> None:
    assert fault(text).id == "duplicate-key"


def test_faults_of_a_file_are_reported_together() -> None:
    text = "a: 1\na: 2\nb: {80: x, y: !no z, y: *gone}\nc: 'open\n"
    codes = [d.id for d in faults(text)]
    assert codes == [
        "duplicate-key",
        "non-string-key",
        "unknown-tag",
        "duplicate-key",
        "unknown-anchor",
        "yaml-syntax",
    ]


def test_a_fault_inside_an_anchor_is_reported_once() -> None:
    assert fault("a: &a {b: 1, b: 2}\nc: *a\nd: *a\n").id == "duplicate-key"


def test_a_lost_alias_makes_no_second_fault() -> None:
    assert [d.id for d in faults("*x : 1\n*y : 2\nb: {<<: *z}")] == ["unknown-anchor"] * 3


def test_the_number_of_reports_has_a_limit() -> None:
    assert len(faults("a: 1\n" * 10_000)) == 100


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("80: x", "80"),
        ("1.5: x", "1.5"),
        ("true: x", "true"),
        ("~: x", "~"),
        ("? [a]\n: x", "[a]"),
        ("a: {{ tag }}", "{ tag }"),
        ("a: &x 1\n*x : b", "*x"),
        (": x", ":"),
        ("a: 1\n: x", ":"),
    ],
)
def test_a_key_that_is_no_string_is_pointed_at(text: str, token: str) -> None:
    diagnostic = fault(text)
    assert diagnostic.id == "non-string-key"
    assert text.splitlines()[diagnostic.span.line - 1][diagnostic.span.column - 1 :].startswith(token)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("a: !reset []", "!reset"),
        ("a: &x !override {}", "!override"),
        ("a: !!python/name:os.system x", "!!python/name:os.system"),
        ("a: !!python/object/apply:os.system [x]", "!!python/object/apply:os.system"),
        ("a: !<tag:example.org,2000:x> b", "!<tag:example.org,2000:x>"),
        ("a: !!binary aGk=", "!!binary"),
        ("a: !!set {b}", "!!set"),
        ("a: !!seq {}", "!!seq"),
        ("a: !!str [b]", "!!str"),
        ("a: !!int abc", "!!int"),
        ("a: !!float .inf", "!!float"),
        ("a: !!bool 1", "!!bool"),
        ("a: !x!y b", "!x!y"),
    ],
)
def test_a_tag_that_is_not_known_is_pointed_at(text: str, tag: str) -> None:
    diagnostic = fault(text)
    assert diagnostic.id == "unknown-tag"
    assert shown(text, diagnostic.span) == tag


def test_many_tag_lines_are_refused_before_they_cost_time() -> None:
    assert fault("".join(f"%TAG !a{n}! tag:x\n" for n in range(50_000)) + "---\na: 1\n").id == "unknown-tag"


def test_an_alias_that_is_nearly_an_anchor_gets_its_name() -> None:
    assert fault("a: &logging {}\nb: *loging\n").help == 'did you mean "logging"?'


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('a: "x', (1, 4), 'the quote " is never closed'),
        ("a: 'x\nb: 1\n", (1, 4), "the quote ' is never closed"),
        ('a: "x\nb: "y"\nc: 1\n', (1, 4), 'the quote " that opens here closes only on line 2'),
        ("a: [1, 2\nb: 3\n", (1, 4), 'the "[" is never closed'),
        ("a: [1,\n", (1, 4), 'the "[" is never closed'),
        ("a: {b: [1], c\n", (1, 4), 'the "{" is never closed'),
        ("a: [b]]", (1, 7), 'the "]" closes nothing'),
        ("a: {b: c d: e}", (1, 11), 'expected "," or "}" before ":"'),
        ("a: {b: 1,, c}", (1, 10), "before"),
        ("a: {u: ${{ x.y }}}", (1, 8), '"${{" inside brackets needs quotes'),
        ("{a: b:, c}", (1, 6), '":" has no space after it'),
        ("a: [${X}]", (1, 5), '"${" inside brackets needs quotes'),
        ("a: b: c", (1, 5), 'a value with ": " in it needs quotes'),
        ("a: 1\n b: 2", (2, 2), '"b" is indented deeper than the line above allows'),
        ("a\nb: 1", (1, 1), '"a" has no ":" after it'),
        ("a: 1\nb\nc: 2", (2, 1), '"b" has no ":" after it'),
        ("a:1\nb: 2", (1, 1), '"a:1" has no space after the colon'),
        ("- a\n-b\n", (2, 1), '"-b" has no space after the dash'),
        (
            "s:\n    w:\n        i: x\n      p: y\n",
            (4, 7),
            "the indentation of this line matches no line above",
        ),
        ("- a\nb: c", (2, 1), "expected another item of the list that starts on line 1"),
        ("a: - b", (1, 4), "a list cannot start on the line of its key"),
        ("a: 'it's'", (1, 8), 'the quoted text ends before "s\'"'),
        ('a: "b" c', (1, 8), 'expected the end of the line before "c"'),
        ("a: @x", (1, 4), 'a value cannot start with "@"'),
        ("a: `x`", (1, 4), 'a value cannot start with "`"'),
        ("a: *.log", (1, 4), '"*" needs a name after it'),
        ('a: "C:\\q"', (1, 7), '"\\q" is no escape in double quotes'),
        ("a: | text", (1, 6), 'text follows "|" on its line'),
        ("a: |0\n x", (1, 5), 'the number after "|" is not 1 to 9'),
        ("a: ? b", (1, 4), '"?" stands in the middle of a value'),
        ("a: !<x", (1, 4), '"!" starts a tag that is not complete'),
        ("%YAML 3.0\n---\na: 1", (1, 1), 'a "%" line is not read here'),
        ("a: 1\n...\nb: 2\n", (3, 1), "text follows the end of the document"),
    ],
)
def test_broken_syntax_is_told_in_words_of_the_file(text: str, place: tuple[int, int], words: str) -> None:
    diagnostic = fault(text)
    assert diagnostic.id == "yaml-syntax"
    assert (diagnostic.span.line, diagnostic.span.column) == place
    assert words in diagnostic.message


def test_help_for_indentation_names_what_the_lines_around_have() -> None:
    assert fault("s:\n  w:\n    i: x\n   p: y\n").help == "indent it by 2 or 4 spaces"
    assert fault("a: x\n  b: y\n").help == "remove the indentation"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a:\n\tb: 1", (2, 1, 2)),
        ("a:\n  b: 1\n  \t\tc: 2", (3, 3, 5)),
        ("a:\n  - x\n\t- y", (3, 1, 2)),
        ("a: |\n\tx", (2, 1, 2)),
        ("a: [\n\tb\n\t]", (3, 1, 2)),
    ],
)
def test_a_tab_as_indentation_is_named(text: str, place: tuple[int, int, int]) -> None:
    diagnostic = fault(text)
    assert (diagnostic.id, at(diagnostic.span)) == ("yaml-tab", place)


@pytest.mark.parametrize(
    "text", ["a:\t1", 'a: [\n\t"1"\n\t]', "a: 1\t# why", 'a: "x\ty"', "a: |\n  x\n  \ty"]
)
def test_a_tab_elsewhere_is_fine(text: str) -> None:
    assert read(text).data["a"]


@pytest.mark.parametrize("text", ["a: 1\n---\nb: 2\n", "---\na: 1\n---\n", "a: 1\n...\n---\nb: 2\n"])
def test_a_second_document_is_pointed_at(text: str) -> None:
    diagnostic = fault(text)
    assert diagnostic.id == "multiple-documents"
    assert shown(text, diagnostic.span) == "---"
    assert diagnostic.span.line > 1


@pytest.mark.parametrize("text", ["---\na: 1\n", "%YAML 1.2\n---\na: 1\n...\n", "a: 1\n...\n# end\n"])
def test_one_document_may_have_its_marks(text: str) -> None:
    assert read(text).data == {"a": 1}


@pytest.mark.parametrize("text", ["", "\n \n", "# only this\n", "---\n", "null", "~ # x", "\ufeff"])
def test_a_file_without_content_is_empty(text: str) -> None:
    assert fault(text).id == "empty-file"


@pytest.mark.parametrize("text", ["- a", "text", "80", "[]", '"a"', "a:b"])
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    assert fault(text).id == "not-a-mapping"


@pytest.mark.parametrize(
    "text", ["[" * 5000, "a: " + "{a: " * 200, "- " * 5000, "? " * 5000, "a: " + "[" * 100 + "]" * 100]
)
def test_deep_nesting_is_refused(text: str) -> None:
    assert fault(text).id == "nested-too-deep"


# Bytes


def test_the_first_byte_that_is_not_utf_8_has_a_place() -> None:
    diagnostic = fault("\ufeffa: 1\r\nä: é".encode() + b"\xff\n\xfe")
    assert diagnostic.id == "not-utf-8"
    assert at(diagnostic.span) == (2, 5, 6)
    assert "0xFF" in diagnostic.message


@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"])
def test_another_unicode_encoding_is_named(encoding: str) -> None:
    diagnostic = fault("\ufeffa: 1".encode(encoding))
    assert diagnostic.id == "not-utf-8"
    assert encoding[:6] in diagnostic.message


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
    document, (diagnostic,) = load_yaml(file)
    assert document is None
    assert diagnostic.span == Span(path=str(file))
    return diagnostic


def test_a_file_is_shown_under_the_given_name(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text("a: 1\n")
    document, diagnostics = load_yaml(tmp_path / "stack.yaml", "demo/stack.yaml")
    assert document is not None
    assert document.value(("a",)).path == "demo/stack.yaml"
    assert diagnostics == []


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


# Merge patch


@pytest.mark.parametrize(
    ("base", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": 1}, {"a": [None, {"b": None}]}, {"a": [None, {"b": None}]}),
    ],
)
def test_merge_patch_follows_the_examples_of_rfc_7396(base: Any, patch: Any, result: Any) -> None:
    document = merge_patch(read(json.dumps({**base, "patch": {"x": patch}})), ("patch", "x"))
    assert document.data == {**result, "patch": {"x": patch}}
    assert sorted(document.spans, key=repr) == sorted(paths(document.data), key=repr)


def test_patched_values_keep_their_own_place() -> None:
    document = read("web: {image: a, tag: b}\nlive:\n  web: {image: c, ports: [80]}\n")
    patched = merge_patch(document, ("live",))
    assert patched.data["web"] == {"image": "c", "tag": "b", "ports": [80]}
    assert at(patched.value(("web", "image"))) == (3, 16, 17)
    assert at(patched.key(("web", "ports"))) == (3, 19, 24)
    assert at(patched.value(("web", "ports", 0))) == (3, 27, 29)
    assert at(patched.value(("web", "tag"))) == (1, 22, 23)
    assert at(patched.key(("web",))) == (1, 1, 4)


def test_a_patch_leaves_the_first_document_as_it_was() -> None:
    document = read("a: {b: {c: 1}}\np: {a: {b: {c: 2}}}\n")
    spans = dict(document.spans)
    merge_patch(document, ("p",))
    assert (document.data["a"], document.spans) == ({"b": {"c": 1}}, spans)


@pytest.mark.parametrize("at", [("no",), ("a",), ("a", "b"), ("l",), ("l", 0)])
def test_a_patch_that_is_no_mapping_changes_nothing(at: tuple[str | int, ...]) -> None:
    document = read("a: text\nl: [1]\n")
    assert merge_patch(document, at) is document


# Any bytes at all


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for step, item in inside for found in paths(item, (*path, step)))]


def check(content: bytes) -> None:
    document, diagnostics = parse_yaml(content, "stack.yaml")
    assert (document is None) == bool(diagnostics)
    if document is not None:
        assert set(paths(document.data)) == set(document.spans)
        json.dumps(document.data).encode()
        lines = document.text.splitlines()
        for span in map(document.value, document.spans):
            assert 1 <= span.column <= span.end_column <= len(lines[span.line - 1]) + 1
    for diagnostic in diagnostics:
        assert re.fullmatch(r"[a-z0-9'\"].*[^.!\s]", diagnostic.message)
        assert diagnostic.message.isprintable()
        assert diagnostic.help
        assert diagnostic.span.column >= 1 <= diagnostic.span.line


SEEDS = [(INVALID / f"{code}.yaml").read_bytes() for code in FIXTURES]
SEEDS.append(
    b'name: demo\nx: &x {a: 1}\nservices:\n  web:\n    <<: *x\n    b: |\n      text\n    c: ["d", !!str e]\n'
)
PIECES = [
    b"\t",
    b"  ",
    b"\n",
    b"\r",
    b": ",
    b"- ",
    b'"',
    b"'",
    b"{",
    b"]",
    b"|",
    b"&x ",
    b"*x",
    b"!t ",
    b"<<",
    b"#",
    b"%",
]
PIECES += [
    b"\\",
    b"? ",
    b",",
    b"---\n",
    b"...",
    b"\xff",
    b"\0",
    "\U0001f600".encode(),
    "\u2028".encode(),
    b"80: ",
]


@given(st.binary(max_size=200))
@example(b"a: !%ed%a0%80 x")
@example(b"\xef\xbb\xbf\xef\xbb\xbf: ")
def test_random_bytes_end_in_a_document_or_a_diagnostic(content: bytes) -> None:
    check(content)


@settings(max_examples=400)
@given(
    st.lists(
        st.sampled_from([*PIECES, b"a", b"b: 1\n", b"[", b"}", b">", b"0", b"\n  ", b"\n- "]), max_size=25
    )
)
def test_random_yaml_ends_in_a_document_or_a_diagnostic(pieces: list[bytes]) -> None:
    check(b"".join(pieces))


@settings(max_examples=300)
@given(st.data())
def test_mutated_stacks_end_in_a_document_or_a_diagnostic(data: st.DataObject) -> None:
    content = data.draw(st.sampled_from(SEEDS))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(start, min(start + 9, len(content))))
        content = content[:start] + data.draw(st.sampled_from([b"", *PIECES])) + content[end:]
    check(content)


WITHOUT_LIBYAML = """
import pathlib, sys
sys.modules["yaml._yaml"] = None
import yaml
from compiler.source import load_yaml
assert not yaml.__with_libyaml__
for file in map(pathlib.Path, sys.argv[1:]):
    for found in load_yaml(file)[1]:
        print(file.stem, found.id, found.span.line, found.span.column, found.message)
"""


def test_without_libyaml_the_reports_are_the_same() -> None:
    files = [INVALID / f"{code}.yaml" for code in FIXTURES]
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_LIBYAML, *files], capture_output=True, text=True, check=True
    )
    found = [(file, diagnostic) for file in files for diagnostic in load_yaml(file)[1]]
    lines = [f"{f.stem} {d.id} {d.span.line} {d.span.column} {d.message}" for f, d in found]
    assert ran.stdout.splitlines() == lines
