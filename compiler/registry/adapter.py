"""One database engine as data: extended, patched for a version line, and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

from compiler.model import Path, Secret
from compiler.registry.bundle import adapter_schema, bundle
from compiler.report import Diagnostic, Report, suggest
from compiler.schema import check_schema
from compiler.schema.drawn import can_be_drawn
from compiler.schema.patterns import SlowPattern
from compiler.source import Document, patch

# By what an adapter is found and preferred is its own alone.
_OWN = ("aliases", "detect", "preference")


@dataclass(frozen=True, kw_only=True, eq=False)
class Adapter:
    """One database engine as data; its `document` is its own file on top of those it extends."""

    name: str
    document: Document
    built_in: bool

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

    @cached_property
    def versions(self) -> Mapping[str, Any]:
        return {name: line for name, line in self.data["versions"].items() if line is not None}

    @cached_property
    def _patched(self) -> dict[str, dict[str, Any]]:
        return {name: patch(self.data, line.get("patch") or {}) for name, line in self.versions.items()}

    def at(self, version: str) -> dict[str, Any]:
        """Returns the adapter's data with the patch of one version line applied; callers do not change it."""
        return self._patched[version]

    def capabilities(self, version: str) -> list[str]:
        return list(self.at(version)["capabilities"])


@lru_cache(maxsize=128)
def build_adapter(name: str, document: Document, base: Adapter | None, built_in: bool) -> Adapter:
    """Returns the adapter of a file, on top of the one that it extends: the same one for the same documents."""
    if base:
        spans = {**base.document.spans, **document.spans}
        document = Document(_extended(base.data, document.data), spans)
    return Adapter(name=name, document=document, built_in=built_in)


def _extended(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Merges all but the version lines, which are taken whole: a null in their patches is for a stack's version."""
    inherits_all = base["adapter"] == own.get("adapter")
    kept = {key: value for key, value in base.items() if inherits_all or key not in _OWN}
    data: dict[str, Any] = patch(kept, {key: value for key, value in own.items() if key != "extends"})
    if isinstance(own.get("versions"), dict):
        lines = {**base["versions"], **own["versions"]}
        data["versions"] = {name: line for name, line in lines.items() if line is not None}
    return data


@lru_cache(maxsize=128)
def check_adapter(adapter: Adapter) -> tuple[Diagnostic, ...]:
    """Returns what is wrong with an adapter's data: its shape in every version, its names."""
    report, data = Report(), adapter.data
    check = partial(check_schema, schema=adapter_schema(), report=report, locate=adapter.document)
    if not check(data, noun=f'adapter "{adapter.name}"'):
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
        if "patch" in line and not report.errors:
            noun = f'version "{version}" of adapter "{adapter.name}"'
            check(adapter.at(version), noun=noun, at=("versions", version, "patch"))
    if not report.errors:
        _check_secrets(adapter, report)
        _check_options(adapter, report)
    return tuple(report)


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
        for name, port in (spec["container"].get("ports") or {}).items():
            if port["option"] not in (spec.get("options") or {}):
                told = f'port "{name}" is published by the option "{port["option"]}", which is not there'
                place = adapter.document.value(("container", "ports", name, "option"))
                report.error(
                    "unknown-reference", told, place, suggest(port["option"], spec.get("options") or {})
                )
                return


def _check_secrets(adapter: Adapter, report: Report) -> None:
    """Finds a secret of which no value can be generated that the engine takes, once for all versions."""
    rules = {version: adapter.at(version).get("secrets") or {} for version in adapter.versions}
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


def words_of(data: Mapping[str, Any], *path: str) -> list[Any]:
    """Returns a list of words of an adapter that may not be in order: its aliases, or those of another section."""
    found: Any = data
    for step in path or ("aliases",):
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, list) else []


def taken_words(own: Mapping[str, Any], name: str, theirs: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yields each alias and sign of an adapter that another, of that name, has as well, with its place."""
    for path in (("aliases",), ("detect", "schemes"), ("detect", "images")):
        words = words_of(theirs, *path) + ([name] if path == ("aliases",) else [])
        for index, word in enumerate(words_of(own, *path)):
            if word in words:
                yield (*path, index), word
