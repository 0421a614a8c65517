from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.expressions.quoting import CONNECTION_FILTERS
from compiler.model import Connection, Reference, Text
from compiler.project.connections import mask, render_connection
from tests.compose import HOSTILE

TEXT = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    st.text("ab@:/?#[]%&=+;,() ", max_size=12),
)
SECRET = Reference("DB_PASSWORD")


def connect(form: str, parts: dict[str, Any], query: dict[str, Any] | None = None, **values: str) -> str:
    return render_connection(Connection(driver="d", form=form, parts=parts, query=query or {}), values)


def url(query: dict[str, Any] | None = None, **parts: Any) -> str:
    return connect("url", {"scheme": "db", "host": "h", **parts}, query, DB_PASSWORD="p@ss")


@given(
    user=TEXT,
    password=TEXT,
    path=TEXT.filter(lambda text: text[:1] != "/"),
    query=st.dictionaries(TEXT, TEXT),
)
def test_every_part_of_a_url_is_read_back(user: str, password: str, path: str, query: dict[str, str]) -> None:
    parts = {"scheme": "db", "user": user, "password": SECRET, "host": "h", "port": 1, "path": path}
    found = urlsplit(connect("url", parts, query, DB_PASSWORD=password))
    assert (found.scheme, found.hostname, found.port) == ("db", "h", 1)
    assert (unquote(found.username or ""), unquote(found.password or "")) == (user, password)
    assert unquote(found.path) == f"/{path}"
    assert dict(parse_qsl(found.query, keep_blank_values=True, strict_parsing=bool(query))) == query


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({}, "db://h"),
        ({"user": "u"}, "db://u@h"),
        ({"user": "", "password": None}, "db://h"),
        ({"password": SECRET}, "db://:p%40ss@h"),
        ({"user": "u", "password": SECRET, "port": 5432}, "db://u:p%40ss@h:5432"),
        ({"user": "u", "password": ""}, "db://u:@h"),
        ({"user": Text(("u-", SECRET))}, "db://u-p%40ss@h"),
    ],
)
def test_user_and_password_may_each_be_absent(parts: dict[str, Any], expected: str) -> None:
    assert url(**parts) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (None, "db://h"),
        ("", "db://h/"),
        ("a", "db://h/a"),
        ("/a", "db://h/a"),
        ("a b/c?", "db://h/a%20b/c%3F"),
        (SECRET, "db://h/p%40ss"),
        (0, "db://h/0"),
    ],
)
def test_a_path_is_encoded_but_for_its_slashes(path: object, expected: str) -> None:
    assert url(path=path) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("::1", "db://[::1]:9"),
        ("[2001:1::1]", "db://[2001:1::1]:9"),
        ("fe80::1%eth0", "db://[fe80::1%25eth0]:9"),
        ("a,b", "db://a:9,b:9"),
        ("a:1,b,[::1]:2", "db://a:1,b:9,[::1]:2"),
        ("a@b/c", "db://a%40b%2Fc:9"),
    ],
)
def test_hosts_are_bracketed_listed_and_encoded(host: str, expected: str) -> None:
    assert url(host=host, port=9) == expected


def test_a_query_keeps_its_order_and_drops_what_is_not_set() -> None:
    query = {"z": True, "a": False, "gone": None, "n": 30, "o": "-c timeout=30s", "p": SECRET}
    assert url(query) == "db://h?z=true&a=false&n=30&o=-c%20timeout%3D30s&p=p%40ss"


def test_pairs_are_quoted_where_they_must() -> None:
    query = {"Host": "h", "Port": 1, "SSL": True, "Password": SECRET, "Options": "-c a=b", "Gone": None}
    text = connect("pairs", {}, query, DB_PASSWORD='a;"b')
    assert text == 'Host=h;Port=1;SSL=true;Password="a;""b";Options="-c a=b"'


def secret(filter: str) -> Text:
    return Text(("password=", Reference("DB_PASSWORD", filter), ";"))


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ("raw", "a b'};%\\"),
        ("url", "a%20b%27%7D%3B%25%5C"),
        ("pair", '"a b\'};%\\"'),
        ("odbc", "{a b'}};%\\}"),
        ("libpq", "'a b\\'};%\\\\'"),
        ("listed", "a b'};%\\"),
    ],
)
def test_a_filter_writes_a_secret_into_a_text_when_it_is_known(filter: str, expected: str) -> None:
    text = connect("text", {"text": ["h:1,", secret(filter), ",x"]}, DB_PASSWORD="a b'};%\\")
    assert text == f"h:1,password={expected};,x"


@pytest.mark.parametrize("value", ["hun,ter", " hunter", "hunter\t", "hunter\0"])
def test_a_list_without_quotes_refuses_what_it_cannot_carry_without_showing_it(value: str) -> None:
    with pytest.raises(ValueError, match="cannot") as caught:
        connect("text", {"text": [secret("listed")]}, DB_PASSWORD=value)
    assert "hun" not in str(caught.value)


@pytest.mark.parametrize("filter", CONNECTION_FILTERS)
def test_no_filter_carries_nul(filter: str) -> None:
    with pytest.raises(ValueError, match="NUL"):
        connect("text", {"text": [secret(filter)]}, DB_PASSWORD="hunter\0")


@given(TEXT)
def test_arguments_are_json_in_order_with_types(password: str) -> None:
    query = {"z": 1, "a": {"ssl": True, "auth": ["u", SECRET]}, "gone": None}
    found = json.loads(connect("arguments", {}, query, DB_PASSWORD=password))
    assert list(found.items()) == [("z", 1), ("a", {"ssl": True, "auth": ["u", password]})]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("url", "db://u:***@h/d%20e?k=a***"),
        ("text", "password=***;/***"),
        ("pairs", "k=a***"),
        ("arguments", '{"k": "a***"}'),
    ],
)
def test_a_masked_connection_shows_no_reference(form: str, expected: str) -> None:
    text = {"text": [secret("raw"), "/", Reference("DB_PASSWORD", "url")]}
    parts = (
        text
        if form == "text"
        else {"scheme": "db", "user": "u", "password": SECRET, "host": "h", "path": "d e"}
    )
    query = {"k": Text(("a", SECRET))}
    assert mask(Connection(driver="d", form=form, parts=parts, query=query)) == expected


def test_a_missing_value_is_an_error_and_not_an_empty_password() -> None:
    with pytest.raises(KeyError, match="DB_PASSWORD"):
        connect("url", {"scheme": "db", "password": SECRET})
