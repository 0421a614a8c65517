from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.expressions import quoting
from tests.compose import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEXT = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    st.text("ab \t\n\r'\"\\$#;=,`%&<>", max_size=12),
)
SINKS: dict[str, Callable[[str], str]] = {
    "compose": quoting.compose_escape,
    "env": quoting.env_quote,
    "url": quoting.url_part,
    "literal": lambda text: quoting.sql_literal(text, "standard"),
    "identifier": lambda text: quoting.sql_identifier(text, '"'),
    "shell": quoting.shell_word,
    "xml": quoting.xml_text,
    "pair": quoting.pair_value,
}


@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize("text", ["secret\0", "secret\ud800"])
def test_a_sink_refuses_what_it_cannot_hold_without_showing_it(sink: str, text: str) -> None:
    with pytest.raises(ValueError, match="cannot hold") as caught:
        SINKS[sink](text)
    assert "secret" not in str(caught.value)


def test_json_refuses_half_of_a_surrogate_pair_and_infinity() -> None:
    with pytest.raises(ValueError, match="half of a surrogate pair"):
        quoting.json_text({"a": ["\udfff"]})
    with pytest.raises(ValueError, match="float"):
        quoting.json_text(float("inf"))


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        *(("abc-1.2_3/4:5@6%7+8,9", "abc-1.2_3/4:5@6%7+8,9"), ("", "''"), ("a b", "'a b'"), ("$A", "'$A'")),
        *(("it's $5", '"it\'s \\$5"'), ("a\\", '"a\\\\"'), ("a\\b", "'a\\b'"), ("a\r\n", '"a\\r\\n"')),
    ],
)
def test_dotenv_values_are_quoted_as_little_as_possible(value: str, quoted: str) -> None:
    assert quoting.env_quote(value) == quoted


def test_compose_escape_doubles_every_dollar() -> None:
    assert quoting.compose_escape("$a $${b}") == "$$a $$$${b}"


@given(TEXT)
def test_a_url_part_holds_unreserved_characters_alone_and_decodes(text: str) -> None:
    part = quoting.url_part(text)
    assert re.fullmatch(r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})*", part)
    assert unquote(part, errors="strict") == text


@given(st.lists(TEXT, min_size=1, max_size=50))
def test_a_standard_literal_is_read_back_by_sql(texts: list[str]) -> None:
    row = ", ".join(quoting.sql_literal(text, "standard") for text in texts)
    with sqlite3.connect(":memory:") as database:
        assert database.execute(f"SELECT {row}").fetchone() == tuple(texts)
    database.close()


@given(TEXT)
def test_a_backslash_literal_ends_where_it_should(text: str) -> None:
    literal = quoting.sql_literal(text, "backslash")
    body = re.fullmatch(r"'((?:[^'\\]|''|\\\\)*)'", literal)
    assert body
    assert body[1].replace("''", "'").replace("\\\\", "\\") == text


@given(TEXT.filter(lambda text: text and "\\" not in text), st.sampled_from('"`'))
def test_an_identifier_is_read_back_by_sql(text: str, quote: str) -> None:
    with sqlite3.connect(":memory:") as database:
        cursor = database.execute(f"SELECT 1 AS {quoting.sql_identifier(text, quote)}")
    assert cursor.description[0][0] == text
    database.close()


@pytest.mark.parametrize(("text", "quote"), [("", '"'), ("a\\", "`")])
def test_an_identifier_that_not_every_engine_reads_alike_is_refused(text: str, quote: str) -> None:
    with pytest.raises(ValueError, match="SQL name"):
        quoting.sql_identifier(text, quote)


@settings(max_examples=20, deadline=None)
@given(st.lists(TEXT, max_size=100))
def test_shell_words_arrive_as_they_are(texts: list[str]) -> None:
    script = "printf '%s\\0' 0 " + " ".join(map(quoting.shell_word, texts))
    result = subprocess.run(["/bin/sh"], input=script.encode(), capture_output=True, check=True)
    assert result.stdout.decode().split("\0") == ["0", *texts, ""]


@pytest.mark.parametrize("word", ["if", "A=1", "2", "~", "-n", "{", "!"])
def test_a_shell_word_has_no_meaning_of_its_own(word: str) -> None:
    script = f"{quoting.shell_word(word)}>/dev/null 2>&1; echo $?"
    assert subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=True).stdout == b"127\n"


@given(st.dictionaries(TEXT, st.lists(TEXT | st.integers() | st.booleans() | st.none())))
def test_json_is_ascii_and_read_back(value: object) -> None:
    text = quoting.json_text(value)
    assert text.isascii()
    assert json.loads(text) == value


@given(TEXT)
def test_xml_text_is_read_back_from_an_element_and_an_attribute(text: str) -> None:
    try:
        quoted = quoting.xml_text(text)
    except ValueError:
        assert re.search("[\x00-\x1f\ufffe\uffff]", text)
        return
    for quote in "'\"":
        element = ElementTree.fromstring(f"<a b={quote}{quoted}{quote}>{quoted}</a>")
        assert (element.get("b"), element.text or "") == (text, text)


@given(st.lists(TEXT, max_size=8))
def test_pair_values_are_read_back(texts: list[str]) -> None:
    joined = ";".join(f"Key {n}={quoting.pair_value(text)}" for n, text in enumerate(texts))
    assert dict(iter_pairs(joined, ";")) == {f"Key {n}": text for n, text in enumerate(texts)}


@given(st.lists(TEXT, max_size=8))
def test_braced_values_are_read_back(texts: list[str]) -> None:
    joined = ";".join(f"K{n}={quoting.braced_value(text)}" for n, text in enumerate(texts))
    found = re.findall(r"K\d+=\{((?:[^}]|\}\})*)\}(?:;|\Z)", joined)
    assert [text.replace("}}", "}") for text in found] == texts


@given(st.lists(TEXT, max_size=8))
def test_libpq_values_are_read_back(texts: list[str]) -> None:
    joined = " ".join(f"k{n}={quoting.libpq_value(text)}" for n, text in enumerate(texts))
    found = re.findall(r"k\d+='((?:[^'\\]|\\.)*)'(?: |\Z)", joined, re.DOTALL)
    assert [re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL) for text in found] == texts


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("a;b", '"a;b"'),
        ('say "x"', '"say ""x"""'),
        ("=", '"="'),
        (" a", '" a"'),
    ],
)
def test_a_pair_value_is_quoted_where_it_must(text: str, quoted: str) -> None:
    assert quoting.pair_value(text) == quoted


def iter_pairs(text: str, separator: str) -> Iterator[tuple[str, str]]:
    """Reads pairs as .NET does: blanks around a value are dropped, quotes double inside quotes."""
    quoted = r"\"(?P<quoted>(?:[^\"]|\"\")*)\""
    bare = rf"(?P<bare>(?![\"'\s])[^{separator}\x00-\x1f\x7f-\x9f]*?(?<![\"'\s]))"
    pair = re.compile(rf"\s*(?P<key>[^=]+?)\s*=(?!=)\s*(?:{quoted}|{bare})\s*(?:{separator}|\Z)")
    position = 0
    while position < len(text):
        found = pair.match(text, position)
        assert found, f"not a pair at {position}"
        yield found["key"], found["bare"] if found["quoted"] is None else found["quoted"].replace('""', '"')
        position = found.end()
