"""What the adapters offer, as rows and pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from compiler.report import Span, suggest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from compiler.registry.adapter import Adapter
    from compiler.registry.registry import Registry
    from compiler.report import Report

COMMAND = "stackc adapters"


def catalog_rows(registry: Registry, report: Report, needs: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Returns a row for each adapter that has all of `needs`; reports what is wrong with files that do not load."""
    adapters = registry.adapters()
    for name in registry.stems():
        registry.load(name, report)
    known = registry.capabilities()
    for need in needs:
        if need not in known:
            told = f'no adapter has a capability "{need}"'
            report.error("missing-capability", told, Span(path=f"{COMMAND} list"), suggest(need, known))
    return [row for one in adapters if (row := _row(one, needs))["versions"]]


def _row(adapter: Adapter, needs: Sequence[str]) -> dict[str, Any]:
    return {
        "name": adapter.name,
        "title": adapter.title,
        "default_version": adapter.default_version,
        "versions": [one for one in adapter.versions if set(needs) <= set(adapter.capabilities(one))],
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


def detect(word: str, registry: Registry, report: Report) -> list[str]:
    """Returns the adapter of a URL, an image or an alias, and the version line where that can be told."""
    scheme, separator, _ = word.partition("://")
    if separator:
        return _by_scheme(scheme.removeprefix("jdbc:").partition("+")[0].lower(), registry.adapters(), report)
    tagged = ":" in word.rsplit("/", 1)[-1]
    image, _, tag = word.partition("@")[0].rpartition(":") if tagged else (word, "", "")
    name = image.removeprefix("docker.io/").removeprefix("library/")
    for adapter in registry.adapters():
        if name in _signs(adapter, "images"):
            return [adapter.name, *_lines(adapter, tag)[:1]]
    found = registry.find(name, Span(path=f"{COMMAND} detect"), report)
    return [found.name] if found else []


def _by_scheme(scheme: str, adapters: Sequence[Adapter], report: Report) -> list[str]:
    for adapter in adapters:
        if scheme in _signs(adapter, "schemes"):
            return [adapter.name]
    told = f'no adapter has a URL scheme "{scheme}"'
    help = suggest(scheme, [sign for adapter in adapters for sign in _signs(adapter, "schemes")])
    report.error("unknown-adapter", told, Span(path=f"{COMMAND} detect"), help)
    return []


def _signs(adapter: Adapter, kind: str) -> list[str]:
    signs: list[str] = adapter.data.get("detect", {}).get(kind, [])
    return signs


def _lines(adapter: Adapter, tag: str) -> list[str]:
    return [
        name
        for name, line in adapter.versions.items()
        if str(line["image"]).endswith(f":{tag}") or tag == name or tag.startswith((f"{name}.", f"{name}-"))
    ]
