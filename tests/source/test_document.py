"""Places in a document, and one mapping of it merged onto its root."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from compiler.source import merge_patch
from tests.source.reading import at, paths, read

# Places within a value


@pytest.mark.parametrize(
    ("path", "text", "place"),
    [
        (("a",), "${X}", (1, 10, 14)),
        (("b",), "two", (4, 3, 6)),
        (("b",), "three", (2, 4, 5)),
        (("c", "d"), "", (5, 8, 9)),
    ],
)
def test_a_text_is_found_inside_its_own_value(
    path: tuple[str, ...], text: str, place: tuple[int, int, int]
) -> None:
    document = read('a: "text ${X}"\nb: |\n  one\n  two\nc: {d: x}\nthree: 3\n')
    assert at(document.within(path, text)) == place


def test_a_large_file_is_searched_in_a_moment() -> None:
    document = read("".join(f"k{n}: v{n} ${{X}}\n" for n in range(10_000)))
    start = time.monotonic()
    spans = [document.within((f"k{n}",), "${X}") for n in range(10_000)]
    assert time.monotonic() - start < 2
    assert spans[9_999].line == 10_000


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
