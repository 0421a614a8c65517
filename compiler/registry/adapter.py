"""One database engine as data: extended, patched for a version line, and checked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

from compiler.expressions import plain
from compiler.model import Secret
from compiler.registry.bundle import adapter_schema, bundle, with_defaults
from compiler.registry.written import check_written
from compiler.report import Diagnostic, Report, suggest
from compiler.schema import check_schema
from compiler.schema.drawn import can_be_drawn
from compiler.schema.patterns import SlowPattern
from compiler.source import Document, Node, build_document, merge_patch, patch_nodes

# What keys of `.env` beside secrets and connections end with.
_DERIVED = ("host_url", "secrets_sha256")
# By what an adapter is found and preferred is its own alone.
_OWN = ("aliases", "detect", "preference")


class Adapter:
    """One database engine as data; its `document` is its own file on top of those it extends."""

    def __init__(self, name: str, document: Document, built_in: bool) -> None:
        self.name, self.document, self.built_in = name, document, built_in

    @property
    def data(self) -> Mapping[str, Any]:
        data: Mapping[str, Any] = self.document.data
        return data

    @property
    def title(self) -> str:
        return str(self.data["title"])

    @property
    def default_version(self) -> str:
        return str(self.data["default_version"])

    @property
    def versions(self) -> Mapping[str, Any]:
        lines: Mapping[str, Any] = self.data["versions"]
        return lines

    @cached_property
    def _lines(self) -> dict[str, tuple[Document, dict[str, Any]]]:
        return {}

    def _line(self, version: str) -> tuple[Document, dict[str, Any]]:
        if version not in self._lines:
            document = self.document
            for feature in self.versions[version].get("with", ()):
                document = merge_patch(document, ("features", feature), moves=True)
            self._lines[version] = document, with_defaults(document.data, adapter_schema())
        return self._lines[version]

    def document_at(self, version: str) -> Document:
        """Returns the adapter with the features of one version line, in which each value has its own place."""
        return self._line(version)[0]

    def at(self, version: str) -> dict[str, Any]:
        """Returns the adapter's data for one version line, with all defaults; callers do not change it."""
        return self._line(version)[1]

    def capabilities(self, version: str) -> list[str]:
        return list(self.at(version)["capabilities"])


@lru_cache(maxsize=128)
def build_adapter(name: str, document: Document, base: Adapter | None, built_in: bool) -> Adapter:
    """Returns the adapter of a file, on top of the one that it extends: the same one for the same documents."""
    if base:
        document = build_document(_extended(base.document.spans[()], document.spans[()]))
    return Adapter(name=name, document=document, built_in=built_in)


def _extended(base: Node, own: Node) -> Node:
    """Merges all but version lines, which are an adapter's own, and features that only it has.

    A null in those is for what a version line makes of the adapter.
    """
    theirs, mine = base.value, own.value
    is_change = "adapter" in mine and mine["adapter"].value == theirs["adapter"].value
    kept = {key: node for key, node in theirs.items() if is_change or key not in _OWN}
    merged = patch_nodes(base._replace(value=kept), own, moves=True).value
    del merged["extends"]
    if "versions" in mine:
        merged["versions"] = mine["versions"]
    if "features" in mine and isinstance(mine["features"].value, dict):
        known = theirs["features"].value if "features" in theirs else {}
        added = {name: node for name, node in mine["features"].value.items() if name not in known}
        merged["features"] = merged["features"]._replace(value={**merged["features"].value, **added})
    return own._replace(value=merged)


@lru_cache(maxsize=128)
def check_adapter(adapter: Adapter) -> tuple[Diagnostic, ...]:
    """Returns what is wrong with an adapter's data: its shape in every version, its names."""
    report, data = Report(), adapter.data
    noun, features = f'adapter "{adapter.name}"', data.get("features", {})
    if not check_schema(data, adapter_schema(), report, noun=noun, locate=adapter.document):
        return tuple(report)
    if data["adapter"] != adapter.name:
        told = f'the file is named "{adapter.name}.yaml" and the adapter "{data["adapter"]}"'
        report.error("adapter-name", told, adapter.document.value(("adapter",)), "give both the same name")
    if adapter.default_version not in adapter.versions:
        told = f'the default version "{adapter.default_version}" is not among the versions'
        help = f"one of: {', '.join(adapter.versions)}"
        report.error("unknown-version", told, adapter.document.value(("default_version",)), help)
    for name in bundle()["$defs"]["database"]["properties"].keys() & (data.get("options") or {}).keys():
        told = f'every database has "{name}", which no adapter can have as an option of its own'
        place = adapter.document.key(("options", name))
        report.error("option-schema", told, place, "give the option another name")
    for version, line in adapter.versions.items():
        for index, name in enumerate(line.get("with", ())):
            if name not in features:
                told = f'no feature is named "{name}"'
                place = adapter.document.value(("versions", version, "with", index))
                report.error(
                    "unknown-reference", told, place, suggest(name, features, "add it under `features:`")
                )
        if "with" in line and not report.errors:
            noun, whole = f'version "{version}" of adapter "{adapter.name}"', adapter.document_at(version)
            check_schema(whole.data, adapter_schema(), report, noun=noun, locate=whole)
    if not report.errors:
        _check_tables(adapter, report)
        _check_secrets(adapter, report)
        _check_options(adapter, report)
        check_written(((adapter.at(one), adapter.document_at(one)) for one in adapter.versions), report)
    return tuple(report)


