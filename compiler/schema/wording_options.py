"""Faults of the options of a mapping, in sentences: unknown, missing, or not allowed together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from compiler.report import suggest
from compiler.schema.fault import Fault, Finding, advice
from compiler.schema.naming import listed, owner, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_DEEPEST = 4


def _unknown(fault: Fault) -> Finding:
    *parent, key = fault.path
    place, known = owner(tuple(parent), fault.noun), fault.schema.get("properties", {})
    patterns = [pattern for pattern in fault.schema.get("patternProperties", {}) if pattern != "^x-"]
    if patterns and not known:
        return _name(fault, f"use a name that matches {listed(patterns)}")
    help = suggest(key, known)
    inner = () if help.startswith("did you mean") else _inner(fault.schema, str(key))
    if inner:
        help = f"write it under `{'.'.join(inner)}:`"
    message = f"{place} has no option {quoted(key)}"
    return Finding(code="unknown-option", message=message, path=fault.path, help=help, on_key=True)


def _inner(schema: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Returns where a mapping inside this one has an option of that name, the nearest first."""
    level: list[tuple[tuple[str, ...], Any]] = [((), schema)]
    seen: set[int] = set()
    for _ in range(_DEEPEST):
        level = [
            ((*path, name), form)
            for path, part in level
            for name, inner in part.get("properties", {}).items()
            for form in _forms(inner)
            if id(form) not in seen
        ]
        seen.update(id(part) for _, part in level)
        for path, part in level:
            if key in part.get("properties", ()):
                return path
    return ()


def _forms(schema: Any) -> list[dict[str, Any]]:
    forms = [schema, *schema.get("oneOf", ()), *schema.get("anyOf", ())] if isinstance(schema, dict) else []
    return [form for form in forms if isinstance(form, dict)]


def _name(fault: Fault, help: str | None = None) -> Finding:
    *parent, key = fault.path
    if isinstance(fault.rule, dict) and "enum" in fault.rule:
        message = f"{owner(tuple(parent), fault.noun)} has no option {quoted(key)}"
        help = suggest(key, fault.rule["enum"])
        return Finding(code="unknown-option", message=message, path=fault.path, help=help, on_key=True)
    message = f"{quoted(key)} cannot be a name in {owner(tuple(parent), fault.noun)}"
    help = advice(fault.rule) or help or advice(fault.schema)
    return Finding(code="wrong-format", message=message, path=fault.path, help=help, on_key=True)


def _add(fault: Fault, name: str) -> str:
    told = advice(fault.schema.get("properties", {}).get(name), brief=True)
    return f"add `{name}:`" + (f" ({told})" if told else "")


def _required(fault: Fault) -> Finding:
    message = f'{fault.owner} needs the option "{fault.rule}"'
    help = _add(fault, fault.rule)
    return Finding(code="missing-option", message=message, path=fault.path, help=help, on_key=True)


def _one_of(fault: Fault) -> Finding:
    choices = listed([listed([f'"{name}"' for name in names], "and") for names in fault.rule])
    message = f"{fault.owner} needs {choices}"
    return Finding(
        code="missing-option", message=message, path=fault.path, help="add one of them", on_key=True
    )


def _dependent(fault: Fault) -> Finding:
    *parent, key = fault.path
    lacking = listed([f'"{name}"' for name in fault.rule], "and")
    message = f'{owner(tuple(parent), fault.noun)} has "{key}" but not {lacking}'
    help = _add(fault, fault.rule[0]) if len(fault.rule) == 1 else f"add {lacking}"
    return Finding(code="conflicting-options", message=message, path=fault.path, help=help, on_key=True)


def _together(fault: Fault, names: Sequence[str], help: str | None) -> Finding:
    listing = listed([f'"{name}"' for name in names], "and")
    message = f"{fault.owner} cannot have {listing}" + (" together" if len(names) > 1 else "")
    path = (*fault.path, names[-1])
    return Finding(code="conflicting-options", message=message, path=path, help=help, on_key=True)


def _not(fault: Fault) -> Finding:
    if fault.rule == {}:
        return _never(fault)
    names = [name for name in _names(fault.rule) if isinstance(fault.data, dict) and name in fault.data]
    help = advice(fault.rule) or advice(fault.schema)
    if names:
        return _together(fault, names, help)
    if fault.hidden or isinstance(fault.data, (dict, list)):
        return _conflict(fault, "has a form that is not allowed", help)
    return _conflict(fault, f"cannot be {quoted(fault.data)}", help)


def _exclusive(fault: Fault) -> Finding:
    asked = dict.fromkeys(name for branch in fault.rule for name in _names(branch))
    names = [name for name in asked if isinstance(fault.data, dict) and name in fault.data]
    if len(names) > 1:
        return _together(fault, names, "keep one of them")
    return _conflict(fault, "can be read in more than one way", advice(fault.schema))


def _names(schema: Any) -> list[str]:
    """Returns the options that a condition asks for."""
    branches = [schema] if isinstance(schema, dict) else []
    for word in ("anyOf", "allOf", "oneOf"):
        branches += [part for part in branches[0].get(word, ()) if isinstance(part, dict)] if branches else []
    return [name for branch in branches for name in branch.get("required", ())]


def _conflict(fault: Fault, predicate: str, help: str | None) -> Finding:
    message = f"{fault.thing} {predicate}"
    return Finding(code="conflicting-options", message=message, path=fault.path, help=help)


def _never(fault: Fault) -> Finding:
    message = f"{fault.thing} cannot be set here"
    return Finding(
        code="conflicting-options", message=message, path=fault.path, help="leave it out", on_key=True
    )


def _mixed(fault: Fault) -> Finding:
    return _conflict(fault, "has options that do not go together", advice(fault.schema))


def _endless(fault: Fault) -> Finding:
    message = f"{fault.owner} holds a value that is too large or nested too deeply"
    return Finding(code="out-of-range", message=message, path=fault.path, help="make it smaller")


WORDS: dict[str, Callable[[Fault], Finding]] = {
    "additionalProperties": _unknown,
    "dependentRequired": _dependent,
    "endless": _endless,
    "exclusive": _exclusive,
    "mixed": _mixed,
    "never": _never,
    "not": _not,
    "one-of": _one_of,
    "propertyNames": _name,
    "required": _required,
}
