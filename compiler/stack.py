"""A stack: one document checked against the schemas of the stack, of Compose and of its own adapters, and typed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from compiler.diagnostics import Diagnostic, Span, error, has_errors, suggest
from compiler.model import env_key
from compiler.registry import Adapter, Registry, select
from compiler.resources import load_schema
from compiler.schema import check_schema
from compiler.source import Document, merge_patch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compiler.model import Path

LOCAL = "local"
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
_SIZES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """A collection with a vector index, its defaults filled in; `parameters` are those of the method."""

    collection: str
    field: str
    dimensions: int
    metric: str
    method: str
    parameters: Mapping[str, Any]
    managed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How clients connect: `off`, `require` or `verify-full`; the files are a user's own, relative to the stack."""

    mode: str = "off"
    certificate: str | None = None
    key: str | None = None
    ca: str | None = None

    @property
    def enabled(self) -> bool:
        return self.mode != "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database of the stack with its adapter chosen; `spec` is the adapter's data for its version.

    Times are in milliseconds, memory in bytes.
    """

    key: str
    adapter: Adapter
    version: str
    spec: Mapping[str, Any]
    entry: Mapping[str, Any]
    options: Mapping[str, Any]
    image: str
    database: str
    user: str
    port: int | None
    tls: Tls
    pool_size: int | None
    timeout: int | None
    vector: Vector | None
    memory: int | None
    password_key: str
    chosen: str = ""

    @property
    def path(self) -> Path:
        return ("databases", self.key)

    @property
    def own_password(self) -> bool:
        """Whether the password is the database's own, and not a secret of the stack."""
        return "password" not in self.entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A checked stack in one environment; services and secrets keep the shape in which they were written."""

    name: str
    environment: str
    document: Document
    services: Mapping[str, Any]
    databases: Mapping[str, Database]
    secrets: Mapping[str, Any]
    extra: Mapping[str, Any] = field(default_factory=dict)


def parse_milliseconds(text: str) -> int:
    match = re.fullmatch(r"(\d+)(ms|s|m|h)", text)
    if not match:
        raise ValueError(f'"{text}" is not a duration')
    return int(match[1]) * _UNITS[match[2]]


def parse_bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+)([kmg])b?", text.lower())
    if not match:
        raise ValueError(f'"{text}" is not a size')
    return int(match[1]) * _SIZES[match[2]]


@lru_cache(maxsize=1)
def bundle() -> dict[str, Any]:
    """Returns the stack's schema with the Compose Specification's definitions in it, `compose-` before their names.

    A service is Compose's, with `uses` and `healthcheck.http` beside its own keys.
    """
    import json

    own = load_schema("stack.schema.json")
    text = json.dumps(load_schema("compose-spec.json")).replace('"#/$defs/', '"#/$defs/compose-')
    compose = json.loads(text)
    defs: dict[str, Any] = {f"compose-{name}": schema for name, schema in compose["$defs"].items()}
    service = defs.pop("compose-service")
    health = defs["compose-healthcheck"]
    health["properties"]["http"] = {"$ref": "#/$defs/http"}
    service["properties"]["uses"] = {"$ref": "#/$defs/uses"}
    service["description"] = own["$defs"]["service"]["description"]
    defs["compose-service"] = {"$ref": "#/$defs/service"}
    properties = dict(own["properties"])
    for plural, singular in (("volumes", "volume"), ("networks", "network"), ("configs", "config")):
        entry = {"$ref": f"#/$defs/compose-{singular}"}
        properties[plural] = {**properties[plural], "additionalProperties": entry}
    return {**own, "properties": properties, "$defs": {**own["$defs"], **defs, "service": service}}


def database_schema(options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the closed schema of a database entry with these options of its adapter."""
    base = load_schema("stack.schema.json")["$defs"]["database"]
    return {**base, "properties": {**base["properties"], **options}, "additionalProperties": False}


