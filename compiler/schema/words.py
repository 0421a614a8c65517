"""Faults in sentences of the stack's own words; what may be secret is never quoted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from compiler.report import suggest
from compiler.schema import Fault
from compiler.schema.homes import first_homes
from compiler.schema.patterns import is_match
from compiler.source.masking import hides, is_secret_name

_LONGEST, _DEEPEST = 60, 8
_TYPES = {
    "string": "a string",
    "number": "a number",
    "integer": "an integer",
    "array": "a list",
    "object": "a mapping",
    "boolean": "true or false",
    "null": "nothing",
}
_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "{} or more characters",
    "maxLength": "{} or fewer characters",
    "minItems": "{} or more items",
    "maxItems": "{} or fewer items",
    "minProperties": "{} or more entries",
    "maxProperties": "{} or fewer entries",
}


def word(fault: Fault) -> tuple[str, str, str | None]:
    """Returns the id of a finding, its message, and its help."""
    id, told, find_help = _WORDS.get(fault.keyword, _FORM)
    if fault.keyword == "slowPattern":
        # The words of the schema are about the value, which nobody knows to be wrong.
        return id, _filled(told, fault), str(find_help)
    schema = fault.schema
    if "x-says" in schema and fault.keyword != "type":
        told = schema["x-says"]
    help = find_help(fault) if callable(find_help) else find_help
    if help is None or ("x-help" in schema and not help.startswith("did you mean")):
        help = _filled(_lowered(schema.get("x-help") or schema.get("description", "")), fault) or None
    return fault.id or id, _filled(told, fault), help


def _filled(text: str, fault: Fault) -> str:
    path, noun, data = fault.path, _escaped(fault.noun, 3 * _LONGEST), fault.data
    words: dict[str, Callable[[], str]] = {
        "{value}": lambda: _shown(fault),
        "{text}": lambda: "..." if _is_hidden(fault) else _escaped(_scalar(data), 3 * _LONGEST),
        "{pair}": lambda: _pair(fault),
        "{name}": lambda: _escaped(str(path[-1])) if path else noun,
        "{owner}": lambda: noun,
        "{thing}": lambda: _name(path, noun, '"{}"'),
        "{group}": lambda: _name(path, noun, "the {}"),
        "{parent}": lambda: _name(path[:-1], noun, "the {}"),
        "{found}": lambda: _found(fault),
        "{amount}": lambda: f"is {_shown(fault)}" if isinstance(data, int | float) else f"has {len(data)}",
        "{rule}": lambda: _expected(fault),
    }
    return re.sub(r"\{\w+\}", lambda match: words[match[0]]() if match[0] in words else match[0], text)


def _pair(fault: Fault) -> str:
    """Returns an item of a list of variables that was written as a mapping, or the form of one."""
    pairs = [*fault.data.items()] if isinstance(fault.data, dict) else []
    is_shown = len(pairs) == 1 and not isinstance(pairs[0][1], dict | list | None)
    if not is_shown or hides(f"{pairs[0][0]}: {pairs[0][1]}"):
        return f"- {_escaped(str(pairs[0][0]))}=VALUE" if len(pairs) == 1 else "- NAME=VALUE"
    return _escaped(f"- {pairs[0][0]}={_scalar(pairs[0][1])}")


def _lowered(text: str) -> str:
    return (text if text[1:2].isupper() else text[:1].lower() + text[1:]).rstrip(".")


def _name(path: Sequence[str | int], noun: str, form: str) -> str:
    """Returns the name of a value: "port" of item 2 of "ports" of service "api"."""
    words = [noun, "..."] if len(path) > _DEEPEST else [noun]
    for is_key, parts in groupby(path[-_DEEPEST:], lambda part: isinstance(part, str)):
        if is_key:
            words.append(form.format(".".join(_escaped(str(part)) for part in parts)))
        else:
            words += [f"item {int(part) + 1}" for part in parts]
    return " of ".join(reversed(words))


def _escaped(text: str, longest: int = _LONGEST) -> str:
    """Returns the text on one line, without control characters, cut to a length that fits in a message."""
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."


def _is_hidden(fault: Fault) -> bool:
    """Says whether a value is better not shown: by the keys that it stands under, or by its own form."""
    keys = [part for part in fault.path if isinstance(part, str)] or [fault.noun.strip('"')]
    return any(map(is_secret_name, keys)) or (isinstance(fault.data, str) and hides(fault.data))


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _shown(fault: Fault) -> str:
    if isinstance(fault.data, dict | list):
        return "a list" if isinstance(fault.data, list) else "a mapping"
    if _is_hidden(fault):
        return "the given value"
    return f'"{_escaped(fault.data)}"' if isinstance(fault.data, str) else _scalar(fault.data)


def _found(fault: Fault) -> str:
    """Returns a value together with its type."""
    if (kind := {str: "string", int: "number", float: "number"}.get(type(fault.data))) is None:
        return "empty" if fault.data is None else _shown(fault)
    return f"a {kind}" if _is_hidden(fault) else f"the {kind} {_shown(fault)}"


def _expected(fault: Fault) -> str:
    rule, schema = fault.rule, fault.schema
    if fault.keyword in ("minimum", "maximum") and {"minimum", "maximum"} <= schema.keys():
        return f"{schema['minimum']} to {schema['maximum']}"
    if fault.keyword in _LIMITS:
        return _LIMITS[fault.keyword].format(rule)
    if fault.keyword == "type":
        types = _wanted(fault)
        return _listed([name for kind, name in _TYPES.items() if kind in types])
    if fault.keyword == "one-of":
        return _listed([_options(names) for names in rule])
    return _escaped(rule) if fault.keyword == "slowPattern" else _options(rule)


def _wanted(fault: Fault) -> set[str]:
    types = {fault.rule} if isinstance(fault.rule, str) else {*fault.rule}
    return types - ({"integer"} if "number" in types else set()) - ({"null"} if len(types) > 1 else set())


def _listed(words: Sequence[str], last: str = "or") -> str:
    *head, tail = words
    return f"{', '.join(head)} {last} {tail}" if head else tail


def _options(names: Iterable[str]) -> str:
    return _listed([f'"{_escaped(name)}"' for name in names], "and")


def _rewritten(fault: Fault) -> str | None:
    """Returns how to write the same value as one of the types that are expected."""
    data, schema, types = fault.data, fault.schema, _wanted(fault)
    if data is None:
        return "give it a value, or leave it out"
    if schema.get("enum"):
        return _closest(fault)
    if types == {"object"}:
        short = schema.get("x-short", "")
        is_usable = short and not (isinstance(data, list) and "{text}" in short)
        return _filled(short, fault) if is_usable else "write its options below it, each as `name: value`"
    is_bare = isinstance(data, str) and re.fullmatch(r"-?\d+(\.\d+)?|true|false", data)
    if is_bare and types & {"integer", "number", "boolean"}:
        return "write it without quotes"
    if (
        "string" in types
        and isinstance(data, int | float)
        and is_match(schema.get("pattern", ""), _scalar(data))
    ):
        return "write it in quotes"
    return "write it as a list, in [ ]" if "array" in types and not isinstance(data, dict) else None


def _closest(fault: Fault) -> str | None:
    """Returns the choice that was meant, or all of them."""
    allowed = [fault.rule] if fault.keyword == "const" else fault.schema.get("enum", fault.rule)
    choices, text = [_scalar(choice) for choice in allowed], _scalar(fault.data)
    if not choices:
        return None
    if _is_hidden(fault) or isinstance(fault.data, dict | list):
        return suggest("", choices)
    if text in choices:
        return "write it without quotes" if isinstance(fault.data, str) else "write it in quotes"
    same = next((choice for choice in choices if choice.lower() == text.lower()), None)
    return f'did you mean "{same}"?' if same else suggest(text, choices)


def _known(fault: Fault) -> str:
    """Returns the option that was meant, or where it belongs."""
    key, schema = str(fault.path[-1]), fault.schema
    if key in schema.get("x-habits", ()):
        return str(schema["x-habits"][key])
    known = schema.get("properties") or schema.get("enum", ())
    home = first_homes(schema).get(key, ())
    return suggest(key, known, f"write it under `{'.'.join(home)}:`" if home else "")


def _added(fault: Fault) -> str:
    """Returns how to add what is missing; of a single option, also what it is."""
    names = _listed([f"`{name}:`" for name in fault.rule], "and")
    told = fault.schema.get("properties", {}).get(fault.rule[0], {}).get("description")
    return f"add {names} ({_lowered(told)})" if told and len(fault.rule) == 1 else f"add {names}"


def _matching(fault: Fault) -> str | None:
    if fault.on_key and fault.keyword == "not":
        return "leave it out"
    if fault.schema.keys() & {"x-help", "description"}:
        return None
    patterns = [fault.schema.get("pattern", ""), *fault.schema.get("patternProperties", ())]
    return f"it has to match {_listed([one for one in patterns if one])}" if any(patterns) else None


_Row = tuple[str, str, "str | Callable[[Fault], str | None] | None"]
_FORM: _Row = ("wrong-format", "{thing} has the wrong form: {value}", _matching)
_WORDS: Mapping[str, _Row] = {
    **dict.fromkeys(_LIMITS, ("out-of-range", "{thing} {amount}, expected {rule}", None)),
    "additionalProperties": ("unknown-option", '{parent} has no option "{name}"', _known),
    "dependentRequired": ("conflicting-options", '{parent} has "{name}" but not {rule}', _added),
    **dict.fromkeys(("const", "enum"), ("not-allowed-value", "{thing} cannot be {value}", _closest)),
    "one-of": ("missing-option", "{group} needs {rule}", "add one of them"),
    "propertyNames": ("wrong-format", '"{name}" cannot be a name in {parent}', _matching),
    "required": ("missing-option", "{group} needs the option {rule}", _added),
    "slowPattern": (
        "slow-pattern",
        'the pattern "{rule}" takes too long to compare with {thing}',
        "change the pattern in the adapter: let no group that repeats hold another repeat or like branches",
    ),
    "together": ("conflicting-options", "{parent} cannot have {rule} together", "keep one of them"),
    "type": ("wrong-type", "{thing} is {found}, expected {rule}", _rewritten),
    "uniqueItems": ("duplicate-item", "{thing} repeats {value}", "remove it"),
}
