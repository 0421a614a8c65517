"""Faults in sentences of the stack's own words; what may be secret is never quoted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.report import suggest
from compiler.schema import phrases

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from compiler.model import Path
    from compiler.schema.faults import Fault

_YES = ("true", "yes", "on", "y")
_NO = ("false", "no", "off", "n")


class Finding(NamedTuple):
    """A fault in words; `on_key` puts it at the key."""

    id: str
    message: str
    path: Path
    help: str | None = None
    on_key: bool = False


def word(fault: Fault) -> Finding:
    found = _WORDS.get(fault.keyword, _form)(fault)
    schema = fault.rule if fault.keyword == "propertyNames" else fault.schema
    if fault.keyword != "type" and "x-says" in schema:
        help = _filled(schema["x-help"], fault) if "x-help" in schema else None
        if help is None or (found.help or "").startswith("did you mean"):
            help = found.help
        found = found._replace(message=_filled(schema["x-says"], fault) or found.message, help=help)
    return found._replace(id=fault.id or found.id)


def _filled(text: str, fault: Fault) -> str | None:
    """Returns the words of a schema with what was written in them; no help that would show a secret."""
    if "{text}" in text and phrases.hidden(fault):
        return None
    name = str(fault.path[-1]) if fault.path else fault.noun
    words = {
        "{value}": phrases.shown(fault),
        "{text}": phrases.scalar(fault.data),
        "{name}": name,
        "{owner}": fault.noun,
    }
    return re.sub(
        r"\{\w+\}", lambda match: phrases.escaped(words.get(match[0], match[0]), 3 * phrases.LONGEST), text
    )


# Single values


def _type(fault: Fault) -> Finding:
    types = {fault.rule} if isinstance(fault.rule, str) else {*fault.rule}
    names = types - ({"integer"} if "number" in types else set()) - ({"null"} if len(types) > 1 else set())
    kind = {str: "string", int: "number", float: "number"}.get(type(fault.data))
    if fault.data is None:
        shown = "empty"
    elif kind:
        shown = f"a {kind}" if phrases.hidden(fault) else f"the {kind} {phrases.quoted(fault.data)}"
    else:
        shown = phrases.quoted(fault.data)
    wanted = phrases.listed([name for kind, name in phrases.TYPES.items() if kind in names])
    told = f"{phrases.thing(fault)} is {shown}, expected {wanted}"
    choices = fault.schema.get("enum") if fault.data is not None else None
    help = _closest(fault, choices) if choices else _rewritten(fault, names)
    return Finding("wrong-type", told, fault.path, help or phrases.advice(fault.schema))


def _rewritten(fault: Fault, types: set[str]) -> str | None:
    """Returns how to write the same value as one of these types, unless the schema itself says more."""
    data, schema, text = fault.data, fault.schema, phrases.scalar(fault.data)
    if "x-help" in schema or "such as" in schema.get("description", ""):
        return None
    if data is None:
        return "give it a value, or leave it out"
    if isinstance(data, bool | int | float) and "string" in types:
        # A number with a fraction may have lost digits in reading: 3.10 is 3.1.
        exact = "" if phrases.hidden(fault) or isinstance(data, float) else f': "{text}"'
        return f"write it in quotes{exact}" if re.search(schema.get("pattern", ""), text) else None
    if types == {"object"}:
        return "write its options below it, each as `name: value`"
    number = r"-?\d+(\.\d+)?" if "number" in types else r"-?\d+"
    if isinstance(data, str) and types & {"integer", "number"} and re.fullmatch(number, text):
        return "write it without quotes" + ("" if phrases.hidden(fault) else f": {text}")
    if isinstance(data, str) and "boolean" in types and text.lower() in _YES + _NO:
        return f"write {'true' if text.lower() in _YES else 'false'}"
    if "array" in types and not isinstance(data, dict):
        is_shown = isinstance(data, str) and not phrases.hidden(fault)
        return f"write it as a list: [{phrases.quoted(data)}]" if is_shown else "write it as a list, in [ ]"
    return None


def _closest(fault: Fault, allowed: Sequence[Any]) -> str:
    """Returns the choice that was meant, or all of them."""
    choices, text = [phrases.scalar(choice) for choice in allowed], phrases.scalar(fault.data)
    if phrases.hidden(fault) or isinstance(fault.data, dict | list):
        return suggest("", choices)
    if text in choices:
        is_text = isinstance(fault.data, str)
        return f"write it without quotes: {text}" if is_text else f'write it in quotes: "{text}"'
    same = next((choice for choice in choices if choice.lower() == text.lower()), None)
    return f'did you mean "{same}"?' if same else suggest(text, choices)


def _enum(fault: Fault) -> Finding:
    told = f"{phrases.thing(fault)} cannot be {phrases.shown(fault)}"
    if fault.keyword == "const":
        return Finding("not-allowed-value", told, fault.path, f"write {phrases.quoted(fault.rule)}")
    help = _closest(fault, fault.rule) if fault.rule else phrases.advice(fault.schema)
    return Finding("not-allowed-value", told, fault.path, help, isinstance(fault.data, dict))


def _range(fault: Fault) -> Finding:
    low, high = fault.schema.get("minimum"), fault.schema.get("maximum")
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "more than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    parts = [f"{told} {fault.schema[name]}" for name, told in words.items() if name in fault.schema]
    limit = f"{low} to {high}" if low is not None and high is not None else phrases.listed(parts, "and")
    limit = f"a multiple of {fault.rule}" if fault.keyword == "multipleOf" else limit
    shown = "out of range" if phrases.hidden(fault) else phrases.scalar(fault.data)
    told = f"{phrases.thing(fault)} is {shown}, expected {limit}"
    return Finding("out-of-range", told, fault.path, phrases.advice(fault.schema))


def _size(fault: Fault) -> Finding:
    unit = {"L": "character", "I": "item", "P": "entry"}[fault.keyword[3]]
    limit = f"at {'least' if fault.keyword.startswith('min') else 'most'} {_count(fault.rule, unit)}"
    shown = f"has {_count(len(fault.data), unit)}" if fault.data else "is empty"
    told = f"{phrases.thing(fault)} {shown}, expected {limit}"
    return Finding("out-of-range", told, fault.path, phrases.advice(fault.schema))


def _count(number: int, unit: str) -> str:
    return f"{number} {unit if number == 1 else 'entries' if unit == 'entry' else f'{unit}s'}"


def _contains(fault: Fault) -> Finding:
    """The first item is to blame: it is what tells such lists apart."""
    told = f"{phrases.thing(fault)} has no item of the kind that it needs"
    return Finding("not-allowed-value", told, (*fault.path, 0), phrases.advice(fault.rule))


def _unique(fault: Fault) -> Finding:
    is_shown = isinstance(fault.data, str | int | float) and not phrases.hidden(fault)
    told = f"{phrases.thing(fault)} repeats {phrases.quoted(fault.data) if is_shown else f'item {fault.rule + 1}'}"
    return Finding("duplicate-item", told, fault.path, "remove it")


def _form(fault: Fault) -> Finding:
    help = phrases.advice(fault.schema) or (
        f"it has to match {fault.rule}" if fault.keyword == "pattern" else None
    )
    shown = "" if phrases.hidden(fault) else f": {phrases.quoted(fault.data)}"
    return Finding("wrong-format", f"{phrases.thing(fault)} has the wrong form{shown}", fault.path, help)


# Options of a mapping


def _unknown(fault: Fault) -> Finding:
    key, known = str(fault.path[-1]), fault.schema.get("properties", {})
    patterns = [pattern for pattern in fault.schema.get("patternProperties", ()) if pattern != "^x-"]
    if patterns and not known:
        told = f'"{phrases.escaped(key)}" cannot be a name in {phrases.parent(fault)}'
        help = f"use a name that matches {phrases.listed(patterns)}"
        return Finding("wrong-format", told, fault.path, phrases.advice(fault.schema) or help, True)
    help = suggest(key, known)
    inner = () if help.startswith("did you mean") else _inner(fault.schema, key)
    help = f"write it under `{'.'.join(inner)}:`" if inner else help
    told = f'{phrases.parent(fault)} has no option "{phrases.escaped(key)}"'
    return Finding("unknown-option", told, fault.path, help, True)


def _inner(schema: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Returns where a mapping inside this one has an option of that name, the nearest first."""
    level: list[tuple[tuple[str, ...], Any]] = [((), schema)]
    for _ in range(4):
        level = [
            ((*path, name), form)
            for path, part in level
            for name, inner in part.get("properties", {}).items()
            for form in ([inner, *inner.get("oneOf", ())] if isinstance(inner, dict) else ())
        ]
        found = next((path for path, part in level if key in part.get("properties", ())), ())
        if found:
            return found
    return ()


