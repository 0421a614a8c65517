"""What the adapters offer, as rows, pages and one JSON Schema for the editor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from compiler.registry.bundle import bundle, database_schema
from compiler.report import Diagnostic, Report, Span, error, suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from compiler.registry.adapter import Adapter
    from compiler.registry.registry import Registry

COMMAND = "stackc adapters"


def catalog_rows(
    registry: Registry, needs: Sequence[str] = ()
) -> tuple[list[dict[str, Any]], list[Diagnostic]]:
    """Returns a row for each adapter that has all of `needs`, and what is wrong with files that do not load."""
    adapters = registry.adapters()
    report = Report()
    for name in registry.stems():
        registry.load(name, report)
    diagnostics = list(report)
    known = sorted(
        {
            name
            for adapter in adapters
            for version in adapter.versions
            for name in adapter.capabilities(version)
        }
    )
    for need in needs:
        if need not in known:
            place = Span(path=f"{COMMAND} list")
            diagnostics.append(
                error(
                    "missing-capability", f'no adapter has a capability "{need}"', place, suggest(need, known)
                )
            )
    fitting = [
        adapter for adapter in adapters if any(_has(adapter, version, needs) for version in adapter.versions)
    ]
    return [_row(adapter, needs) for adapter in fitting], diagnostics


def _has(adapter: Adapter, version: str, needs: Iterable[str]) -> bool:
    return set(needs) <= set(adapter.capabilities(version))


def _row(adapter: Adapter, needs: Sequence[str]) -> dict[str, Any]:
    return {
        "name": adapter.name,
        "title": adapter.title,
        "default_version": str(adapter.data["default_version"]),
        "versions": [version for version in adapter.versions if _has(adapter, version, needs)],
        "aliases": list(adapter.data.get("aliases", [])),
        "capabilities": adapter.capabilities(),
        "built_in": adapter.built_in,
    }


def render_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Returns the rows as a table for a terminal."""
    cells = [("NAME", "VERSIONS", "ALIASES", "CAPABILITIES")]
    for row in rows:
        versions = ", ".join(f"{one}*" if one == row["default_version"] else one for one in row["versions"])
        cells.append((row["name"], versions, ", ".join(row["aliases"]), ", ".join(row["capabilities"])))
    widths = [max(len(cell[column]) for cell in cells) for column in range(3)]
    lines = ["  ".join([*(cell[n].ljust(widths[n]) for n in range(3)), cell[3]]).rstrip() for cell in cells]
    return "\n".join([*lines, "* the default"])


