"""One YAML text: what its scalars mean, where a parser's events stand, and the words for where it is broken."""

from __future__ import annotations

import re
from typing import Any

from compiler.model import Unquoted
from compiler.report import Diagnostic, Span

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
# Python refuses to read an integer of thousands of digits; 64 bits have at most 19.
_NUMBER = re.compile(r"-?[0-9]{1,19}|-?[0-9]{1,20}\.[0-9]{1,20}")
_KEYS = 'align it with the keys around it, and write ": " after each'
_QUOTE, _ALIGN = "put the value in quotes", "give it the indentation of the lines that it belongs to"
# What a parser says, a line break, the line up to where it stopped, NUL, and the rest of that line; then the message,
# the help, and the rule where it is another than `yaml-syntax`. Each row holds for all releases of libyaml and for
# PyYAML's own parser, whose sentences differ. A person looks where the broken token began for these:
_BEGAN = (
    (r"quoted scalar: .*\n.*\0(---|\.{3}|$)", "the quote {1} is never closed", "add {1} where the text ends"),
    (r"tag handle| a tag: ", "the tag {} is not known here", "remove the tag", "unknown-tag"),
    (r"scanning an a", "{} needs a name of letters and digits", _QUOTE),
    (r"simple key: ", 'expected ": " after {}', 'write "key: value", or "- item" in a list'),
)
# For the others they look where the parser stopped.
_STOPPED = (
    (r"\0\t|mapping values.*\n *\t", "a tab stands in place of spaces", "replace each tab", "yaml-tab"),
    (r"quoted scalar: ", "double quotes know no such escape", 'write "\\\\" for a backslash'),
    (r"nesting depth", "values are nested more than 100 levels deep", "use fewer levels", "nested-too-deep"),
    (r"any token", "a value cannot start with {}", _QUOTE),
    (r"block scalar: ", "expected the end of the line before {}", "start the text on the next line"),
    (r" a flow .*\n.*\$\0\{", '"${{" inside brackets needs quotes', _QUOTE),
    (r"node content", "expected a value before {}", "write one, or put the text in quotes"),
    (r" a flow |unexpected ':'", 'expected "," or the closing bracket before {}', "put the text in quotes"),
    (r"mapping values.*\n.*: .*\0", 'a value with ": " in it needs quotes', _QUOTE),
    (r"mapping values", "the key is indented too deep, or the line above is no key with a value", _KEYS),
    (r"entries are", "a list item cannot start here", "put each item on a line of its own"),
    (r"block collection: ", "expected another item of the list above", 'start the line with "- "'),
    (r"\0:", 'there is no key before ":"', "write a key there", "non-string-key"),
    (r"block mapping: .*\n[ ?-]*\0", "the indentation of this line matches no line above", _ALIGN),
    (r"""['"]\0""", "the quoted text ends before {}", 'double the \' inside, or write \\" for a " inside'),
    (r"block mapping: ", "expected the end of the line before {}", _QUOTE),
    (r"document start", "expected the end of the file before {}", "remove it, or put it below its key"),
    (r"", "the YAML cannot be read from here on", "check the quotes, brackets and indentation"),
)
_TOKEN = re.compile(r"[\[\]{},|>?'\"]|\t+|[^\s,\[\]{}]+|")
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*[ \t]+)+(?=[^\s#])")


def resolve(text: str) -> Any:
    """Returns the value of unquoted text; a number prints as it was written, so `3.10` stays text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    number = (float(text) if "." in text else int(text)) if _NUMBER.fullmatch(text) else None
    return number if str(number) == text else Unquoted(text)


class Text:
    """The lines of one text, and the places of a parser's events: each on one line."""

    def __init__(self, text: str, path: str) -> None:
        self.path, self.lines = path, text.splitlines() or [""]

    def mark(self, mark: Any) -> tuple[int, int]:
        """Returns the place of a mark; libyaml puts the end of the file on a line of its own."""
        if mark is None or mark.line >= len(self.lines):
            return (len(self.lines), len(self.lines[-1]) + 1) if mark else (1, 1)
        return (mark.line + 1, mark.column + 1)

    def on(self, line: int, column: int, end: int) -> Span:
        return Span(self.path, line, column, line, max(column, end))

    def written(self, place: Span) -> str:
        return self.lines[place.line - 1][place.column - 1 : place.end_column - 1]

    def place(self, start: Any, end: Any, is_block: bool = False) -> Span:
        """Returns a value without its anchor and tag, up to its end or that of its first line, as a block always is."""
        (line, column), (end_line, end_column) = self.mark(start), self.mark(end)
        if found := _PROPERTIES.match(self.lines[line - 1], column - 1):
            column = found.end() + 1
        if is_block or end_line != line:
            rest = self.lines[line - 1][column - 1 :].partition(" #")[0]
            end_column = column + max(len(rest.rstrip(" \t,:")), 1)
        return self.on(line, column, end_column)


def explain(fault: Exception, text: Text, bracket: Span | None) -> Diagnostic:
    """Returns the one finding for the place where a parser stopped; `bracket` is the innermost open one."""
    mark = getattr(fault, "problem_mark", None)
    stopped, began = text.mark(mark), text.mark(getattr(fault, "context_mark", None) or mark)
    said = f"{getattr(fault, 'context', '')}: {getattr(fault, 'problem', '')}"
    line, end = text.lines[stopped[0] - 1], stopped[1] - 1
    scene = f"{said}\n{line[:end]}\0{line[end:]}"
    rows = [*((row, began) for row in _BEGAN), *((row, stopped) for row in _STOPPED)]
    (_, message, help, *rule), at = next(one for one in rows if re.search(one[0][0], scene))
    is_over = end == len(line) or (bracket and bracket.line != stopped[0] and line[end] not in "]},")
    if bracket and is_over and " a flow " in said:
        message, help, at = "the {} is never closed", "close it where it ends", (bracket.line, bracket.column)
    if "yaml-tab" in rule:
        at = (stopped[0], line.index("\t", end if line[end:].startswith("\t") else 0) + 1)
    token = _TOKEN.findall(text.lines[at[0] - 1], at[1] - 1)[0]
    message, help = (words.format(quoted(token), token) for words in (message, help))
    place = text.on(*at, at[1] + max(len(token), 1))
    return Diagnostic(rule[0] if rule else "yaml-syntax", "error", message, place, help)


def quoted(text: str, limit: int = 40) -> str:
    """Returns what a person wrote, in quotes, on one line and short enough for a message."""
    short = text if len(text) <= limit else text[: limit - 3] + "..."
    mark = "'" if '"' in short and "'" not in short else '"'
    return mark + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in short) + mark
