"""Expressions: what they may name and do, how values enter a text, and that nothing in them can do harm."""

from __future__ import annotations

import resource
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.expressions import ExpressionError, Sink, ask, evaluate, sandbox
from compiler.expressions.quoting import shell_word, sql_identifier
from compiler.expressions.tree import evaluate_tree
from compiler.model import Raw, Reference, Text
from compiler.project.adapter_texts import sink
from tests.conftest import examples

PASSWORD = Reference("MAIN_PASSWORD")
SCOPE: dict[str, Any] = {
    "name": "main",
    "count": 3,
    "share": 0.5,
    "yes": True,
    "no": False,
    "nothing": None,
    "names": ["a", "b"],
    "tls": {"mode": "off", "enabled": False},
    "databases": {"my-db": {"url": Reference("MY_DB_URL")}},
    "quote": "it's",
    "password": PASSWORD,
    "long": "x" * 10_000,
}
SHELL, SQL = sink("shell"), sink("sql")


def value(expression: str, to: Sink | None = None) -> Any:
    return evaluate("${{ " + expression + " }}", SCOPE, to)


def fault(text: str, to: Sink | None = None) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, SCOPE, to)
    return caught.value


def tree(data: Any, to: Sink | None = None) -> Any:
    faults: dict[Any, ExpressionError] = {}
    result = evaluate_tree(data, SCOPE, faults, sink=to)
    assert faults == {}
    return result


def tree_faults(data: Any) -> list[tuple[Any, str]]:
    faults: dict[Any, ExpressionError] = {}
    evaluate_tree(data, SCOPE, faults)
    return [(at, str(error)) for at, error in faults.items()]


# Texts


@pytest.mark.parametrize("name", ["name", "count", "share", "yes", "nothing", "names", "tls", "password"])
def test_a_whole_expression_keeps_the_type_of_its_value(name: str) -> None:
    assert value(name) is SCOPE[name]


@pytest.mark.parametrize(
    "text", ["${{count}}", "${{   count\n}}", "${{ 1 + 2 }}", "${{ names | length + 1 }}"]
)
def test_blanks_in_an_expression_do_not_matter(text: str) -> None:
    assert evaluate(text, SCOPE) == 3


def test_in_a_text_values_are_written_as_yaml_writes_them() -> None:
    assert (
        evaluate("${{ count }}/${{ share }}/${{ yes }}/${{ nothing }}/${{ name }}", SCOPE)
        == "3/0.5/true//main"
    )


def test_a_secret_in_a_text_stays_a_reference() -> None:
    assert evaluate("a=${{ password }}!", SCOPE) == Text(("a=", PASSWORD, "!"))


def test_names_with_hyphens_can_follow_a_dot() -> None:
    assert value("databases.my-db.url") == Reference("MY_DB_URL")


def test_the_text_around_expressions_can_be_marked() -> None:
    found = evaluate("$HOME/${{ name }}/$X", {"name": "a$b"}, literal=Raw)
    assert isinstance(found, Text)
    assert [(type(part).__name__, part) for part in found.parts] == [
        ("Raw", "$HOME/"),
        ("str", "a$b"),
        ("Raw", "/$X"),
    ]


@pytest.mark.parametrize(
    "text", ["", "plain", "$", "${", "${VAR}", "$${VAR}", "{{ name }}", "$ {{ name }}", "}}"]
)
def test_text_without_an_expression_is_as_it_was(text: str) -> None:
    assert evaluate(text, SCOPE) == text


def test_a_literal_opening_is_written_with_two_dollars() -> None:
    assert evaluate("$${{ name }} is ${{ name }}", SCOPE) == "${{ name }} is main"


@pytest.mark.parametrize("text", ['${{ "}}" }}', "${{ '}}' }}", "${{ '}' ~ '}' }}"])
def test_braces_in_quotes_do_not_close_an_expression(text: str) -> None:
    assert evaluate(text, SCOPE) == "}}"


@pytest.mark.parametrize(
    "text", ["${{ name", "${{", "a ${{ name } b", "${{ 'a }}", "${{ name }} ${{ it's }}"]
)
def test_what_is_not_closed_is_refused(text: str) -> None:
    assert "not closed" in fault(text).message


def test_an_empty_expression_is_refused() -> None:
    assert fault("${{ }}").message == "an expression is empty"


def test_a_list_inside_a_text_is_refused() -> None:
    assert "stands inside a text" in fault("a ${{ names }}").message


def test_a_fault_holds_the_expression_as_it_is_written() -> None:
    assert fault("a ${{ name }} ${{  nam  }} b").source == "${{  nam  }}"


# Names


