"""What is wrong with an adapter's data beside its shape: names, tables, defaults, ports and secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from compiler.expressions import plain
from compiler.model import Path, Secret
from compiler.registry.adapter import Adapter
from compiler.registry.bundle import adapter_schema, bundle
from compiler.registry.written import check_written
from compiler.report import Diagnostic, Report, suggest
from compiler.schema import check_schema
from compiler.schema.drawn import can_be_drawn
from compiler.schema.patterns import SlowPattern

# What keys of `.env` beside secrets and connections end with.
_DERIVED = ("host_url", "secrets_sha256")
# What can follow the word of a guard.
_ASKED: Mapping[str, tuple[type, ...]] = {"when": (str, bool), "each": (str, list)}
_HELPS = {"when": "`when: tls.enabled`", "each": "`each: options.NAME`"}


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
    for name in bundle()["$defs"]["database"]["properties"].keys() & (data.get("options") or {}).keys():
        told = f'every database has "{name}", which no adapter can have as an option of its own'
        place = adapter.document.key(("options", name))
        report.error("option-schema", told, place, "give the option another name")
    _check_versions(adapter, report)
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


def _check_versions(adapter: Adapter, report: Report) -> None:
    if adapter.default_version not in adapter.versions:
        told = f'the default version "{adapter.default_version}" is not among the versions'
        help = f"one of: {', '.join(adapter.versions)}"
        report.error("unknown-version", told, adapter.document.value(("default_version",)), help)
    for version, line in adapter.versions.items():
        if line["image"].endswith(":latest") and not line.get("moving"):
            told, place = f'"{line["image"]}" moves to other versions', ("versions", version, "image")
            help = "write the tag of one version, or `moving: true` beside it"
            report.error("wrong-format", told, adapter.document.value(place), help)


def _check_tables(adapter: Adapter, report: Report) -> None:
    """Finds each `by` that names nothing of a few words, each row that is none of them, and what asks nothing."""
    known = _words(adapter)
    for node in adapter.document.spans.values():
        guard = node.value if isinstance(node.value, dict) else {}
        for word, kinds in _ASKED.items() if "then" in guard else ():
            if word in guard and not isinstance(guard[word].value, kinds):
                told, help = f'the "{word}" of a guard asks nothing', f"write an expression: {_HELPS[word]}"
                report.error("wrong-type", told, guard[word].key, help)
        by = guard.get("by")
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
    """Finds an option whose default it does not take itself, and a port that no option publishes."""
    for version in adapter.versions:
        spec, document = adapter.at(version), adapter.document_at(version)
        options = spec.get("options") or {}
        for at, form in _iter_forms(spec):
            check_schema(
                form["default"],
                schema=form,
                report=report,
                noun=f'default of option "{_called(at)}"',
                locate=document,
                at=(*at, "default"),
            )
        for driver in spec["connections"].keys() & {*spec["secrets"], *_DERIVED}:
            told = f'the driver "{driver}" has the key of .env that something else of the database has'
            place = document.key(("connections", driver))
            report.error("key-collision", told, place, "give the driver another name")
        for index, name in enumerate(spec.get("required", ())):
            if name not in options:
                told, place = f'no option is named "{name}"', document.value(("required", index))
                report.error("unknown-reference", told, place, suggest(name, options))
        for name, port in (spec["containers"]["server"].get("ports") or {}).items():
            option = port["option"]
            place = document.value(("containers", "server", "ports", name, "option"))
            if option not in options:
                told = f'port "{name}" is published by the option "{option}", which is not there'
                report.error("unknown-reference", told, place, suggest(option, options))
            elif options[option].get("type") != "integer":
                told = f'port "{name}" is published by the option "{option}", which is not an integer'
                help = "let the option be `type: integer, minimum: 1, maximum: 65535`"
                report.error("option-schema", told, place, help)


def _called(at: Path) -> str:
    return ".".join(str(step) for step in at if step not in ("options", "vector", "methods", "properties"))


def _iter_forms(spec: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yields each schema with a default: those of options, of parameters of vectors, and inside of these."""
    left: list[tuple[Path, Any]] = [
        (("options", name), one) for name, one in (spec.get("options") or {}).items()
    ]
    for method, parameters in (spec.get("vector") or {}).get("methods", {}).items():
        left += [(("vector", "methods", method, name), one) for name, one in parameters.items()]
    while left:
        at, form = left.pop()
        if "default" in form:
            yield at, form
        left += [((*at, "properties", name), one) for name, one in form.get("properties", {}).items()]
        inner = [((*at, word), form.get(word)) for word in ("items", "additionalProperties")]
        left += [(path, one) for path, one in inner if isinstance(one, dict)]


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
