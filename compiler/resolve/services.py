"""The containers of the user's own services: Compose entries with their references resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from compiler.diagnostics import Diagnostic, error, suggest
from compiler.expressions import ExpressionError, evaluate
from compiler.model import Container, Raw, Reference, env_key
from compiler.resolve.containers import ca_file
from compiler.resolve.ports import Binding, parse_port
from compiler.resolve.probe import build_probe
from compiler.resolve.scope import NETWORK

if TYPE_CHECKING:
    from compiler.model import Access, Path
    from compiler.stack import Stack


class Names(Mapping[str, Any]):
    """A mapping that remembers which of its names were asked for."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values_by_name = values
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        value = self.values_by_name[name]
        self.asked.add(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)

    def __contains__(self, name: object) -> bool:
        return name in self.values_by_name


@dataclass(slots=True)
class ServiceBuilder:
    """Builds the container of each service; what all of them refer to is computed once."""

    stack: Stack
    access: Mapping[str, Access]
    ready: Mapping[str, Mapping[str, str]]
    secrets: Mapping[str, Any]
    diagnostics: list[Diagnostic] = field(default_factory=list)
    connections: dict[str, tuple[str, str]] = field(default_factory=dict)
    bindings: dict[str, list[tuple[Path, Binding]]] = field(default_factory=dict)
    uses: dict[str, dict[str, int | None]] = field(default_factory=dict)
    links: dict[str, dict[str, Path]] = field(default_factory=dict)

    def build(self, key: str) -> Container:
        """Returns the container of one service; its faults go to `diagnostics`."""
        entry = self.stack.services[key] or {}
        at: Path = ("services", key)
        databases, services = Names(_DatabaseNames(self)), Names(_ServiceNames(self.stack))
        scope = {
            "databases": databases,
            "services": services,
            "secrets": self.secrets,
            "stack": {"name": self.stack.name, "environment": self.stack.environment},
        }
        spec: dict[str, Any] = {
            name: self._evaluate(value, scope, (*at, name)) for name, value in entry.items() if name != "uses"
        }
        self._use(key, entry.get("uses") or [], spec, databases)
        self.links[key] = dict.fromkeys(sorted(services.asked - {key}), at)
        self._ports(key, spec)
        self._health(key, spec)
        used = sorted(databases.asked)
        self.uses.setdefault(key, {})
        for name in used:
            self.uses[key].setdefault(name, None)
        self._depend(key, spec, used)
        encrypted = any(self.stack.databases[name].tls.enabled for name in used)
        if used:
            self._join(key, spec)
        return Container(
            name=key, kind="service", spec=spec, files=(ca_file(),) if encrypted else (), origin=at
        )

    def _evaluate(self, tree: Any, scope: Mapping[str, Any], at: Path) -> Any:
        if isinstance(tree, dict):
            return {key: self._evaluate(value, scope, (*at, key)) for key, value in tree.items()}
        if isinstance(tree, list):
            return [self._evaluate(item, scope, (*at, index)) for index, item in enumerate(tree)]
        if not isinstance(tree, str):
            return tree
        try:
            return evaluate(tree, scope, literal=Raw)
        except ExpressionError as fault:
            self._fault("unknown-reference", fault.message, at, fault.help)
            return None

    def _fault(self, code: str, message: str, at: Path, help: str | None = None) -> None:
        self.diagnostics.append(error(code, message, self.stack.document.value(at), help))

    def connection(self, database: str, driver: str) -> Reference:
        """Returns the reference to a finished connection string, which is thereby rendered into `.env`."""
        key = env_key(database, "url") if driver == "url" else env_key(database, driver)
        self.connections[key] = (database, driver)
        return Reference(key)

    def _use(self, key: str, uses: list[Any], spec: dict[str, Any], databases: Names) -> None:
        variables: dict[str, Any] = {}
        for index, item in enumerate(uses):
            at: Path = ("services", key, "uses", index)
            name, rule = (item, {}) if isinstance(item, str) else next(iter(item.items()))
            if name not in databases:
                help = suggest(name, self.stack.databases)
                self._fault("unknown-reference", f'no database is named "{name}"', at, help)
                continue
            parts = databases[name]
            self.uses.setdefault(key, {})[name] = (rule or {}).get("pool")
            variables |= self._variables(name, rule or {}, parts, at)
        if variables:
            written = spec.get("environment")
            spec["environment"] = {**variables, **_as_map(written)}

    def _variables(self, name: str, rule: Mapping[str, Any], parts: Mapping[str, Any], at: Path) -> dict[str, Any]:
        driver = rule.get("driver", "url")
        known = self.access[name].network
        if driver not in known:
            told = f'{self.access[name].adapter} has no connection for a driver "{driver}"'
            self._fault("unknown-driver", told, (*at, name, "driver"), suggest(driver, known))
            return {}
        wanted = rule.get("as", env_key(name, "url"))
        if isinstance(wanted, str):
            return {wanted: self.connection(name, driver)}
        return {
            variable: self.connection(name, driver) if part == "url" else _text(parts[part])
            for part, variable in wanted.items()
        }

    def _ports(self, key: str, spec: dict[str, Any]) -> None:
        bound: list[Any] = []
        for index, entry in enumerate(spec.get("ports") or []):
            at: Path = ("services", key, "ports", index)
            parsed = parse_port(entry)
            if parsed is None:
                told = f'"{entry}" is not a port'
                self._fault("wrong-format", told, at, 'write "HOST:CONTAINER", such as "8080:80"')
                continue
            port, binding = parsed
            if any(number and not 0 < number[-1] < 65536 for number in (binding.host, binding.container)):
                self._fault("wrong-format", f'"{entry}" has a port above 65535', at, "ports go from 1 to 65535")
            self.bindings.setdefault(key, []).append((at, binding))
            bound.append(port)
        if bound:
            spec["ports"] = bound

    def _health(self, key: str, spec: dict[str, Any]) -> None:
        health = spec.get("healthcheck")
        if not isinstance(health, dict) or "http" not in health:
            return
        at: Path = ("services", key, "healthcheck", "http")
        if "test" in health:
            self._fault("conflicting-options", "a health check has either `http` or `test`", at, "remove one of them")
            return
        asked = health["http"] if isinstance(health["http"], dict) else {"path": health["http"]}
        port = asked.get("port") or _first_port(self.stack.services[key])
        if port is None:
            help = "add `expose:` with the port, or write `http: {path: /health, port: 8080}`"
            self._fault("missing-port", f'service "{key}" says no port to probe', at, help)
            return
        rest = {name: value for name, value in health.items() if name != "http"}
        defaults = {"interval": "10s", "timeout": "5s", "retries": 6, "start_period": "30s"}
        spec["healthcheck"] = {"test": ["CMD-SHELL", build_probe(port, asked["path"])], **defaults, **rest}

    def _depend(self, key: str, spec: dict[str, Any], used: list[str]) -> None:
        written = spec.get("depends_on")
        depends = {name: {"condition": "service_started"} for name in written} if isinstance(written, list) else dict(written or {})
        for name in depends:
            self.links[key].setdefault(name, ("services", key, "depends_on"))
        for name in [*used, *(name for name in depends if name in self.ready and name not in used)]:
            for container, condition in self.ready[name].items():
                depends[container] = {**depends.get(container, {}), "condition": condition}
        for name in self.links[key]:
            if name in self.stack.services and name not in depends:
                healthy = has_health(self.stack.services[name])
                depends[name] = {"condition": "service_healthy" if healthy else "service_started"}
        if depends:
            spec["depends_on"] = depends

    def _join(self, key: str, spec: dict[str, Any]) -> None:
        if spec.get("network_mode"):
            told = f'service "{key}" uses a database and sets `network_mode`, so it cannot reach it'
            self._fault("conflicting-options", told, ("services", key, "network_mode"), "remove `network_mode`")
            return
        written = spec.get("networks")
        if isinstance(written, dict):
            spec["networks"] = {**written, NETWORK: None}
        else:
            spec["networks"] = [*(written or ["default"]), NETWORK]


