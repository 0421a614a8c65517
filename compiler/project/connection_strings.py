"""Joins the parts of a connection into the text that one client reads, each in that grammar's encoding."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from compiler.expressions.quoting import json_text, pair_value, refuse_unrepresentable, url_part
from compiler.model import Connection, Reference, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

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
    return _FORMS[connection.form](_fill(parts, values), _fill(connection.query, values))


def mask(connection: Connection) -> str:
    """Returns the connection string as it may be shown: each Reference is `***`."""
    shown = render_connection(connection, defaultdict(lambda: _MASK))
    return shown.replace(url_part(_MASK), _MASK)


def iter_keys(connection: Connection) -> Iterator[str]:
    """Yields the keys of `.env` whose values a connection holds."""
    asked: dict[str, str] = defaultdict(str)
    _fill([connection.parts, connection.query], asked)
    return iter(asked)


def _fill(tree: Any, values: Mapping[str, str]) -> Any:
    """Returns a tree with the value of each Reference in it, and without what is None in its mappings."""
    match tree:
        case Reference(key):
            return values[key]
        case Text(parts):
            return "".join(str(_fill(part, values)) for part in parts)
        case dict():
            return {name: _fill(value, values) for name, value in tree.items() if value is not None}
        case list() | tuple():
            return [_fill(item, values) for item in tree]
        case _:
            return tree


def _scalar(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _url(parts: dict[str, Any], query: dict[str, Any]) -> str:
    login: dict[str, Any] = {name: parts[name] for name in ("user", "password") if name in parts}
    if parts.get("userinfo") == "query":
        query = {parts.get(f"{name}_key", name): value for name, value in login.items()} | query
        login = {}
    return f"{parts['scheme']}://{_userinfo(login, url_part)}{_address(parts)}{_path(parts)}{_query(query)}"


# https://github.com/go-sql-driver/mysql#dsn-data-source-name
def _dsn(parts: dict[str, Any], query: dict[str, Any]) -> str:
    if ":" in _scalar(parts.get("user", "")):
        raise ValueError('a user name with ":" cannot stand in this connection string')
    userinfo = _userinfo(parts, str)
    refuse_unrepresentable(userinfo, "a connection string")
    # Some parameters are read undecoded, and lists among them hold commas.
    return f"{userinfo}tcp({_address(parts)}){_path(parts) or '/'}{_query(query, safe=',')}"


def _userinfo(login: dict[str, Any], encode: Callable[[str], str]) -> str:
    user = encode(_scalar(login.get("user", "")))
    if "password" in login:
        return f"{user}:{encode(_scalar(login['password']))}@"
    return user and f"{user}@"


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
