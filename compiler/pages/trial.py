"""Tries adapters without an engine: `stackc adapters test`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from compiler.expressions.quoting import json_text, pair_value, url_part
from compiler.model import Connection
from compiler.pages.catalog import render_table
from compiler.project.connections import iter_keys, render_connection
from compiler.registry.adapter import Adapter, check_adapter
from compiler.registry.registry import Registry
from compiler.report import Diagnostic, Report, Span
from compiler.run.passes import Compiled, compile_document
from compiler.source import Document, parse_yaml
from compiler.source.shipped import EXAMPLES, Folder, folders

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
_FILE, _KEY = "trial.yaml", "db"


def run_trials(
    words: Sequence[str], given: Path | None, report: Report
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Tries the named adapters or adapter files, or all that are found.

    Returns a row for each, as `try_adapter` does, and the texts of their files.
    """
    files = {word: Path(word) for word in words if word.endswith(".yaml") or "/" in word}
    around = [Folder(file.resolve().parent, str(file.parent)) for file in files.values()]
    registry = Registry((*around, *folders(Path(), given)))
    names = [files[word].stem if word in files else word for word in words]
    return [try_adapter(name, registry, report) for name in names or registry.stems()], registry.sources


def try_adapter(name: str, registry: Registry, report: Report) -> dict[str, Any]:
    """Returns whether one adapter passed, and how often each check was made up to the first that failed."""
    found = Report()
    adapter = registry.find(name, Span(path="stackc adapters test"), found)
    tried = {}
    for what, check in _CHECKS.items():
        if adapter and not found.errors:
            tried[what] = check(adapter, registry, found)
    report.extend(found)
    return {"adapter": adapter.name if adapter else name, "passed": not found.errors, **tried}


def render_trials(rows: Sequence[Mapping[str, Any]]) -> str:
    """Returns the rows as a table for a terminal."""
    cells = [("ADAPTER", *(what.upper() for what in _CHECKS), "RESULT")]
    for row in rows:
        counts = (str(row.get(what, "-")) for what in _CHECKS)
        cells.append((row["adapter"], *counts, "passed" if row["passed"] else "failed"))
    return render_table(cells)


def stacks(adapter: Adapter) -> Iterator[dict[str, Any]]:
    """Yields database entries: every version with every mode of TLS, every vector metric and method."""
    for version in adapter.versions:
        spec = adapter.at(version)
        full: dict[str, Any] = {"memory": "1G", "port": 15000, "cpus": "1"}
        if spec.get("query_timeout"):
            full["query_timeout"] = "30s"
        modes = ("off", "require", "verify-full") if "tls" in spec else ("off",)
        for mode, extra in product(modes, [{}, full, *_vectors(spec.get("vector"))]):
            yield {"adapter": adapter.name, "version": version, "tls": mode, **extra}


def _vectors(rules: Any) -> Iterator[dict[str, Any]]:
    for metric, method in product(rules["metrics"], rules["methods"]) if rules else ():
        dimensions = min(rules["dimensions"][0]["up_to"], 384)
        yield {"vector": {"dimensions": dimensions, "metric": metric, "method": method}}


def _schemas(adapter: Adapter, registry: Registry, report: Report) -> int:
    report.extend(check_adapter(adapter))
    return 1


def _probes(adapter: Adapter, registry: Registry, report: Report) -> int:
    place = adapter.value(("health", "test"))
    for version in adapter.versions:
        spec = adapter.at(version)
        test = str(spec["health"]["test"])
        secrets = spec.get("secrets") or ("password", "admin_password")
        if not any(f"secrets.{name}" in test for name in secrets):
            help = "read ${{ secrets.password }} and log in"
            report.error("weak-probe", "the probe logs in with no secret", place, help)
        if "localhost" in test:
            told = "the probe asks localhost, where the first start listens too"
            report.error("weak-probe", told, place, "ask 127.0.0.1 or $HOSTNAME")
    return len(adapter.versions)


