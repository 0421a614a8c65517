"""Tries adapters without an engine: `stackc adapters test`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compiler.expressions.quoting import pair_value
from compiler.project.connection_strings import iter_keys, render_connection
from compiler.registry.adapter import Adapter, check_adapter
from compiler.registry.registry import Registry
from compiler.report import Diagnostic, Report, Span, error, has_errors, warning
from compiler.run.passes import Compiled, compile_document
from compiler.source import parse_yaml
from compiler.source.shipped import EXAMPLES, Folder

if TYPE_CHECKING:
    from compiler.model import Connection

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


@dataclass(slots=True)
class Trial:
    """What was tried on one adapter, and what was found."""

    name: str
    tried: dict[str, int] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not has_errors(self.diagnostics)

    def row(self) -> dict[str, Any]:
        return {"adapter": self.name, "passed": self.passed, **self.tried}


def run_trials(words: Sequence[str], given: Path | None) -> tuple[list[Trial], dict[str, str]]:
    """Tries the named adapters or adapter files, or all that are found; also returns the texts of their files."""
    from compiler.source.shipped import folders

    files = [Path(word) for word in words if word.endswith(".yaml") or "/" in word]
    around = [Folder(file.resolve().parent, str(file.parent)) for file in files]
    registry = Registry((*around, *folders(Path(), given)))
    names = [file.stem if Path(word) == file else word for word in words for file in [Path(word)]]
    trials = [try_adapter(name, registry) for name in names or registry.stems()]
    return trials, registry.sources


def try_adapter(name: str, registry: Registry) -> Trial:
    """Returns what one adapter shows without an engine."""
    trial = Trial(name)
    report = Report()
    adapter = registry.find(name, Span(path="stackc adapters test"), report)
    trial.diagnostics += [finding for finding in report if finding.severity == "error"]
    if adapter is None:
        return trial
    trial.name = adapter.name
    for what, check in _CHECKS.items():
        count, found = 0, []
        for finding in check(adapter, registry):
            count += 1
            found += finding
        trial.tried[what] = count
        trial.diagnostics += found
        if has_errors(found):
            break
    return trial


Findings = Iterator[list[Diagnostic]]


def _schemas(adapter: Adapter, registry: Registry) -> Findings:
    yield check_adapter(adapter)


def _probes(adapter: Adapter, registry: Registry) -> Findings:
    place = adapter.value(("health", "test"))
    for version in adapter.versions:
        spec = adapter.at(version)
        test = str(spec["health"]["test"])
        secrets = spec.get("secrets") or {"password": {}, "admin_password": {}}
        found = []
        if not any(f"secrets.{name}" in test for name in secrets):
            found.append(
                error(
                    "weak-probe",
                    "the probe logs in with no secret",
                    place,
                    "read ${{ secrets.password }} and log in",
                )
            )
        if "localhost" in test:
            found.append(
                error(
                    "weak-probe",
                    "the probe asks localhost, where the first start listens too",
                    place,
                    "ask 127.0.0.1 or $HOSTNAME",
                )
            )
        yield found


def stacks(adapter: Adapter) -> Iterator[dict[str, Any]]:
    """Yields database entries: every version with every mode of TLS, every vector metric and method."""
    for version in adapter.versions:
        spec = adapter.at(version)
        modes = ("off", "require", "verify-full") if "tls" in spec else ("off",)
        timeout: dict[str, Any] = (
            {}
            if (spec.get("query_timeout") or {"applies": "nowhere"})["applies"] == "nowhere"
            else {"query_timeout": "30s"}
        )
        rules = spec.get("vector")
        vectors: list[dict[str, Any]] = (
            [
                {
                    "vector": {
                        "dimensions": min(rules["dimensions"][0]["up_to"], 384),
                        "metric": metric,
                        "method": method,
                    }
                }
                for metric, method in product(rules["metrics"], rules["methods"])
            ]
            if rules
            else []
        )
        for mode, extra in product(
            modes, [{}, {**timeout, "memory": "1G", "port": 15000, "cpus": "1"}, *vectors]
        ):
            yield {"adapter": adapter.name, "version": version, "tls": mode, **extra}


def _renders(adapter: Adapter, registry: Registry) -> Findings:
    seen: set[tuple[Span, str]] = set()
    for entry in stacks(adapter):
        found = []
        for one in _compiled(entry, adapter, registry)[1]:
            # The same fault in another mode of TLS says nothing new.
            what = (one.span, one.message.partition(": ")[2])
            found += [] if what in seen else [one]
            seen.add(what)
        yield found


def _passwords(adapter: Adapter, registry: Registry) -> Findings:
    for entry in stacks(adapter):
        if "vector" in entry:
            continue
        compiled, found = _compiled({**entry, "port": 15000}, adapter, registry)
        if compiled is None:
            yield found
            continue
        access = compiled.project.access["db"]
        refused = "".join(secret.refuse for secret in compiled.project.secrets)
        for connection, password in product((*access.network.values(), *access.host.values()), HOSTILE):
            if not set(password) & set(refused):
                yield _arrives(adapter, connection, password)


def _arrives(adapter: Adapter, connection: Connection, password: str) -> list[Diagnostic]:
    place = adapter.key(("connections", connection.driver))
    references = list(iter_keys(connection))
    try:
        text = render_connection(connection, dict.fromkeys(references, password))
    except ValueError as fault:
        told = f"the driver {connection.driver} cannot carry every password: {fault}"
        return [warning("unusable-password", told, place)]
    if not references or _spelled(connection, password) in text:
        return []
    told = f'a password does not arrive in the connection of the driver "{connection.driver}"'
    help = "let a part, or a parameter that the driver decodes, be ${{ password }}"
    return [error("lost-password", told, place, help)]


def _spelled(connection: Connection, password: str) -> str:
    from urllib.parse import quote

    if connection.form == "url":
        return quote(password, safe="")
    if connection.form == "pairs" and "head" not in connection.parts:
        return pair_value(password, str(connection.parts.get("separator", ";")))
    if connection.form == "arguments":
        import json

        return json.dumps(password)
    return password


def _examples(adapter: Adapter, registry: Registry) -> Findings:
    for folder in sorted(EXAMPLES.iterdir(), key=lambda one: one.name):
        file = folder.joinpath("stack.yaml")
        if file.is_file():
            document, _found = parse_yaml(file.read_bytes(), f"{folder.name}/stack.yaml")
            entries = document.data.get("databases", {}).values() if document else []
            words = {adapter.name, *adapter.data.get("aliases", [])}
            if document and any(
                isinstance(entry, dict) and entry.get("adapter") in words for entry in entries
            ):
                near = Registry(
                    (*registry.folders, Folder(folder.joinpath("adapters"), f"{folder.name}/adapters"))
                )
                report = Report()
                compile_document(document, near, report, environment="local", today=_FAR, source="stack.yaml")
                yield [finding for finding in report if finding.severity == "error"]


def _compiled(
    entry: dict[str, Any], adapter: Adapter, registry: Registry
) -> tuple[Compiled | None, list[Diagnostic]]:
    import json

    text = json.dumps({"name": "trial", "databases": {"db": entry}})
    document, found = parse_yaml(text.encode(), "trial.yaml")
    if document is None:
        return None, found
    report = Report()
    compiled = compile_document(
        document, registry, report, environment="local", today=_FAR, source="trial.yaml"
    )
    place = adapter.key(("versions", str(entry["version"])))
    told = f"version {entry['version']} with TLS {entry['tls']} does not compile: "
    return compiled, [
        error(
            "adapter-trial",
            told + one.message,
            one.span if one.span.path != "trial.yaml" else place,
            one.help,
        )
        for one in report
        if one.severity == "error"
    ]


_CHECKS: dict[str, Callable[[Adapter, Registry], Findings]] = {
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
        counts = (str(trial.tried[what]) if what in trial.tried else "-" for what in _CHECKS)
        rows.append((trial.name, *counts, "passed" if trial.passed else "failed"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
