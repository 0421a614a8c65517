"""Findings as text for a person, with the lines that they are about; and the page that explains each."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from compiler.report import Diagnostic, Span
from compiler.source.masking import masked_lines, redact, split_lines
from compiler.source.shipped import SCHEMAS

Paint = Callable[[str, str], str]
Lines = Mapping[str, Sequence[str]]

_LONGEST_LINE = 160
_KEPT_BEFORE = 40
_STYLES = {"error": "1;31", "warning": "1;33", "note": "1;36", "help": "1;32", "gutter": "34", "place": "1"}
_ENV_FILE = re.compile(r"(?:^|/)\.env[^/]*\Z", re.IGNORECASE)


def render_report(
    diagnostics: Iterable[Diagnostic],
    sources: Mapping[str, str],
    format: str,
    *,
    color: bool = False,
    changes: Sequence[Mapping[str, Any]] = (),
    private: Collection[str] = (),
    places: tuple[str, str] | None = None,
) -> str:
    """Returns the findings in order, each once, without a final newline; no line of an env file is shown.

    `format` is `text`, `json`, `github` or `sarif`; `changes` are what JSON says of rendered files, and `private` are
    values that are never shown, beside all that may be secret. `places` are the folder from which paths count and
    the one from which machines shall count them.
    """
    found = [*diagnostics]
    spans = (span for one in found for span in (one.span, *(note.span for note in one.notes)))
    paths = {span.path for span in spans} & sources.keys()
    shown = [path for path in paths if not _ENV_FILE.search(path)]
    files = {path: masked_lines(split_lines(sources[path]), private) for path in shown}
    told = redact(found, files, private)
    findings = sorted(dict.fromkeys(told), key=lambda finding: finding.sort_key)
    if format == "text":
        return _text(findings, files, color)
    from compiler.pages import machines

    if format != "json" and places:
        findings = [machines.moved(one, *places) for one in findings]
    if format == "github":
        return machines.render_github(findings)
    if format == "sarif":
        return machines.render_sarif(findings)
    return machines.render_json(findings, changes)


def visible(text: str) -> str:
    """Returns text that cannot steer a terminal: what does not print is shown as its escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _text(findings: Sequence[Diagnostic], lines: Lines, color: bool) -> str:
    paint = (lambda text, style: f"\x1b[{_STYLES[style]}m{text}\x1b[0m") if color else lambda text, _: text
    blocks = ["\n".join(_finding(finding, lines, paint)) for finding in findings]
    severities = [finding.severity for finding in findings]
    counts = [(word, severities.count(word)) for word in ("error", "warning")]
    summary = ", ".join(f"{count} {word}{'s' * (count > 1)}" for word, count in counts if count)
    return "\n\n".join([*blocks, summary])


def _finding(finding: Diagnostic, lines: Lines, paint: Paint) -> Iterator[str]:
    yield from _place(finding.severity, f"{finding.message} [{finding.id}]", finding.span, lines, paint)
    if finding.help:
        gutter = " " * len(str(finding.span.line))
        help = f"\n{gutter}         ".join(map(visible, finding.help.splitlines()))
        yield f"{gutter} {paint('=', 'gutter')} {paint('help:', 'help')} {help}"
    for note in finding.notes:
        yield from _place("note", note.message, note.span, lines, paint)


def _place(kind: str, message: str, span: Span, lines: Lines, paint: Paint) -> Iterator[str]:
    """Yields what is told of a place, and its line with what is meant underlined."""
    where = f"{visible(span.path)}:{span.line}:{span.column}:"
    yield f"{paint(where, 'place')} {paint(kind + ':', kind)} {visible(message)}"
    source = lines.get(span.path, ())
    if 1 <= span.line <= len(source):
        window, start, end = _cut(source[span.line - 1], span)
        cells = [_cell(character) for character in window]
        empty = paint(f"{'':{len(str(span.line))}} |", "gutter")
        shown = paint(f"{span.line} |", "gutter") + " " + "".join(text for text, _ in cells)
        before, marked = (sum(width for _, width in part) for part in (cells[:start], cells[start:end]))
        carets = paint("^" * max(1, marked), kind)
        yield from (empty, shown.rstrip(), f"{empty} {' ' * before}{carets}")


def _cut(text: str, span: Span) -> tuple[str, int, int]:
    """Returns what is shown of a line, and from where to where in it the span goes."""
    start = min(span.column - 1, len(text))
    end_line, end_column = end_of(span)
    end = end_column - 1 if end_line == span.line else len(text.rstrip())
    first = max(0, min(start - _KEPT_BEFORE, len(text) - _LONGEST_LINE))
    last = min(first + _LONGEST_LINE, len(text))
    head, tail = "..." if first else "", "..." if last < len(text) else ""
    moved = len(head) - first
    return head + text[first:last] + tail, start + moved, min(end, last) + moved


def end_of(span: Span) -> tuple[int, int]:
    return max((span.line, span.column), (span.end_line, span.end_column))


def _cell(character: str) -> tuple[str, int]:
    """Returns how a character is shown, and the columns that this takes in a terminal."""
    if " " <= character <= "~":
        return character, 1
    shown = visible(character)
    if shown != character:
        return shown, len(shown)
    from unicodedata import category, east_asian_width

    if category(character) in ("Mn", "Me"):
        return shown, 0
    return shown, 2 if east_asian_width(character) in "WF" else 1


class Page(NamedTuple):
    """What is wrong, why that matters, and a whole stack with and without it, where a stack alone can show it.

    `seen` are texts that others print for it, by who prints them.
    """

    what: str
    why: str
    severity: str = "error"
    wrong: str = ""
    right: str = ""
    seen: Mapping[str, Sequence[str]] = {}


@cache
def load_pages() -> dict[str, Page]:
    """Returns the page of each finding by its id, from schemas/findings.yaml."""
    import yaml

    # Not this project's own reader, which takes ten times as long to know every place.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    data = yaml.load(SCHEMAS.joinpath("findings.yaml").read_bytes(), loader)
    return {id: Page(**entry) for id, entry in data.items()}


def render_explanation(page: Page) -> str:
    """Returns why, and the two stacks, for a terminal."""
    from textwrap import indent

    stacks = {"wrong": page.wrong, "right": page.right}
    blocks = [f"{word}:\n\n{indent(text.rstrip(), '    ')}" for word, text in stacks.items() if text]
    return "\n\n".join([page.why, *blocks])
