"""One function per sink: how any text is written so that the reader at the other end gets it back unchanged.

Text that a sink cannot hold raises ValueError; its message names the sink and never shows the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_NUL_OR_SURROGATE = re.compile("[\0\ud800-\udfff]")
# Compiled where it is first used: that takes longer than all else here.
_NOT_XML = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_ENV_BARE = re.compile(r"[A-Za-z0-9_./:@%+,-]+")
_ENV_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r"})
_PAIR_BARE = re.compile(r"[^\s\"'=;\x00-\x1f\x7f-\x9f]+")
_XML_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
    | {blank: f"&#{ord(blank)};" for blank in "\t\n\r"}
)


def refuse_unrepresentable(text: str, sink: str) -> None:
    """Raises ValueError for NUL and for half a surrogate pair, which neither files nor processes carry."""
    if found := _NUL_OR_SURROGATE.search(text):
        what = "the character NUL" if found[0] == "\0" else "half of a surrogate pair"
        raise ValueError(f"{sink} cannot hold {what}")


# https://docs.docker.com/reference/compose-file/interpolation/
def compose_escape(text: str) -> str:
    """Returns a literal that survives interpolation as a value; mapping keys are not interpolated."""
    refuse_unrepresentable(text, "a Compose file")
    return text.replace("$", "$$")


# https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
def env_quote(value: str) -> str:
    """Returns the right-hand side of one line of `.env`."""
    refuse_unrepresentable(value, "an environment variable")
    if _ENV_BARE.fullmatch(value):
        return value
    # Single quotes know one escape, of themselves: a backslash in front of the closing one would undo it.
    if not re.search(r"['\r\n]|\\\Z", value):
        return f"'{value}'"
    return f'"{value.translate(_ENV_ESCAPES)}"'


# https://www.rfc-editor.org/rfc/rfc3986#section-2
def url_part(text: str, safe: str = "") -> str:
    """Returns one component of a URL, percent-encoded as UTF-8 except for unreserved characters and `safe`."""
    from urllib.parse import quote

    refuse_unrepresentable(text, "a URL")
    return quote(text, safe=safe)


# https://www.postgresql.org/docs/current/sql-syntax-lexical.html
# https://dev.mysql.com/doc/refman/8.4/en/language-structure.html
# https://clickhouse.com/docs/sql-reference/syntax
def sql_literal(text: str, style: str) -> str:
    """Returns a quoted SQL string; the style "backslash" is for engines that read it as an escape."""
    refuse_unrepresentable(text, "an SQL string")
    text = text.replace("\\", "\\\\") if style == "backslash" else text
    return "'" + text.replace("'", "''") + "'"


def sql_identifier(text: str, quote: str) -> str:
    """Returns a quoted SQL name; a backslash is refused, as engines disagree whether it escapes the quote."""
    refuse_unrepresentable(text, "an SQL name")
    if not text or "\\" in text:
        raise ValueError("an SQL name cannot be empty or hold a backslash")
    return quote + text.replace(quote, quote * 2) + quote


# https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02_02
def shell_word(text: str) -> str:
    """Returns one word for a POSIX shell, always quoted, so that it is no keyword, assignment or descriptor."""
    refuse_unrepresentable(text, "a shell word")
    return "'" + text.replace("'", "'\\''") + "'"


# https://www.rfc-editor.org/rfc/rfc8259
# https://tc39.es/ecma262/#sec-json.stringify
def json_text(value: object) -> str:
    """Returns JSON in ASCII, which is also a JavaScript expression."""
    import json

    refuse_unrepresentable(json.dumps(value, ensure_ascii=False, allow_nan=False), "JSON")
    return json.dumps(value, allow_nan=False)


# https://www.w3.org/TR/xml/#charsets
# https://www.w3.org/TR/xml/#AVNormalize
def xml_text(text: str) -> str:
    """Returns text for an XML element or attribute; white space is written so that no parser normalises it."""
    if re.search(_NOT_XML, text):
        raise ValueError("XML cannot hold a control character or half of a surrogate pair")
    return text.translate(_XML_ESCAPES)


# https://learn.microsoft.com/dotnet/api/system.data.common.dbconnectionstringbuilder.connectionstring
def pair_value(text: str) -> str:
    """Returns the value of one pair of a .NET connection string, in double quotes where it needs them."""
    refuse_unrepresentable(text, "a connection string")
    return text if _PAIR_BARE.fullmatch(text) else '"' + text.replace('"', '""') + '"'


# https://learn.microsoft.com/sql/odbc/reference/syntax/sqldriverconnect-function
# https://learn.microsoft.com/sql/connect/jdbc/building-the-connection-url
def braced_value(text: str) -> str:
    """Returns the value of one pair of an ODBC connection string, in braces."""
    refuse_unrepresentable(text, "a connection string")
    return "{" + text.replace("}", "}}") + "}"


# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE
def libpq_value(text: str) -> str:
    """Returns the value of one pair of a libpq connection string, in single quotes."""
    refuse_unrepresentable(text, "a connection string")
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


# https://docs.oracle.com/en/java/javase/21/docs/api/java.base/javax/security/auth/login/Configuration.html
def jaas_value(text: str) -> str:
    """Returns the value of one option of a JAAS login module, in double quotes."""
    refuse_unrepresentable(text, "a JAAS configuration")
    if set("\n\r") & set(text):
        raise ValueError("a JAAS configuration cannot hold a line break")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def listed_value(text: str) -> str:
    """Returns an item of a list with commas that has no quotes; it can have no comma, nor a blank at its ends."""
    refuse_unrepresentable(text, "a connection string")
    if "," in text:
        raise ValueError('a value cannot hold "," in this connection string, which has no quotes')
    if text != text.strip():
        raise ValueError("a value cannot begin or end with a blank in this connection string")
    return text


def raw_value(text: str) -> str:
    """Returns a text as it is, for a reader that finds its end whatever it holds."""
    refuse_unrepresentable(text, "a connection string")
    return text


# How an adapter may write a value into the text of a connection, by the name of the filter.
CONNECTION_FILTERS: Mapping[str, Callable[[str], str]] = {
    "url": url_part,
    "pair": pair_value,
    "odbc": braced_value,
    "libpq": libpq_value,
    "jaas": jaas_value,
    "listed": listed_value,
    "raw": raw_value,
}