def _check_tables(adapter: Adapter, report: Report) -> None:
    """Finds each `by` that names nothing of a few words, and each row of such a table that is none of them."""
    known = _words(adapter)
    for node in adapter.document.spans.values():
        by = node.value.get("by") if isinstance(node.value, dict) else None
        if by is None or not isinstance(by.value, str):
            continue
        if by.value not in known:
            told, help = (
                f'"{by.value}" is not one of a few words',
                suggest(by.value, known, "ask with `when:`"),
            )
            report.error("wrong-table", told, by.place, help)
            continue
        for row in node.value.keys() - {"by", "else", *known[by.value]}:
            told, help = f'"{by.value}" is never "{row}"', suggest(row, known[by.value])
            report.error("wrong-table", told, node.value[row].key, help)


def _words(adapter: Adapter) -> dict[str, list[str]]:
    """Returns what a table can go by, and the words that it can be in any version."""
    modes = bundle()["$defs"]["database"]["properties"]["tls"]["oneOf"][0]["enum"]
    known: dict[str, dict[str, None]] = {"tls.mode": dict.fromkeys(modes)}
    for spec in map(adapter.at, adapter.versions):
        for name, option in spec.get("options", {}).items():
            words = [True, False] if option.get("type") == "boolean" else option.get("enum")
            if words:
                known.setdefault(f"options.{name}", {}).update(dict.fromkeys(map(plain, words)))
        for word in ("metric", "method") if "vector" in spec else ():
            known.setdefault(f"vector.{word}", {}).update(dict.fromkeys(spec["vector"][f"{word}s"]))
    return {name: list(words) for name, words in known.items()}


def _check_options(adapter: Adapter, report: Report) -> None:
    """Finds an option whose default it does not take itself, and a port that is published by no option."""
    data = adapter.data
    for name, option in (data.get("options") or {}).items():
        if "default" in option:
            at, noun = ("options", name, "default"), f'default of option "{name}"'
            check_schema(
                option["default"], schema=option, report=report, noun=noun, locate=adapter.document, at=at
            )
    for version in adapter.versions:
        spec = adapter.at(version)
        for driver in spec["connections"].keys() & {*spec["secrets"], *_DERIVED}:
            told = f'the driver "{driver}" has the key of .env that something else of the database has'
            place = adapter.document.key(("connections", driver))
            report.error("key-collision", told, place, "give the driver another name")
        for index, name in enumerate(spec.get("required", ())):
            if name not in (spec.get("options") or {}):
                told, place = f'no option is named "{name}"', adapter.document.value(("required", index))
                report.error("unknown-reference", told, place, suggest(name, spec.get("options") or {}))
        for name, port in (spec["containers"]["server"].get("ports") or {}).items():
            if port["option"] not in (spec.get("options") or {}):
                told = f'port "{name}" is published by the option "{port["option"]}", which is not there'
                place = adapter.document.value(("containers", "server", "ports", name, "option"))
                report.error(
                    "unknown-reference", told, place, suggest(port["option"], spec.get("options") or {})
                )
                return


def _check_secrets(adapter: Adapter, report: Report) -> None:
    """Finds a secret of which no value can be generated that the engine takes, once for all versions."""
    rules = {version: adapter.at(version)["secrets"] for version in adapter.versions}
    told = set()
    for name, rule in [pair for secrets in rules.values() for pair in secrets.items()]:
        place = adapter.document.key(("secrets", name))
        form = {word: rule[word] for word in ("length", "alphabet", "refuse") if word in rule}
        patterns = (rule["pattern"],) if "pattern" in rule else ()
        secret = Secret(name, f'adapter "{adapter.name}"', place, patterns=patterns, **form)
        if secret in told or not (patterns or secret.refuse):
            continue
        told.add(secret)
        try:
            fits = can_be_drawn(secret)
        except SlowPattern as fault:
            slow = f'the pattern "{fault.pattern}" takes too long to compare with a password'
            report.error("slow-pattern", slow, place, "write it without a repeat inside a repeat")
            continue
        if not fits:
            rarely = f'hardly any generated value of "{name}" is one that its pattern and `refuse` take'
            help = (
                "let `alphabet` (symbols, hex, base64) and `length` make such values, or change the pattern"
            )
            report.error("undrawable-secret", rarely, place, help)
