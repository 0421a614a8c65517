"""Reads, fills and updates `.env` by Compose's own grammar, and keeps in it all that is not ours.

https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
No message holds text of the file: any of it may be a secret.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from compiler.report import Report, Span

# Compose tells blanks that may stand around a key or "=" from all the white space that it trims.
_BLANK = "\t\v\f\r \x85\xa0"
_SPACES = "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
_WHITE = "\n\u1680\u2028\u2029\u202f\u205f\u3000" + _BLANK + _SPACES
# Compose compares without case, and by Unicode two more letters are cases of s and k.
_NAME = r"[_a-zA-Z\u017f\u212a][_a-zA-Z0-9\u017f\u212a]*"

# What is between two statements belongs to the second one, and a value ends with its line or its quote.
# Its groups are atomic: one that is repeated possessively takes too much in Python 3.11.2, see
# https://github.com/python/cpython/issues/100061
_STATEMENT = re.compile(
    rf"""
    (?>(?:[{_WHITE}]+|\#[^\n]*)*)
    (?P<export>export(?=[\t\n\f\r ])[{_BLANK}]*)?
    (?P<key>[\w.\[\]{_BLANK}-]*)
    (?:
        [=:][{_BLANK}]*
        (?P<value>
            (?P<quote>['"])(?P<body>(?>(?:(?!(?P=quote))[^\\]|\\.)*))(?P=quote)
            |(?P<open>['"].*)
            |[^\n]*
        )
        |(?P<stray>[^\n]*)
    )
    """,
    re.DOTALL | re.VERBOSE,
)
# Compose takes exactly three octal digits up to 377, and drops the zero of anything else.
_ESCAPE = re.compile(r'\\([abfnrtv$"\\]|0[0-3][0-7]{2}|0)')
_ESCAPES = {"$": "$$", "0": "\\", **dict(zip('abfnrtv"\\', '\a\b\f\n\r\t\v"\\', strict=True))}
_ESCAPES |= {f"{code:04o}": chr(code) for code in range(0o400)}
_DOLLAR = re.compile(
    rf"\$(?:(?P<escaped>\$)|(?P<reference>{_NAME}|\{{{_NAME}\}})|(?P<open>\{{{_NAME}:?[-+?])|(?P<broken>\{{))"
)
_HELP = 'write each line as "KEY=value" or "# note", and quote a value of several lines'


class Entry(NamedTuple):
    """One assignment: its value, where in the text that stands, quotes included, and whether it names variables."""

    value: str
    start: int
    end: int
    is_interpolated: bool

    def __repr__(self) -> str:
        return f"Entry({self.start}, {self.end})"


class Dotenv(NamedTuple):
    """A parsed `.env`: the text, and by key the assignment that counts, which is the last one."""

    path: str
    text: str
    entries: Mapping[str, Entry]

    def __repr__(self) -> str:
        return f"Dotenv({self.path!r}, {self.entries})"

    @property
    def values(self) -> dict[str, str]:
        """The values by key; one that depends on other variables is as it is written."""
        return {key: entry.value for key, entry in self.entries.items()}

    def value(self, key: str) -> Span | None:
        """Returns the place of the value of a key that is there."""
        entry = self.entries.get(key)
        return _span(self.path, self.text, entry.start) if entry else None


def decode_dotenv(content: bytes, path: str, report: Report) -> Dotenv | None:
    """Returns what a file of variables holds, None where a finding says why it cannot be read."""
    try:
        return parse_dotenv(content.decode(), path, report)
    except UnicodeDecodeError:
        report.error("not-utf-8", "the file is not UTF-8 text", Span(path), "save it as UTF-8")
        return None


def parse_dotenv(text: str, path: str, report: Report) -> Dotenv | None:
    """Returns the assignments that Compose reads from the text; None where it refuses any, with `env-syntax`."""
    entries: dict[str, Entry] = {}
    is_read = True
    for statement in _STATEMENT.finditer(text, text.startswith("\ufeff")):
        try:
            key, entry = _read(statement)
        except ValueError as fault:
            start, message, help = fault.args
            report.error("env-syntax", message, _span(path, text, start), help)
            is_read = False
            if report.is_full:
                break
        else:
            if key and entry:
                entries[key] = entry
    return Dotenv(path, text, entries) if is_read else None


def update_dotenv(dotenv: Dotenv, assignments: Sequence[tuple[str, str, str]]) -> str:
    """Returns the text with each (key, value, comment) in it; what it says already, and all else, stays."""
    from compiler.expressions.quoting import env_quote

    text, known = dotenv.text, dotenv.entries
    changed = [(known[key], value) for key, value, _ in assignments if key in known]
    for entry, value in sorted(changed, key=lambda change: -change[0].start):
        if entry.value != value:
            quoted = env_quote(value)
            # Text may follow a closing quote at once; without quotes it would become part of the value.
            if quoted == value and text[entry.start : entry.end].startswith(("'", '"')):
                quoted = f"'{value}'"
            text = text[: entry.start] + quoted + text[entry.end :]
    return _appended(text, lay_out([line for line in assignments if line[0] not in known]))


def lay_out(assignments: Iterable[tuple[str, str, str]]) -> str:
    """Returns the lines of (key, value, comment), those with one comment under it together."""
    from compiler.expressions.quoting import env_quote

    return _grouped((f"{key}={env_quote(value)}", comment) for key, value, comment in assignments)


def env_example(keys: Iterable[tuple[str, str]]) -> str:
    """Returns each (key, comment) without a value, laid out as update_dotenv does."""
    return _appended("", _grouped((f"{key}=", comment) for key, comment in keys))


def _grouped(lines: Iterable[tuple[str, str]]) -> str:
    text = ""
    for comment, group in groupby(lines, lambda line: line[1]):
        heading = ["", *(f"# {part}".rstrip() for part in comment.splitlines())] if comment else []
        text += "".join(f"{line}\n" for line in (*heading, *(line for line, _ in group)))
    return text


def _appended(text: str, added: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    is_empty = not text.strip("\ufeff")
    if added and not is_empty and not text.endswith("\n"):
        text += newline
    if is_empty or text.endswith(("\n\n", "\n\r\n")):
        added = added.removeprefix("\n")
    return text + added.replace("\n", newline)


def _read(statement: re.Match[str]) -> tuple[str, Entry | None]:
    """Returns the key of a statement, and its value unless it has none.

    ValueError for one that Compose refuses: where, why, and what to do.
    """
    key, (start, stop), size = statement["key"].rstrip(_WHITE), statement.span("key"), len(statement.string)
    if statement["export"] and start == size:
        raise ValueError(start - 1, 'a variable was expected after "export"', "remove this line")
    if statement["stray"]:
        raise ValueError(stop, "this character cannot be in the name of a variable", _HELP)
    if " " in key and stop < size:
        raise ValueError(start, "the name of a variable cannot hold a blank", _HELP)
    if statement["value"] is None:
        return key, None
    (start, end), quote, value = statement.span("value"), statement["quote"], statement["body"]
    if statement["open"]:
        help = "close the quote, or put the whole value in the other kind of quotes"
        raise ValueError(start, "this value begins with a quote that is never closed", help)
    if quote == "'":
        return key, Entry(value.replace("\\'", "'"), start, end, False)
    if quote:
        value = _ESCAPE.sub(lambda escape: _ESCAPES[escape[1]], value)
    else:
        value = statement["value"].partition(" #")[0].rstrip(_WHITE)
        end = start + len(value)
    dollars = set(_iter_dollars(value))
    if "broken" in dollars:
        help = "put the value in single quotes, where $ has no meaning"
        raise ValueError(start, 'this value holds a "${" that begins no reference to a variable', help)
    if dollars == {"escaped"}:
        value = value.replace("$$", "$")
    return key, Entry(value, start, end, "reference" in dollars)


def _iter_dollars(value: str) -> Iterator[str]:
    """Yields what each `$` of a value begins, up to the first that is broken."""
    position, kind = 0, ""
    while kind != "broken" and (found := _DOLLAR.search(value, position)):
        kind, position = found.lastgroup or "", found.end()
        if kind == "open":
            # What is behind the operator may hold braces of its own, and ends with the last one of the line.
            line_end = value.find("\n", position)
            closing = value.rfind("}", position, line_end if line_end >= 0 else len(value))
            kind, position = ("reference", closing + 1) if closing >= 0 else ("broken", position)
        yield kind


def _span(path: str, text: str, position: int) -> Span:
    ends = _line_ends(text)
    line = bisect_left(ends, position) + 1
    start = ends[line - 2] + 1 if line > 1 else 0
    column = position - max(start, text.startswith("\ufeff")) + 1
    return Span(path=path, line=line, column=column, end_line=line, end_column=column + 1)


# A file with thousands of faults is looked through once.
@lru_cache(maxsize=1)
def _line_ends(text: str) -> list[int]:
    return [found.start() for found in re.finditer("\n", text)]
