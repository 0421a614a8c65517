"""The containers of the user's own services: Compose entries with their references resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from compiler.expressions import ExpressionError, evaluate
from compiler.model import Container, Raw, Reference, Text, env_key
from compiler.project.containers import ca_file
from compiler.project.entries import depends, has_health, items, pairs, plain
from compiler.project.file_modes import with_file_modes
from compiler.project.host_paths import rebase
from compiler.project.ports import Binding, parse_port
from compiler.project.probe import build_probe
from compiler.project.quantities import parse_duration
from compiler.project.references import References, first_port, secret_key
from compiler.project.scope import NETWORK
from compiler.report import suggest
from compiler.rules.findings import Findings
from compiler.rules.leftover import check_entry, check_section

if TYPE_CHECKING:
    from compiler.model import Access, Path
    from compiler.stack.stack import Stack

_PROBE = {"interval": "10s", "timeout": "5s", "retries": 6, "start_period": "30s"}


@dataclass(slots=True)
class ServiceBuilder:
    """Builds the container of each service; what all of them refer to is computed once.

    `ready` holds the conditions to wait for by database; `base` is the way from the rendered files to the stack.
    """

    stack: Stack
    access: Mapping[str, Access]
    ready: Mapping[str, Mapping[str, str]]
    base: str = ""
    findings: Findings = field(init=False)
    references: References = field(init=False)
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    bindings: dict[str, list[tuple[Path, Binding]]] = field(default_factory=dict)
    uses: dict[str, dict[str, int | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.findings = Findings(self.stack.document)
        self.references = References(self.stack, self.access)

    def build(self, key: str) -> Container:
        """Returns the container of one service; `entries` keeps what was written, with its expressions evaluated."""
        at: Path = ("services", key)
        written = self.stack.services[key] or {}
        scope = self.references.scope()
        entry = {
            name: self._evaluated(value, scope, (*at, name))
            for name, value in written.items()
            if name != "uses"
        }
        self.entries[key] = entry
        check_entry(self.findings, entry, at)
        spec = dict(entry)
        pools = self._use(key, written.get("uses") or [], spec, scope)
        self._ports(key, spec)
        self._health(key, spec)
        used = sorted(scope["databases"].asked)
        self.uses[key] = {name: pools.get(name) for name in used}
        linked = sorted(scope["services"].asked - {key})
        self._depend(key, spec, used, linked)
        reached = [*used, *(name for name in depends(entry) if name in self.ready)]
        if reached:
            self._join(at, spec, bool(used))
        encrypted = any(self.stack.databases[name].tls.enabled for name in reached)
        spec = rebase(with_file_modes(spec), "service", self.base)
        files = (ca_file(),) if encrypted else ()
        mounted = tuple(self._mounted(entry))
        return Container(name=key, kind="service", spec=spec, files=files, mounted=mounted, origin=at)

    def _mounted(self, entry: Mapping[str, Any]) -> Iterator[str]:
        for _, item in items(entry.get("secrets")):
            name = str(item.get("source") if isinstance(item, Mapping) else item)
            rule = self.stack.secrets.get(name)
            if rule and "file" not in rule:
                yield secret_key(name, rule)

    def section(self, kind: str) -> dict[str, Any]:
        """Returns a top-level section of the stack in Compose's form."""
        written = self.stack.secrets if kind == "secrets" else self.stack.extra.get(kind) or {}
        scope = self.references.scope()
        entries = {}
        for name, entry in written.items():
            if kind == "secrets":
                entry = (
                    {"file": entry["file"]} if "file" in entry else {"environment": secret_key(name, entry)}
                )
            entries[name] = self._evaluated(entry, scope, (kind, name))
        check_section(self.findings, kind, entries)
        return {name: rebase(entry, kind, self.base) for name, entry in entries.items()}

    def _evaluated(self, tree: Any, scope: Mapping[str, Any], at: Path) -> Any:
        if isinstance(tree, dict):
            for key in tree:
                self._check_key(key, (*at, key))
            return {key: self._evaluated(value, scope, (*at, key)) for key, value in tree.items()}
        if isinstance(tree, list):
            return [self._evaluated(item, scope, (*at, index)) for index, item in enumerate(tree)]
        if not isinstance(tree, str):
            return tree
        try:
            return _scalar(evaluate(tree, scope, literal=Raw))
        except ExpressionError as fault:
            self.findings.error(fault.code, fault.message, at, fault.help, part=fault.source)
            return None

    def _check_key(self, key: str, at: Path) -> None:
        if "${" in key:
            help = 'write it as a list of "name=value", where both sides may hold one'
            self.findings.error(
                "expression", "a key cannot hold an expression or a variable", at, help, key=True
            )

    def _use(
        self, key: str, uses: list[Any], spec: dict[str, Any], scope: Mapping[str, Any]
    ) -> dict[str, int | None]:
        """Adds the variables of `uses` that the service does not set itself; returns the pool size by database."""
        variables: dict[str, Any] = {}
        pools: dict[str, int | None] = {}
        for index, item in enumerate(uses):
            at: Path = ("services", key, "uses", index)
            name, rule = (item, {}) if isinstance(item, str) else next(iter(item.items()))
            if name not in scope["databases"]:
                help = suggest(name, self.stack.databases)
                self.findings.error("unknown-reference", f'no database is named "{name}"', at, help)
                continue
            pools[name] = rule.get("pool", pools.get(name))
            variables |= self._variables(name, rule, scope["databases"][name], at)
        own = spec.get("environment")
        names = {name for _, name, _ in pairs(own)}
        added = {name: value for name, value in variables.items() if name not in names}
        if isinstance(own, list):
            spec["environment"] = [*(_assignment(name, value) for name, value in added.items()), *own]
        elif added:
            spec["environment"] = {**added, **(own or {})}
        return pools

    def _variables(
        self, name: str, rule: Mapping[str, Any], parts: Mapping[str, Any], at: Path
    ) -> dict[str, Any]:
        driver = rule.get("driver", "url")
        known = self.access[name].network
        if driver not in known:
            told = f'{self.access[name].adapter} has no connection for a driver "{driver}"'
            self.findings.error("unknown-driver", told, (*at, name, "driver"), suggest(driver, known))
            return {}
        wanted = rule.get("as", env_key(name, "url"))
        wanted = {"url": wanted} if isinstance(wanted, str) else wanted
        return {
            variable: self.references.connection(name, driver) if part == "url" else _scalar(parts[part])
            for part, variable in wanted.items()
        }

    def _ports(self, key: str, spec: dict[str, Any]) -> None:
        bound: list[Any] = []
        for index, entry in items(spec.get("ports")):
            at: Path = ("services", key, "ports", index)
            port = parse_port(entry)
            if port is None or port.fault:
                shown = f'"{entry}"' if isinstance(entry, str | int) else "this"
                reason = f": {port.fault}" if port else ""
                help = 'write "HOST:CONTAINER", such as "8080:80"'
                self.findings.error("wrong-format", f"{shown} is not a port{reason}", at, help)
                continue
            self.bindings.setdefault(key, []).append((at, port.binding))
            bound.append(port.entry)
        if bound:
            spec["ports"] = bound

    def _health(self, key: str, spec: dict[str, Any]) -> None:
        health = spec.get("healthcheck")
        if not isinstance(health, dict) or "http" not in health:
            return
        at: Path = ("services", key, "healthcheck", "http")
        if "test" in health:
            told = "a health check has either `http` or `test`"
            self.findings.error("conflicting-options", told, at, "remove one of them", key=True)
            return
        asked = health["http"] if isinstance(health["http"], dict) else {"path": health["http"]}
        port = asked.get("port") or first_port(self.stack.services[key])
        if port is None:
            help = "add `expose:` with the port, or write `http: {path: /health, port: 8080}`"
            self.findings.error("missing-port", f'service "{key}" says no port to probe', at, help)
            return
        rest = {name: value for name, value in health.items() if name != "http"}
        limit = parse_duration(plain(rest.get("timeout")) or "") or 5
        script = build_probe(port, str(asked["path"]), max(1, int(limit) - 1))
        spec["healthcheck"] = {"test": ["CMD-SHELL", script], **_PROBE, **rest}

    def _depend(self, key: str, spec: dict[str, Any], used: list[str], linked: list[str]) -> None:
        waits = depends(spec)
        for name in [*used, *(name for name in waits if name in self.ready and name not in used)]:
            for container, condition in self.ready[name].items():
                waits[container] = {**waits.get(container, {}), "condition": condition}
        profiles = set(spec.get("profiles") or ())
        for name in linked:
            other = self.stack.services[name] or {}
            if name not in waits:
                waits[name] = {"condition": "service_healthy" if has_health(other) else "service_started"}
                # Compose refuses a dependency that no active profile starts.
                if other.get("profiles") and not profiles & set(other["profiles"]):
                    waits[name]["required"] = False
        if waits:
            spec["depends_on"] = waits

    def _join(self, at: Path, spec: dict[str, Any], is_needed: bool) -> None:
        if spec.get("network_mode"):
            if is_needed:
                told = f'service "{at[-1]}" uses a database and sets `network_mode`, so it cannot reach it'
                help = "remove `network_mode`: the service then joins the network of the databases"
                self.findings.error("conflicting-options", told, (*at, "network_mode"), help, key=True)
            return
        written = spec.get("networks")
        if isinstance(written, dict) and written:
            spec["networks"] = {**written, NETWORK: written.get(NETWORK)}
        else:
            spec["networks"] = list(dict.fromkeys([*(written or ["default"]), NETWORK]))


def _scalar(value: Any) -> Any:
    """Returns the value of an expression as Compose takes it anywhere: numbers as text, no lists or groups."""
    if isinstance(value, Mapping):
        raise ExpressionError(
            "the expression names a group and not a single value", f"add one of: {', '.join(value)}"
        )
    if isinstance(value, list):
        raise ExpressionError("the expression makes a list and not a single value", "write the list out")
    if value is None:
        raise ExpressionError("the expression has no value", "leave the option out")
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _assignment(name: str, value: Any) -> str | Text:
    return Text((f"{name}=", value)) if isinstance(value, Reference) else f"{name}={value}"
