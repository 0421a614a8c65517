"""Findings as text for a person, and as JSON, GitHub annotations and SARIF 2.1.0 for machines; pure."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from compiler.report import Diagnostic, Span

    Paint = Callable[[str, str], str]
    Lines = Callable[[str], list[str]]

Format = Literal["text", "json", "github", "sarif"]

_LONGEST_LINE = 160
_KEPT_BEFORE = 40
_STYLES = {"error": "1;31", "warning": "1;33", "note": "1;36", "help": "1;32", "gutter": "34", "place": "1"}
# The line breaks that YAML readers count; str.splitlines knows more of them.
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
# The value of a key that is named like a secret, unless it is a reference; and the password in a URL.
_SECRETS = (
    re.compile(
        r"""((?:password|passwd|secret|token|api_?key)[\w-]*["']?\s*[:=]\s*)"""
        r"""((?!["']?\$)(?:"[^"]*"|'[^']*'|[^\s,{}\[\]"']+))""",
        re.IGNORECASE,
    ),
    re.compile(r"(://[^\s/@:]*:)((?!\$)[^\s@/]+)(?=@)"),
)
_SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render_report(
    diagnostics: Iterable[Diagnostic],
    sources: Mapping[str, str],
    format: Format,
    *,
    color: bool = False,
    version: str,
) -> str:
    """Returns the findings in order, each once, without a final newline; no line of an env file is shown."""
    findings = sorted(dict.fromkeys(diagnostics), key=lambda finding: finding.sort_key)
    if format == "json":
        return _json(findings)
    if format == "github":
        return "\n".join(map(_annotation, findings))
    if format == "sarif":
        return _sarif(findings, version)
    return _text(findings, sources, color)


