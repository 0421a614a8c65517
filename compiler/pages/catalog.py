"""What the adapters offer, as rows and pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from compiler.pages.first import living
from compiler.registry.adapter import Adapter
from compiler.registry.registry import Registry
from compiler.report import Report, Span, suggest


def catalog_rows(registry: Registry, report: Report, needs: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Returns a row for each adapter that has all of `needs`; reports what is wrong with files that do not load."""
    for name in registry.stems():
        registry.load(name, report)
    known = registry.capabilities()
    for need in needs:
        if need not in known:
            told, place = f'no adapter has a capability "{need}"', Span(path="stackc adapters list")
            report.error("missing-capability", told, place, suggest(need, known))
    return [row for adapter in registry.adapters() if (row := _row(adapter, needs))["versions"]]


def _row(adapter: Adapter, needs: Sequence[str]) -> dict[str, Any]:
    return {
        "name": adapter.name,
        "title": adapter.title,
        "default_version": adapter.default_version,
        "versions": [one for one in adapter.versions if set(needs) <= set(adapter.capabilities(one))],
        "aliases": list(adapter.data.get("aliases", [])),
        "capabilities": adapter.capabilities(adapter.default_version),
        "built_in": adapter.built_in,
    }


def render_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Returns the rows as a table for a terminal."""
    cells = [("NAME", "VERSIONS", "ALIASES", "CAPABILITIES")]
    for row in rows:
        versions = ", ".join(f"{one}*" if one == row["default_version"] else one for one in row["versions"])
        cells.append((row["name"], versions, ", ".join(row["aliases"]), ", ".join(row["capabilities"])))
    return f"{render_table(cells)}\n* the default"


def render_table(rows: Sequence[Sequence[str]]) -> str:
    """Returns rows of text in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def markdown_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Returns the rows as a Markdown table, as it stands in the README."""
    lines = ["| adapter | engine | versions (default in bold) | aliases |", "| --- | --- | --- | --- |"]
    for row in rows:
        default = row["default_version"]
        versions = ", ".join(f"**{one}**" if one == default else one for one in row["versions"])
        lines.append(f"| `{row['name']}` | {row['title']} | {versions} | {', '.join(row['aliases'])} |")
    return "\n".join(lines)


def adapter_page(adapter: Adapter, today: str) -> dict[str, Any]:
    """Returns what a person wants to know of one adapter; `today` is an ISO date."""
    data, default = adapter.data, adapter.default_version
    since = adapter.versions[default].get("eol") if adapter.has_ended(default, today) else None
    return {
        **_row(adapter, ()),
        "documentation": data["documentation"],
        "versions": {
            name: {key: line[key] for key in ("image", "eol", "moving") if key in line}
            | {"capabilities": adapter.capabilities(name)}
            for name, line in adapter.versions.items()
        },
        "ended": {"since": since, "instead": living(adapter, today)} if since else None,
        "note": data.get("note", ""),
        "options": data.get("options", {}),
        "required": data.get("required", []),
        "drivers": {name: rule["title"].partition(" <")[0] for name, rule in data["connections"].items()},
    }


def adapter_source(adapter: Adapter, registry: Registry) -> str:
    """Returns the file of an adapter as it is written; where it changes another one, that is named above it."""
    text = registry.sources[adapter.document.value(("adapter",)).path].rstrip()
    base = registry.written(adapter.name).get("extends")
    if base is None:
        return text
    whose = "the built-in one" if base == adapter.name else f"`stackc adapters show {base} --source`"
    return f"# What is not said here is that of {base}: {whose}.\n{text}"


def render_page(page: Mapping[str, Any]) -> str:
    """Returns the page for a terminal."""
    from jinja2 import Environment

    template = Path(__file__).with_name("adapter.j2").read_text("utf-8")
    return Environment(trim_blocks=True, lstrip_blocks=True).from_string(template).render(page).rstrip()


def detect(word: str, registry: Registry, report: Report) -> list[str]:
    """Returns the adapter of a URL, an image or an alias, and the version line where that can be told."""
    scheme, is_url, _ = word.partition("://")
    if is_url:
        kind, name, tag = "schemes", scheme.removeprefix("jdbc:").partition("+")[0].lower(), ""
    else:
        tagged = ":" in word.rsplit("/", 1)[-1]
        image, _, tag = word.partition("@")[0].rpartition(":") if tagged else (word, "", "")
        kind, name = "images", image.removeprefix("docker.io/").removeprefix("library/")
    for adapter in registry.adapters():
        if name in adapter.data.get("detect", {}).get(kind, []):
            for line, rule in adapter.versions.items():
                is_of_line = tag == line or tag.startswith((f"{line}.", f"{line}-"))
                if is_of_line or rule["image"].endswith(f":{tag}"):
                    return [adapter.name, line]
            return [adapter.name]
    found = registry.find(name, Span(path="stackc adapters detect"), report)
    return [found.name] if found else []
