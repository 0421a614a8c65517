"""The reference of stack.yaml and the page of symptoms: what schemas and findings say, in tables of Markdown.

A schema has `examples`, and its `default` or, where no constant is one, an `x-default` in words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from compiler.pages.findings import load_pages
from compiler.registry.bundle import Schema, bundle
from compiler.registry.registry import Registry
from compiler.source.shipped import SCHEMAS

_TYPES = {"string": "text", "number": "number", "integer": "number", "boolean": "true or false"}
_TYPES |= {"array": "list", "object": "mapping", "null": "nothing"}
_END = "\n...\n"  # of a document that is one word


class Table(NamedTuple):
    """The keys of one mapping, with their schemas; `place` leads there in an example. A nested one has no title."""

    title: str
    place: str
    keys: Mapping[str, Schema]


def reference_tables() -> Iterator[Table]:
    """Yields a table for each mapping whose keys are stackc's own; what is nested in one follows it."""
    defs, used = bundle()["$defs"], "services.api.uses[].main"
    added = {"properties": {"uses": defs["uses"], "healthcheck.http": defs["http"]}}
    yield from _tables("The stack", "", bundle())
    yield from _tables("A service", "services.api", added)
    yield from _tables("A database that a service uses", used, defs["use"])
    yield from _tables("A database", "databases.main", defs["database"])
    yield from _tables("A secret", "secrets.token", defs["secret"])
    yield from _tables("An environment", "environments.staging", defs["overlay"])


def _tables(title: str, place: str, schema: Schema) -> Iterator[Table]:
    forms = {f"{form.strip('^')}NAME": part for form, part in schema.get("patternProperties", {}).items()}
    needed = {name: {"x-default": "(required)"} for name in schema.get("required", ())}
    parts = {**schema["properties"], **forms}.items()
    keys = {key: _resolved(part) | needed.get(key, {}) for key, part in parts if part.get("not") != {}}
    yield Table(title, place, keys)
    for name, part in keys.items():
        for form in (part, *part.get("oneOf", ())):
            if "properties" in form:
                yield from _tables("", f"{place}.{name}", form)


def _resolved(part: Schema) -> Schema:
    name = part.get("$ref", "").removeprefix("#/$defs/")
    return {**_resolved(bundle()["$defs"][name]), **part} if name else part


def render_reference(registry: Registry) -> str:
    """Returns the reference, with the options of every adapter that is found."""
    options = {one.name: one.at(one.default_version).get("options", {}) for one in registry.adapters()}
    return _render("reference.j2", tables=reference_tables(), options=options)


def load_symptoms() -> dict[str, list[tuple[list[str], str, str]]]:
    """Returns what people see by who prints it: the texts of one cause, the cause and the remedy, in order."""
    import yaml

    own = yaml.safe_load(SCHEMAS.joinpath("symptoms.yaml").read_bytes())
    found = [(one["seen"], one["cause"], one["do"]) for one in own]
    for id, page in load_pages().items():
        found.append((page.seen, page.what, f"{page.why} More: `stackc explain {id}`."))
    printers: dict[str, list[tuple[list[str], str, str]]] = {who: [] for seen, *_ in found for who in seen}
    for who, rows in printers.items():
        rows += [(seen[who], cause, remedy) for seen, cause, remedy in found if who in seen]
        rows.sort(key=lambda row: row[0][0].lower())
    return printers


def render_symptoms() -> str:
    return _render("symptoms.j2", printers=load_symptoms())


def _render(name: str, **given: Any) -> str:
    from jinja2 import Environment

    made = Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    made.filters |= {"type": _type, "default_of": _default, "examples": _examples, "code": _code}
    return made.from_string(Path(__file__).with_name(name).read_text("utf-8")).render(given)


def _type(part: Schema) -> str:
    if "enum" in part or "const" in part:
        kinds = [_code(one) for one in part.get("enum", (part.get("const"),))]
    elif types := part.get("type"):
        kinds = [_TYPES[one] for one in ([types] if isinstance(types, str) else types)]
    else:
        kinds = [_type(_resolved(form)) for form in part.get("oneOf", ())]
    return ", ".join(dict.fromkeys(kinds))


def _default(part: Schema) -> str:
    return part.get("x-default") or (_code(part["default"]) if "default" in part else "")


def _examples(part: Schema, key: str) -> str:
    import yaml

    name, _, inner = key.partition(".")
    values = ({inner: one} if inner else one for one in part.get("examples", ()))
    lines = (yaml.safe_dump(one, default_flow_style=True, sort_keys=False, width=10**9) for one in values)
    return "<br>".join(_code(f"{name}: {line.partition(_END)[0].strip()}") for line in lines)


def _code(value: Any) -> str:
    text = value if isinstance(value, str) and value else json.dumps(value)
    return f"`` {text} ``" if "`" in text else f"`{text}`"