@pytest.mark.parametrize(
    ("expression", "help"),
    [
        ("nmae", 'did you mean "name"?'),
        ("tls.enabeld", 'did you mean "enabled"?'),
        ("nmae ~ 'x'", 'did you mean "name"?'),
        ("tls['mod']", 'did you mean "mode"?'),
        ("not databases.mydb", 'did you mean "my-db"?'),
        ("tls.zzz", "one of: mode, enabled"),
    ],
)
def test_an_unknown_name_gets_the_closest_one(expression: str, help: str) -> None:
    assert fault("${{ " + expression + " }}").help == help


@pytest.mark.parametrize("expression", ["name.x", "count.real", "names.x", "password.key", "tls.mode.x"])
def test_a_single_value_has_no_parts(expression: str) -> None:
    assert "has no" in fault("${{ " + expression + " }}").message


@pytest.mark.parametrize(
    "expression", ["names[2]", "[] | first", "count if no", "zzz if yes", "[zzz]", "{'a': zzz}"]
)
def test_what_is_not_there_is_never_a_value(expression: str) -> None:
    assert fault("${{ " + expression + " }}").message


@pytest.mark.parametrize(
    ("word", "expected"), [("true", True), ("False", False), ("none", None), ("None", None)]
)
def test_constants_have_both_spellings(word: str, expected: object) -> None:
    assert value(word) is expected


# What expressions can do


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("not tls.enabled", True),
        ("yes and not no", True),
        ("count * 2 + 1", 7),
        ("-count | abs", 3),
        ("7 // 2 + 7 % 2", 4),
        ("count > 2", True),
        ("'a' in names", True),
        ("name ~ '-' ~ count", "main-3"),
        ("'on' if yes else 'off'", "on"),
        ("names | join(', ')", "a, b"),
        ("names + ['c']", ["a", "b", "c"]),
        ("name | replace('a', 'o') | upper", "MOIN"),
        ("zzz | default('x')", "x"),
        ("tls.zzz is defined", False),
        ("2.345 | round(1)", 2.3),
        ("[count, 9] | max", 9),
        ("(1, 2)", [1, 2]),
        ("names[0] ~ name[1:3]", "aai"),
    ],
)
def test_expressions_calculate_compare_and_filter(expression: str, expected: object) -> None:
    assert value(expression) == expected


@pytest.mark.parametrize("name", ["a", "A", "c"])
@pytest.mark.parametrize("asked", ["x in {}", "x not in {}", "x | lower in {}", "x | lower not in {}"])
def test_one_of_several_words_is_looked_up_as_jinja_does(
    asked: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expression = asked.format("['a', 'b']")
    expected = sandbox.run(expression, {"x": name}, None)
    monkeypatch.delattr(sandbox, "run")
    assert evaluate(f"${{{{ {expression} }}}}", {"x": name}) is expected


@pytest.mark.parametrize(
    "expression",
    ["password | upper", "password ~ 'x'", "password + 'x'", "[password] | join", "names | join(password)"],
)
def test_a_secret_cannot_be_changed(expression: str) -> None:
    message = fault("${{ " + expression + " }}").message
    assert "the value of MAIN_PASSWORD is secret" in message


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__",
        "''['__class__']",
        "''['upper']",
        "names.append",
        "names['append']",
        "tls.items()",
        "tls.update({'a': 1})",
        "(1).__class__.__mro__",
        "range(10)",
        "lipsum()",
        "cycler",
        "namespace",
        "self",
        "self._TemplateReference__context",
        "names | attr('append')",
        "names | map('upper')",
        "'%s' | format(1)",
        "'{}'.format(1)",
        "{% for a in names %}",
        "[a for a in names]",
        "lambda: 1",
        "import os",
        "name; name",
        "'%99999d' % count",
    ],
)
def test_nothing_of_python_can_be_reached(expression: str) -> None:
    assert fault("${{ " + expression + " }}").message


@pytest.mark.parametrize(
    "expression",
    [
        "9 ** 9 ** 9",
        "'x' * 1000000000",
        "1000000000 * 'x'",
        "[1] * 1000000000",
        "names * 1000000000",
        "1 | round(999999999)",
        "1 | round('x')",
        "'a' | round",
        "123456789 | round(-999999999)",
        "long | replace('', long) | replace('', long) | replace('', long)",
        "[long, long] | join(long) | replace('x', long) | replace('x', long)",
        "1e400",
        "99999999999999999999 * 99999999999999999999",
        "not " * 240 + "yes",
        "(" * 480 + "1" + ")" * 480,
        "1+" * 490 + "1",
        "x" * 2000,
        *(" ~ ".join(["long"] * 100),),
    ],
)
def test_what_is_huge_is_refused_in_a_moment(expression: str) -> None:
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    assert fault("${{ " + expression + " }}").message
    assert time.monotonic() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


