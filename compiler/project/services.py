"""The user's own services: Compose entries with their references resolved, joined to what they use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.expressions import ExpressionError, evaluate
from compiler.model import Raw, env_key
from compiler.project.host_paths import rebase
from compiler.project.long_form import lengthen
from compiler.project.ports import LOOPBACK, brings_address
from compiler.project.probe import build_probe
from compiler.project.project import Origin, has_health
from compiler.project.quantities import parse_duration
from compiler.project.references import References, first_port
from compiler.project.scope import AUTHORITY, NETWORK
from compiler.project.secrets import add_files, label_secrets, stack_secret_key
from compiler.project.values import plain
from compiler.report import suggest

if TYPE_CHECKING:
    from compiler.model import Path
    from compiler.project.project import Project
    from compiler.report import Report
    from compiler.stack.stack import Stack

_PROBE = {"interval": "10s", "timeout": "5s", "retries": 6, "start_period": "30s"}


class Workshop(NamedTuple):
    """What every service is built with; `base` is the way from the rendered files to the stack."""

    stack: Stack
    project: Project
    references: References
    report: Report
    base: str


def build_service(shop: Workshop, key: str) -> None:
    """Adds one service to the project."""
    at: Path = ("services", key)
    written, scope, places = shop.stack.services[key] or {}, shop.references.scope(), shop.project.places
    entry = {
        name: _evaluated(shop, value, scope, (*at, name)) for name, value in written.items() if name != "uses"
    }
    spec = lengthen("services", entry, at, places)
    pools = _use(shop, key, written.get("uses") or [], spec, scope)
    _ports(shop, at, spec)
    _health(shop, key, spec)
    used, linked = sorted(scope["databases"].asked), sorted(scope["services"].asked - {key})
    shop.project.uses[key] = {name: pools.get(name) for name in used}
    waits = _waits(shop, key, spec, used, linked)
    if waits:
        spec["depends_on"] = waits
    reached = [*used, *(name for name in waits if name in shop.project.ready and name not in used)]
    if reached:
        _join(shop, at, spec, bool(used))
    shop.project.kinds[key] = "service"
    shop.project.services[key] = spec = rebase(spec, "services", shop.base)
    if any(shop.project.databases[name].tls.enabled for name in reached if name in shop.project.databases):
        add_files(shop.project, key, [AUTHORITY])
    label_secrets(shop.project, key, _mounted(shop, spec))


def _mounted(shop: Workshop, spec: Mapping[str, Any]) -> set[str]:
    """Returns the keys of `.env` whose values the service reads as files."""
    names = {str(mount.get("source")) for mount in spec.get("secrets") or ()} & shop.stack.secrets.keys()
    rules = {name: shop.stack.secrets[name] for name in names}
    return {stack_secret_key(name, rule) for name, rule in rules.items() if "file" not in rule}


def build_section(shop: Workshop, kind: str) -> None:
    """Adds a top-level section of the stack to the project."""
    written = shop.stack.secrets if kind == "secrets" else shop.stack.extra.get(kind) or {}
    scope = shop.references.scope()
    for name, entry in written.items():
        at: Path = (kind, name)
        if kind == "secrets":
            key = stack_secret_key(name, entry)
            entry = {"file": entry["file"]} if "file" in entry else {"environment": key}
        long = lengthen(kind, _evaluated(shop, entry, scope, at), at, shop.project.places)
        # What is empty is written so: `cache:` names a volume, and says nothing about it.
        shop.project.tree[kind][name] = rebase(long, kind, shop.base) if entry is not None else None


def _evaluated(shop: Workshop, tree: Any, scope: Mapping[str, Any], at: Path) -> Any:
    if isinstance(tree, dict):
        for key in tree:
            if "${" in key:
                help = 'write it as a list of "name=value", where both sides may hold one'
                place = shop.stack.document.key((*at, key))
                told = "a key cannot hold an expression or a variable"
                shop.report.error("expression-in-key", told, place, help)
        return {key: _evaluated(shop, value, scope, (*at, key)) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_evaluated(shop, item, scope, (*at, index)) for index, item in enumerate(tree)]
    if not isinstance(tree, str):
        return tree
    try:
        return _scalar(evaluate(tree, scope, literal=Raw))
    except ExpressionError as fault:
        place = shop.stack.document.within(at, fault.source)
        shop.report.error(fault.code, fault.message, place, fault.help)
        return None


def _use(
    shop: Workshop, key: str, uses: list[Any], spec: dict[str, Any], scope: Mapping[str, Any]
) -> dict[str, int | None]:
    """Adds the variables of `uses` that the service does not set itself; returns the pool size by database."""
    added: dict[str, Any] = {}
    pools: dict[str, int | None] = {}
    own = spec.get("environment") or {}
    for index, item in enumerate(uses):
        at: Path = ("services", key, "uses", index)
        name, rule = (item, {}) if isinstance(item, str) else next(iter(item.items()))
        if name not in scope["databases"]:
            place, help = shop.stack.document.value(at), suggest(name, shop.stack.databases)
            shop.report.error("unknown-reference", f'no database is named "{name}"', place, help)
            continue
        pools[name] = rule.get("pool", pools.get(name))
        for variable, value in _variables(shop, name, rule, scope["databases"][name], at).items():
            if variable not in own:
                added[variable] = value
                origin = Origin("stack", shop.stack.document, at)
                shop.project.places.set(("services", key, "environment", variable), origin)
    if added:
        spec["environment"] = {**added, **own}
    return pools


def _variables(
    shop: Workshop, name: str, rule: Mapping[str, Any], parts: Mapping[str, Any], at: Path
) -> dict[str, Any]:
    driver, access = rule.get("driver", "url"), shop.project.access.get(name)
    if access is not None and driver not in access.network:
        told = f'{access.adapter} has no connection for a driver "{driver}"'
        place = shop.stack.document.value((*at, name, "driver"))
        shop.report.error("unknown-driver", told, place, suggest(driver, access.network))
        return {}
    wanted = rule.get("as", env_key(name, "url"))
    wanted = {"url": wanted} if isinstance(wanted, str) else wanted
    return {
        variable: shop.references.connection(name, driver) if part == "url" else _scalar(parts[part])
        for part, variable in wanted.items()
    }


def _ports(shop: Workshop, at: Path, spec: dict[str, Any]) -> None:
    """Binds each port without an address to loopback."""
    for index, port in enumerate(spec.get("ports") or ()):
        if not brings_address(port):
            port["host_ip"] = LOOPBACK
            origin = Origin("default", shop.stack.document, (*at, "ports", index))
            shop.project.places.set((*at, "ports", index, "host_ip"), origin)


def _health(shop: Workshop, key: str, spec: dict[str, Any]) -> None:
    health, document = spec.get("healthcheck"), shop.stack.document
    if not isinstance(health, dict) or "http" not in health:
        return
    at: Path = ("services", key, "healthcheck", "http")
    if "test" in health:
        told = "a health check has either `http` or `test`"
        shop.report.error("health-check-twice", told, document.key(at), "remove one of them")
        return
    asked = health["http"] if isinstance(health["http"], dict) else {"path": health["http"]}
    port = asked.get("port") or first_port(shop.stack.services[key])
    if port is None:
        help = "add `expose:` with the port, or write `http: {path: /health, port: 8080}`"
        shop.report.error("missing-port", f'service "{key}" says no port to probe', document.value(at), help)
        return
    rest = {name: value for name, value in health.items() if name != "http"}
    limit = parse_duration(plain(rest.get("timeout")) or "") or 5
    script = build_probe(port, str(asked["path"]), max(1, int(limit) - 1))
    spec["healthcheck"] = {"test": ["CMD-SHELL", script], **_PROBE, **rest}
    shop.project.places.set((*at[:-1], "test"), Origin("default", document, at))


def _waits(
    shop: Workshop, key: str, spec: Mapping[str, Any], used: list[str], linked: list[str]
) -> dict[str, Any]:
    waits: dict[str, Any] = {name: dict(rule or {}) for name, rule in (spec.get("depends_on") or {}).items()}
    ready = shop.project.ready
    for name in [*used, *(name for name in waits if name in ready and name not in used)]:
        for container, condition in ready.get(name, {}).items():
            waits[container] = {**waits.get(container, {}), "condition": condition}
    profiles = set(spec.get("profiles") or ())
    for name in linked:
        other = shop.stack.services[name] or {}
        if name not in waits:
            waits[name] = {"condition": "service_healthy" if has_health(other) else "service_started"}
            # Compose refuses a dependency that no active profile starts.
            if other.get("profiles") and not profiles & set(other["profiles"]):
                waits[name]["required"] = False
    return waits


def _join(shop: Workshop, at: Path, spec: dict[str, Any], is_needed: bool) -> None:
    """Adds the network of the databases, which a service that uses one cannot do without."""
    if spec.get("network_mode"):
        if is_needed:
            told = f'service "{at[-1]}" uses a database and sets `network_mode`, so it cannot reach it'
            help = "remove `network_mode`: the service then joins the network of the databases"
            place = shop.stack.document.key((*at, "network_mode"))
            shop.report.error("unreachable-database", told, place, help)
        return
    if not spec.get("networks"):
        shop.project.places.short.add((*at, "networks"))
        spec["networks"] = {"default": None}
    spec["networks"] = {**spec["networks"], NETWORK: spec["networks"].get(NETWORK)}


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
