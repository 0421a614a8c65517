"""Tries adapters without an engine: `stackc adapters test`."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compiler.expressions.quoting import pair_value
from compiler.pages.catalog import render_table
from compiler.project.connections import iter_keys, render_connection
from compiler.registry.adapter import Adapter, check_adapter
from compiler.registry.registry import Registry
from compiler.report import Diagnostic, Report, Span
from compiler.run.passes import Compiled, compile_document
from compiler.source import parse_yaml
from compiler.source.shipped import EXAMPLES, Folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from compiler.model import Connection
    from compiler.source import Document

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
_FAR = "1000-01-01"
_FILE, _KEY = "trial.yaml", "db"


@dataclass(slots=True)
class Trial:
    """What was tried on one adapter, and what was found."""

    name: str
    tried: dict[str, int] = field(default_factory=dict)
    report: Report = field(default_factory=Report)

    @property
    def passed(self) -> bool:
        return not self.report.errors

    def row(self) -> dict[str, Any]:
        return {"adapter": self.name, "passed": self.passed, **self.tried}


def run_trials(words: Sequence[str], given: Path | None) -> tuple[list[Trial], dict[str, str]]:
    """Tries the named adapters or adapter files, or all that are found; also returns the texts of their files."""
    from compiler.source.shipped import folders

    files = {word: Path(word) for word in words if word.endswith(".yaml") or "/" in word}
    around = [Folder(file.resolve().parent, str(file.parent)) for file in files.values()]
    registry = Registry((*around, *folders(Path(), given)))
    names = [files[word].stem if word in files else word for word in words]
    return [try_adapter(name, registry) for name in names or registry.stems()], registry.sources


def try_adapter(name: str, registry: Registry) -> Trial:
    """Returns what one adapter shows without an engine."""
    trial = Trial(name)
    found = Report()
    adapter = registry.find(name, Span(path="stackc adapters test"), found)
    trial.report.extend(_errors(found))
    if adapter is None:
        return trial
    trial.name = adapter.name
    for what, check in _CHECKS.items():
        if trial.passed:
            trial.tried[what] = check(adapter, registry, trial.report)
    return trial


def _errors(found: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    return (finding for finding in found if finding.severity == "error")


def _schemas(adapter: Adapter, registry: Registry, report: Report) -> int:
    report.extend(check_adapter(adapter))
    return 1


def _probes(adapter: Adapter, registry: Registry, report: Report) -> int:
    place = adapter.value(("health", "test"))
    for version in adapter.versions:
        spec = adapter.at(version)
        test = str(spec["health"]["test"])
        secrets = spec.get("secrets") or {"password": {}, "admin_password": {}}
        if not any(f"secrets.{name}" in test for name in secrets):
            help = "read ${{ secrets.password }} and log in"
            report.error("weak-probe", "the probe logs in with no secret", place, help)
        if "localhost" in test:
            told = "the probe asks localhost, where the first start listens too"
            report.error("weak-probe", told, place, "ask 127.0.0.1 or $HOSTNAME")
    return len(adapter.versions)


def stacks(adapter: Adapter) -> Iterator[dict[str, Any]]:
    """Yields database entries: every version with every mode of TLS, every vector metric and method."""
    for version in adapter.versions:
        spec = adapter.at(version)
        full: dict[str, Any] = {"memory": "1G", "port": 15000, "cpus": "1"}
        if (spec.get("query_timeout") or {}).get("applies", "nowhere") != "nowhere":
            full["query_timeout"] = "30s"
        modes = ("off", "require", "verify-full") if "tls" in spec else ("off",)
        for mode, extra in product(modes, [{}, full, *_vectors(spec.get("vector"))]):
            yield {"adapter": adapter.name, "version": version, "tls": mode, **extra}


def _vectors(rules: Any) -> Iterator[dict[str, Any]]:
    for metric, method in product(rules["metrics"], rules["methods"]) if rules else ():
        dimensions = min(rules["dimensions"][0]["up_to"], 384)
        yield {"vector": {"dimensions": dimensions, "metric": metric, "method": method}}


def _renders(adapter: Adapter, registry: Registry, report: Report) -> int:
    seen: set[tuple[Span, str]] = set()
    entries = list(stacks(adapter))
    for entry in entries:
        for one in _compiled(entry, adapter, registry)[1]:
            # The same fault in another mode of TLS says nothing new.
            what = (one.span, one.message.partition(": ")[2])
            report.extend(() if what in seen else (one,))
            seen.add(what)
    return len(entries)


def _passwords(adapter: Adapter, registry: Registry, report: Report) -> int:
    count = 0
    for entry in stacks(adapter):
        if "vector" in entry:
            continue
        compiled, found = _compiled({**entry, "port": 15000}, adapter, registry)
        report.extend(found)
        if compiled is None:
            count += 1
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
    if connection.form == "url":
        from urllib.parse import quote

        return quote(password, safe="")
    if connection.form == "pairs" and "head" not in connection.parts:
        return pair_value(password, str(connection.parts.get("separator", ";")))
    if connection.form == "arguments":
        import json

        return json.dumps(password)
    return password


def _examples(adapter: Adapter, registry: Registry, report: Report) -> int:
    words = {adapter.name, *adapter.data.get("aliases", [])}
    count = 0
    for file in sorted(EXAMPLES.glob("*/stack.yaml")):
        name = file.parent.name
        document = parse_yaml(file.read_bytes(), f"{name}/stack.yaml", Report())
        entries = document.data.get("databases", {}).values() if document else ()
        if document and any(isinstance(entry, dict) and entry.get("adapter") in words for entry in entries):
            count += 1
            near = Registry((*registry.folders, Folder(file.parent / "adapters", f"{name}/adapters")))
            found = Report()
            _compile(document, near, found)
            report.extend(_errors(found))
    return count


def _compiled(
    entry: dict[str, Any], adapter: Adapter, registry: Registry
) -> tuple[Compiled | None, list[Diagnostic]]:
    import json

    text = json.dumps({"name": "trial", "databases": {_KEY: entry}})
    report = Report()
    document = parse_yaml(text.encode(), _FILE, report)
    compiled = _compile(document, registry, report) if document else None
    # A line of a stack that was made up says nothing to a reader.
    shown = {_FILE: adapter.key(("versions", str(entry["version"])))}
    told = f"version {entry['version']} with TLS {entry['tls']} does not compile: "
    return compiled, [
        Diagnostic("adapter-trial", "error", told + one.message, shown.get(one.span.path, one.span), one.help)
        for one in _errors(report)
    ]


def _compile(document: Document, registry: Registry, report: Report) -> Compiled | None:
    return compile_document(document, registry, report, environment="local", today=_FAR, source="stack.yaml")


_CHECKS: dict[str, Callable[[Adapter, Registry, Report], int]] = {
    "schemas": _schemas,
    "probes": _probes,
    "renders": _renders,
    "passwords": _passwords,
    "examples": _examples,
}


def render_trials(trials: Sequence[Trial]) -> str:
    """Returns the table of what was tried: a count of trials for each check, and the verdict."""
    rows = [("ADAPTER", *(what.upper() for what in _CHECKS), "RESULT")]
    for trial in trials:
        counts = (str(trial.tried.get(what, "-")) for what in _CHECKS)
        rows.append((trial.name, *counts, "passed" if trial.passed else "failed"))
    return render_table(rows)
