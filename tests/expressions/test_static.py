"""What an expression names is looked up in all of its branches, and what can be there is never refused."""

from __future__ import annotations

from typing import Any

import pytest

from compiler.expressions.static import ANY, SINGLE, faults

NAMES: dict[str, Any] = {
    "name": SINGLE,
    "tls": {"mode": SINGLE, "enabled": SINGLE},
    "options": {"a-b": SINGLE, "tags": [{"key": SINGLE}], "words": [SINGLE], "free": ANY},
}


@pytest.mark.parametrize(
    "expression",
    [
        "name",
        "options.a-b",
        "not options.a-b",
        "options.a-b if tls.enabled else 'x.y-z'",
        "options['a-b'] + 1",
        "options.tags[0].key",
        "options.tags | first | upper",
        "(options.tags | first).key",
        "options.words | join(',')",
        "options.free.anything[3].at_all",
        "options.tags | length > 1 and name is defined",
        "name[0] ~ name[1:]",
        "'a' in options.words and tls.mode in ['off', 'require']",
        "{'a': name}.a if true else none",
        "((name | default('x')) if tls.enabled else 'y') | replace('a', 'b')",
    ],
)
def test_what_is_there_is_fine(expression: str) -> None:
    assert [str(one) for one in faults(expression, NAMES)[1]] == []


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("nam", 'nothing is named "nam"'),
        ("options.a-c", '"options" has no "a-c"'),
        ("true or tls.nope", '"tls" has no "nope"'),
        ("tls['nope']", '"tls" has no "nope"'),
        ("tls.mode.x", 'a single value has no "x"'),
        ("options.tags.key", 'a list has no "key"'),
        ("(options.tags | last).kex", 'nothing is named "kex"'),
        ("'a' if name else (name | uper)", 'no filter of expressions is named "uper"'),
        ("'a' if name else (name is sett)", 'no test of expressions is named "sett"'),
        ("'a' if name else name.upper()", "expressions call nothing"),
        ("name | default(othr)", 'nothing is named "othr"'),
        ("name and", 'the expression "name and" has no value: unexpected end'),
        ("name name", 'the expression "name name" has no value: it goes on after its end'),
        (" ", "an expression is empty"),
    ],
)
def test_what_is_not_there_is_told(expression: str, told: str) -> None:
    assert [str(one) for one in faults(expression, NAMES)[1]] == [told]
