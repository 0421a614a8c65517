"""Adapters chosen by what a database needs, and who else has what one lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from compiler.registry.adapter import Adapter
from compiler.registry.registry import Registry
from compiler.report import Report, Span, suggest


class Choice(NamedTuple):
    """An adapter at one version line, and what it lacks."""

    adapter: Adapter
    version: str
    lacking: list[str]

    @property
    def name(self) -> str:
        return f"{self.adapter.name} {self.version}"

    def order(self) -> tuple[int, bool]:
        return len(self.lacking), self.version != self.adapter.default_version


def rank(registry: Registry, needs: list[str]) -> list[Choice]:
    """Returns one choice for each adapter, the best first: what lacks least, then what fits in its default version.

    Of equals it is the order of the registry that counts, then the newest version.
    """
    best = []
    for adapter in registry.adapters():
        lines = [(line, adapter.capabilities(line)) for line in reversed([*adapter.versions])]
        choices = (Choice(adapter, line, [need for need in needs if need not in can]) for line, can in lines)
        best.append(min(choices, key=Choice.order))
    return sorted(best, key=Choice.order)


def choose(
    registry: Registry, entry: Mapping[str, Any], span: Span, report: Report
) -> tuple[Adapter, str, str] | None:
    """Returns the adapter for a database entry with `needs`, its version line and why; `span` is where they stand.

    The schema of every database tells where they are no list of words.
    """
    needs = entry.get("needs")
    if not (needs and isinstance(needs, list) and all(isinstance(need, str) for need in needs)):
        return None
    wanted = [*needs, *(["vector"] if "vector" in entry and "vector" not in needs else [])]
    best, *others = rank(registry, wanted)
    if best.lacking:
        known = registry.capabilities()
        unknown = [need for need in wanted if need not in known]
        nearest = "; ".join(f"{one.name} lacks {', '.join(one.lacking)}" for one in (best, *others[:2]))
        help = suggest(unknown[0], known) if unknown else f"nearest: {nearest}"
        report.error("no-adapter-fits", f"no adapter has all of {', '.join(wanted)}", span, help)
        return None
    also = [one.name for one in others if not one.lacking]
    why = f" and is preferred to {', '.join(also)}" if also else "; no other adapter has"
    return best.adapter, best.version, f"{best.name} has {', '.join(wanted)}{why}"


def alternatives(registry: Registry, adapter: Adapter, need: str, dimensions: int = 0) -> str:
    """Returns the help for what an engine lacks: the newest version of it, or else of others, that can.

    With `dimensions` it is vectors of that length that are needed.
    """
    newest: dict[str, str] = {}
    for one in registry.adapters():
        for line in one.versions:
            if need in one.capabilities(line) and dimensions <= most_dimensions(one.at(line)):
                newest[one.name] = line
    if adapter.name in newest:
        return f'write `version: "{newest[adapter.name]}"`'
    if newest:
        return f"these can: {', '.join([f'{name} {version}' for name, version in newest.items()][:8])}"
    return "use a smaller embedding" if dimensions else suggest(need, registry.capabilities())


def most_dimensions(spec: Mapping[str, Any]) -> int:
    """Returns the length of the longest vectors that an engine can index."""
    return int(spec["vector"]["dimensions"][-1]["up_to"]) if spec.get("vector") else 0
