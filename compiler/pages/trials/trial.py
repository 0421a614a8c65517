"""Tries adapters without an engine: `stackc adapters test`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from compiler.expressions.quoting import CONNECTION_FILTERS, json_text, pair_value, url_part
from compiler.model import Connection
from compiler.pages.catalog import render_table
from compiler.pages.trials.entries import examples, iter_databases, stacks
from compiler.pages.trials.names import check_names
from compiler.pages.trials.promises import check_promises
from compiler.project.connections import references, render_connection
from compiler.registry.adapter import Adapter
from compiler.registry.checks import check_adapter
from compiler.registry.registry import Registry
from compiler.report import Diagnostic, Report, Span
from compiler.run.passes import Compiled, compile_document
from compiler.schema.nasty import is_slow
from compiler.source import Document, parse_yaml
from compiler.source.shipped import EXAMPLES, Folder, folders, is_yaml, tell_unusable
from compiler.stack.database import Database, build_database

# Each has broken one of the sinks of a program like this one.
HOSTILE = (
    "it's",
    'say "hi"',
    "back\\slash",
    "trailing\\",
    "$HOME ${HOME} $$",
    "a#b # c",
    "at@colon:slash/question?",
    "50%41 %zz",
    " blank ",
    "semi;colon,comma=equals",
    "`backtick` $(command)",
    "<tag>&amp;]]>",
    "π ünï 🔑",
    "-dash",
)
_FILE = "trial.yaml"
CHECKS = ("schemas", "probes", "renders", "passwords", "examples")


def run_trials(
    words: Sequence[str], given: Path | None, report: Report
) -> tuple[list[dict[str, Any]], Registry]:
    """Tries the named adapters or adapter files, or all that are found; returns their rows and registry."""
    files = {word: Path(word) for word in words if is_yaml(word) or "/" in word}
    around = [Folder(file.resolve().parent, str(file.parent)) for file in files.values()]
    places = (*around, *folders(Path(), given))
    tell_unusable(places, report)
    registry = Registry(places)
    names = [files[word].stem if word in files else word for word in words]
    return [try_adapter(name, registry, report) for name in names or registry.stems()], registry


def try_adapter(name: str, registry: Registry, report: Report) -> dict[str, Any]:
    """Returns whether one adapter passed, and how often each check was made until one failed."""
    found, tried = Report(), Counter[str]()
    adapter = registry.find(name, Span(path="stackc adapters test"), found)
    if adapter:
        tried["schemas"] += 1
        found.extend(check_adapter(adapter))
        for check in (_try_patterns, _try_names, _try_stacks, _try_examples):
            if not found.errors:
                check(adapter, registry, found, tried)
    report.extend(found)
    return {"adapter": adapter.name if adapter else name, "passed": not found.errors, **tried}


def render_trials(rows: Sequence[Mapping[str, Any]], checks: Sequence[str] = CHECKS) -> str:
    """Returns the rows as a table for a terminal, with a column for how often each check was made."""
    cells = [("ADAPTER", *map(str.upper, checks), "RESULT")]
    for row in rows:
        counts = (str(row.get(check, "-")) for check in checks)
        cells.append((row["adapter"], *counts, "passed" if row["passed"] else "failed"))
    return render_table(cells)


def _try_patterns(adapter: Adapter, registry: Registry, report: Report, tried: Counter[str]) -> None:
    """Finds the patterns that a value of a stack could keep busy for ever."""
    for document in map(adapter.document_at, adapter.versions):
        for path, node in document.spans.items():
            is_key = path[:-1] == ("settings", "refuse")
            written = path[-1] if is_key else node.value if path[-1:] == ("pattern",) else None
            if isinstance(written, str) and is_slow(written):
                told = "this pattern takes too long with some texts"
                help = "write it so that each character fits in one way only, as ^a+$ for ^(a|aa)+$"
                report.error("slow-pattern", told, node.key if is_key else node.place, help)


def _try_names(adapter: Adapter, registry: Registry, report: Report, tried: Counter[str]) -> None:
    """Looks at the names in every branch, where each version has a database that is in order."""
    made: dict[str, list[Database]] = {version: [] for version in adapter.versions}
    for entry in stacks(adapter):
        key = str(entry.pop("name", "db"))
        document = _document({key: entry})
        if document and (one := build_database(document, registry, key, entry, Report())):
            made[entry["version"]].append(one)
    if all(made.values()):
        check_names(adapter, [one for each in made.values() for one in each], report)


def _try_stacks(adapter: Adapter, registry: Registry, report: Report, tried: Counter[str]) -> None:
    seen, usual = set(), examples(adapter)[0]
    for databases in iter_databases(adapter):
        tried["renders"] += 1
        key, entry = next(iter(databases.items()))
        compiled, found = _compile(_document(databases), registry)
        options = adapter.at(entry["version"]).get("options") or {}
        is_varied = "profiles" in entry or any(entry.get(name) != usual.get(name) for name in options)
        for one in found:
            # The limit of one option may be refused beside the default of another, and all words at once.
            if one.id == "adapter-rule" and is_varied:
                continue
            # A line of a stack that was made up says nothing to a reader.
            place = _version_line(adapter, entry["version"]) if one.span.path == _FILE else one.span
            # The same fault in another mode of TLS says nothing new.
            if (place, one.message) not in seen:
                told = f"version {entry['version']} with TLS {entry['tls']} does not compile: {one.message}"
                report.error("adapter-trial", told, place, one.help)
            seen.add((place, one.message))
        if compiled:
            tried["probes"] += 1
            promised = Report()
            check_promises(compiled.project, promised)
            for one in promised:
                if (one.span, one.message) not in seen:
                    report.add(one)
                seen.add((one.span, one.message))
        if compiled and "vector" not in entry:
            access = compiled.project.access[key]
            refused = {character for secret in compiled.project.secrets for character in secret.refuse}
            passwords = [password for password in HOSTILE if refused.isdisjoint(password)]
            for connection, password in product((*access.network.values(), *access.host.values()), passwords):
                tried["passwords"] += 1
                _check_arrival(adapter, connection, password, report)


def _document(databases: Mapping[str, Any]) -> Document | None:
    """Returns a stack that is made up of databases alone."""
    text = json_text({"name": "trial", "databases": databases})
    return parse_yaml(text.encode(), _FILE, Report())


def _version_line(adapter: Adapter, version: str) -> Span:
    """Returns the line of a version, or the first one of the adapter where another has the version."""
    line, first = (adapter.document.key(path) for path in (("versions", version), ("adapter",)))
    return line if line.path == first.path else first


def _check_arrival(adapter: Adapter, connection: Connection, password: str, report: Report) -> None:
    place, secrets = adapter.document.key(("connections", connection.driver)), references(connection)
    try:
        text = render_connection(connection, {one.key: password for one in secrets})
    except ValueError as fault:
        told = f"the driver {connection.driver} cannot carry every password: {fault}"
        report.warning("unusable-password", told, place)
        return
    if "/run/secrets/" in unquote(text):
        told = f'the driver "{connection.driver}" gets the path of a secret in place of its value'
        report.error("lost-password", told, place, "write ${{ password }}, which connections alone can")
    # How the client of each form expects it.
    forms: dict[str, tuple[Callable[[str], str], ...]] = {
        "url": (url_part, partial(url_part, safe="/")),
        "pairs": (pair_value,),
        "arguments": (json_text,),
    }
    ways = [(CONNECTION_FILTERS[one.filter],) if one.filter else forms[connection.form] for one in secrets]
    if any(not any(way(password) in text for way in each) for each in ways):
        told = f'a password does not arrive in the connection of the driver "{connection.driver}"'
        help = "let a part, or a parameter that the driver decodes, be ${{ password }}"
        report.error("lost-password", told, place, help)


def _try_examples(adapter: Adapter, registry: Registry, report: Report, tried: Counter[str]) -> None:
    words = {adapter.name, *adapter.data.get("aliases", [])}
    for file in sorted(EXAMPLES.glob("*/stack.yaml")):
        name = file.parent.name
        document = parse_yaml(file.read_bytes(), f"{name}/stack.yaml", report)
        databases = document.data.get("databases", {}) if document else {}
        is_used = any(entry.get("adapter") in words for entry in databases.values())
        tried["examples"] += is_used
        if is_used:
            near = Registry((*registry.folders, Folder(file.parent / "adapters", f"{name}/adapters")))
            _, found = _compile(document, near)
            report.extend(found)


def _compile(document: Document | None, registry: Registry) -> tuple[Compiled | None, list[Diagnostic]]:
    """Returns what a stack compiles to on a day on which no version has reached its end, and the errors."""
    if document is None:
        return None, []
    report, day = Report(), "1000-01-01"
    compiled = compile_document(document, registry, report, environment="local", today=day, source=_FILE)
    return compiled, [finding for finding in report if finding.severity == "error"]
