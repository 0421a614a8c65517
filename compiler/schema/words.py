"""Faults in sentences of the stack's own words; what may be secret is never quoted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.report import suggest
from compiler.schema.check import types_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from compiler.model import Path
    from compiler.schema.check import Fault

_LONGEST = 60
_DEEPEST = 8
_SECRET = re.compile(
    r"pass(word|wd|phrase|code)?(?![a-z])|pwd|secret(?!s$)|token|credential|private|(^|[_-]|api|access)key$",
    re.IGNORECASE,
)
_TYPES = {
    "string": "a string",
    "number": "a number",
    "integer": "an integer",
    "array": "a list",
    "object": "a mapping",
    "boolean": "true or false",
    "null": "nothing",
}
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
        found = found._replace(message=_filled(schema["x-says"], fault), help=help)
    return found._replace(id=fault.id or found.id)


def _filled(text: str, fault: Fault) -> str | None:
    """Returns the words of a schema with what was written in them; no help that would show a secret."""
    if "{text}" in text and _hidden(fault):
        return None
    name = str(fault.path[-1]) if fault.path else fault.noun
    words = {"{value}": _shown(fault), "{text}": _scalar(fault.data), "{name}": name, "{owner}": fault.noun}
    return re.sub(r"\{\w+\}", lambda match: _escaped(words.get(match[0], match[0]), 3 * _LONGEST), text)


# Names and values


def _escaped(text: str, longest: int = _LONGEST) -> str:
    """Returns the text on one line, without control characters, cut to a length that fits in a message."""
    shown = "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in text[: longest + 1]
    )
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."


def _hidden(fault: Fault) -> bool:
    """Says whether a value is better not shown: by the key that it stands under, or by its own form."""
    path, value = (*fault.at, *fault.path), fault.data
    if _SECRET.search(next((part for part in reversed(path) if isinstance(part, str)), "")):
        return True
    assignment = re.match(r"\s*([\w.-]+)\s*[=:]", value) if isinstance(value, str) else None
    is_login = isinstance(value, str) and re.search(r"://[^/\s]*@", value)
    return bool(is_login or (assignment and _SECRET.search(assignment[1])))


def _scalar(value: Any) -> str:
    """Returns a scalar as YAML has it."""
    return (
        {None: "null", True: "true", False: "false"}[value]
        if value in (None, True, False) and not (isinstance(value, int) and not isinstance(value, bool))
        else str(value)
    )


def _quoted(value: Any) -> str:
    if isinstance(value, str):
        return f'"{_escaped(value)}"'
    return _TYPES[next(iter(types_of(value)))] if isinstance(value, dict | list) else _scalar(value)


def _shown(fault: Fault) -> str:
    return "the given value" if _hidden(fault) else _quoted(fault.data)


def _listed(words: Sequence[str], last: str = "or") -> str:
    *head, tail = words or ["nothing"]
    return f"{', '.join(head)} {last} {tail}" if head else tail


def _options(names: Iterable[str]) -> str:
    return _listed([f'"{_escaped(name)}"' for name in names], "and")


def _thing(fault: Fault) -> str:
    """Returns the name of a value: "port" of database "vectors"."""
    return _chain(fault.path, fault.noun, '"{}"')


def _owner(fault: Fault) -> str:
    """Returns the name of an owner of options: the vector of database "vectors"."""
    return _chain(fault.path, fault.noun, "the {}")


def _parent(fault: Fault) -> str:
    return _chain(fault.path[:-1], fault.noun, "the {}")


def _chain(path: Path, noun: str, form: str) -> str:
    words: list[str] = []
    keys: list[str] = []
    for part in (*path[-_DEEPEST:], 0):
        if isinstance(part, str):
            keys.append(_escaped(part))
        else:
            words += [form.format(".".join(keys))] if keys else []
            words.append(f"item {part + 1}")
            keys.clear()
    cut = ["..."] if len(path) > _DEEPEST else []
    return " of ".join([*reversed(words[:-1]), *cut, noun])


def _advice(schema: Any, brief: bool = False) -> str | None:
    """Returns what a schema itself says about its values; if brief, its first sentence."""
    text = isinstance(schema, dict) and (schema.get("x-help") or schema.get("description"))
    if not isinstance(text, str):
        return None
    text = (text.split(". ")[0] if brief else text).rstrip(".")
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


# Single values


def _type(fault: Fault) -> Finding:
    types = {fault.rule} if isinstance(fault.rule, str) else {*fault.rule}
    names = types - ({"integer"} if "number" in types else set()) - ({"null"} if len(types) > 1 else set())
    kind = {str: "string", int: "number", float: "number"}.get(type(fault.data))
    if fault.data is None:
        shown = "empty"
    elif kind:
        shown = f"a {kind}" if _hidden(fault) else f"the {kind} {_quoted(fault.data)}"
    else:
        shown = _quoted(fault.data)
    told = f"{_thing(fault)} is {shown}, expected {_listed([name for kind, name in _TYPES.items() if kind in names])}"
    choices = fault.schema.get("enum") if fault.data is not None else None
    help = _closest(fault, choices) if choices else _rewritten(fault, names)
    return Finding("wrong-type", told, fault.path, help or _advice(fault.schema))


def _rewritten(fault: Fault, types: set[str]) -> str | None:
    """Returns how to write the same value as one of these types, unless the schema itself says more."""
    data, schema, text = fault.data, fault.schema, _scalar(fault.data)
    if "x-help" in schema or "such as" in schema.get("description", ""):
        return None
    if data is None:
        return "give it a value, or leave it out"
    if isinstance(data, bool | int | float) and "string" in types:
        # A number with a fraction may have lost digits in reading: 3.10 is 3.1.
        exact = "" if _hidden(fault) or isinstance(data, float) else f': "{text}"'
        return f"write it in quotes{exact}" if re.search(schema.get("pattern", ""), text) else None
    if types == {"object"}:
        return "write its options below it, each as `name: value`"
    number = r"-?\d+(\.\d+)?" if "number" in types else r"-?\d+"
    if isinstance(data, str) and types & {"integer", "number"} and re.fullmatch(number, text):
        return "write it without quotes" + ("" if _hidden(fault) else f": {text}")
    if isinstance(data, str) and "boolean" in types and text.lower() in _YES + _NO:
        return f"write {'true' if text.lower() in _YES else 'false'}"
    if "array" in types and not isinstance(data, dict):
        is_shown = isinstance(data, str) and not _hidden(fault)
        return f"write it as a list: [{_quoted(data)}]" if is_shown else "write it as a list, in [ ]"
    return None


def _closest(fault: Fault, allowed: Sequence[Any]) -> str:
    """Returns the choice that was meant, or all of them."""
    choices, text = [_scalar(choice) for choice in allowed], _scalar(fault.data)
    if _hidden(fault) or isinstance(fault.data, dict | list):
        return suggest("", choices)
    if text in choices:
        is_text = isinstance(fault.data, str)
        return f"write it without quotes: {text}" if is_text else f'write it in quotes: "{text}"'
    same = next((choice for choice in choices if choice.lower() == text.lower()), None)
    return f'did you mean "{same}"?' if same else suggest(text, choices)


def _enum(fault: Fault) -> Finding:
    told = f"{_thing(fault)} cannot be {_shown(fault)}"
    if fault.keyword == "const":
        return Finding("not-allowed-value", told, fault.path, f"write {_quoted(fault.rule)}")
    help = _closest(fault, fault.rule) if fault.rule else _advice(fault.schema)
    return Finding("not-allowed-value", told, fault.path, help)


def _range(fault: Fault) -> Finding:
    low, high = fault.schema.get("minimum"), fault.schema.get("maximum")
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "more than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    parts = [f"{told} {fault.schema[name]}" for name, told in words.items() if name in fault.schema]
    limit = f"{low} to {high}" if low is not None and high is not None else _listed(parts, "and")
    limit = f"a multiple of {fault.rule}" if fault.keyword == "multipleOf" else limit
    shown = "out of range" if _hidden(fault) else _scalar(fault.data)
    told = f"{_thing(fault)} is {shown}, expected {limit}"
    return Finding("out-of-range", told, fault.path, _advice(fault.schema))


def _size(fault: Fault) -> Finding:
    unit = {"L": "character", "I": "item", "P": "entry"}[fault.keyword[3]]
    limit = f"at {'least' if fault.keyword.startswith('min') else 'most'} {_count(fault.rule, unit)}"
    shown = f"has {_count(len(fault.data), unit)}" if fault.data else "is empty"
    told = f"{_thing(fault)} {shown}, expected {limit}"
    return Finding("out-of-range", told, fault.path, _advice(fault.schema))


def _count(number: int, unit: str) -> str:
    return f"{number} {unit if number == 1 else 'entries' if unit == 'entry' else f'{unit}s'}"


def _contains(fault: Fault) -> Finding:
    """The first item is to blame: it is what tells such lists apart."""
    told = f"{_thing(fault)} has no item of the kind that it needs"
    return Finding("not-allowed-value", told, (*fault.path, 0), _advice(fault.rule))


def _unique(fault: Fault) -> Finding:
    is_shown = isinstance(fault.data, str | int | float) and not _hidden(fault)
    told = f"{_thing(fault)} repeats {_quoted(fault.data) if is_shown else f'item {fault.rule + 1}'}"
    return Finding("duplicate-item", told, fault.path, "remove it")


def _form(fault: Fault) -> Finding:
    help = _advice(fault.schema) or (f"it has to match {fault.rule}" if fault.keyword == "pattern" else None)
    shown = "" if _hidden(fault) else f": {_quoted(fault.data)}"
    return Finding("wrong-format", f"{_thing(fault)} has the wrong form{shown}", fault.path, help)


# Options of a mapping


def _unknown(fault: Fault) -> Finding:
    key, known = str(fault.path[-1]), fault.schema.get("properties", {})
    patterns = [pattern for pattern in fault.schema.get("patternProperties", ()) if pattern != "^x-"]
    if patterns and not known:
        told = f'"{_escaped(key)}" cannot be a name in {_parent(fault)}'
        help = f"use a name that matches {_listed(patterns)}"
        return Finding("wrong-format", told, fault.path, _advice(fault.schema) or help, True)
    help = suggest(key, known)
    inner = () if help.startswith("did you mean") else _inner(fault.schema, key)
    help = f"write it under `{'.'.join(inner)}:`" if inner else help
    told = f'{_parent(fault)} has no option "{_escaped(key)}"'
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
        told, help = f'{_parent(fault)} has no option "{_escaped(key)}"', suggest(key, fault.rule["enum"])
        return Finding("unknown-option", told, fault.path, help, True)
    told = f'"{_escaped(key)}" cannot be a name in {_parent(fault)}'
    return Finding("wrong-format", told, fault.path, _advice(fault.rule) or _advice(fault.schema), True)


def _add(fault: Fault, name: str) -> str:
    told = _advice(fault.schema.get("properties", {}).get(name), brief=True)
    return f"add `{name}:`" + (f" ({told})" if told else "")


def _required(fault: Fault) -> Finding:
    told = f'{_owner(fault)} needs the option "{fault.rule}"'
    return Finding("missing-option", told, fault.path, _add(fault, fault.rule), True)


def _one_of(fault: Fault) -> Finding:
    told = f"{_owner(fault)} needs {_listed([_options(names) for names in fault.rule])}"
    return Finding("missing-option", told, fault.path, "add one of them", True)


def _dependent(fault: Fault) -> Finding:
    lacking = _options(fault.rule)
    told = f'{_parent(fault)} has "{fault.path[-1]}" but not {lacking}'
    help = _add(fault, fault.rule[0]) if len(fault.rule) == 1 else f"add {lacking}"
    return Finding("conflicting-options", told, fault.path, help, True)


def _not(fault: Fault) -> Finding:
    """Tells what is set although it cannot be: an option, options together, or a value."""
    if fault.rule in ({}, False) or fault.keyword == "exclusive":
        names = [name for part in fault.rule or () for name in part.get("required", ()) if name in fault.data]
    else:
        names = [name for name in fault.rule.get("required", ()) if name in fault.data]
    if names:
        together = " together" if len(names) > 1 else ""
        told = f"{_owner(fault)} cannot have {_options(names)}{together}"
        help = "keep one of them" if fault.keyword == "exclusive" else _advice(fault.rule)
        return Finding("conflicting-options", told, (*fault.path, names[-1]), help, True)
    if not fault.rule:
        told = f"{_thing(fault)} cannot be set here"
        return Finding("conflicting-options", told, fault.path, "leave it out", True)
    is_group = isinstance(fault.data, dict | list)
    told = f"{_thing(fault)} {'has a form that is not allowed' if is_group else f'cannot be {_shown(fault)}'}"
    help = (
        _advice(fault.schema)
        if fault.keyword == "exclusive"
        else _advice(fault.rule) or _advice(fault.schema)
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
