"""A Compose project as a stack: which services become databases, and what else has to be said otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any, NamedTuple

from compiler.importing import Kind, Line
from compiler.importing.entries import Entry, build_entry
from compiler.importing.hiding import Hiding
from compiler.importing.publishing import WORLD, publish
from compiler.importing.reaching import named, unreached
from compiler.importing.reading import Compose
from compiler.importing.recognising import Unusual, find_engine
from compiler.importing.words import Value
from compiler.importing.writing import pasted_sections, section_text, services_text
from compiler.model import Raw, env_key
from compiler.output.rivals import RIVAL_VARIABLES
from compiler.project.hand_written import iter_named
from compiler.project.project import SECTIONS
from compiler.project.values import written_text
from compiler.registry.registry import Registry
from compiler.report import Report
from compiler.run.passes import compile_document
from compiler.source import Document, parse_yaml
from compiler.source.masking import mask
from compiler.targets.compose import written

# What stands above the password in the entry of a database.
_FIRST = ("adapter", "version", "image", "database", "admin", "user")
_ANCHOR, _ALIAS = re.compile(r"&([\w.-]+)"), re.compile(r"\*([\w.-]+)")
_READ = ("name", "version", "include")


class Imported(NamedTuple):
    """The text of a stack, that of `.env` where it has new lines, and what there is to tell."""

    stack: str
    env: str | None
    lines: list[Line]


def import_compose(compose: Compose, registry: Registry, today: str) -> Imported:
    """Returns a Compose project as a stack; a database that would not be the same, or not compile, stays a service."""
    adapters, entries, stays = registry.adapters(), dict[str, Entry](), dict[str, str]()
    for name, spec in compose.project.services.items():
        try:
            if engine := find_engine(compose, spec, adapters):
                entries[name] = build_entry(compose, name, engine)
        except Unusual as reason:
            stays[name] = str(reason)
    while True:
        draft, found = _Draft(compose, entries, stays), Report()
        document = parse_yaml(draft.text.encode(), "stack.yaml", found)
        if document:
            compile_document(document, registry, found, environment="local", today=today, source="stack.yaml")
        errors = [one for one in found if one.severity == "error"]
        refused = {_database_at(document, one.span.line): one.message for one in errors} if document else {}
        refused.pop("", None)
        if not refused:
            break
        stays |= refused
        entries = {name: one for name, one in entries.items() if name not in refused}
    lines = [*draft.lines, *(Line("stayed", name, why) for name, why in sorted(stays.items()))]
    for one in errors:
        lines.append(Line("decide", "", f"line {one.span.line} of stack.yaml: {one.message}; {one.help}"))
    lines = [line._replace(text=mask(line.text)) for line in lines]
    return Imported(draft.text, draft.hiding.env(), lines)


def _database_at(document: Document, line: int) -> str:
    """Returns the database in whose entry a line stands; nothing where it stands elsewhere."""
    for path, node in document.spans.items():
        is_around = node.key.line <= line < node.end[0] + (node.end[1] > 1)
        if is_around and len(path) == 2 and path[0] == "databases":
            return str(path[1])
    return ""


class _Draft:
    """A stack with these services as databases, and what is told of it."""

    def __init__(self, compose: Compose, moved: Mapping[str, Entry], stays: Mapping[str, str]) -> None:
        self.compose, self.moved = compose, moved
        services = {name: dict(one) for name, one in compose.project.services.items() if name not in moved}
        self.project = replace(compose.project, tree={**compose.project.tree, "services": services})
        self.lines: list[Line] = []
        self.added: dict[str, list[str]] = {}
        self.secrets: dict[str, Any] = {}
        self.is_open = False
        taken = {env_key(name, word) for name in moved for word in ("url", "host_url")}
        self.hiding = Hiding(compose, taken, lambda name, text: self.tell("moved", name, text))
        self.entries = {name: self._entry(name, one) for name, one in moved.items()}
        self._give_passwords(services)
        for name, service in services.items():
            if opened := publish(compose, self.hiding, name, service):
                told = f"open to the world as before; 127.0.0.1 in place of {WORLD} closes it"
                self.tell("moved", name, f"{', '.join(opened)}: {told}")
                self.is_open = True
            self.hiding.hide(name, service)
            self._join(name, service)
        for name in moved:
            clients = {one for one, _ in moved[name].clients}
            others = {one: services[one] for one in services if one not in {*stays, *clients}}
            if left := unreached(compose, self._values, name, others):
                told = f"nothing in {', '.join(left)} names it, and so it is out of reach there"
                self.tell("decide", name, f"{told}; `uses: [{name}]` joins a service to it")
        readers = [name for name, one in services.items() if any(map(_is_env, one.get("env_file") or ()))]
        if readers:
            told = "read all of .env, and so the lines that stackc adds; a file of their own keeps those out"
            self.tell("decide", ", ".join(readers), told)
        lacking = [name for name in compose.needed if not compose.values.get(name)]
        if lacking:
            told = f"write {', '.join(lacking)} into .env, or set them in the shell as before: Compose needs them"
            self.tell("decide", "", told)
        if self.is_open:
            told = f"{WORLD} is IPv4 alone; the same line with [::] in its place, beside it, is for IPv6"
            self.tell("decide", "", told)
        for key in (key for key in RIVAL_VARIABLES if key in compose.values):
            self.tell("decide", "", f"remove {key} from .env: Compose would not read what stackc renders")
        self.text = self._text()

    def _give_passwords(self, services: Mapping[str, dict[str, Any]]) -> None:
        """Lets clients of databases that asked for no password take the one that there will be."""
        for name, one in self.moved.items():
            for (other, key), text in one.clients.items():
                own = services[other]
                own["environment"] = {**own["environment"], key: Raw(text)}
                self.hiding.edit(("services", other, "environment", key), text, key)
                self.tell("moved", other, f"{key} has the password that the first compile makes for {name}")

    def tell(self, kind: Kind, name: str, text: str) -> None:
        self.lines.append(Line(kind, name, text))

    def _text(self) -> str:
        """Returns the text of the stack."""
        services, edits = self.project.services, self.hiding.edits
        files = ", ".join(self.compose.files)
        text = f"# What `stackc import` made of {files}; `stackc compile` renders it.\nname: {self.compose.name}\n\n"
        sections = pasted_sections(self.compose.documents, edits)
        text += "".join(sections.values())
        if services:
            text += "services:\n"
            text += services_text(self.project, services, edits, self.added, text)
        notes = {name: f"The service of the image {one.engine.image}." for name, one in self.moved.items()}
        text += section_text("databases", self.entries, notes)
        for kind in ("networks", "volumes", "configs", "secrets"):
            own = self.secrets if kind == "secrets" else {}
            text += section_text(kind, {**self._section(kind), **own})
        for data in (one.data for one in self.compose.documents):
            further = (key for key in data if not key.startswith("x-") and key not in (*SECTIONS, *_READ))
            text += "".join(section_text(key, data[key]) for key in further if isinstance(data[key], dict))
        for name, section in sections.items():
            rest = text.replace(section, "", 1)
            if {*_ANCHOR.findall(section)}.isdisjoint(_ALIAS.findall(rest)):
                text = rest
                self.tell("decide", "", f"{name} is left out, since no service takes anything from it")
        return text

    def _section(self, kind: str) -> dict[str, Any]:
        """Returns a section without the names that only databases used, and that stackc or nobody needs to know."""
        used = {*_iter_names(self.project.services)}
        entries, is_named = self.project.tree[kind], kind in ("volumes", "networks")
        kept = {name: one for name, one in entries.items() if one or name in used or not is_named}
        return {name: written(self.project, one, (kind, name)) for name, one in kept.items()}

    def _entry(self, name: str, one: Entry) -> dict[str, Any]:
        """Returns the entry of a database, with its secrets in `.env`."""
        options, engine, held = dict(one.options), one.engine, self.compose.dotenv.entries
        kind = f"{engine.adapter.name} {engine.version}"
        self.tell("moved", name, f"the service of {engine.image} is a database: {kind}")
        if "volume" in options:
            self.tell("moved", name, f"its data stay in {options['volume']}")
        for secret, value in one.secrets.items():
            own = env_key(name, secret)
            key = self._key_of(name, secret, value)
            self.hiding.passwords[value.text] = key
            if key != own:
                given = {"password": f"${{{{ secrets.{self._secret(key)} }}}}"}
                options = {word: options[word] for word in _FIRST if word in options} | given | options
            where = "stays" if key in held else "is"
            self.tell("moved", name, f"its {secret.replace('_', ' ')} {where} in .env as {key}")
        # Not only those that are kept: the text of any may be shared with a service.
        kept, hide, at = options.get("environment", {}), self.hiding.variable, ("services", name)
        for key, value in (self.compose.project.services[name].get("environment") or {}).items():
            if key not in kept and self.project.places.origin((*at, "environment", key)).path[:2] == at:
                continue
            changed = hide(name, key, kept.get(key, value), is_told=key in kept)
            kept |= {key: changed} if key in kept else {}
        if "x-compose" in options:
            self.tell("moved", name, f"its server keeps {', '.join(options['x-compose'])}")
        self.lines += [Line(kind, name, text) for kind, text in one.told]
        return options

    def _key_of(self, name: str, secret: str, value: Value) -> str:
        """Returns the key of `.env` with a secret of a database; that of the administrator's has but one name."""
        own, owner = env_key(name, secret), f'Database "{name}"'
        if secret == "password":
            return value.source or self.hiding.free_key(own, value.text, owner)
        if own not in self.compose.dotenv.entries:
            self.hiding.assigned[own] = (value.text, owner)
        return own

    def _secret(self, key: str) -> str:
        """Returns the name of a secret of the stack that has this key of `.env`."""
        name = key.lower()
        while name in self.project.tree["secrets"]:
            name = f"{name}_env"
        self.secrets[name] = {"environment": key}
        return name

    @property
    def _values(self) -> Mapping[str, str]:
        return {**self.compose.values, **{key: value for key, (value, _) in self.hiding.assigned.items()}}

    def _join(self, name: str, service: dict[str, Any]) -> None:
        """Lets a service wait for each database that it names where stackc does not see it: by variables and files."""
        waits = service.get("depends_on") or {}
        seen = {*waits, *(one.database for one in iter_named(service, self.moved))}
        wanted = sorted(named(self.compose, self._values, service, self.moved) - seen)
        if wanted and not waits:
            self.added[name] = [f"depends_on: [{', '.join(wanted)}]"]
        if wanted:
            service["depends_on"] = {**waits, **{one: {"condition": "service_started"} for one in wanted}}
            self.tell("improved", name, f"waits for {', '.join(wanted)}, which it names")


def _is_env(file: Mapping[str, Any]) -> bool:
    return PurePath(written_text(file.get("path"))) == PurePath(".env")


def _iter_names(tree: Any) -> Iterator[str]:
    """Yields every text of a tree."""
    if isinstance(tree, Mapping):
        yield from tree
    for item in tree.values() if isinstance(tree, Mapping) else tree if isinstance(tree, list) else ():
        yield from _iter_names(item)
    if isinstance(tree, str):
        yield tree
