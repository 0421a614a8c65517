"""Reads, fills and updates `.env` by Compose's own grammar, and keeps in it all that is not ours.

https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
No message holds text of the file: any of it may be a secret.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby

from compiler.expressions.quoting import env_quote
from compiler.model import Connection, Secret, Variable
from compiler.project.connections import iter_keys, render_connection
from compiler.project.project import Project
from compiler.report import Report, Span

Entropy = Callable[[int], bytes]
"""Returns that many random bytes."""

# Compose tells blanks that may stand around a key or "=" from all the white space that it trims.
_BLANK = "\t\v\f\r \x85\xa0"
_SPACES = "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
_WHITE = "\n\u1680\u2028\u2029\u202f\u205f\u3000" + _BLANK + _SPACES
# Compose compares without case, and by Unicode two more letters are cases of s and k.
_NAME = r"[_a-zA-Z\u017f\u212a][_a-zA-Z0-9\u017f\u212a]*"

# What is between two statements belongs to the second one, and a value ends with its line or its quote.
_STATEMENT = re.compile(
    rf"""
    (?:[{_WHITE}]++|\#[^\n]*+)*+
    (?P<export>export(?=[\t\n\f\r ])[{_BLANK}]*)?
    (?P<key>[\w.\[\]{_BLANK}-]*)
    (?:
        [=:][{_BLANK}]*
        (?P<value>
            (?P<quote>['"])(?P<body>(?:(?!(?P=quote))[^\\]|\\.)*+)(?P=quote)
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
    rf"\$(?:(?P<escaped>\$)|(?P<reference>{_NAME}|\{{{_NAME}(?::?[-+?].*)?\}})|(?P<broken>\{{))"
)
_HELP = 'write each line as "KEY=value" or "# note", and quote a value of several lines'
# Repeated as often as a byte can tell, so that every character is equally likely; higher bytes stand for none.
_ALPHANUMERIC = 4 * "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Entry:
    """One assignment: its value, where in the text that stands, quotes included, and whether it names variables."""

    value: str = field(repr=False)
    start: int
    end: int
    is_interpolated: bool


@dataclass(frozen=True, slots=True)
class Dotenv:
    """A parsed `.env`: the text, and by key the assignment that counts, which is the last one."""

    path: str
    text: str = field(repr=False)
    entries: Mapping[str, Entry]

    @property
    def values(self) -> dict[str, str]:
        """The values by key; one that depends on other variables is as it is written."""
        return {key: entry.value for key, entry in self.entries.items()}

    def value(self, key: str) -> Span | None:
        """Returns the place of the value of a key that is there."""
        entry = self.entries.get(key)
        return _span(self.path, self.text, entry.start) if entry else None


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
        else:
            if key and entry:
                entries[key] = entry
    return Dotenv(path, text, entries) if is_read else None


def update_dotenv(dotenv: Dotenv, assignments: Sequence[tuple[str, str, str]]) -> str:
    """Returns the text with each (key, value, comment) in it; what it says already, and all else, stays."""
    text, known = dotenv.text, dotenv.entries
    changed = [(known[key], value) for key, value, _ in assignments if key in known]
    for entry, value in sorted(changed, key=lambda change: -change[0].start):
        if entry.value != value:
            quoted = env_quote(value)
            # Text may follow a closing quote at once; without quotes it would become part of the value.
            if quoted == value and text[entry.start : entry.end].startswith(("'", '"')):
                quoted = f"'{value}'"
            text = text[: entry.start] + quoted + text[entry.end :]
    lines = [(f"{key}={env_quote(value)}", why) for key, value, why in assignments if key not in known]
    return _appended(text, lines)


def env_example(keys: Iterable[tuple[str, str]]) -> str:
    """Returns each (key, comment) without a value, laid out as update_dotenv does."""
    return _appended("", [(f"{key}=", comment) for key, comment in keys])


def _appended(text: str, lines: Sequence[tuple[str, str]]) -> str:
    added = ""
    for comment, group in groupby(lines, lambda line: line[1]):
        heading = ["", *(f"# {part}".rstrip() for part in comment.splitlines())] if comment else []
        added += "".join(f"{line}\n" for line in (*heading, *(line for line, _ in group)))
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
    dollars = {found.lastgroup for found in _DOLLAR.finditer(value)}
    if "broken" in dollars:
        help = "put the value in single quotes, where $ has no meaning"
        raise ValueError(start, 'this value holds a "${" that begins no reference to a variable', help)
    if dollars == {"escaped"}:
        value = value.replace("$$", "$")
    return key, Entry(value, start, end, "reference" in dollars)


def _span(path: str, text: str, position: int) -> Span:
    line = text.count("\n", 0, position) + 1
    column = position - max(text.rfind("\n", 0, position) + 1, text.startswith("\ufeff")) + 1
    return Span(path=path, line=line, column=column, end_line=line, end_column=column + 1)


def generate(secret: Secret, entropy: Entropy) -> str:
    """Returns a new value: `length` characters, or for hex and base64 that many random bytes written so."""
    if secret.alphabet == "hex":
        return entropy(secret.length).hex()
    if secret.alphabet == "base64":
        return b2a_base64(entropy(secret.length), newline=False).decode()
    text = ""
    while len(text) < secret.length:
        text += "".join(_ALPHANUMERIC[byte : byte + 1] for byte in entropy(secret.length))
    return text[: secret.length]


def fill(
    project: Project, dotenv: Dotenv, entropy: Entropy, given: Mapping[str, str], report: Report
) -> list[tuple[str, str, str]] | None:
    """Returns the key, the value and the comment of every line that `.env` must have; values that are there are kept.

    `given` are values that come from elsewhere, such as the keys of certificates.
    """
    before = report.errors
    values: dict[str, str] = {**dotenv.values, **given}
    for secret in project.secrets:
        if secret.generate and not values.get(secret.key):
            values[secret.key] = generate(secret, entropy)
        _check_value(secret, values.get(secret.key, ""), dotenv, report)
    if report.errors > before:
        return None
    lines = [(one.key, values[one.key], one.owner[:1].upper() + one.owner[1:]) for one in project.secrets]
    lines += [(key, value, "Private key of a server certificate") for key, value in given.items()]
    for variable in project.variables:
        try:
            values[variable.key] = derive(variable, values)
        except ValueError as fault:
            keys = iter_keys(variable.value) if isinstance(variable.value, Connection) else ()
            place = next(filter(None, map(dotenv.value, keys)), Span(dotenv.path))
            told, help = f"{variable.key} cannot be made: {fault}", "choose another password in .env"
            report.error("unusable-password", told, place, help)
        else:
            lines.append((variable.key, values[variable.key], variable.comment))
    return None if report.errors > before else lines


def derive(variable: Variable, values: Mapping[str, str]) -> str:
    """Returns the value of a line that follows from others: a connection string, or a digest of secrets."""
    if isinstance(variable.value, Connection):
        return render_connection(variable.value, values)
    text = "\0".join(f"{key}={values.get(key, '')}" for key in variable.value.keys)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _check_value(secret: Secret, value: str, dotenv: Dotenv, report: Report) -> None:
    key, place = secret.key, dotenv.value(secret.key) or secret.span
    refused = secret.refuse and f"{secret.refuse}\0\n\r"
    found = [character for character in dict.fromkeys(value) if character in refused]
    if not value:
        told = f"{secret.owner} takes its value from {key} in .env, which is not set there"
        report.error("missing-secret", told, secret.span, f"add {key}= to .env")
    elif key in dotenv.entries and dotenv.entries[key].is_interpolated:
        told = f"the value of {key} in .env refers to other variables, which stackc does not follow"
        report.error("env-interpolation", told, place, "put the value in single quotes")
    elif found or not all(re.fullmatch(pattern[1:-1], value) for pattern in secret.patterns):
        names = ", ".join("a line break" if one in "\n\r\0" else f'"{one}"' for one in found)
        told = f"{secret.owner} cannot take the value of {key} in .env" + (names and f", which holds {names}")
        report.error("unusable-password", told, place, secret.reason or "choose another value")