class _DatabaseNames(Mapping[str, Any]):
    """What `databases.NAME` holds: the parts of its connection, its URL, and `connections.DRIVER`."""

    def __init__(self, builder: ServiceBuilder) -> None:
        self.builder = builder

    def __getitem__(self, name: str) -> Any:
        return Connections(self.builder, self.builder.access[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.builder.access)

    def __len__(self) -> int:
        return len(self.builder.access)


class Connections(Mapping[str, Any]):
    """The parts and finished strings of one database; each string that is asked for goes into `.env`."""

    def __init__(self, builder: ServiceBuilder, access: Access, drivers: bool = False) -> None:
        self.builder, self.access, self.drivers = builder, access, drivers

    def __getitem__(self, name: str) -> Any:
        if self.drivers:
            return self.builder.connection(self.access.database, self.access.network[name].driver)
        if name == "connections":
            return Connections(self.builder, self.access, drivers=True)
        if name == "url":
            return self.builder.connection(self.access.database, "url")
        return self.access.parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.access.network if self.drivers else ("url", *self.access.parts, "connections"))

    def __len__(self) -> int:
        return len(list(iter(self)))


class _ServiceNames(Mapping[str, Any]):
    """What `services.NAME` holds: host, port and URL inside the network."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def __getitem__(self, name: str) -> Any:
        port = _first_port(self.stack.services[name])
        known: dict[str, Any] = {"host": name}
        return known if port is None else {**known, "port": port, "url": f"http://{name}:{port}"}

    def __iter__(self) -> Iterator[str]:
        return iter(self.stack.services)

    def __len__(self) -> int:
        return len(self.stack.services)


def _first_port(entry: Mapping[str, Any] | None) -> int | None:
    for port in [*((entry or {}).get("expose") or []), *((entry or {}).get("ports") or [])]:
        parsed = parse_port(port)
        if parsed and parsed[1].container:
            return parsed[1].container.start
    return None


def has_health(entry: Mapping[str, Any] | None) -> bool:
    health = (entry or {}).get("healthcheck")
    return isinstance(health, dict) and not health.get("disable") and ("test" in health or "http" in health)


def _as_map(environment: Any) -> dict[str, Any]:
    if isinstance(environment, list):
        pairs = (str(item).partition("=") for item in environment)
        return {name: Raw(value) if sign else None for name, sign, value in pairs}
    return dict(environment or {})


def _text(value: Any) -> Any:
    return value if isinstance(value, Reference) else str(value)
