"""What the commands do that a shell has itself, whose arguments nobody else sees.

https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_15
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from compiler.pages.shell.follower import EITHER, FAILED, NEVER, OK, Statuses
from compiler.pages.shell.values import NOTHING, UNKNOWN, Scope, Value, joined

_DIRECTIVE = re.compile(r"%%|%[-+ #0-9.]*([a-zA-Z])")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=([\s\S]*)")
_ESCAPES = {r"\n": "\n", r"\t": "\t", r"\r": "\r", r"\\": "\\"}
_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": int.__eq__,
    "-ne": int.__ne__,
    "-gt": int.__gt__,
    "-ge": int.__ge__,
    "-lt": int.__lt__,
    "-le": int.__le__,
}


def _print(scope: Scope, arguments: Sequence[Value]) -> Statuses:
    scope.out.append(joined((*arguments, Value("\n")) if arguments else (Value("\n"),), " "))
    return OK


def printed(arguments: Sequence[Value]) -> Value:
    """Returns what printf writes: texts and numbers as they are, other directives as something unknown."""
    pattern, values = arguments[0], list(arguments[1:])
    form = re.sub(r"\\[ntr\\]", lambda found: _ESCAPES[found[0]], pattern.text)
    taken = iter(values)
    pieces: list[Value] = [pattern._replace(text="")]
    for _ in range(8):
        at, before = 0, len(pieces)
        for found in _DIRECTIVE.finditer(form):
            value = Value("%") if not found[1] else next(taken, NOTHING)
            known = value if found[0] in ("%%", "%s", "%d") else value._replace(text=UNKNOWN)
            pieces += [Value(form[at : found.start()]), known]
            at = found.end()
        pieces.append(Value(form[at:]))
        used = sum(1 for piece in pieces[before:] if piece in values)
        if not used or not (values := values[used:]):
            break
        taken = iter(values)
    # What is left over has gone in as well.
    return joined((*pieces, *(value._replace(text="") for value in arguments[1:])))


def _printf(scope: Scope, arguments: Sequence[Value]) -> Statuses:
    if arguments and arguments[0].text == "-v" and len(arguments) > 2:
        scope.variables[arguments[1].text] = printed(arguments[2:])
    elif arguments:
        scope.out.append(printed(arguments))
    return OK


def _assign(scope: Scope, arguments: Sequence[Value]) -> Statuses:
    for argument in arguments:
        if found := _ASSIGNMENT.fullmatch(argument.text):
            scope.variables[found[1]] = Value(found[2], argument.marks)
    return OK


def _export(scope: Scope, arguments: Sequence[Value]) -> Statuses:
    scope.exported |= {argument.text.partition("=")[0] for argument in arguments}
    return _assign(scope, arguments)


def _unset(scope: Scope, arguments: Sequence[Value]) -> Statuses:
    for argument in arguments:
        scope.variables[argument.text] = NOTHING
        scope.exported.discard(argument.text)
    return OK


def _set(scope: Scope, arguments: Sequence[Value]) -> Statuses:
    words, index = [argument.text for argument in arguments], 0
    while index < len(words) and words[index][:1] in ("-", "+") and words[index] != "--":
        is_on, word = words[index][0] == "-", words[index]
        if "e" in word[1:] and "o" not in word[1:]:
            scope.ends_on_error = is_on
        if word.endswith("o") and index + 1 < len(words):
            index += 1
            scope.ends_on_error = is_on if words[index] == "errexit" else scope.ends_on_error
            scope.fails_in_pipes = is_on if words[index] == "pipefail" else scope.fails_in_pipes
        index += 1
    rest = arguments[index + 1 :] if words[index : index + 1] == ["--"] else arguments[index:]
    if rest or "--" in words[index : index + 1]:
        scope.arguments = list(rest)
    return OK


def _shift(scope: Scope, arguments: Sequence[Value]) -> Statuses:
    count = int(arguments[0].text) if arguments and arguments[0].text.isdigit() else 1
    scope.arguments = scope.arguments[count:]
    return OK


def _read(scope: Scope, arguments: Sequence[Value]) -> Statuses:
    names = [argument.text for argument in arguments if re.fullmatch(r"[A-Za-z_]\w*", argument.text)]
    value = scope.stdin
    known = value if len(names) == 1 and value.is_known and "\n" not in value.text.rstrip("\n") else None
    for name in names or ["REPLY"]:
        text = known.text.rstrip("\n") if known else "" if value.text == "" else UNKNOWN
        scope.variables[name] = Value(text, value.marks)
    # A text of more lines is read to its end by loops.
    return FAILED if value.text == "" else EITHER


def _status(arguments: Sequence[Value], scope: Scope) -> Statuses:
    if not arguments:
        return scope.last
    text = arguments[0].text
    return (OK if int(text) % 256 == 0 else FAILED) if text.isdigit() else EITHER


def _exit(scope: Scope, arguments: Sequence[Value]) -> Statuses:
    scope.exits |= _status(arguments, scope)
    return NEVER


def _return(scope: Scope, arguments: Sequence[Value]) -> Statuses:
    scope.returns |= _status(arguments, scope)
    return NEVER


def _break(scope: Scope, arguments: Sequence[Value]) -> Statuses:
    scope.breaks.add(0)
    return NEVER


def _trap(scope: Scope, arguments: Sequence[Value]) -> Statuses:
    words = [argument.text for argument in arguments if argument.text != "--"]
    if len(words) > 1 and {"EXIT", "0"} & {*words[1:]}:
        scope.trap = "" if words[0] == "-" or UNKNOWN in words[0] else words[0]
    return OK


def _wait(scope: Scope, arguments: Sequence[Value]) -> Statuses:
    return scope.background if arguments else OK


def _test(scope: Scope, arguments: Sequence[Value]) -> Statuses:
    values = list(arguments)
    if values and values[-1].text in ("]", "]]"):
        values.pop()
    if values and values[0].text == "!":
        return frozenset(1 - status for status in _test(scope, values[1:]))
    held = _holds(values)
    return EITHER if held is None else OK if held else FAILED


def _holds(values: Sequence[Value]) -> bool | None:
    """Says whether a test holds, as far as that is known."""
    texts = [value.text for value in values]
    are_known = all(value.is_known for value in values)
    match texts:
        case []:
            return False
        case [one] if are_known:
            return bool(one)
        case ["-n", one] if are_known:
            return bool(one)
        case ["-z", one] if are_known:
            return not one
        case [one, "=" | "==", other] if are_known:
            return one == other
        case [one, "!=", other] if are_known:
            return one != other
        case [one, operator, other] if operator in _NUMBERS and one.strip().isdigit() and other.isdigit():
            return _NUMBERS[operator](int(one), int(other))
    return None


def _known(statuses: Statuses) -> Callable[[Scope, Sequence[Value]], Statuses]:
    return lambda scope, arguments: statuses


BUILTINS: dict[str, Callable[[Scope, Sequence[Value]], Statuses]] = {
    "echo": _print,
    "printf": _printf,
    "export": _export,
    "unset": _unset,
    "set": _set,
    "shift": _shift,
    "read": _read,
    "exit": _exit,
    "return": _return,
    "break": _break,
    "continue": _break,
    "trap": _trap,
    "wait": _wait,
    "false": _known(FAILED),
    **dict.fromkeys(("test", "[", "[["), _test),
    **dict.fromkeys(("readonly", "local", "declare", "typeset"), _assign),
    **dict.fromkeys((":", "true", "umask", "ulimit", "times", "alias", "shopt", "let"), _known(OK)),
    **dict.fromkeys(
        ("cd", "kill", "type", "hash", "getopts", "jobs", "fg", "bg", ".", "source"), _known(EITHER)
    ),
}
