"""One database of a stack: its entry checked against its own adapter, and typed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.model import env_key
from compiler.registry.bundle import bundle, database_schema
from compiler.registry.selection import choose
from compiler.report import Report, suggest
from compiler.schema import check_schema
from compiler.stack.vector import Vector, able, deeper, type_vector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compiler.model import Path
    from compiler.registry.adapter import Adapter
    from compiler.registry.registry import Registry
    from compiler.report import Span
    from compiler.source import Document

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
# In the folder of the certificates, where each server's has the name of its database.
_AUTHORITY_FILES = ("authority", "ca")
_SIZES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


class Tls(NamedTuple):
    """How clients connect: `off`, `require` or `verify-full`; the files are a user's own, relative to the stack."""

    mode: str = "off"
    certificate: str | None = None
    key: str | None = None
    ca: str | None = None

    @property
    def enabled(self) -> bool:
        return self.mode != "off"


class Database(NamedTuple):
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


def build_database(
    document: Document, registry: Registry, key: str, entry: Any, report: Report
) -> Database | None:
    """Returns a database with its adapter chosen, or reports all that is wrong with its entry."""
    own = Report()
    made = _Entry(document, registry, key, entry, own).build()
    report.extend(own)
    return None if own.errors else made


class _Entry(NamedTuple):
    """One entry as it is written; its report is its own."""

    document: Document
    registry: Registry
    key: str
    entry: Any
    report: Report

    def at(self, *path: str | int) -> Span:
        return self.document.value(("databases", self.key, *path))

    def check(self, data: Any, schema: Mapping[str, Any], report: Report, pointer: str = "") -> bool:
        noun, at = f'database "{self.key}"', ("databases", self.key)
        return check_schema(data, schema, report, noun=noun, locate=self.document, at=at, pointer=pointer)

    def build(self) -> Database | None:
        if not isinstance(self.entry, dict) or not isinstance(self.entry.get("adapter"), str):
            self.check(self.entry, bundle(), self.report, "/$defs/database")
            return None
        engine = self._engine()
        if engine is None:
            # What an engine takes is not known, but what every database takes is.
            self.check(self.entry, bundle(), self.report, "/$defs/database")
            return None
        adapter, version, chosen = engine
        spec, schema = adapter.at(version), database_schema(adapter, version)
        found = Report()
        self.check(self.entry, schema, found)
        helps = self._helps(adapter, spec) if found.errors else {}
        self.report.extend(one._replace(help=helps.get(one.span, one.help)) for one in found)
        names = {part: self._name(part, spec, schema["properties"][part]) for part in ("database", "user")}
        password_key = self._password_key()
        if self.report.errors:
            return None
        tls = self._tls()
        options = {name: option.get("default") for name, option in spec.get("options", {}).items()}
        memory, timeout = self.entry.get("memory"), self.entry.get("query_timeout")
        return Database(
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
            pool_size=self.entry.get("pool", {}).get("size", (spec.get("pool") or {}).get("size")),
            timeout=parse_milliseconds(timeout) if timeout else None,
            vector=type_vector(self.entry["vector"], spec["vector"]) if "vector" in self.entry else None,
            memory=parse_bytes(memory) if memory else None,
            password_key=password_key,
            chosen=chosen,
        )

    def _engine(self) -> tuple[Adapter, str, str] | None:
        """Returns the adapter, its version line and, where stackc chose, why."""
        word, wanted = self.entry["adapter"], self.entry.get("version")
        if word == "auto":
            choice = choose(self.registry, self.entry, self.at, self.report)
            return choice and (choice.adapter, choice.version, choice.why)
        adapter = self.registry.find(word, self.at("adapter"), self.report)
        if adapter is None:
            return None
        if isinstance(wanted, bool) or not isinstance(wanted, str | int | float):
            # What is no version at all is found by the schema.
            return adapter, str(adapter.data["default_version"]), ""
        for spelling in (str(wanted), f"{wanted}.0"):
            if spelling in adapter.versions:
                return adapter, spelling, ""
        told, help = f'{adapter.name} has no version "{wanted}"', suggest(wanted, adapter.versions)
        self.report.error("unknown-version", told, self.at("version"), help)
        return None

    def _helps(self, adapter: Adapter, spec: Mapping[str, Any]) -> dict[Span, str]:
        """Returns what no schema can say about its findings, by their places: what has what this engine lacks."""
        key = env_key(self.key, "password")
        helps = {}
        if "password" in self.entry:
            helps[self.at("password")] = (
                f"leave it out and set {key} in .env, or write ${{{{ secrets.NAME }}}}"
            )
        needs, vector = self.entry.get("needs"), self.entry.get("vector")
        for index, need in enumerate(needs if isinstance(needs, list) else ()):
            if isinstance(need, str) and need not in spec["capabilities"]:
                helps[self.at("needs", index)] = able(self.registry, adapter, need)
        if "vector" not in spec and "vector" in self.entry:
            place = self.document.key(("databases", self.key, "vector"))
            helps[place] = able(self.registry, adapter, "vector")
        elif isinstance(vector, dict) and isinstance(size := vector.get("dimensions"), int):
            if spec["vector"]["dimensions"][-1]["up_to"] < size:
                helps[self.at("vector", "dimensions")] = deeper(self.registry, size)
        return helps

    def _name(self, part: str, spec: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
        rule = (spec.get("credentials") or {}).get(part)
        if rule is None or part in self.entry:
            return str(self.entry.get(part, ""))
        name = str(rule.get("default", self.key.replace("-", "_")))
        self.check(name, schema, self.report)
        return name

    def _password_key(self) -> str:
        written = self.entry.get("password")
        match = re.fullmatch(r"\$\{\{\s*secrets\.(\w+)\s*\}\}", str(written))
        secrets = self.document.data.get("secrets") or {}
        if not match or not isinstance(secrets, dict):
            return env_key(self.key, "password")
        rule = secrets.get(match[1])
        if match[1] not in secrets:
            help = suggest(match[1], secrets) if secrets else "add it under `secrets:`"
            told = f'no secret is named "{match[1]}"'
            self.report.error("unknown-reference", told, self.at("password"), help)
        elif isinstance(rule, dict) and "file" in rule:
            told = f'the secret "{match[1]}" is a file, and a password must be in .env'
            help = "use `generate:` or `environment:`"
            self.report.error("secret-is-a-file", told, self.at("password"), help)
        return str((rule.get("environment") if isinstance(rule, dict) else None) or env_key(match[1]))

    def _tls(self) -> Tls:
        written = self.entry.get("tls", "off")
        tls = Tls(**written) if isinstance(written, dict) else Tls(written)
        if tls.enabled and self.key in _AUTHORITY_FILES:
            told = f'the authority of all certificates has files named "{self.key}" itself'
            place = self.document.key(("databases", self.key))
            self.report.error("reserved-name", told, place, "rename the database")
        return tls
