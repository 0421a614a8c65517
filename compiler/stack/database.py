"""One database of a stack: its entry checked against its own adapter, and typed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from compiler.model import env_key
from compiler.registry.bundle import database_schema
from compiler.registry.selection import choose
from compiler.report import Diagnostic, Span, error, has_errors, suggest
from compiler.schema import check_schema
from compiler.stack.vector import Vector, able, type_vector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compiler.model import Path
    from compiler.registry.adapter import Adapter
    from compiler.registry.registry import Registry
    from compiler.source import Document

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
# In the folder of the certificates, where each server's has the name of its database.
_AUTHORITY_FILES = ("authority", "ca")
_SIZES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


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


@dataclass(slots=True)
class Typing:
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
        adapter, version, chosen = self._engine()
        if adapter is None:
            return None, self.faults
        spec = adapter.at(version)
        if not self.trusted:
            schema = database_schema(adapter, version)
            self.faults += check_schema(
                self.entry,
                schema,
                noun=f'database "{self.key}"',
                locate=self.document,
                at=("databases", self.key),
            )
            if has_errors(self.faults):
                return None, self.faults
        self._lacking(adapter, version, spec)
        vector = None
        if "vector" in self.entry:
            vector, faults = type_vector(
                self.document, self.registry, self.key, adapter, version, self.trusted
            )
            self.faults += faults
        names = {part: self._name(part, spec) for part in ("database", "user")}
        tls = self._tls(adapter, spec)
        timeout = self._timeout(adapter, spec)
        self._read_only(adapter, spec, tls)
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

    def _engine(self) -> tuple[Adapter | None, str, str]:
        """Returns the adapter, its version line and, where stackc chose, why."""
        word, wanted = str(self.entry["adapter"]), self.entry.get("version")
        if word == "auto":
            choice, faults = choose(self.registry, self.entry, self.at)
            self.faults += faults
            return (choice.adapter, choice.version, choice.why) if choice else (None, "", "")
        adapter, faults = self.registry.find(word, self.at("adapter"))
        self.faults += faults
        if adapter is None or isinstance(wanted, bool) or not isinstance(wanted, str | int | float):
            # What is no version at all is found by the schema.
            return adapter, str(adapter.data["default_version"]) if adapter else "", ""
        for spelling in (str(wanted), f"{wanted}.0"):
            if spelling in adapter.versions:
                return adapter, spelling, ""
        help = suggest(wanted, adapter.versions)
        self.fault("unknown-version", f'{adapter.name} has no version "{wanted}"', "version", help=help)
        return None, "", ""

    def _lacking(self, adapter: Adapter, version: str, spec: Mapping[str, Any]) -> None:
        for index, need in enumerate(self.entry.get("needs", ())):
            if need not in spec["capabilities"]:
                place = self.document.value(("databases", self.key, "needs", index))
                told = f'{adapter.name} {version} has no capability "{need}"'
                self.faults.append(
                    error("missing-capability", told, place, able(self.registry, adapter, need))
                )

    def _name(self, part: str, spec: Mapping[str, Any]) -> str:
        rule = (spec.get("credentials") or {}).get(part)
        given = self.entry.get(part)
        if rule is None:
            if given is not None:
                self.fault(
                    "unsupported-option",
                    f'database "{self.key}" cannot have a {part}',
                    part,
                    help=f"remove `{part}`",
                )
            return ""
        name = str(given if given is not None else rule.get("default", self.key.replace("-", "_")))
        place = (part,) if given is not None else ()
        pattern = rule["pattern"].removeprefix("^").removesuffix("$")
        if not re.fullmatch(pattern, name):
            told = f'the {part} "{name}" of database "{self.key}" is not a name that the engine takes'
            self.fault("wrong-format", told, *place, help=f"write a `{part}:` of the form {pattern}")
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
            self.fault(
                "literal-password",
                f'the password of database "{self.key}" stands in the stack',
                "password",
                help=help,
            )
        elif match[1] not in secrets:
            told = f'no secret is named "{match[1]}"'
            help = suggest(match[1], secrets) if secrets else "add it under `secrets:`"
            self.fault("unknown-reference", told, "password", help=help)
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
            self.fault("unsupported-option", f"{adapter.name} has no TLS", "tls", help="remove `tls`")
        if tls.enabled and self.key in _AUTHORITY_FILES:
            told = f'the authority of all certificates has files named "{self.key}" itself'
            place = self.document.key(("databases", self.key))
            self.faults.append(error("reserved-name", told, place, "rename the database"))
        return tls

    def _read_only(self, adapter: Adapter, spec: Mapping[str, Any], tls: Tls) -> None:
        if not self.entry.get("read_only"):
            return
        if "read_only" not in spec["container"]:
            told = f"{adapter.name} cannot run with a read-only file system"
            self.fault("unsupported-option", told, "read_only", help="remove `read_only`")
        elif tls.enabled:
            # Compose mounts only files of this machine there, and their owner is not the server's user.
            told = "`read_only` and `tls` exclude each other: the server could not own its private key"
            self.fault("conflicting-options", told, "read_only", help="remove one of them")

    def _timeout(self, adapter: Adapter, spec: Mapping[str, Any]) -> int | None:
        written = self.entry.get("query_timeout")
        if written is None:
            return None
        rule = spec.get("query_timeout") or {"applies": "nowhere"}
        if rule["applies"] == "nowhere":
            help = rule.get("help", "set it in the application's code")
            self.fault(
                "unsupported-option", f"{adapter.name} has no query timeout", "query_timeout", help=help
            )
        return parse_milliseconds(str(written))
