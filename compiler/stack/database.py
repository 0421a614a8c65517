"""One database of a stack: its entry checked against its own adapter, and typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from compiler.model import Path, env_key
from compiler.registry.adapter import Adapter
from compiler.registry.bundle import bundle, database_schema, definition, further_schema
from compiler.registry.choice import alternatives, choose, most_dimensions
from compiler.registry.registry import Registry
from compiler.registry.versions import find_line, suggest_line
from compiler.report import Report, Span, suggest
from compiler.schema import check_schema
from compiler.source import OVERRIDE, Document
from compiler.source.numbers import as_compose_reads
from compiler.stack.names import default_admin, default_names
from compiler.stack.quantities import bytes_of, milliseconds


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

    Times are in milliseconds, memory in bytes; the defaults of a vector index are filled in. What is `on` the server of
    another database has that one's adapter, image, options and entry, but for what is its own.
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
    tls: Tls
    pool_size: int | None
    timeout: int | None
    vector: Mapping[str, Any] | None
    memory: int | None
    password_key: str
    chosen: str = ""
    admin: str = ""
    admin_key: str = ""
    on: str = ""

    @property
    def path(self) -> Path:
        return ("databases", self.key)

    @property
    def server(self) -> str:
        """The key of the database whose server it is on, which is its host name."""
        return self.on or self.key


def build_database(
    document: Document, registry: Registry, key: str, entry: Any, report: Report
) -> Database | None:
    """Returns a database with its adapter chosen, or reports all that is wrong with its entry."""
    own = Report()
    if isinstance(entry, dict) and "x-compose" in entry:
        entry = {**entry, "x-compose": as_compose_reads(entry["x-compose"])}
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

    def build(self) -> Database | None:
        if isinstance(self.entry, dict) and isinstance(self.entry.get("on"), str):
            return self._further(self.entry["on"])
        engine, at = self._engine(), ("databases", self.key)
        check = partial(check_schema, noun=f'database "{self.key}"', locate=self.document, at=at)
        if engine is None:
            # What an engine takes is not known, but what every database takes is.
            check(self.entry, definition("database"), self.report)
            return None
        adapter, version, chosen = engine
        spec, found = adapter.at(version), Report()
        entry = {**default_names(spec, self.key), **self.entry}
        check(entry, database_schema(adapter, version), found)
        if not found.errors and isinstance(overlay := entry.get("x-compose"), dict):
            # What is null is removed, and is no value.
            added = {"image": "x", **{name: one for name, one in overlay.items() if one is not None}}
            noun = f'x-compose of database "{self.key}"'
            place = (*at, "x-compose")
            check_schema(added, definition("service"), found, noun=noun, locate=self.document, at=place)
            for name, node in self.document.spans[place].value.items():
                if node.tag == OVERRIDE:
                    told, help = f"`x-compose` can only add to `{name}`", "remove the tag `!override`"
                    found.error("unknown-tag", told, node.key, help)
        helps = self._helps(adapter, spec) if found.errors else {}
        self.report.extend(one._replace(help=helps.get(one.span, one.help)) for one in found)
        password_key = self._password_key()
        if self.report.errors:
            return None
        tls, admin = entry.get("tls", "off"), str(entry.get("admin") or default_admin(spec))
        # The application as the administrator has one password with it.
        is_one = bool(admin) and admin == entry.get("user")
        return Database(
            key=self.key,
            adapter=adapter,
            version=version,
            spec=spec,
            image=str(entry.get("image") or adapter.versions[version]["image"]),
            tls=Tls(**tls) if isinstance(tls, dict) else Tls(tls),
            memory=bytes_of(entry.get("memory")),
            chosen=chosen,
            admin=admin,
            admin_key=password_key if is_one else env_key(self.key, "admin_password"),
            **self._own(self.entry, spec, password_key),
        )

    def _own(self, written: Mapping[str, Any], spec: Mapping[str, Any], password_key: str) -> dict[str, Any]:
        """Returns what is of one database, and not of its server, by what is written of both."""
        entry = {**default_names(spec, self.key), **written}
        return {
            "entry": written,
            "options": _filled(entry, spec.get("options", {})),
            "database": str(entry.get("database", "")),
            "user": str(entry.get("user", "")),
            "pool_size": entry.get("pool", {}).get("size", (spec.get("pool") or {}).get("size")),
            "timeout": milliseconds(entry.get("query_timeout")),
            "vector": _vector(entry["vector"], spec["vector"]) if "vector" in entry else None,
            "password_key": password_key,
        }

    def _further(self, on: str) -> Database | None:
        """Returns a database on the server of another one."""
        others, place = self.document.data["databases"], self.at("on")
        other = others.get(on)
        if not isinstance(other, dict) or "on" in other:
            servers = [key for key, one in others.items() if isinstance(one, dict) and "on" not in one]
            told = f'no database with a server of its own is named "{on}"'
            self.report.error("unknown-reference", told, place, suggest(on, servers))
            return None
        host = build_database(self.document, self.registry, on, other, Report())
        if host is None:  # What is wrong with that one is told there.
            return None
        if not host.spec.get("several"):
            told = f"{host.adapter.name} has no further databases on one server that stackc can make"
            self.report.error("unsupported-option", told, place, "give it a server of its own: `adapter:`")
            return None
        schema, at = further_schema(host.adapter, host.version), ("databases", self.key)
        own = {**default_names(host.spec, self.key), **self.entry}
        check_schema(own, schema, self.report, noun=f'database "{self.key}"', locate=self.document, at=at)
        is_one = own.get("user") == host.admin and "password" not in own
        password_key = host.admin_key if is_one else self._password_key()
        if self.report.errors:
            return None
        shared = {name: one for name, one in host.entry.items() if name not in schema["properties"]}
        made = self._own({**shared, **self.entry}, host.spec, password_key)
        return host._replace(key=self.key, on=on, **made)

    def _engine(self) -> tuple[Adapter, str, str] | None:
        """Returns the adapter, its version line and, where stackc chose, why."""
        if not isinstance(self.entry, dict) or not isinstance(self.entry.get("adapter"), str):
            return None
        word, wanted = self.entry["adapter"], self.entry.get("version")
        if word == "auto":
            return choose(self.registry, self.entry, self.at("needs"), self.report)
        adapter = self.registry.find(word, self.at("adapter"), self.report)
        if adapter is None:
            return None
        if isinstance(wanted, bool) or not isinstance(wanted, str | int | float):
            # What is no version at all is found by the schema.
            return adapter, adapter.default_version, ""
        if line := find_line(str(wanted), adapter.versions):
            return adapter, line, ""
        told, page = f'{adapter.name} has no version "{wanted}"', str(adapter.data.get("upgrade", ""))
        help = suggest_line(str(wanted), adapter.versions, page)
        self.report.error("unknown-version", told, self.at("version"), help)
        return None

    def _helps(self, adapter: Adapter, spec: Mapping[str, Any]) -> dict[Span, str]:
        """Returns what no schema can say about its findings, by their places: what has what this engine lacks."""
        needs, vector, lacking = self.entry.get("needs"), self.entry.get("vector"), {}
        for index, need in enumerate(needs if isinstance(needs, list) else ()):
            if isinstance(need, str) and need not in spec["capabilities"]:
                lacking[self.at("needs", index)] = need, 0
        size = vector.get("dimensions") if isinstance(vector, dict) else None
        if "vector" in self.entry and "vector" not in spec:
            lacking[self.document.key(("databases", self.key, "vector"))] = "vector", 0
        elif isinstance(size, int) and size > most_dimensions(spec):
            lacking[self.at("vector", "dimensions")] = "vector", size
        return {place: alternatives(self.registry, adapter, *what) for place, what in lacking.items()}

    def _password_key(self) -> str:
        """Returns the key of `.env` that holds the password: that of a secret of the stack, or the database's own."""
        match = re.fullmatch(r"\$\{\{\s*secrets\.([\w-]+)\s*\}\}", str(self.entry.get("password")))
        secrets = self.document.data.get("secrets") or {}
        if not match or not isinstance(secrets, dict):
            return env_key(self.key, "password")
        name, place = match[1], self.at("password")
        rule = secrets.get(name)
        if name not in secrets:
            help = suggest(name, secrets) if secrets else "add it under `secrets:`"
            self.report.error("unknown-reference", f'no secret is named "{name}"', place, help)
        rule = rule if isinstance(rule, dict) else {}
        if "file" in rule or rule.get("external"):
            told = f'the secret "{name}" is not in .env, where a password must be'
            self.report.error("secret-is-a-file", told, place, "use `generate:` or `environment:`")
        return str(rule.get("environment") or env_key(name))


def _vector(written: Mapping[str, Any], rules: Mapping[str, Any]) -> dict[str, Any]:
    method = written.get("method", next(iter(rules["methods"])))
    options = bundle()["$defs"]["database"]["properties"]["vector"]["properties"]
    parameters = _filled(written.get("parameters", {}), rules["methods"][method])
    return _filled(written, options) | {"method": method, "parameters": parameters}


def _filled(written: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values of options, those that are not written by their defaults."""
    return {name: written.get(name, rule.get("default")) for name, rule in options.items()}