@pytest.mark.parametrize(
    "expression", ["1 / 0", "1 < 'a'", "'a' + 1", "count | upper | int + 'x'", "n +", "'abc' - 1"]
)
def test_what_has_no_value_is_told_in_one_line(expression: str) -> None:
    message = fault("${{ " + expression + " }}").message
    assert "\n" not in message
    assert len(message) < 160


@examples(200)
@given(st.text(alphabet="abn.[]()'\"|~+-*/%<>=! {}:,_0123456789", max_size=40))
def test_any_text_is_a_value_or_a_fault(text: str) -> None:
    try:
        evaluate("${{ " + text + " }}", {"a": 1, "b": "x", "n": {"a": [1]}}, SQL)
    except ExpressionError as error:
        assert error.message


# Sinks


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        (SHELL, r"x='it'\''s'"),
        (SQL, "x='it''s'"),
        (sink("sql", "backslash"), "x='it''s'"),
        (sink("json"), 'x="it\'s"'),
        (sink("javascript"), 'x="it\'s"'),
        (sink("xml"), "x=it&apos;s"),
        (sink("text"), "x=it's"),
    ],
)
def test_each_language_quotes_in_its_own_way(to: Sink, expected: str) -> None:
    assert evaluate("x=${{ quote }}", SCOPE, to) == expected


@pytest.mark.parametrize(
    ("to", "expected"), [(SHELL, "'3' 'true' ''"), (SQL, "3 'true' ''"), (sink("json"), "3 true null")]
)
def test_each_language_has_its_own_scalars(to: Sink, expected: str) -> None:
    assert evaluate("${{ count }} ${{ yes }} ${{ nothing }}", SCOPE, to) == expected


@pytest.mark.parametrize("language", ["shell", "sql", "json", "javascript", "xml", "text"])
def test_a_secret_enters_no_text_of_a_language(language: str) -> None:
    assert "MAIN_PASSWORD is secret" in fault("x=${{ password }}", sink(language)).message


def test_what_a_filter_has_quoted_is_not_quoted_again() -> None:
    assert evaluate("${{ quote | identifier }}.${{ name ~ 's' | identifier }}", SCOPE, SQL).startswith(
        '"it\'s".'
    )
    assert value("('a' ~ name) | identifier", SQL) == '"amain"'


def test_a_quoted_value_that_is_changed_is_quoted_again() -> None:
    assert value("name | identifier | upper", SQL) == "'\"MAIN\"'"


@pytest.mark.parametrize(
    ("expression", "to"),
    [("quote | word", SQL), ("name | symbol", SQL), ("'a\\\\b' | identifier", SQL), ("name | settings", SQL)],
)
def test_a_filter_refuses_what_it_cannot_quote(expression: str, to: Sink) -> None:
    assert fault("${{ " + expression + " }}", to).message


def test_a_filter_of_another_language_is_not_known() -> None:
    error = fault("${{ name | identifer }}", SQL)
    assert (error.message, error.help) == (
        'no filter of expressions is named "identifer"',
        'did you mean "identifier"?',
    )
    assert "identifier" in fault("${{ name | identifier }}", SHELL).message


@given(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])))
def test_the_sink_alone_decides_how_any_text_is_written(text: str) -> None:
    assert evaluate("${{ a }}", {"a": text}, SHELL) == shell_word(text)


def test_the_filters_of_a_sink_are_those_of_quoting() -> None:
    assert value("quote | identifier", SQL) == sql_identifier("it's", '"')


# Trees


def test_a_tree_keeps_its_shape_and_types() -> None:
    data = {"a": ["${{ count }}", 1, None, True], "b": {"c": "${{ names }}"}}
    assert tree(data) == {"a": [3, 1, None, True], "b": {"c": ["a", "b"]}}


@pytest.mark.parametrize(
    ("condition", "expected"), [("yes", "t"), ("not yes", "e"), ("count > 2", "t"), (True, "t"), (False, "e")]
)
def test_a_guard_takes_one_of_its_branches(condition: Any, expected: str) -> None:
    assert tree({"a": {"when": condition, "then": "t", "else": "e"}}) == {"a": expected}


def test_a_condition_is_an_expression_as_it_is() -> None:
    data = [{"when": "${{ yes }}", "then": "t"}, {"by": "zzz", "else": "e"}]
    assert tree_faults(data) == [
        ((0, "when"), "an expression stands here as it is"),
        ((1, "by"), 'nothing is named "zzz"'),
    ]


