"""The words for broken YAML: a parser's complaint becomes one diagnostic that a person can act on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from compiler.report import Diagnostic, Note
from compiler.source.fault import Fault, build_error, build_span, quoted

if TYPE_CHECKING:
    from collections.abc import Callable


def build_syntax_error(fault: Fault) -> Diagnostic:
    """Returns the one diagnostic for the place where parsing stopped."""
    for pattern, build in _RULES:
        if re.search(pattern, fault.complaint) and (found := build(fault)):
            return found
    return build_error(
        fault, "the YAML cannot be read from here on", "check the quotes, brackets and indentation"
    )


def _tab(fault: Fault) -> Diagnostic | None:
    line = fault.place[0]
    if fault.bracket and "tab character" not in fault.complaint:
        return None
    indentation = re.match(r"( *)(\t+)", fault.lines[line - 1])
    if indentation:
        place, width = (line, len(indentation.group(1)) + 1), len(indentation.group(2))
    elif fault.rest(fault.place).startswith("\t"):
        place, width = fault.place, 1
    else:
        return None
    return build_error(
        fault, "a tab is used as indentation", "replace each tab with spaces", place, width, "yaml-tab"
    )


def _unclosed_quote(fault: Fault) -> Diagnostic:
    mark = fault.rest(fault.since)[:1]
    help = f"add {mark} where the text ends"
    return build_error(fault, f"the quote {mark} is never closed", help, fault.since, 1)


def _runaway_quote(fault: Fault) -> Diagnostic | None:
    if fault.quote is None or fault.quote[2] != fault.place[0]:
        return None
    line, column, end, _ = fault.quote
    mark = fault.rest((line, column))[:1]
    message = f"the quote {mark} that opens here closes only on line {end}"
    note = Note(message="after that quote the text goes on", span=build_span(fault.path, fault.place, 1))
    return build_error(fault, message, f"add {mark} where the text ends", (line, column), 1, notes=(note,))


def _dollar_brace(fault: Fault) -> Diagnostic | None:
    line, column = fault.place
    if not fault.bracket or fault.lines[line - 1][column - 2 : column] != "${":
        return None
    start = fault.rest((line, column - 1))[:3].rstrip()
    start = start if start == "${{" else "${"
    message = f'"{start}" inside brackets needs quotes'
    return build_error(fault, message, "put the value in quotes", (line, column - 1), len(start))


def _unclosed_bracket(fault: Fault) -> Diagnostic | None:
    opening, token = fault.bracket, fault.token(fault.place)
    if not opening:
        return None
    if not fault.is_at_end and (opening[0] == fault.place[0] or token in ("]", "}", ",")):
        return None
    bracket = fault.rest(opening)[:1]
    closing = {"[": "]", "{": "}"}.get(bracket, "]")
    message, help = f'the "{bracket}" is never closed', f'add "{closing}" where it ends'
    if fault.is_at_end:
        return build_error(fault, message, help, opening, 1)
    note = Note(message="it cannot go on here", span=build_span(fault.path, fault.place, 1))
    return build_error(fault, message, help, opening, 1, notes=(note,))


def _comma(fault: Fault) -> Diagnostic:
    closing = "]" if "]" in fault.complaint else "}"
    found = quoted(fault.token(fault.place))
    return build_error(
        fault, f'expected "," or "{closing}" before {found}', "put text with such characters in quotes"
    )


def _content(fault: Fault) -> Diagnostic | None:
    found = fault.token(fault.place)
    if found in ("]", "}") and not fault.bracket:
        return _stray(fault)
    return build_error(
        fault, f"expected a value before {quoted(found)}", "write a value there, or put the text in quotes"
    )


def _stray(fault: Fault) -> Diagnostic | None:
    found, (line, column) = fault.token(fault.place), fault.place
    if found in ("]", "}"):
        return build_error(
            fault, f'the "{found}" closes nothing', "remove it, or put the whole value in quotes"
        )
    mark = fault.lines[line - 1][column - 2 : column - 1]
    if mark in ("'", '"') and mark in fault.rest(fault.place):
        help = "write '' for a quote inside single quotes" if mark == "'" else 'write \\" for a quote inside'
        return build_error(fault, f"the quoted text ends before {quoted(found)}", help)
    message = f"expected the end of the line before {quoted(found)}"
    return build_error(fault, message, "put the whole value in quotes") if found else None


def _after_end(fault: Fault) -> Diagnostic | None:
    if not fault.is_first_on_line or fault.is_at_end:
        return None
    return build_error(fault, "text follows the end of the document", 'remove the line "..." above it')


def _first_character(fault: Fault) -> Diagnostic:
    character = quoted(fault.rest(fault.place)[:1])
    return build_error(fault, f"a value cannot start with {character}", "put the value in quotes")


def _missing_colon(fault: Fault, line: int) -> Diagnostic:
    text = fault.lines[line - 1].strip()
    place = (line, len(fault.lines[line - 1]) - len(fault.lines[line - 1].lstrip()) + 1)
    if re.match(r"-\w", text):
        message, help = "has no space after the dash", "write a space after the dash"
    elif re.match(r"(- +)*[\w.-]+:\S", text):
        message, help = "has no space after the colon", "write a space after the colon"
    else:
        message, help = 'has no ":" after it', "write it as a key with a value"
    return build_error(fault, f"{quoted(text)} {message}", help, place, len(text))


def _simple_key(fault: Fault) -> Diagnostic:
    return _missing_colon(fault, fault.since[0])


def _second_colon(fault: Fault) -> Diagnostic:
    line, column = fault.place
    before = fault.lines[line - 1][: column - 1]
    if ": " in before:
        return build_error(fault, 'a value with ": " in it needs quotes', "put the value in quotes", width=1)
    above = fault.previous(line)
    is_item = before.lstrip().startswith("- ")
    if above and not is_item and not re.search(r":(\s|$)", fault.lines[above - 1]):
        return _missing_colon(fault, above)
    start = (line, len(before) - len(before.lstrip(" -?")) + 1)
    message = f"{quoted(before.strip(' -?'))} is indented deeper than the line above allows"
    return build_error(fault, message, _align(fault), start, max(1, column - start[1]))


def _indentation(fault: Fault) -> Diagnostic | None:
    if fault.rest(fault.place).startswith(":"):
        return build_error(fault, 'there is no key before ":"', "write a key there", code="non-string-key")
    if not fault.is_first_on_line:
        return None
    return build_error(fault, "the indentation of this line matches no line above", _align(fault))


def _align(fault: Fault) -> str:
    """The indentations of the lines around this one; the person meant one of the nearest two."""
    here, line = fault.indent(fault.place[0]), fault.place[0]
    around: set[int] = set()
    while (above := fault.previous(line)) is not None and 0 not in around:
        line = above
        if not around or fault.indent(line) < min(around):
            item = re.match(r" *(- +)*", fault.lines[line - 1])
            around |= {fault.indent(line), item.end() if item else 0}
    nearest = sorted(sorted(around - {here}, key=lambda indent: abs(indent - here))[:2])
    if not nearest or nearest == [0]:
        return "remove the indentation"
    return f"indent it by {' or '.join(map(str, nearest))} spaces"


def _list_item(fault: Fault) -> Diagnostic:
    if fault.is_first_on_line:
        return build_error(fault, "a list item cannot stand here", _align(fault))
    return build_error(
        fault, "a list cannot start on the line of its key", "move each item to a line of its own"
    )


def _not_an_item(fault: Fault) -> Diagnostic:
    message = f"expected another item of the list that starts on line {fault.since[0]}"
    return build_error(fault, message, 'start the line with "- ", or move it out of the list')


def _escape(fault: Fault) -> Diagnostic:
    line, column = fault.place
    start = max(1, fault.lines[line - 1].rfind("\\", 0, column) + 1)
    found = re.match(r"\\(x.{0,2}|u.{0,4}|U.{0,8}|.?)", fault.rest((line, start)))
    text = found.group() if found else "\\"
    help = 'write "\\\\" for a backslash, or use single quotes'
    return build_error(fault, f"{quoted(text)} is no escape in double quotes", help, (line, start), len(text))


def _row(
    message: str, help: str, at_start: bool = False, code: str = "yaml-syntax"
) -> Callable[[Fault], Diagnostic]:
    def build(fault: Fault) -> Diagnostic:
        place = fault.since if at_start else fault.place
        opener = fault.rest(fault.since)[:1]
        words = message.format(opener=opener, token=quoted(fault.token(place)))
        return build_error(fault, words, help, place, code=code)

    return build


# libyaml and PyYAML's own parser word their complaints differently: each pattern matches both.
_RULES: tuple[tuple[str, Callable[[Fault], Diagnostic | None]], ...] = (
    (r"quoted scalar: .*(end of stream|document)", _unclosed_quote),
    (r"quoted scalar: .*(escape|hexdecimal)", _escape),
    (r"", _tab),
    (r"", _runaway_quote),
    (r"tag handle", _row("the tag {token} is not known", "remove the tag", True, "unknown-tag")),
    (
        r"a tag: |unicode",
        _row('"{opener}" starts a tag that is not complete', "put the value in quotes", True),
    ),
    (r"directive|YAML document", _row('a "%" line is not read here', "remove the line", True)),
    (r"an (alias|anchor): ", _row('"{opener}" needs a name after it', "put the value in quotes", True)),
    (
        r"block scalar: .*(line break|chomping)",
        _row('text follows "{opener}" on its line', "move it to the next line"),
    ),
    (r"block scalar: .*indicator", _row('the number after "{opener}" is not 1 to 9', "remove the number")),
    (r"cannot start any token", _first_character),
    (r"", _dollar_brace),
    (r"", _unclosed_bracket),
    (r"unexpected ':'", _row('":" has no space after it', "write a space there, or put the text in quotes")),
    (r"',' or", _comma),
    (r"node content", _content),
    (r"mapping values are", _second_colon),
    (r"mapping keys are", _row('"?" stands in the middle of a value', "put the value in quotes")),
    (r"sequence entries are", _list_item),
    (r"simple key: ", _simple_key),
    (r"block collection: ", _not_an_item),
    (r"block mapping: ", _indentation),
    (r"block mapping: ", _stray),
    (r"document start", _after_end),
    (r"document start", _stray),
)
