"""Joins the parts of a connection into the text that one client reads, each in that grammar's encoding."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from compiler.expressions.quoting import json_text, pair_value, refuse_unrepresentable, url_part
from compiler.model import Connection, Reference, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MASK = "***"
_OWN_PORT = re.compile(r"(?:[^:]+|\[.*\]):[0-9]+")


def render_connection(connection: Connection, values: Mapping[str, str]) -> str:
    """Returns the finished connection string, with each Reference replaced by its value in `values`.

    Forms: `url`, `dsn` (`user:password@tcp(host:port)/path?query`), `pairs` (`Key=Value;Key=Value`) and
    `arguments` (a JSON object, for clients that take no connection string). Parts that are None are left out.
    A `path` is split at its slashes; a list of segments or a Reference is not. ValueError where a grammar
    cannot carry a value, which the message does not show. https://www.rfc-editor.org/rfc/rfc3986
    """
    parts = dict(connection.parts)
    if isinstance(parts.get("path"), str):
        parts["path"] = parts["path"].removeprefix("/").split("/")
    return _FORMS[connection.form](_filled(parts, values), _filled(connection.query, values))


def mask(connection: Connection) -> str:
    """Returns the connection string as it may be shown: each Reference is `***`."""
    shown = render_connection(connection, defaultdict(lambda: _MASK))
    return shown.replace(url_part(_MASK), _MASK)


def iter_keys(tree: Any) -> Iterator[str]:
    """Yields the keys of `.env` whose values a connection, or a part of one, holds."""
    match tree:
        case Connection(parts=parts, query=query):
            yield from iter_keys([parts, query])
        case Reference(key):
            yield key
        case Text(parts):
            yield from iter_keys(list(parts))
        case dict():
            yield from iter_keys(list(tree.values()))
        case list() | tuple():
            for item in tree:
                yield from iter_keys(item)


def _filled(tree: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    return {name: _fill(value, values) for name, value in tree.items() if value is not None}


def _fill(value: Any, values: Mapping[str, str]) -> Any:
    match value:
        case Reference(key):
            return values[key]
        case Text(parts):
            return "".join(str(_fill(part, values)) for part in parts)
        case dict():
            return _filled(value, values)
        case list() | tuple():
            return [_fill(item, values) for item in value]
        case _:
            return value


def _scalar(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _url(parts: dict[str, Any], query: dict[str, Any]) -> str:
    user, password = parts.get("user"), parts.get("password")
    if parts.get("userinfo") == "query":
        named = {parts.get("user_key", "user"): user, parts.get("password_key", "password"): password}
        query = {key: value for key, value in named.items() if value is not None} | query
        user = password = None
    userinfo = ""
    if password is not None:
        userinfo = f"{url_part(_scalar(user or ''))}:{url_part(_scalar(password))}@"
    elif user:
        userinfo = f"{url_part(_scalar(user))}@"
    return f"{parts['scheme']}://{userinfo}{_address(parts)}{_path(parts)}{_query(query)}"


# https://github.com/go-sql-driver/mysql#dsn-data-source-name
def _dsn(parts: dict[str, Any], query: dict[str, Any]) -> str:
    user, password = _scalar(parts.get("user") or ""), parts.get("password")
    if ":" in user:
        raise ValueError('a user name with ":" cannot stand in this connection string')
    if password is not None:
        user += ":" + _scalar(password)
    refuse_unrepresentable(user, "a connection string")
    userinfo = user and user + "@"
    # Some parameters are read undecoded, and lists among them hold commas.
    return f"{userinfo}tcp({_address(parts)}){_path(parts) or '/'}{_query(query, safe=',')}"


def _pairs(parts: dict[str, Any], query: dict[str, Any]) -> str:
    separator = _scalar(parts.get("separator", ";"))
    if "head" in parts:
        items = [f"{key}={_unquoted(key, _scalar(value), separator)}" for key, value in query.items()]
        return separator.join([_scalar(parts["head"]), *items])
    return separator.join(f"{key}={pair_value(_scalar(value), separator)}" for key, value in query.items())


# https://stackexchange.github.io/StackExchange.Redis/Configuration.html
def _unquoted(key: str, text: str, separator: str) -> str:
    refuse_unrepresentable(text, f'"{key}" in a connection string')
    if separator in text:
        raise ValueError(f'"{key}" cannot hold "{separator}" in this connection string, which has no quotes')
    if text != text.strip():
        raise ValueError(f'"{key}" cannot begin or end with a blank in this connection string')
    return text


def _arguments(parts: dict[str, Any], query: dict[str, Any]) -> str:
    return json_text(query)


def _address(parts: dict[str, Any]) -> str:
    port = parts.get("port")
    names = [_host(name) for name in _scalar(parts.get("host", "")).split(",")]
    if port is not None:
        end = ":" + url_part(_scalar(port))
        names = [name if _OWN_PORT.fullmatch(name) else name + end for name in names]
    return ",".join(names)


def _host(name: str) -> str:
    if name.count(":") > 1 and not name.startswith("["):
        return f"[{url_part(name, safe=':')}]"
    return url_part(name, safe=":[]")


def _path(parts: dict[str, Any]) -> str:
    path = parts.get("path")
    if path is None:
        return ""
    segments = path if isinstance(path, list) else [path]
    return "/" + "/".join(url_part(_scalar(segment)) for segment in segments)


def _query(query: dict[str, Any], safe: str = "") -> str:
    pairs = [f"{url_part(key)}={url_part(_scalar(value), safe)}" for key, value in query.items()]
    return "?" + "&".join(pairs) if pairs else ""


_FORMS = {"url": _url, "dsn": _dsn, "pairs": _pairs, "arguments": _arguments}