def build_stack(
    document: Document, registry: Registry, environment: str, trusted: bool = False
) -> tuple[Stack | None, list[Diagnostic]]:
    """Checks and types a stack. `trusted` skips the schemas: the same texts have passed them before."""
    document, diagnostics = _overlay(document, environment)
    if not (has_errors(diagnostics) or trusted):
        diagnostics += _check_shape(document)
    if has_errors(diagnostics):
        return None, diagnostics
    databases: dict[str, Database] = {}
    for key, entry in document.data.get("databases", {}).items():
        database, faults = _Typing(document, registry, key, entry, trusted).database()
        diagnostics += faults
        if database:
            databases[key] = database
    if has_errors(diagnostics):
        return None, diagnostics
    data = document.data
    stack = Stack(
        name=data["name"],
        environment=environment,
        document=document,
        services=data.get("services") or {},
        databases=databases,
        secrets=data.get("secrets") or {},
        extra={key: data[key] for key in ("volumes", "networks", "configs") if data.get(key)},
    )
    return stack, diagnostics


def _overlay(document: Document, environment: str) -> tuple[Document, list[Diagnostic]]:
    environments = document.data.get("environments")
    if isinstance(environments, dict) and isinstance(environments.get(environment), dict):
        return merge_patch(document, ("environments", environment)), []
    if environment == LOCAL:
        return document, []
    known = [LOCAL, *(environments if isinstance(environments, dict) else ())]
    told = f'the stack has no environment "{environment}"'
    return document, [error("unknown-environment", told, document.key(("environments",)), suggest(environment, known))]


def _check_shape(document: Document) -> list[Diagnostic]:
    schema, data = bundle(), document.data
    outer = {key: value for key, value in data.items() if key not in ("services", "databases")}
    for key in ("services", "databases"):
        if key in data:
            value = data[key]
            outer[key] = dict.fromkeys(value, {"adapter": "x"} if key == "databases" else {}) if isinstance(value, dict) else value
    diagnostics = check_schema(outer, schema, noun="the stack", locate=document)
    services = data.get("services")
    for key, entry in services.items() if isinstance(services, dict) else ():
        diagnostics += check_schema(
            entry, schema, noun=f'service "{key}"', locate=document, at=("services", key), pointer="/$defs/service"
        )
    databases = data.get("databases")
    for key, entry in databases.items() if isinstance(databases, dict) else ():
        if not isinstance(entry, dict) or not isinstance(entry.get("adapter"), str):
            diagnostics += check_schema(
                entry, schema, noun=f'database "{key}"', locate=document, at=("databases", key), pointer="/$defs/database"
            )
    if isinstance(data, dict) and not services and not databases and not has_errors(diagnostics):
        help = "add a service under `services:` or a database under `databases:`"
        diagnostics.append(error("empty-stack", "the stack has neither services nor databases", document.key(("name",)), help))
    return diagnostics


