"""Data against a JSON Schema: one fault for each mistake, in the form that was meant.

Annotations of a schema word the fault of the rule beside them, in place of the sentences of `words`: `x-says` is
the message, `x-help` the help and `x-id` the id, which also holds for every rule inside. In the first two, {value} and
{text} stand for what was written, quoted and bare, {pair} for a mapping as an item of a list of variables, {name} for
its key, and {owner} for the whole that is checked. What has an `x-severity` of "warning" is in order all the same.
Two more give the help alone: `x-short` where a mapping has another type, `x-habits` for keys that other tools have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from operator import getitem
from typing import Any, NamedTuple

from compiler.model import Path
from compiler.report import Diagnostic, Note, Report, closest
from compiler.schema.patterns import SlowPattern, is_match
from compiler.schema.validator import find_errors
from compiler.source import Document

Schema = Mapping[str, Any]


class Fault(NamedTuple):
    """One broken rule: the keyword and its value, the data, the schema around the keyword, and the place.

    `id` is the `x-id` around it. A fault of a value hides others of that value; one with `on_key` is about a key.
    """

    keyword: str
    rule: Any
    data: Any
    schema: Schema
    path: Path
    noun: str
    id: str | None
    on_key: bool = False


def check_schema(
    data: Any, schema: Schema, report: Report, *, noun: str, locate: Document, at: Path = ()
) -> bool:
    """Reports what is wrong with `data`, which stands at `at`, and says whether nothing is; a schema never changes."""
    try:
        faults = _distinct(list(_faults(find_errors(data, schema), noun)))
    except SlowPattern as slow:
        value = reduce(getitem, slow.path, data)
        faults = [Fault("slowPattern", slow.pattern, value, {}, slow.path, noun, None)]
    if not faults:
        return True
    from compiler.schema.words import word

    for fault in faults:
        id, message, help = word(fault)
        path, notes = (*at, *fault.path), []
        if fault.keyword == "uniqueItems":
            notes = [Note("the first is here", locate.value((*path[:-1], fault.rule)))]
        if report.is_full:
            break
        place = locate.key(path) if fault.on_key else locate.value(path)
        severity = fault.schema.get("x-severity", "error")
        report.add(Diagnostic(id, severity, message, place, help, tuple(notes)))
    return all("x-severity" in fault.schema for fault in faults)


def _distinct(faults: list[Fault]) -> list[Fault]:
    """Returns the faults of keys, and of each value the one that says most; what is misspelt is not missing too."""
    unknown: dict[Path, list[str]] = defaultdict(list)
    for fault in faults:
        if fault.keyword == "additionalProperties":
            unknown[fault.path[:-1]].append(str(fault.path[-1]))
    values = [fault for fault in reversed(faults) if not fault.on_key]
    best = {fault.path: fault for fault in sorted(values, key=_rank, reverse=True)}
    kept = [fault for fault in faults if fault.on_key or best[fault.path] is fault]
    return [one for one in kept if not any(closest(name, unknown[one.path]) for name in _lacking(one))]


def _lacking(fault: Fault) -> list[str]:
    """Returns the options of which a mapping lacks one."""
    if fault.keyword == "required":
        return [str(fault.rule[0])]
    return [name for form in fault.schema.get("anyOf", ()) for name in form.get("required", ())]


def _rank(fault: Fault) -> int:
    if fault.keyword == "type":
        return 0
    return 1 if "x-says" in fault.schema else 2 if fault.keyword in ("enum", "const") else 3


def _faults(errors: Iterable[Any], noun: str) -> Iterator[Fault]:
    for error in errors:
        path = tuple(error.absolute_path)
        rule, schema, id = error.validator_value, error.schema, error.rule_id
        fault = Fault(error.validator, rule, error.instance, schema, path, noun, id)
        if "propertyNames" in error.absolute_schema_path:
            keyword = "additionalProperties" if "enum" in schema else "propertyNames"
            yield fault._replace(keyword=keyword, path=(*path, str(fault.data)), on_key=True)
        elif error.context:
            yield from _branch(error.context, fault)
        else:
            yield from _single(fault)


def _single(fault: Fault) -> Iterator[Fault]:
    """Yields a fault for each key that an error is about, which jsonschema does not do."""
    data, path = fault.data, fault.path
    match fault.keyword:
        case "required":
            yield from (_missing(fault, name) for name in fault.rule if name not in data)
        case "dependentRequired":
            for key, names in fault.rule.items():
                lacking = [name for name in names if name not in data]
                if key in data and lacking:
                    yield fault._replace(rule=lacking, path=(*path, key), on_key=True)
        case "additionalProperties":
            known, forms = fault.schema.get("properties", {}), fault.schema.get("patternProperties", {})
            keyword = "propertyNames" if forms and not known else fault.keyword
            for key in data:
                if key not in known and not any(is_match(form, key) for form in forms):
                    yield fault._replace(keyword=keyword, path=(*path, key), on_key=True)
        case "contains":
            # The first item is to blame: it is what tells such lists apart.
            yield fault._replace(path=(*path, 0))
        case "not" | "oneOf" if names := _together(fault):
            yield fault._replace(keyword="together", rule=names, path=(*path, names[-1]), on_key=True)
        case _:
            yield fault._replace(on_key=fault.rule == {})


def _missing(fault: Fault, name: str) -> Fault:
    """Returns the fault of an option that is not there: of the key that was meant for it, where any key is allowed."""
    other = [key for key in fault.data if key not in fault.schema.get("properties", fault.data)]
    if meant := closest(name, other):
        return fault._replace(keyword="additionalProperties", path=(*fault.path, meant), on_key=True)
    return fault._replace(rule=[name], on_key=True)


def _together(fault: Fault) -> list[str]:
    """Returns the options of a mapping that exclude one another."""
    rules = fault.rule if fault.keyword == "oneOf" else [fault.rule]
    names = [name for rule in rules for name in rule.get("required", ())]
    return [name for name in names if isinstance(fault.data, dict) and name in fault.data]


def _branch(errors: Iterable[Any], fault: Fault) -> Iterator[Fault]:
    """Yields the faults of the form that was meant: of the right type, and with the fewest faults."""
    forms: dict[int, list[Any]] = {}
    for error in errors:
        forms.setdefault(error.relative_schema_path[0], []).append(error)
    fits = [parts for parts in forms.values() if not any(map(_types, parts))]
    choices = [value for form in fault.rule for value in form.get("enum", ())]
    if "x-says" in fault.schema or all("enum" in form for form in fault.rule):
        yield fault._replace(keyword="enum", rule=choices, on_key=isinstance(fault.data, dict))
    elif not fits:
        kinds = [kind for parts in forms.values() for part in parts for kind in _types(part)]
        yield fault._replace(keyword="type", rule=kinds, schema={**fault.schema, "enum": choices})
    elif len(fits) > 1 and all(part.validator == "required" for parts in fits for part in parts):
        yield fault._replace(keyword="one-of", rule=[parts[0].validator_value for parts in fits], on_key=True)
    else:
        # A form without a description takes that of the option it is a form of.
        notes = {word: fault.schema[word] for word in ("description", "x-help") if word in fault.schema}
        nearest = min(fits, key=len)
        for inner in _faults(nearest, fault.noun):
            own = notes if inner.path == fault.path else {}
            yield inner._replace(schema={**own, **inner.schema}, id=inner.id or fault.id)


def _types(error: Any) -> list[str]:
    """Returns the types that a form asks for, where the value has another."""
    if error.validator != "type" or error.relative_path:
        return []
    return [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