def _visible(text: str) -> str:
    """Returns text that cannot steer a terminal: what does not print is shown as its escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _text(findings: Sequence[Diagnostic], sources: Mapping[str, str], color: bool) -> str:
    if not findings:
        return ""
    paint = _painter(color)
    lines = _reader(sources)
    blocks = ["\n".join(_finding(finding, lines, paint)) for finding in findings]
    return "\n\n".join([*blocks, _summary(findings)])


def _painter(color: bool) -> Paint:
    if color:
        return lambda text, style: f"\x1b[{_STYLES[style]}m{text}\x1b[0m"
    return lambda text, style: text


def _reader(sources: Mapping[str, str]) -> Lines:
    @cache
    def lines(path: str) -> list[str]:
        if path not in sources or _is_env_file(path):
            return []
        return _LINE_BREAK.split(sources[path])

    return lines


def _is_env_file(path: str) -> bool:
    return path.rpartition("/")[2].lower().startswith(".env")


def _summary(findings: Sequence[Diagnostic]) -> str:
    severities = [finding.severity for finding in findings]
    counts = [(word, severities.count(word)) for word in ("error", "warning")]
    return ", ".join(f"{count} {word}{'s' * (count > 1)}" for word, count in counts if count)


def _finding(finding: Diagnostic, lines: Lines, paint: Paint) -> list[str]:
    severity, message = finding.severity, _visible(finding.message)
    head = f"{_place(finding.span, paint)} {paint(severity + ':', severity)} {message} [{finding.id}]"
    shown = [head, *_snippet(finding.span, lines, severity, paint), *_help(finding, paint)]
    for note in finding.notes:
        shown.append(f"{_place(note.span, paint)} {paint('note:', 'note')} {_visible(note.message)}")
        shown += _snippet(note.span, lines, "note", paint)
    return shown


def _place(span: Span, paint: Paint) -> str:
    return paint(f"{_visible(span.path)}:{span.line}:{span.column}:", "place")


def _help(finding: Diagnostic, paint: Paint) -> list[str]:
    if not finding.help:
        return []
    gutter = " " * len(str(finding.span.line))
    first, *rest = map(_visible, finding.help.splitlines())
    return [
        f"{gutter} {paint('=', 'gutter')} {paint('help:', 'help')} {first}",
        *(f"{gutter}         {line}" for line in rest),
    ]


def _snippet(span: Span, lines: Lines, style: str, paint: Paint) -> list[str]:
    source = lines(span.path)
    if not 1 <= span.line <= len(source):
        return []
    window, start, end = _cut(_masked(source[span.line - 1], span.column), span)
    cells = [_cell(character) for character in window]
    empty = paint(f"{'':{len(str(span.line))}} |", "gutter")
    shown = paint(f"{span.line} |", "gutter") + " " + "".join(text for text, _ in cells)
    lead, carets = _marker(cells, start, end)
    return [empty, shown.rstrip(), f"{empty} {lead}{paint(carets, style)}"]


def _masked(text: str, column: int) -> str:
    """Returns a line of the same length in which what looks like a secret is not to be read where it is shown."""
    first, last = max(0, column - 3 * _LONGEST_LINE), column + 3 * _LONGEST_LINE
    shown = text[first:last]
    for pattern in _SECRETS:
        shown = pattern.sub(lambda found: found[1] + "*" * len(found[2]), shown)
    return text[:first] + shown + text[last:]


def _cut(text: str, span: Span) -> tuple[str, int, int]:
    """Returns what is shown of a line, and from where to where in it the span goes."""
    start = min(span.column - 1, len(text))
    end_line, end_column = _end(span)
    end = end_column - 1 if end_line == span.line else len(text.rstrip())
    if len(text) <= _LONGEST_LINE:
        return text, start, end
    first = max(0, min(start - _KEPT_BEFORE, len(text) - _LONGEST_LINE))
    last = first + _LONGEST_LINE
    head, tail = "..." if first else "", "..." if last < len(text) else ""
    moved = len(head) - first
    return head + text[first:last] + tail, start + moved, min(end, last) + moved


def _end(span: Span) -> tuple[int, int]:
    return max((span.line, span.column), (span.end_line, span.end_column))


def _cell(character: str) -> tuple[str, int]:
    """Returns how a character is shown, and the columns that this takes in a terminal."""
    if character == "\t" or " " <= character <= "~":
        return character, 1
    shown = _visible(character)
    if shown != character:
        return shown, len(shown)
    from unicodedata import category, east_asian_width

    if category(character) in ("Mn", "Me"):
        return shown, 0
    return shown, 2 if east_asian_width(character) in "WF" else 1


def _marker(cells: Sequence[tuple[str, int]], start: int, end: int) -> tuple[str, str]:
    # A tab is copied, since only the terminal knows how far it goes.
    lead = "".join("\t" if text == "\t" else " " * width for text, width in cells[:start])
    carets = "".join("\t" if text == "\t" else "^" * width for text, width in cells[start:end]).rstrip("\t")
    return lead, carets if carets.startswith("^") else f"^{carets}"


def _json(findings: Sequence[Diagnostic]) -> str:
    import json

    return json.dumps([_row(finding) for finding in findings], indent=2)


def _row(finding: Diagnostic) -> dict[str, Any]:
    notes = [{"message": note.message, "span": note.span._asdict()} for note in finding.notes]
    return {**finding._asdict(), "span": finding.span._asdict(), "notes": notes}


def _annotation(finding: Diagnostic) -> str:
    # https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    span = finding.span
    end_line, end_column = _end(span)
    places = {"line": span.line, "col": span.column, "endLine": end_line, "endColumn": end_column}
    if end_line != span.line:  # GitHub takes no columns for an annotation of several lines.
        del places["col"], places["endColumn"]
    properties = {"file": span.path, **places, "title": finding.id}
    joined = ",".join(f"{name}={_github_property(str(value))}" for name, value in properties.items())
    notes = (f"\n{n.span.path}:{n.span.line}:{n.span.column}: note: {n.message}" for n in finding.notes)
    return f"::{finding.severity} {joined}::{_github_data(_with_help(finding) + ''.join(notes))}"


def _github_data(text: str) -> str:
    parts = re.split("([\r\n])", text.replace("%", "%25"))
    return "".join({"\r": "%0D", "\n": "%0A"}.get(part) or _visible(part) for part in parts)


def _github_property(text: str) -> str:
    return _github_data(text).replace(":", "%3A").replace(",", "%2C")


def _with_help(finding: Diagnostic) -> str:
    return f"{finding.message}\nhelp: {finding.help}" if finding.help else finding.message


def _sarif(findings: Sequence[Diagnostic], version: str) -> str:
    import json

    codes = sorted({finding.id for finding in findings})
    driver = {"name": "stackc", "version": version, "rules": [_rule(code) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, codes.index(finding.id)) for finding in findings],
    }
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(code: str) -> dict[str, Any]:
    from compiler.pages.codes import CODES

    page = CODES.get(code)
    if page is None:
        return {"id": code}
    summary, explanation = {"text": page.summary}, {"text": page.explanation}
    return {"id": code, "shortDescription": summary, "fullDescription": explanation, "help": explanation}


def _result(finding: Diagnostic, rule_index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.id,
        "ruleIndex": rule_index,
        "level": finding.severity,
        "message": {"text": _with_help(finding)},
        "locations": [_location(finding.span)],
    }
    if finding.notes:
        result["relatedLocations"] = [
            {"id": number, "message": {"text": note.message}, **_location(note.span)}
            for number, note in enumerate(finding.notes, 1)
        ]
    return result


def _location(span: Span) -> dict[str, Any]:
    end_line, end_column = _end(span)
    start = {"startLine": span.line, "startColumn": span.column}
    region = {**start, "endLine": end_line, "endColumn": end_column}
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(span.path)}, "region": region}}


def _uri(path: str) -> str:
    from urllib.parse import quote

    quoted = quote(path.encode("utf-8", "surrogateescape"))
    return f"file://{quoted}" if path.startswith("/") else quoted
