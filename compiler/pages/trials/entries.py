"""The databases with which an adapter is tried: each of its words, with values from its own data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from compiler.registry.adapter import Adapter
from compiler.schema.patterns import is_match

# Names of many forms, of which one is such as an adapter takes.
_NAMES = (
    "trial",
    "trial_a",
    "trial-a",
    "trialA",
    "trial.a",
    "Trial",
    "TRIAL",
    "a",
    "A",
    "t1",
    "trial/a",
    "1",
)


def iter_databases(adapter: Adapter) -> Iterator[dict[str, dict[str, Any]]]:
    """Yields the databases of stacks, the one that is tried first: `stacks`, each option at its limits and its words,
    and all that an entry can say at once."""
    usual = examples(adapter)[0]
    for entry in (*stacks(adapter), *_varied(adapter)):
        yield {str(entry.get("name", "db")): _unnamed(entry)}
    for version in adapter.versions:
        spec, key = adapter.at(version), str(usual.get("name", "db"))
        for mode in _modes(spec)[:: len(_modes(spec)) - 1 or 1]:
            whole = _whole(spec, has_tls=mode != "off")
            stated = {"adapter": adapter.name, "version": version, "tls": mode}
            yield {key: {**whole, **_unnamed(usual), **stated}, **_further(spec, key)}


def stacks(adapter: Adapter) -> Iterator[dict[str, Any]]:
    """Yields entries, with their names: every version with every mode of TLS, every vector metric and method.

    Each is on top of the first of the adapter's own examples, all of which are tried as well.
    """
    usual, *others = examples(adapter)
    for version in adapter.versions:
        spec, stated = adapter.at(version), {"adapter": adapter.name, "version": version}
        for mode, extra in product(_modes(spec), _extras(spec)):
            # What the engine cannot do without goes first, such as more memory.
            yield {**extra, **usual, **stated, "tls": mode}
        for extra in others:
            yield {**usual, **extra, **stated, "tls": "off"}


def examples(adapter: Adapter) -> list[dict[str, Any]]:
    return adapter.data.get("examples") or [{}]


def _unnamed(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {word: value for word, value in entry.items() if word != "name"}


def _modes(spec: Mapping[str, Any]) -> tuple[str, ...]:
    return ("off", "require", "verify-full") if "tls" in spec["containers"]["server"] else ("off",)


def _varied(adapter: Adapter) -> Iterator[dict[str, Any]]:
    """Yields entries with each option at its limits and its words, in every version."""
    for version in adapter.versions:
        for extra in _settings(adapter.at(version).get("options") or {}):
            stated = {"adapter": adapter.name, "version": version, "tls": "off"}
            yield {**examples(adapter)[0], **extra, **stated}


def _extras(spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield {}
    timeout = {"query_timeout": "30s"} if spec.get("query_timeout") else {}
    yield {"memory": "1G", "port": 15000, "cpus": "1", **timeout}
    if rules := spec.get("vector"):
        dimensions = min(rules["dimensions"][0]["up_to"], 384)
        for metric, method in product(rules["metrics"], rules["methods"]):
            yield {"vector": {"dimensions": dimensions, "metric": metric, "method": method}}


def _settings(options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields each option at each of its words, or at its limits, so that every branch of its expressions is taken."""
    for name, form in options.items():
        is_switch = form.get("type") == "boolean"
        limits = [form[word] for word in ("minimum", "maximum", "const") if word in form]
        for value in form.get("enum") or ([False, True] if is_switch else limits):
            yield {name: value}


def _whole(spec: Mapping[str, Any], *, has_tls: bool) -> dict[str, Any]:
    """Returns an entry with every word that the adapter offers beside its options."""
    server, said = spec["containers"]["server"], dict[str, Any]()
    if rules := spec.get("settings"):
        said["settings"] = dict.fromkeys(_names(rules["pattern"], rules.get("refuse") or {})[:1], "1")
    if isinstance(named := (spec.get("credentials") or {}).get("admin"), dict):
        known = {named.get("default"), *(named.get("refuse") or ())}
        others = _names(named["pattern"], known)
        said |= {"admin": others[0]} if others else {}
    if server.get("volumes"):
        said["volume"] = {"name": "trial_data", "external": True}
    # Of a file system in memory no server could own its key.
    if server.get("read_only") is not None and not has_tls:
        said["read_only"] = True
    if "TZ" not in (server.get("environment") or {}):
        said["environment"] = {"TZ": "Etc/UTC"}
    said |= {"needs": spec["capabilities"], "pool": {"size": 2}, "profiles": ["trial"]}
    return {**said, **_of_one(spec)}


def _of_one(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what each of several databases on a server can say."""
    said: dict[str, Any] = {}
    if spec.get("rights"):
        said["rights"] = list(spec["rights"])
    if rules := spec.get("scripts"):
        said["scripts"] = [f"trial{rules['pattern'].replace(chr(92), '').strip('^$')}"]
    if spec.get("query_timeout"):
        said["query_timeout"] = "30s"
    vectors = [extra for extra in _extras(spec) if "vector" in extra]
    return {**said, **(vectors[0] if vectors else {})}


def _further(spec: Mapping[str, Any], key: str) -> dict[str, dict[str, Any]]:
    if not spec.get("several"):
        return {}
    return {f"{key}-further": {"on": key, **_of_one(spec)}}


def _names(pattern: str, refused: Any) -> list[str]:
    """Returns names that a pattern takes; what is refused are patterns or names."""
    forms = [f"^(?:{one})$" for one in refused]
    return [
        name for name in _NAMES if is_match(pattern, name) and not any(is_match(form, name) for form in forms)
    ]
