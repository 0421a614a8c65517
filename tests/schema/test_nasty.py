"""Patterns that try every way to split a text are found before a stack has such a text."""

from __future__ import annotations

import time

import pytest

from compiler.schema.nasty import is_slow
from compiler.schema.patterns import is_pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a|aa)+$",
        "^(?:a|a)*$",
        "^(a|b|ab)*$",
        "^([x-z]|[a-z])+$",
        "^x-(ab|abab)+$",
        r"^[A-Z]{3}\.(?P<part>a|aa)*!$",
        "^(?i:(one|oneone)+)$",
        "(x|xx)+_level",
    ],
)
def test_a_pattern_that_backtracks_is_slow(pattern: str) -> None:
    assert is_slow(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "^[a-z][a-z0-9_]*(-[a-z0-9_]+)*$",
        "^([0-9]+(ms|s|m|h))+$",
        "^(?!pg_)[a-z_]{1,63}$",
        r"^([^\\]|\\[\s\S])*$",
        r"^(?=.*[A-Z])(?=.*\d).{8,128}$",
        r"^[]a-z[]+(#x)?\1?$",
        # What is no pattern is told by the schema.
        *("[", "(", ")", "a)b", "*"),
    ],
)
def test_one_that_does_not_is_not(pattern: str) -> None:
    assert not is_slow(pattern)


@pytest.mark.parametrize("pattern", ["((((a{200}){200}){200}){200}){200}", "(" * 900 + "a" + ")*" * 900])
def test_a_pattern_as_large_as_memory_ends_soon(pattern: str) -> None:
    start = time.monotonic()
    assert not (is_pattern(pattern) and is_slow(pattern))
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("pattern", "is_one"), [("^[a-z]{1,63}(-[a-z]{63}){9}$", True), ("((a{200}){200}){200}", False)]
)
def test_counts_inside_of_counts_have_a_limit(pattern: str, is_one: bool) -> None:
    assert is_pattern(pattern) is is_one
