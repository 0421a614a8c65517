"""Broken YAML in words of the file, the same with every parser that PyYAML has; and any bytes at all."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from compiler.source import tree
from compiler.source.text import Text, explain
from tests.source.reading import FIXTURES, at, fault, parse, paths, read, shown

if TYPE_CHECKING:
    from pathlib import Path

PARSERS = [getattr(yaml, name) for name in ("CSafeLoader", "SafeLoader") if hasattr(yaml, name)]


@pytest.fixture(params=PARSERS, ids=lambda loader: loader.__name__)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(tree, "_LOADER", request.param)
    return request.param


# One row for each row of the table of sentences, and more for those that several sentences lead to.
@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('a: "x', (1, 4), 'the quote " is never closed'),
        ("a: 'x\nb: 1\n", (1, 4), "the quote ' is never closed"),
        ("a: 'x\n---\nb: 1\n", (1, 4), "the quote ' is never closed"),
        ('a: "x\nb: "y"\nc: 1\n', (2, 5), "the quoted text ends before"),
        ("a: [1, 2\nb: 3\n", (1, 4), 'the "[" is never closed'),
        ("a: [1,\n", (1, 4), 'the "[" is never closed'),
        ("a: {b: [1], c\n", (1, 4), 'the "{" is never closed'),
        ("a: [b: 1\n...\n", (1, 4), 'the "[" is never closed'),
        ("a: [b]]", (1, 7), 'expected the end of the line before "]"'),
        ("a: {b: c d: e}", (1, 11), 'expected "," or the closing bracket before ":"'),
        ("{a: b:, c}", (1, 6), 'expected "," or the closing bracket before ":"'),
        ("a: {b: 1,, c}", (1, 10), 'expected a value before ","'),
        ("a: {u: ${{ x.y }}}", (1, 9), '"${" inside brackets needs quotes'),
        ("a: [${X}]", (1, 6), '"${" inside brackets needs quotes'),
        ("a: b: c", (1, 5), 'a value with ": " in it needs quotes'),
        ("a: 1\n b: 2", (2, 3), "the key is indented too deep, or the line above is no key with a value"),
        ("a:1\nb: 2", (2, 2), "the key is indented too deep, or the line above is no key with a value"),
        ("a: 1\nb\nc: 2", (2, 1), 'expected ": " after "b"'),
        ("- a\n-b\n", (2, 1), 'expected ": " after "-b"'),
        (
            "s:\n    w:\n        i: x\n      p: y\n",
            (4, 7),
            "the indentation of this line matches no line above",
        ),
        ("- a\nb: c", (2, 1), "expected another item of the list above"),
        ("a: - b", (1, 4), "a list item cannot start here"),
        ("a: 'it's'", (1, 8), 'the quoted text ends before "s\'"'),
        ("a: [b] c", (1, 8), 'expected the end of the line before "c"'),
        ("a: @x", (1, 4), 'a value cannot start with "@x"'),
        ("a: `x`", (1, 4), 'a value cannot start with "`x`"'),
        ("a: *.log", (1, 4), '"*.log" needs a name of letters and digits'),
        ("a: & b", (1, 4), '"&" needs a name of letters and digits'),
        ('a: "\\xZZ"', (1, 7), "double quotes know no such escape"),
        ("a: | text", (1, 6), 'expected the end of the line before "text"'),
        ("a: |0\n x", (1, 5), 'expected the end of the line before "0"'),
        ("a: ? b", (1, 4), "the YAML cannot be read from here on"),
        ("%YAML 3.0\n---\na: 1", (1, 1), "the YAML cannot be read from here on"),
        ("a: 1\n...\nb: 2\n", (3, 1), 'expected the end of the file before "b:"'),
    ],
)
def test_broken_syntax_is_told_in_words_of_the_file(text: str, place: tuple[int, int], words: str) -> None:
    diagnostic = fault(text)
    assert diagnostic.id == "yaml-syntax"
    assert (diagnostic.span.line, diagnostic.span.column) == place
    assert words in diagnostic.message


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(
    ("text", "id", "token"),
    [
        ("a: !x!y b", "unknown-tag", "!x!y"),
        ("a: !<x", "unknown-tag", "!<x"),
        (": x", "non-string-key", ":"),
        ("a: 1\n: x", "non-string-key", ":"),
    ],
)
def test_some_broken_syntax_breaks_a_rule_of_its_own(text: str, id: str, token: str) -> None:
    diagnostic = fault(text)
    assert (diagnostic.id, shown(text, diagnostic.span)) == (id, token)


def test_a_sentence_that_no_row_knows_gets_plain_words() -> None:
    mark = type("Mark", (), {"line": 1, "column": 3})()
    found = explain(yaml.MarkedYAMLError("while new", None, "found new", mark), Text("a: 1\nb: x", "f"), None)
    assert (found.id, found.span.line, found.span.column) == ("yaml-syntax", 2, 4)
    assert found.message == "the YAML cannot be read from here on"


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(
    "text",
    ["[" * 5000, "[" * 2**20, "a: " + "{a: " * 200, "- " * 5000, "? " * 5000, "a: " + "[" * 100 + "]" * 100],
)
def test_deep_nesting_is_refused(text: str) -> None:
    assert fault(text).id == "nested-too-deep"


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a:\n\tb: 1", (2, 1, 2)),
        ("a:\n  b: 1\n  \t\tc: 2", (3, 3, 5)),
        ("a:\n  - x\n\t- y", (3, 1, 2)),
        ("a: |\n\tx", (2, 1, 2)),
        ("a: [\n b\n\t]", (3, 1, 2)),
        ("a:\n  b\n  \tc: 2", (3, 3, 4)),
    ],
)
def test_a_tab_as_indentation_is_named(text: str, place: tuple[int, int, int]) -> None:
    diagnostic = fault(text)
    assert (diagnostic.id, at(diagnostic.span)) == ("yaml-tab", place)


@pytest.mark.parametrize(
    "text", ["a:\t1", 'a: [\n\t"1"\n\t]', "a: 1\t# why", 'a: "x\ty"', "a: |\n  x\n  \ty"]
)
@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML's own parser takes no tabs between tokens")
def test_a_tab_elsewhere_is_fine(text: str) -> None:
    assert read(text).data["a"]


# Any bytes at all


def check(content: bytes) -> None:
    document, diagnostics = parse(content)
    assert (document is None) == bool(diagnostics)
    if document is not None:
        assert set(paths(document.data)) == set(document.spans)
        json.dumps(document.data).encode()
        lines = document.spans[()].lines
        for span in map(document.value, document.spans):
            assert 1 <= span.column <= span.end_column <= len(lines[span.line - 1]) + 1
    for diagnostic in diagnostics:
        assert re.fullmatch(r"[a-z0-9'\"].*[^.!\s]", diagnostic.message)
        assert diagnostic.message.isprintable()
        assert diagnostic.help
        assert diagnostic.span.column >= 1 <= diagnostic.span.line


SEEDS = [file.read_bytes() for file in FIXTURES]
SEEDS.append(
    b'name: demo\nx: &x {a: 1}\nservices:\n  web:\n    <<: *x\n    b: |\n      text\n    c: ["d", !!str e]\n'
)
PIECES = [bytes([byte]) for byte in b"\t\n\r\"'{]|#%\\,\xff\0"]
PIECES += [b"  ", b": ", b"- ", b"&x ", b"*x", b"!t ", b"<<", b"? ", b"---\n", b"...", b"80: "]
PIECES += ["\U0001f600".encode(), "\u2028".encode()]


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


@pytest.mark.parametrize("file", FIXTURES, ids=lambda file: file.stem)
def test_without_libyaml_the_reports_are_the_same(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = parse(file.read_bytes())
    monkeypatch.setattr(tree, "_LOADER", yaml.SafeLoader)
    assert parse(file.read_bytes()) == found
