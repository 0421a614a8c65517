"""One YAML text: what its scalars mean, where a parser's events stand, and the words for where it is broken."""

from __future__ import annotations

import re
from typing import Any

from compiler.report import Diagnostic, Span

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
# Python refuses to read an integer of thousands of digits; 64 bits have at most 19.
_NUMBER = re.compile(r"-?[0-9]{1,19}|-?[0-9]{1,20}\.[0-9]{1,20}")
# What fits a core tag; every number is finite.
TAGGED = {
    "str": r"(?s:.*)",
    "int": r"[-+]?[0-9]{1,19}|0o[0-7]{1,21}|0x[0-9a-fA-F]{1,16}",
    "float": r"[-+]?(?:\.[0-9]{1,200}|[0-9]{1,200}(?:\.[0-9]{,200})?)(?:[eE][-+]?[0-9]{1,2})?",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "null": r"~|null|Null|NULL|",
}
Scalar = str | int | float | bool | None

_KEYS = 'align it with the keys around it, and write ": " after each'
_QUOTE, _ALIGN = "put the value in quotes", "give it the indentation of the lines that it belongs to"
# What a parser says, a line break, the line up to where it stopped, NUL, and the rest of that line; then the message,
# the help, and the rule where it is another than `yaml-syntax`. Each row holds for all releases of libyaml and for
# PyYAML's own parser, whose sentences differ. A person looks where the broken token began for these:
_BEGAN = (
    (r"\n\0?%", 'a "%" line is not read here', "remove the line"),
    (r"quoted scalar: .*\n.*\0(---|\.{3}|$)", "the quote {1} is never closed", "add {1} where the text ends"),
    (r"tag handle", "the tag {} is not known", "remove the tag", "unknown-tag"),
    (r" a tag: ", "the tag {} cannot be read", _QUOTE),
    (r"scanning an a", "{} needs a name of letters and digits", _QUOTE),
    (r"simple key: ", 'expected ": " after {}', 'write "key: value", or "- item" in a list'),
)
# For the others they look where the parser stopped.
_STOPPED = (
    (r"\n[ ?-]*\0\t", "a tab is used as indentation", "replace each tab with spaces", "yaml-tab"),
    (r"\0\t", "a tab stands where only a space can", "replace each tab with spaces", "yaml-tab"),
    (r"quoted scalar: ", "double quotes know no such escape", 'write "\\\\" for a backslash'),
    (r"nesting depth", "values are nested more than 100 levels deep", "use fewer levels", "nested-too-deep"),
    (r"any token", "a value cannot start with {}", _QUOTE),
    (r"block scalar: ", "expected the end of the line before {}", "start the text on the next line"),
    (r" a flow .*\n.*\$\0\{", '"${{" inside brackets needs quotes', _QUOTE),
    (r"node content", "expected a value before {}", "write one, or put the text in quotes"),
    (r" a flow |unexpected ':'", 'expected "," or the closing bracket before {}', "put the text in quotes"),
    (r"mapping values.*\n *\t", "a tab is used as indentation", "replace each tab with spaces", "yaml-tab"),
    (r"mapping values.*\n.*: .*\0", 'a value with ": " in it needs quotes', _QUOTE),
    (r"mapping values", "the key is indented too deep, or the line above is no key with a value", _KEYS),
    (r"keys are", "{} stands in the middle of a value", _QUOTE),
    (r"entries are", "a list item cannot start here", "put each item on a line of its own"),
    (r"block collection: ", "expected another item of the list above", 'start the line with "- "'),
    (r"\0[\]}]", "the {} closes nothing", "remove it, or put the whole value in quotes"),
    (r"document start.*\n[ ?-]*\0", "text stands outside of the document", "remove it"),
    (r"\0:", 'there is no key before ":"', "write a key there", "non-string-key"),
    (r"block mapping: .*\n[ ?-]*\0", "the indentation of this line matches no line above", _ALIGN),
    (r"""['"]\0""", "the quoted text ends before {}", 'double the \' inside, or write \\" for a " inside'),
    (r"block mapping: |document start", "expected the end of the line before {}", _QUOTE),
    (r"", "the YAML cannot be read from here on", "check the quotes, brackets and indentation"),
)
_TOKEN = re.compile(r"[\[\]{},|>?'\"]|\t+|[^\s,\[\]{}]+|")
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*[ \t]+)+(?=[^\s#])")
_TAG = re.compile(r"(?:&\S+\s+)?(!<[^>]*>|![^\s,\[\]{}]*)")
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*")


def resolve(text: str) -> Scalar:
    """Returns the value of unquoted text; a number prints as it was written, so `3.10` stays text."""
    if text in _WORDS:
        return _WORDS[text]
    if not _NUMBER.fullmatch(text):
        return text
    number = float(text) if "." in text else int(text)
    return number if str(number) == text else text


def convert(kind: str, text: str) -> Scalar:
    """Returns the value of text that fits a core tag."""
    if kind == "int":
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    return text if kind == "str" else float(text) if kind == "float" else _WORDS[text]


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

    def place(self, start: Any, end: Any, first: Span | None = None) -> Span:
        """Returns the first line between two events, without anchor and tag; `first` is a collection's first part."""
        (line, column), (end_line, end_column) = self.mark(start.start_mark), self.mark(end.end_mark)
        text, tag, style = self.lines[line - 1], getattr(start, "tag", None), getattr(start, "style", None)
        has_properties = tag is not None or start.anchor is not None
        if has_properties and (found := _PROPERTIES.match(text, column - 1)):
            column = found.end() + 1
        if hasattr(start, "flow_style") and not (start.flow_style and end_line == line):
            if first and first.line != line and has_properties:
                return first
            end_column = first.end_column if first and first.line == line else column + 1
        elif style in ("|", ">") and (header := _BLOCK_HEADER.match(text, column - 1)):
            end_column = header.end() + 1
        elif end_line != line:
            end_column = len(text.rstrip()) + 1
        return self.on(line, column, end_column)

    def tag(self, event: Any) -> Span:
        line, column = self.mark(event.start_mark)
        found = _TAG.match(self.lines[line - 1], column - 1)
        start, end = found.span(1) if found else (column - 1, column)
        return self.on(line, start + 1, end + 1)

    def explain(self, fault: Exception, bracket: Span | None) -> Diagnostic:
        """Returns the one finding for the place where parsing stopped; `bracket` is the innermost open one."""
        mark = getattr(fault, "problem_mark", None)
        stopped, began = self.mark(mark), self.mark(getattr(fault, "context_mark", None) or mark)
        said = f"{getattr(fault, 'context', '')}: {getattr(fault, 'problem', '')}"
        text, end = self.lines[stopped[0] - 1], stopped[1] - 1
        before, rest = text[:end], text[end:]
        scene = f"{said}\n{before}\0{rest}"
        rows = [*((row, began) for row in _BEGAN), *((row, stopped) for row in _STOPPED)]
        (_, message, help, *rule), (line, column) = next(one for one in rows if re.search(one[0][0], scene))
        is_over = not rest or (rest[0] not in "]}," and bracket and bracket.line != stopped[0])
        if bracket and is_over and " a flow " in said:
            message, help = "the {} is never closed", "close it where it ends"
            line, column = bracket.line, bracket.column
        if "yaml-tab" in rule and not rest.startswith("\t"):
            column = text.index("\t") + 1
        found = _TOKEN.match(self.lines[line - 1], column - 1)
        token = found[0] if found else ""
        place = self.on(line, column, column + max(len(token), 1))
        message, help = (words.format(quoted(token), token) for words in (message, help))
        return Diagnostic(rule[0] if rule else "yaml-syntax", "error", message, place, help)


def quoted(text: str, limit: int = 40) -> str:
    """Returns what a person wrote, in quotes, on one line and short enough for a message."""
    short = text if len(text) <= limit else text[: limit - 3] + "..."
    mark = "'" if '"' in short and "'" not in short else '"'
    return mark + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in short) + mark
