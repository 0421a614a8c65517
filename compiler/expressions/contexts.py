"""Where the expressions of a text stand: a value brings its own quotes, and so must not stand inside of others.

Shells are read by `shell_contexts`; this reads SQL, JSON, JavaScript and XML by tables of their quotes and comments.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from compiler.expressions import EXPRESSION
from compiler.expressions.shell_contexts import READ_AGAIN, read_shell
from compiler.model import Path

_QUOTES = ("quotes", "dollar quotes", "a template")
_HELP = {READ_AGAIN: "hand it on as an argument, as in `sh -c 'echo \"$1\"' sh ${{ user }}`"}
# What these filters let through ends no quotes in any of the languages.
_FITS_IN_QUOTES = re.compile(r"\$\{\{\s*[A-Za-z_][\w.-]*\s*\|\s*(word|symbol|settings)\s*\}\}")


class Misplaced(NamedTuple):
    """What stands where no value can be written safely: the piece of the text, and why, and what to do.

    `before` is how often the same expression stands in front of it.
    """

    source: str
    told: str
    help: str
    before: int = 0


class _Mode(NamedTuple):
    """One kind of stretch of a text: what it is called, what ends it, and what in it is read as one piece."""

    called: str
    end: str
    within: str = r"(?!)"


_BACKSLASH = r"\\[\s\S]"
_LINE = _Mode("a comment", r"\n|\Z")
_BLOCK = _Mode("a comment", r"\*/")

# https://www.postgresql.org/docs/current/sql-syntax-lexical.html
# https://dev.mysql.com/doc/refman/8.4/en/string-literals.html
# https://clickhouse.com/docs/sql-reference/syntax
_ESCAPED = {
    r"'": _Mode("quotes", "'", rf"''|{_BACKSLASH}"),
    r'"': _Mode("quotes", '"', rf'""|{_BACKSLASH}'),
    r"`": _Mode("quotes", "`", r"``"),
    r"(?<![\w$])\$\w*\$": _Mode("dollar quotes", ""),
    r"--|#": _LINE,
    r"/\*": _BLOCK,
}
_STANDARD = {
    r"(?<!\w)[eE]'": _Mode("quotes", "'", rf"''|{_BACKSLASH}"),
    r"'": _Mode("quotes", "'", "''"),
    r'"': _Mode("quotes", '"', '""'),
    r"(?<![\w$])\$(?:[A-Za-z_]\w*)?\$": _Mode("dollar quotes", ""),
    r"--": _LINE,
    r"/\*": _BLOCK,
}
# https://tc39.es/ecma262/#sec-ecmascript-language-lexical-grammar
# A slash begins a regular expression where no operand is before it; that is read as well as a table can.
_JAVASCRIPT = {
    r"'": _Mode("quotes", "'", _BACKSLASH),
    r'"': _Mode("quotes", '"', _BACKSLASH),
    r"`": _Mode("a template", "`", _BACKSLASH),
    r"//": _LINE,
    r"/\*": _BLOCK,
    r"(?:(?<=[(,=:\[!&|?{;\n])|(?<=[(,=:\[!&|?{;] )|(?<=return )|\A)/": _Mode(
        "a regular expression", "/", rf"{_BACKSLASH}|\[(?:[^\]\\\n]|\\.)*\]"
    ),
}
_TABLES: Mapping[str, Mapping[str, _Mode]] = {
    # https://www.rfc-editor.org/rfc/rfc8259#section-7
    "json": {r'"': _Mode("quotes", '"', _BACKSLASH)},
    "javascript": _JAVASCRIPT,
    # https://neo4j.com/docs/cypher-manual/current/syntax/
    "cypher": {
        r"'": _Mode("quotes", "'", _BACKSLASH),
        r'"': _Mode("quotes", '"', _BACKSLASH),
        r"`": _Mode("quotes", "`", "``"),
        r"//": _LINE,
        r"/\*": _BLOCK,
    },
    # In an attribute a value is as safe as in an element: https://www.w3.org/TR/xml/#syntax
    "xml": {
        r"<!--": _Mode("a comment", "-->"),
        r"<!\[CDATA\[": _Mode("a CDATA section", r"\]\]>"),
        r"<\?": _Mode("a processing instruction", r"\?>"),
    },
    "sql standard": _STANDARD,
    "sql backslash": _ESCAPED,
}
# What engines of one style read differently: it can stand in no text whose values have to be safe.
_DISPUTED = {
    "sql standard": r"/\*(?:(?!\*/)[\s\S])*/\*",
    "sql backslash": r"/\*(?:(?!\*/)[\s\S])*/\*|/\*!|--(?=[^\s-])|`[^`]*\\[^`]*`",
}


@lru_cache(maxsize=1024)
def misplaced(text: str, language: str, literal: str = "standard") -> tuple[Misplaced, ...]:
    """Returns what is wrong with the places of the expressions in a text of a language.

    `literal` is how an SQL engine escapes. A text of a language without quotes has nothing that is wrong.
    """
    key = f"sql {literal}" if language == "sql" else language
    if language == "shell":
        return tuple(_judge(text, read_shell(text)))
    return tuple(_judge(text, _read(text, key))) if key in _TABLES else ()


def iter_misplaced(tree: Any, at: Path, language: str, literal: str) -> Iterator[tuple[Path, Misplaced]]:
    """Yields what is wrong in the texts of a tree in whatever branch, each with its place."""
    if isinstance(tree, str):
        yield from ((at, one) for one in misplaced(tree, language, literal))
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from iter_misplaced(item, (*at, index), language, literal)
    elif isinstance(tree, dict):
        # The conditions of a guard enter no text.
        asked = ("when", "each") if "then" in tree else ()
        for key, value in tree.items():
            if key not in asked:
                yield from iter_misplaced(value, (*at, key), language, literal)


def _judge(text: str, stretches: Iterator[tuple[str, str]]) -> Iterator[Misplaced]:
    seen = Counter[str]()
    for where, source in stretches:
        before, seen[source] = seen[source], seen[source] + 1
        if where == "open":
            # What another text would end, a value in between would stand in.
            told = f"{source} does not end in the text in which it begins"
            yield Misplaced("", told, "end it there, as each text is quoted by itself")
        elif "${{" not in text or not where or source == "$${{":
            continue
        elif where == "disputed":
            told = f"{source} is read in several ways, and values stand in this text"
            yield Misplaced(source, told, "write it in another way, such as $( ) in place of backticks")
        elif where not in _QUOTES:
            help = _HELP.get(where, "move it out of there: the value brings its own quotes")
            yield Misplaced(source, f"an expression stands inside {where}", help, before)
        elif not _FITS_IN_QUOTES.fullmatch(source):
            help = "remove the quotes: the value brings its own"
            yield Misplaced(source, f"an expression stands inside {where}", help, before)


def _read(text: str, key: str) -> Iterator[tuple[str, str]]:
    """Yields each expression of a text with the name of what it stands in, which is empty for none."""
    opening, disputed, modes = _opening(key)
    has_braces = key == "javascript"
    # The innermost last; None is the language itself, in braces of it.
    stack: list[_Mode | None] = [None]
    at = 0
    while at < len(text):
        mode, step = stack[-1], 1
        if expression := EXPRESSION.match(text, at):
            yield mode.called if mode else "", expression[0]
            step = len(expression[0])
        elif mode:
            step = _step_within(mode, text, at, stack)
        elif found := disputed.match(text, at):
            yield "disputed", found[0][:2]
        elif begin := opening.match(text, at):
            chosen = modes[(begin.lastindex or 1) - 1]
            stack.append(chosen._replace(end=chosen.end or re.escape(begin[0])))
            step = len(begin[0])
        elif has_braces and text[at] == "{":
            stack.append(None)
        elif has_braces and text[at] == "}" and len(stack) > 1:
            stack.pop()
        at += step
    for mode in stack:
        if mode and mode != _LINE:
            yield "open", mode.called


@lru_cache(maxsize=len(_TABLES))
def _opening(key: str) -> tuple[re.Pattern[str], re.Pattern[str], list[_Mode]]:
    """Returns what begins a stretch, one group for each mode; what is disputed; and the modes."""
    table = _TABLES[key]
    opening = re.compile("|".join(f"({pattern})" for pattern in table))
    return opening, re.compile(_DISPUTED.get(key, "(?!)")), [*table.values()]


def _step_within(mode: _Mode, text: str, at: int, stack: list[_Mode | None]) -> int:
    """Returns how far one step goes in quotes or a comment, which it may leave."""
    if kept := re.compile(mode.within).match(text, at):
        # After a backslash an expression stands in the quotes all the same.
        return 1 if EXPRESSION.match(text, at + 1) else len(kept[0])
    if end := re.compile(mode.end).match(text, at):
        stack.pop()
        return len(end[0])
    if mode.called == "a template" and text.startswith("${", at):
        stack.append(None)
        return 2
    return 1