def markdown_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Returns the rows as a Markdown table, as it stands in the README."""
    lines = ["| adapter | engine | versions (default in bold) | aliases |", "| --- | --- | --- | --- |"]
    for row in rows:
        versions = ", ".join(
            f"**{one}**" if one == row["default_version"] else one for one in row["versions"]
        )
        lines.append(f"| `{row['name']}` | {row['title']} | {versions} | {', '.join(row['aliases'])} |")
    return "\n".join(lines)


def adapter_page(adapter: Adapter) -> dict[str, Any]:
    """Returns what a person wants to know of one adapter."""
    data = adapter.data
    return {
        **_row(adapter, ()),
        "documentation": data["documentation"],
        "versions": {
            name: {key: line[key] for key in ("image", "eol", "moving") if key in line}
            | {"capabilities": adapter.capabilities(name)}
            for name, line in adapter.versions.items()
        },
        "options": data.get("options", {}),
        "drivers": {name: rule["title"] for name, rule in data["connections"].items()},
    }


def render_page(page: Mapping[str, Any]) -> str:
    """Returns the page for a terminal."""
    lines = [f"{page['name']}: {page['title']}", f"documentation: {page['documentation']}"]
    lines += [f"aliases: {', '.join(page['aliases'])}"] if page["aliases"] else []
    lines += [f"capabilities: {', '.join(page['capabilities'])}", "", "versions:"]
    for name, line in page["versions"].items():
        mark = " (default)" if name == page["default_version"] else ""
        more = sorted(set(line["capabilities"]) - set(page["capabilities"]))
        tail = [f"until {line['eol']}"] if "eol" in line else []
        tail += ["not pinned"] if line.get("moving") else []
        tail += [f"also {', '.join(more)}"] if more else []
        lines.append(f"  {name}{mark}: {line['image']}" + (f" ({'; '.join(tail)})" if tail else ""))
    if page["options"]:
        lines += ["", "options:"]
        for name, option in page["options"].items():
            default = f" (default: {option['default']})" if "default" in option else ""
            lines.append(f"  {name}: {option['description']}{default}")
    lines += ["", "drivers:", *(f"  {name}: {title}" for name, title in page["drivers"].items())]
    return "\n".join(lines)


def detect(word: str, registry: Registry) -> tuple[Adapter | None, str | None, list[Diagnostic]]:
    """Returns the adapter, and where it can be told the version line, of a URL, an image name or an alias."""
    scheme, separator, _ = word.partition("://")
    plain = scheme.removeprefix("jdbc:").partition("+")[0].lower()
    image, _, tag = (
        word.partition("@")[0].rpartition(":") if ":" in word.rsplit("/", 1)[-1] else (word, "", "")
    )
    name = image.removeprefix("docker.io/").removeprefix("library/")
    for adapter in registry.adapters():
        rules = adapter.data.get("detect", {})
        if separator and plain in rules.get("schemes", []):
            return adapter, None, []
        if not separator and name in rules.get("images", []):
            return adapter, _line(adapter, tag), []
    if separator:
        place = Span(path=f"{COMMAND} detect")
        known = [
            one
            for adapter in registry.adapters()
            for one in adapter.data.get("detect", {}).get("schemes", [])
        ]
        return (
            None,
            None,
            [
                error(
                    "unknown-adapter", f'no adapter has a URL scheme "{plain}"', place, suggest(plain, known)
                )
            ],
        )
    report = Report()
    found = registry.find(name, Span(path=f"{COMMAND} detect"), report)
    return found, None, list(report)


def _line(adapter: Adapter, tag: str) -> str | None:
    for name in adapter.versions:
        if (
            str(adapter.versions[name]["image"]).endswith(f":{tag}")
            or tag == name
            or tag.startswith((f"{name}.", f"{name}-"))
        ):
            return name
    return None


def editor_schema(registry: Registry) -> dict[str, Any]:
    """Returns one JSON Schema of a stack in which each database is checked by its own adapter's options."""
    schema = bundle()
    defs = dict(schema["$defs"])
    choices = []
    for adapter in registry.adapters():
        names = [adapter.name, *adapter.data.get("aliases", [])]
        defs[f"database-{adapter.name}"] = _adapter_schema(adapter)
        choices.append(
            {
                "if": {"properties": {"adapter": {"enum": names}}},
                "then": {"$ref": f"#/$defs/database-{adapter.name}"},
            }
        )
    every = [
        name for adapter in registry.adapters() for name in (adapter.name, *adapter.data.get("aliases", []))
    ]
    entry = defs["database"]
    word = {**entry["properties"]["adapter"], "enum": [*every, "auto"]}
    defs["database"] = {**entry, "properties": {**entry["properties"], "adapter": word}, "allOf": choices}
    return {**schema, "$defs": defs}


def _adapter_schema(adapter: Adapter) -> dict[str, Any]:
    schema = database_schema(adapter, str(adapter.data["default_version"]))
    properties = dict(schema["properties"])
    for version in adapter.versions:
        properties |= adapter.at(version).get("options", {})
    numbers: list[Any] = [
        int(name) if name.isdigit() else float(name) for name in adapter.versions if _is_number(name)
    ]
    properties["version"] = {**properties["version"], "enum": [*adapter.versions, *numbers]}
    return {**schema, "properties": properties}


def _is_number(name: str) -> bool:
    return name.replace(".", "", 1).isdigit()
