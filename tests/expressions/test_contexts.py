"""Where expressions may stand: what is accepted brings every value through, and what would not is refused."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.expressions import evaluate
from compiler.expressions.contexts import iter_misplaced, misplaced
from compiler.project.adapter_texts import sink
from tests.compose import HOSTILE

VALUE = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    st.text("ab \t\n\r'\"\\$#;=,`%&<>(){}", max_size=12),
)
SHELLS = [path for name in ("sh", "dash", "bash") if (path := shutil.which(name))]
# Each prints the value and a line break.
SHELL_TEXTS = [
    "printf '%s\\n' ${{ x }}",
    "# it's \"\nprintf '%s\\n' ${{ x }}",
    "printf '%s\\n' \"$(printf '%s.' ${{ x }} | sed '$ s/\\.$//'; echo .)\" | sed '$ s/\\.$//'",
    "set -- a ${{ x }}; case a in a) printf '%s\\n' \"$2\" ;; esac",
    "cat <<'END' >/dev/null\n'\"`$(\nEND\nprintf '%s\\n' ''${{ x }}\"\"",
    "a=${{ x }}; printf '%s\\n' \"${a}$((1 + (2)))\" | sed '$ s/3$//'",
    "f() { (printf '%s\\n' \\\n  ${{ x }}) }; f",
]


def put(text: str, value: str, language: str) -> str:
    assert misplaced(text, language) == ()
    return str(evaluate(text, {"x": value}, sink(language)))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("text", SHELL_TEXTS)
@settings(max_examples=15, deadline=None)
@given(value=VALUE)
def test_a_shell_hands_on_every_value_of_an_accepted_text(shell: str, text: str, value: str) -> None:
    script = put(text, value, "shell").encode()
    done = subprocess.run([shell, "-ec", script], capture_output=True, check=True)
    assert done.stdout == f"{value}\n".encode()


@given(value=VALUE)
def test_a_database_hands_on_every_value_of_an_accepted_text(value: str) -> None:
    text = "/* it's */ SELECT ${{ x }}, 'a''b' -- don't\n, \"'\".y FROM (SELECT ${{ x }} AS y) AS \"'\""
    assert sqlite3.connect(":memory:").execute(put(text, value, "sql")).fetchone() == (value, "a'b", value)


@given(value=VALUE)
def test_json_hands_on_every_value_of_an_accepted_text(value: str) -> None:
    assert json.loads(put('{"a\\"": [${{ x }}]}', value, "json")) == {'a"': [value]}


REFUSED = [
    ("shell", 'f --a="${{ x }}"', "inside quotes"),
    ("shell", "f '${{ x }}'", "inside quotes"),
    ("shell", 'f "$(g) ${{ x }}"', "inside quotes"),
    ("shell", 'f "$(g "${{ x }}")"', "inside quotes"),
    ("shell", "f \\${{ x }}", "backslash"),
    ("shell", "f `g ${{ x }}`", "several ways"),
    ("shell", "f $'a' ${{ x }}", "several ways"),
    ("shell", 'f "$(case a in a) g " ${{ x }} " ;; esac)"', "several ways"),
    ("shell", 'f "${a:-\'}" ${{ x }}', "several ways"),
    ("shell", 'f "${a:-${{ x }}}"', "a parameter expansion"),
    ("shell", "f $((${{ x }} + 1))", "arithmetic"),
    ("shell", "f # ${{ x }}", "a comment"),
    ("shell", "f <<END\n${{ x }}\nEND\n", "a here-document"),
    ("shell", "f <<'END'\n${{ x }}\nEND\n", "a here-document"),
    ("shell", "bash -es <<'END'\nf ${{ x }}\nEND\n", "a here-document"),
    ("shell", "bash -es <<'END'\nf \"${{ server }}\"\nEND\n", "inside quotes"),
    ("shell", "f <<${{ x }}\n", "several ways"),
    ("shell", 'f "', "does not end"),
    ("shell", "f <<END\n${{ x }}\n", "does not end"),
    ("sql", "SELECT '${{ x }}'", "inside quotes"),
    ("sql", "SELECT '''${{ x }}'", "inside quotes"),
    ("sql", 'SELECT "${{ x | identifier }}"', "inside quotes"),
    ("sql", "SELECT E'\\'${{ x }}'", "inside quotes"),
    ("sql", "DO $a$ ${{ x }} $a$", "inside dollar quotes"),
    ("sql", "-- ${{ x }}", "a comment"),
    ("sql", "/* ${{ x }} */", "a comment"),
    ("sql", "/* /* */ ${{ x }}", "several ways"),
    ("sql", "SELECT '${{ 'a' if x else x | word }}'", "inside quotes"),
    ("sql", "SELECT '", "does not end"),
    ("json", '{"a": "${{ x }}"}', "inside quotes"),
    ("json", '{"\\"${{ x }}": 1}', "inside quotes"),
    ("javascript", "f('${{ x }}')", "inside quotes"),
    ("javascript", "f(`${{ x }}`)", "a template"),
    ("javascript", "f(`${g({})} ${{ x }}`)", "a template"),
    ("javascript", "f(/${{ x }}/)", "a regular expression"),
    ("javascript", "f() // ${{ x }}", "a comment"),
    ("xml", "<a><!-- ${{ x }} --></a>", "a comment"),
    ("xml", "<a><![CDATA[${{ x }}]]></a>", "a CDATA section"),
]


@pytest.mark.parametrize(("language", "text", "told"), REFUSED)
def test_an_expression_in_other_quotes_is_refused(language: str, text: str, told: str) -> None:
    assert told in " ".join(wrong.told for wrong in misplaced(text, language))


@pytest.mark.parametrize(
    ("language", "literal", "text"),
    [
        ("sql", "standard", "SELECT 'a\\', ${{ x }}"),
        ("sql", "backslash", "SELECT 'a\\'', ${{ x }}"),
        ("sql", "backslash", "SELECT '`', ${{ x }}, \"it's\", '\\\\' # don't\n, ${{ x }}"),
        ("sql", "standard", "SELECT '${{ x | word }} ${{ x.y | settings }}', \"${{ x | symbol }}\""),
        ("javascript", "standard", "f(`${g(${{ x }})}`); a = b / ${{ x }} / c; d = /'/; e(${{ x }})"),
        ("xml", "standard", '<a b="${{ x }}">${{ x }}</a>'),
        ("shell", "standard", 'f "${{ x | word }}" $# ${#a} b#${{ x }} "$(g ${{ x }})"'),
        ("shell", "standard", "bash -es <<'END'\nf ${{ secrets.password }} ${{ tls.mode }}\nEND\n"),
        ("shell", "standard", "f '$${{' ${{ x }}"),
        ("text", "standard", "'${{ x }}'"),
    ],
)
def test_what_is_safe_is_accepted(language: str, literal: str, text: str) -> None:
    assert misplaced(text, language, literal) == ()


def test_every_branch_is_read_and_conditions_are_not() -> None:
    tree = [{"when": "${{ x == '${{' }}", "then": ["${{ x }}"], "else": {"a": "'${{ x }}'"}}]
    (path, wrong) = next(iter_misplaced(tree, ("init",), "sql", "standard"))
    assert (path, wrong.source) == (("init", 0, "else", "a"), "${{ x }}")