@pytest.mark.parametrize("condition", ["yes }} ${{ no", "yes }} no", "", "x" * 2000])
def test_a_condition_is_one_expression(condition: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        ask(condition, SCOPE)
    assert caught.value.source == condition


@pytest.mark.parametrize(
    ("by", "expected"),
    [("name", "m"), ("tls.mode", "o"), ("yes", "t"), ("count", "3"), ("nothing", "e"), ("quote", "e")],
)
def test_a_table_has_a_row_for_a_word(by: str, expected: str) -> None:
    rows = {"main": "m", "off": "${{ 'o' }}", "true": "t", "3": "3", "else": "e"}
    assert tree({"a": {"by": by, **rows}}) == {"a": expected}


def test_a_table_without_the_row_leaves_nothing_behind() -> None:
    table = {"by": "tls.mode", "require": "${{ zzz }}"}
    assert tree({"a": table, "b": ["x", table]}) == {"b": ["x"]}


def test_the_row_of_a_table_is_spliced_into_a_list() -> None:
    assert tree(["x", {"by": "name", "main": ["--a", "${{ name }}"]}]) == ["x", "--a", "main"]


def test_a_guard_without_an_else_leaves_nothing_behind() -> None:
    guard = {"when": "no", "then": "t"}
    assert tree({"a": guard, "b": ["x", guard]}) == {"b": ["x"]}
    assert tree(guard) is None


def test_a_list_of_a_guard_is_spliced_into_a_list() -> None:
    guard = {"when": "yes", "then": ["--a", "${{ name }}"]}
    assert tree(["x", guard, {"each": "names", "then": "--${{ item }}"}]) == [
        "x",
        "--a",
        "main",
        "--a",
        "--b",
    ]


def test_the_branch_that_is_not_taken_is_not_evaluated() -> None:
    assert tree({"when": "no", "then": "${{ zzz }}", "else": "e"}) == "e"


def test_guards_stand_inside_of_one_another() -> None:
    inner = {"when": "item == 'a'", "then": ["${{ item }}!"], "else": []}
    assert tree([{"each": "names", "then": [inner]}]) == [["a!"], []]


def test_a_guard_in_a_text_of_a_language_is_not_quoted_itself() -> None:
    assert tree([{"when": "quote", "then": "x=${{ quote }}"}], SHELL) == [r"x='it'\''s'"]


def test_each_takes_a_list_alone() -> None:
    assert tree_faults([{"each": "name", "then": "x"}]) == [((0, "each"), "`each` takes a list")]
    assert tree_faults([{"each": "zzz", "then": "x"}]) == [((0, "each"), 'nothing is named "zzz"')]


def test_loops_inside_of_one_another_end_in_a_fault() -> None:
    data: Any = "x"
    for _ in range(5):
        data = {"each": list(range(100)), "then": data}
    ((at, message),) = tree_faults([data])
    assert at[-1] == "each"
    assert message == "`each` makes more than 10000 items"


def test_a_fault_in_a_loop_is_told_once() -> None:
    assert tree_faults([{"each": "names", "then": "${{ zzz }}"}]) == [((0, "then"), 'nothing is named "zzz"')]


def test_every_fault_of_a_tree_has_its_own_place() -> None:
    data = {"a": "${{ zzz }}", "b": ["ok", {"when": "yyy", "then": "x"}]}
    assert [at for at, _ in tree_faults(data)] == [("a",), ("b", 1, "when")]


@pytest.mark.parametrize("word", ["a", "b-c", "", "d", "A"])
def test_a_word_of_a_list_is_found_without_and_with_jinja(word: str) -> None:
    scope = {"vector": {"field": word}}
    listed = "['a', 'b-c','x.y']"
    plain = evaluate(f"${{{{ vector.field in {listed} }}}}", scope)
    assert plain == evaluate(f"${{{{ (vector.field in {listed}) }}}}", scope) == (word in ("a", "b-c"))


@pytest.mark.parametrize(
    "expression", ["'a' if {} else 'b-c'", "name if {} else none", "7 if {} else tls.mode"]
)
@pytest.mark.parametrize("condition", ["yes", "no", "not no", "nothing", "count", "names"])
def test_a_choice_is_made_without_and_with_jinja(expression: str, condition: str) -> None:
    plain = expression.format(condition)
    assert value(plain) == value(f"({plain})")


@pytest.mark.parametrize(
    "expression", ["zzz if yes else name", "name if zzz else 'x'", "'a' if not zzz else 'b'"]
)
def test_what_a_choice_names_has_to_be_there(expression: str) -> None:
    assert fault("${{ " + expression + " }}").message == 'nothing is named "zzz"'


def test_the_branch_of_a_choice_that_is_not_taken_is_not_looked_up() -> None:
    assert value("zzz if no else name") == value("name if yes else zzz") == "main"


def test_a_choice_is_quoted_like_any_value() -> None:
    assert value("quote if yes else name", SHELL) == r"'it'\''s'"