def _names(fault: Fault) -> Finding:
    key = str(fault.path[-1])
    if "enum" in fault.rule:
        told, help = (
            f'{phrases.parent(fault)} has no option "{phrases.escaped(key)}"',
            suggest(key, fault.rule["enum"]),
        )
        return Finding("unknown-option", told, fault.path, help, True)
    told = f'"{phrases.escaped(key)}" cannot be a name in {phrases.parent(fault)}'
    return Finding(
        "wrong-format", told, fault.path, phrases.advice(fault.rule) or phrases.advice(fault.schema), True
    )


def _add(fault: Fault, name: str) -> str:
    told = phrases.advice(fault.schema.get("properties", {}).get(name), brief=True)
    return f"add `{name}:`" + (f" ({told})" if told else "")


def _required(fault: Fault) -> Finding:
    told = f'{phrases.owner(fault)} needs the option "{fault.rule}"'
    return Finding("missing-option", told, fault.path, _add(fault, fault.rule), True)


def _one_of(fault: Fault) -> Finding:
    told = f"{phrases.owner(fault)} needs {phrases.listed([phrases.options(names) for names in fault.rule])}"
    return Finding("missing-option", told, fault.path, "add one of them", True)


def _dependent(fault: Fault) -> Finding:
    lacking = phrases.options(fault.rule)
    told = f'{phrases.parent(fault)} has "{fault.path[-1]}" but not {lacking}'
    help = _add(fault, fault.rule[0]) if len(fault.rule) == 1 else f"add {lacking}"
    return Finding("conflicting-options", told, fault.path, help, True)