@dataclass(slots=True)
class _Typing:
    """Types one database entry, collecting what is wrong with it."""

    document: Document
    registry: Registry
    key: str
    entry: Mapping[str, Any]
    trusted: bool
    faults: list[Diagnostic] = field(default_factory=list)

    def at(self, *path: str) -> Span:
        return self.document.value(("databases", self.key, *path))

    def fault(self, code: str, message: str, *path: str, help: str | None = None) -> None:
        self.faults.append(error(code, message, self.at(*path), help))

    def database(self) -> tuple[Database | None, list[Diagnostic]]:
        adapter, chosen = self._adapter()
        if adapter is None:
            return None, self.faults
        version = self._version(adapter)
        if version is None:
            return None, self.faults
        spec = adapter.at(version)
        if not self.trusted:
            schema = database_schema(spec.get("options", {}))
            self.faults += check_schema(
                self.entry, schema, noun=f'database "{self.key}"', locate=self.document, at=("databases", self.key)
            )
            if has_errors(self.faults):
                return None, self.faults
        self._lacking(adapter, version, spec)
        vector = self._vector(adapter, version, spec)
        names = {part: self._name(part, spec) for part in ("database", "user")}
        tls = self._tls(adapter, spec)
        timeout = self._timeout(adapter, spec)
        password_key = self._password_key()
        if has_errors(self.faults):
            return None, self.faults
        pool = self.entry.get("pool", {}).get("size", (spec.get("pool") or {}).get("size"))
        options = {name: option.get("default") for name, option in spec.get("options", {}).items()}
        memory = self.entry.get("memory")
        database = Database(
            key=self.key,
            adapter=adapter,
            version=version,
            spec=spec,
            entry=self.entry,
            options={**options, **{name: self.entry[name] for name in options if name in self.entry}},
            image=str(self.entry.get("image") or adapter.versions[version]["image"]),
            database=names["database"],
            user=names["user"],
            port=self.entry.get("port"),
            tls=tls,
            pool_size=pool,
            timeout=timeout,
            vector=vector,
            memory=parse_bytes(memory) if memory else None,
            password_key=password_key,
            chosen=chosen,
        )
        return database, self.faults

    def _adapter(self) -> tuple[Adapter | None, str]:
        word = str(self.entry["adapter"])
        if word != "auto":
            adapter, faults = self.registry.find(word, self.at("adapter"))
            self.faults += faults
            return adapter, ""
        needs = self.entry.get("needs")
        if not isinstance(needs, list) or not needs or not all(isinstance(need, str) for need in needs):
            self.fault("missing-option", '"adapter: auto" needs a list of capabilities', "adapter", help="add `needs: [vector]`")
            return None, ""
        adapters = self.registry.adapters()
        known = sorted({name for adapter in adapters for name in adapter.capabilities()})
        ranked = select(adapters, needs)
        best, lacking = ranked[0]
        if lacking:
            nearest = "; ".join(f"{one.name} lacks {', '.join(less)}" for one, less in ranked[:3])
            unknown = [need for need in needs if not any(need in one.capabilities() for one in adapters)]
            help = suggest(unknown[0], known) if unknown else f"nearest: {nearest}"
            told = f"no adapter has all of {', '.join(needs)}"
            self.fault("no-adapter-fits", told, "needs", help=help)
            return None, ""
        others = [one.name for one, less in ranked[1:] if not less]
        why = f"{best.name} has {', '.join(needs)}"
        return best, why + (f" and is preferred to {', '.join(others)}" if others else "; no other adapter has")

    def _version(self, adapter: Adapter) -> str | None:
        wanted = self.entry.get("version")
        if wanted is None:
            return str(adapter.data["default_version"])
        for spelling in (str(wanted), f"{wanted}.0"):
            if spelling in adapter.versions:
                return spelling
        help = suggest(wanted, adapter.versions)
        self.fault("unknown-version", f'{adapter.name} has no version "{wanted}"', "version", help=help)
        return None

    def _lacking(self, adapter: Adapter, version: str, spec: Mapping[str, Any]) -> None:
        for index, need in enumerate(self.entry.get("needs", ())):
            if need not in spec["capabilities"]:
                place = self.document.value(("databases", self.key, "needs", index))
                told = f'{adapter.name} {version} has no capability "{need}"'
                self.faults.append(error("missing-capability", told, place, self._able(adapter, need)))

    def _able(self, adapter: Adapter, need: str) -> str:
        versions = [name for name in adapter.versions if need in adapter.capabilities(name)]
        if versions:
            return f"write `version: \"{versions[-1]}\"`"
        fit = [one.name for one, less in select(self.registry.adapters(), [need]) if not less]
        return f"adapters that have it: {', '.join(fit)}" if fit else "no adapter has it"

    def _name(self, part: str, spec: Mapping[str, Any]) -> str:
        rule = (spec.get("credentials") or {}).get(part)
        given = self.entry.get(part)
        if rule is None:
            if given is not None:
                self.fault("unsupported-option", f'database "{self.key}" cannot have a {part}', part, help=f"remove `{part}`")
            return ""
        name = str(given if given is not None else rule.get("default", self.key.replace("-", "_")))
        place = (part,) if given is not None else ()
        if not re.fullmatch(rule["pattern"].removeprefix("^").removesuffix("$"), name):
            told = f'the {part} "{name}" of database "{self.key}" is not a name that the engine takes'
            self.fault("wrong-format", told, *place, help=f"it takes {rule['pattern']}; write `{part}:`")
        if name in rule.get("refuse", ()):
            told = f'the {part} "{name}" of database "{self.key}" is reserved by the engine'
            self.fault("reserved-name", told, *place, help=f"write another `{part}:`")
        return name

    def _password_key(self) -> str:
        written = self.entry.get("password")
        if written is None:
            return env_key(self.key, "password")
        match = re.fullmatch(r"\$\{\{\s*secrets\.(\w+)\s*\}\}", str(written))
        secrets = self.document.data.get("secrets") or {}
        if not match:
            help = f"leave it out and set {env_key(self.key, 'password')} in .env, or write ${{{{ secrets.NAME }}}}"
            self.fault("literal-password", f'the password of database "{self.key}" stands in the stack', "password", help=help)
        elif match[1] not in secrets:
            told = f'no secret is named "{match[1]}"'
            self.fault("unknown-reference", told, "password", help=suggest(match[1], secrets))
        elif "file" in secrets[match[1]]:
            told = f'the secret "{match[1]}" is a file, and a password must be in .env'
            self.fault("secret-is-a-file", told, "password", help="use `generate:` or `environment:`")
        else:
            return str(secrets[match[1]].get("environment") or env_key(match[1]))
        return ""

    def _tls(self, adapter: Adapter, spec: Mapping[str, Any]) -> Tls:
        written = self.entry.get("tls", "off")
        tls = Tls(**written) if isinstance(written, dict) else Tls(mode=written)
        if tls.enabled and "tls" not in spec:
            self.fault("unsupported-option", f"{adapter.name} has no TLS here", "tls", help="remove `tls`")
        return tls

    def _timeout(self, adapter: Adapter, spec: Mapping[str, Any]) -> int | None:
        written = self.entry.get("query_timeout")
        if written is None:
            return None
        rule = spec.get("query_timeout") or {"applies": "nowhere"}
        if rule["applies"] == "nowhere":
            help = rule.get("help", "set it in the application's code")
            self.fault("unsupported-option", f"{adapter.name} has no query timeout", "query_timeout", help=help)
        return parse_milliseconds(str(written))

    def _vector(self, adapter: Adapter, version: str, spec: Mapping[str, Any]) -> Vector | None:
        if "vector" not in self.entry:
            return None
        written, rules = self.entry["vector"], spec.get("vector")
        if not rules:
            told = f"{adapter.name} {version} has no vector search"
            self.fault("missing-capability", told, "vector", help=self._able(adapter, "vector"))
            return None
        metric = written.get("metric", "cosine")
        if metric not in rules["metrics"]:
            told = f'{adapter.name} {version} has no vector metric "{metric}"'
            self.fault("not-allowed-value", told, "vector", "metric", help=f"one of: {', '.join(rules['metrics'])}")
        method = written.get("method", next(iter(rules["methods"])))
        if method not in rules["methods"]:
            told = f'{adapter.name} {version} has no vector index method "{method}"'
            self.fault("not-allowed-value", told, "vector", "method", help=suggest(method, rules["methods"]))
            return None
        limit = rules["dimensions"][-1]["up_to"]
        if written["dimensions"] > limit:
            told = f"{adapter.name} {version} indexes vectors of at most {limit} dimensions, not {written['dimensions']}"
            self.fault("out-of-range", told, "vector", "dimensions", help=self._deeper(written["dimensions"]))
        parameters = self._parameters(written.get("parameters", {}), method, rules["methods"][method])
        return Vector(
            collection=written.get("collection", "documents"),
            field=written.get("field", "embedding"),
            dimensions=written["dimensions"],
            metric=metric,
            method=method,
            parameters=parameters,
            managed=written.get("managed", True),
        )

    def _deeper(self, dimensions: int) -> str:
        able = []
        for adapter in self.registry.adapters():
            for version in reversed(adapter.versions):
                rules = adapter.at(version).get("vector")
                if rules and rules["dimensions"][-1]["up_to"] >= dimensions:
                    able.append(f"{adapter.name} {version}")
                    break
        return f"these can: {', '.join(able[:5])}" if able else "use a smaller embedding"

    def _parameters(self, given: Mapping[str, Any], method: str, known: Mapping[str, Any]) -> dict[str, Any]:
        schema = {"type": "object", "properties": known, "additionalProperties": False}
        if not self.trusted:
            self.faults += check_schema(
                given,
                schema,
                noun=f'the vector index method "{method}"',
                locate=self.document,
                at=("databases", self.key, "vector", "parameters"),
            )
        return {name: given.get(name, rule["default"]) for name, rule in known.items() if "default" in rule or name in given}