def _renders(adapter: Adapter, registry: Registry, report: Report) -> int:
    entries, seen = list(stacks(adapter)), set()
    for entry in entries:
        _, found = _compile(_made_up(entry), registry)
        for one in found:
            # A line of a stack that was made up says nothing to a reader.
            place = adapter.key(("versions", entry["version"])) if one.span.path == _FILE else one.span
            # The same fault in another mode of TLS says nothing new.
            if (place, one.message) not in seen:
                told = f"version {entry['version']} with TLS {entry['tls']} does not compile: {one.message}"
                report.error("adapter-trial", told, place, one.help)
            seen.add((place, one.message))
    return len(entries)


def _passwords(adapter: Adapter, registry: Registry, report: Report) -> int:
    count = 0
    for entry in stacks(adapter):
        compiled = None if "vector" in entry else _compile(_made_up(entry), registry)[0]
        if compiled is None:
            continue
        access = compiled.project.access[_KEY]
        refused = {character for secret in compiled.project.secrets for character in secret.refuse}
        for connection, password in product((*access.network.values(), *access.host.values()), HOSTILE):
            if refused.isdisjoint(password):
                count += 1
                _check_arrival(adapter, connection, password, report)
    return count


def _check_arrival(adapter: Adapter, connection: Connection, password: str, report: Report) -> None:
    place = adapter.key(("connections", connection.driver))
    references = list(iter_keys(connection))
    try:
        text = render_connection(connection, dict.fromkeys(references, password))
    except ValueError as fault:
        told = f"the driver {connection.driver} cannot carry every password: {fault}"
        report.warning("unusable-password", told, place)
        return
    if references and _spelled(connection, password) not in text:
        told = f'a password does not arrive in the connection of the driver "{connection.driver}"'
        help = "let a part, or a parameter that the driver decodes, be ${{ password }}"
        report.error("lost-password", told, place, help)


def _spelled(connection: Connection, password: str) -> str:
    """Returns how the client of a connection expects a password."""
    parts = connection.parts
    if connection.form == "pairs" and "head" not in parts:
        return pair_value(password, str(parts.get("separator", ";")))
    sinks: dict[str, Callable[[str], str]] = {"url": url_part, "arguments": json_text}
    return sinks.get(connection.form, str)(password)


def _examples(adapter: Adapter, registry: Registry, report: Report) -> int:
    words = {adapter.name, *adapter.data.get("aliases", [])}
    count = 0
    for file in sorted(EXAMPLES.glob("*/stack.yaml")):
        name = file.parent.name
        document = parse_yaml(file.read_bytes(), f"{name}/stack.yaml", Report())
        databases = document.data.get("databases", {}) if document else {}
        if any(entry.get("adapter") in words for entry in databases.values()):
            count += 1
            near = Registry((*registry.folders, Folder(file.parent / "adapters", f"{name}/adapters")))
            _, found = _compile(document, near)
            report.extend(found)
    return count


def _made_up(entry: Mapping[str, Any]) -> Document | None:
    """Returns a stack of one database."""
    text = json_text({"name": "trial", "databases": {_KEY: entry}})
    return parse_yaml(text.encode(), _FILE, Report())


def _compile(document: Document | None, registry: Registry) -> tuple[Compiled | None, list[Diagnostic]]:
    """Returns what a stack compiles to on a day on which no version has reached its end, and the errors."""
    if document is None:
        return None, []
    report, day = Report(), "1000-01-01"
    compiled = compile_document(document, registry, report, environment="local", today=day, source=_FILE)
    return compiled, [finding for finding in report if finding.severity == "error"]


_CHECKS: dict[str, Callable[[Adapter, Registry, Report], int]] = {
    "schemas": _schemas,
    "probes": _probes,
    "renders": _renders,
    "passwords": _passwords,
    "examples": _examples,
}