def _not(fault: Fault) -> Finding:
    """Tells what is set although it cannot be: an option, options together, or a value."""
    known = fault.data if isinstance(fault.data, dict) else {}
    rules = (fault.rule or ()) if fault.keyword == "exclusive" else (fault.rule or {},)
    names = [name for rule in rules for name in rule.get("required", ()) if name in known]
    if names:
        together = " together" if len(names) > 1 else ""
        told = f"{phrases.owner(fault)} cannot have {phrases.options(names)}{together}"
        help = "keep one of them" if fault.keyword == "exclusive" else phrases.advice(fault.rule)
        return Finding("conflicting-options", told, (*fault.path, names[-1]), help, True)
    if not fault.rule:
        told = f"{phrases.thing(fault)} cannot be set here"
        return Finding("conflicting-options", told, fault.path, "leave it out", True)
    is_group = isinstance(fault.data, dict | list)
    what = "has a form that is not allowed" if is_group else f"cannot be {phrases.shown(fault)}"
    told = f"{phrases.thing(fault)} {what}"
    help = (
        phrases.advice(fault.schema)
        if fault.keyword == "exclusive"
        else phrases.advice(fault.rule) or phrases.advice(fault.schema)
    )
    return Finding("conflicting-options", told, fault.path, help)


_WORDS: Mapping[str, Callable[[Fault], Finding]] = {
    **dict.fromkeys(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"], _range),
    **dict.fromkeys(
        ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"], _size
    ),
    "additionalProperties": _unknown,
    "choice": _enum,
    "const": _enum,
    "contains": _contains,
    "dependentRequired": _dependent,
    "enum": _enum,
    "exclusive": _not,
    "never": _not,
    "not": _not,
    "one-of": _one_of,
    "propertyNames": _names,
    "required": _required,
    "type": _type,
    "uniqueItems": _unique,
}
