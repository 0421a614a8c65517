"""YAML to data and places: what a person wrote arrives as written, and every fault has a rule and a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.source.reading import FIXTURES, INVALID, at, fault, faults, read, shown

if TYPE_CHECKING:
    from pathlib import Path

# Values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(
            ("true", True),
            ("False", False),
            ("TRUE", True),
            ("null", None),
            ("~", None),
            ("NULL", None),
            ("", None),
        ),
        *(("16", 16), ("-3", -3), ("0", 0), ("9223372036854775807", 2**63 - 1)),
        *(("8.0", 8.0), ("1.5", 1.5), ("-0.25", -0.25)),
        *(("!!str 16", "16"), ("!!str", ""), ("!!int 31", 31), ("!!int '16'", 16)),
        *(("!!float 1.5", 1.5), ("!!bool true", True), ("!!null ~", None), ("! 16", "16")),
    ],
)
def test_core_schema_scalars_have_their_types(text: str, value: object) -> None:
    assert (type(found := read(f"a: {text}").data["a"]), found) == (type(value), value)


NUMBER_LIKE = "3.10 0755 0o17 0x1F 1e3 1_000 +5 .5 5. 1.50 -0 007 22:22 00.5 .inf -.inf .nan 1.0e+16 0.00001"
WORD_LIKE = "no on yes off y n No YES tRue nUll 2024-01-01 = << -x 1.2.3 12345678901234567890 ١٢ ${A}"


@pytest.mark.parametrize("text", [*NUMBER_LIKE.split(), *WORD_LIKE.split(), "${{ b }}"])
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
    assert not document.spans[()].lines[0].startswith("\ufeff")


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


@pytest.mark.parametrize("file", FIXTURES, ids=lambda file: file.stem)
def test_fixture_has_its_one_fault(file: Path) -> None:
    assert fault(file.read_bytes()).id == file.stem


def test_duplicate_key_points_at_both_lines() -> None:
    diagnostic = fault("a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert at(diagnostic.span) == (4, 3, 4)
    assert [at(note.span) for note in diagnostic.notes] == [(2, 3, 4)]
    assert '"b"' in diagnostic.message


@pytest.mark.parametrize("text", ["a: 1\n'a': 2", "<<: {}\n<<: {}", "{a: 1, a: 1}", "? a\n: 1\n? a\n"])
def test_every_way_to_repeat_a_key_is_seen(text: str) -> None:
    assert fault(text).id == "duplicate-key"


def test_faults_of_a_file_are_reported_together() -> None:
    text = "a: 1\na: 2\nb: {80: x, y: !no z, y: *gone}\n<<: 1\nc: 'open\n"
    codes = [d.id for d in faults(text)]
    expected = [
        "duplicate-key",
        "non-string-key",
        "unknown-tag",
        "duplicate-key",
        "unknown-anchor",
        "merge-key",
        "yaml-syntax",
    ]
    assert codes == expected


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
        ("a: !set []", "!set"),
        ("a: &x !overrides {}", "!overrides"),
        ("a: !!python/name:os.system x", "!!python/name:os.system"),
        ("a: !!python/object/apply:os.system [x]", "!!python/object/apply:os.system"),
        ("a: !<tag:example.org,2000:x> b", "!<tag:example.org,2000:x>"),
        ("a: !!binary aGk=", "!!binary"),
        ("a: !!set {b}", "!!set"),
        ("a: !!seq {}", "!!seq"),
        ("a: !!str [b]", "!!str"),
        ("a: !!int abc", "!!int"),
        ("a: !!int 0x1F", "!!int"),
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
