"""`adapter: auto`: the adapter and version that have what a database needs, chosen the same way every time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.report import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from compiler.registry.adapter import Adapter
    from compiler.registry.registry import Registry
    from compiler.report import Report, Span


class Choice(NamedTuple):
    """An adapter at one version line, what it lacks, and why it was chosen."""

    adapter: Adapter
    version: str
    lacking: tuple[str, ...]
    why: str = ""

    @property
    def name(self) -> str:
        return f"{self.adapter.name} {self.version}"


def rank(registry: Registry, needs: list[str]) -> list[Choice]:
    """Returns one choice for each adapter, the best first.

    What lacks least comes first, then what fits in its default version, then the adapter's own preference and name.
    """
    choices = [_best(adapter, needs) for adapter in registry.adapters()]
    return sorted(
        choices, key=lambda one: (len(one.lacking), not _is_default(one), *_preference(one.adapter))
    )


def _best(adapter: Adapter, needs: list[str]) -> Choice:
    # The default first, then the newest.
    newest = list(reversed(list(adapter.versions)))
    lines = sorted(newest, key=lambda name: name != str(adapter.data["default_version"]))
    choices = [
        Choice(adapter=adapter, version=line, lacking=tuple(_missing(needs, adapter.capabilities(line))))
        for line in lines
    ]
    return min(choices, key=lambda one: len(one.lacking))


def _missing(needs: list[str], known: list[str]) -> list[str]:
    return [need for need in needs if need not in known]


def _is_default(choice: Choice) -> bool:
    return choice.version == str(choice.adapter.data["default_version"])


def _preference(adapter: Adapter) -> tuple[int, str]:
    return adapter.data.get("preference", 1000), adapter.name


def choose(
    registry: Registry, entry: Mapping[str, Any], at: Callable[..., Span], report: Report
) -> Choice | None:
    """Returns the adapter for a database entry with `needs`; `at` gives the place of one of its keys."""
    needs = entry.get("needs")
    if "version" in entry:
        told = '"adapter: auto" chooses the version too'
        report.error("conflicting-options", told, at("version"), "remove `version`, or name the adapter")
        return None
    if needs and not (isinstance(needs, list) and all(isinstance(need, str) for need in needs)):
        # The schema of every database tells that.
        return None
    if not needs:
        told = '"adapter: auto" needs a list of capabilities'
        report.error("missing-option", told, at("adapter"), "add `needs: [vector]`")
        return None
    wanted = [*needs, *(["vector"] if "vector" in entry and "vector" not in needs else [])]
    best, *others = rank(registry, wanted)
    if best.lacking:
        known = sorted({name for one in registry.adapters() for name in one.every_capability()})
        unknown = _missing(wanted, known)
        nearest = "; ".join(f"{one.name} lacks {', '.join(one.lacking)}" for one in (best, *others[:2]))
        help = suggest(unknown[0], known) if unknown else f"nearest: {nearest}"
        report.error("no-adapter-fits", f"no adapter has all of {', '.join(wanted)}", at("needs"), help)
        return None
    also = [one.name for one in others if not one.lacking]
    why = f"{best.name} has {', '.join(wanted)}"
    why += f" and is preferred to {', '.join(also)}" if also else "; no other adapter has"
    return best._replace(why=why)
