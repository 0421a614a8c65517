"""Adapters: found in their folders by name or alias, each read once, or chosen by what a database needs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from compiler.registry.adapter import SIGNS, Adapter, build_adapter, check_adapter, taken_words, words_of
from compiler.report import Diagnostic, Report, Span, suggest
from compiler.source import Document, parse_yaml, read_file
from compiler.source.shipped import BUILT_IN, Folder

MAX_EXTENDS = 5


class _Found(NamedTuple):
    """An adapter file; `rank` is the place of its folder in the look-up order."""

    file: FilePath
    shown: str
    rank: int
    built_in: bool


class Registry:
    """The adapters of several folders; a name in an earlier folder hides the same name in a later one.

    `sources` are the texts of the files that were read, by their paths as shown.
    """

    def __init__(self, folders: tuple[Folder, ...] = (BUILT_IN,)) -> None:
        self.folders = folders
        self.sources: dict[str, str] = {}
        self._loaded: dict[str, tuple[Adapter | None, Report]] = {}

    @cached_property
    def _files(self) -> dict[str, list[_Found]]:
        files: dict[str, list[_Found]] = {}
        for rank, folder in enumerate(self.folders):
            for file, shown in folder.files():
                files.setdefault(file.stem, []).append(_Found(file, shown, rank, folder.built_in))
        return files

    def names(self) -> list[str]:
        return [adapter.name for adapter in self.adapters()]

    def stems(self) -> list[str]:
        """Returns the name of every file, in order or not."""
        return sorted(self._files)

    def adapters(self) -> list[Adapter]:
        """Returns every adapter that is in order, by preference and name; most that are not built in have none."""
        loaded = (self.load(name, Report()) for name in self.stems())
        return sorted(filter(None, loaded), key=lambda one: (one.data.get("preference", 1000), one.name))

    def capabilities(self) -> list[str]:
        """Returns what any adapter can do in any version, by name."""
        lines = (one.capabilities(line) for one in self.adapters() for line in one.versions)
        return sorted({name for names in lines for name in names})

    def words(self) -> dict[str, str]:
        """Returns every name and alias with the adapter it means: those of earlier folders have the right of way."""
        words = {adapter.name: adapter.name for adapter in self.adapters()}
        for adapter in sorted(self.adapters(), key=lambda one: self._files[one.name][0].rank):
            for alias in adapter.data.get("aliases", []):
                words.setdefault(alias, adapter.name)
        return words

    def find(self, word: str, span: Span, report: Report) -> Adapter | None:
        """Returns the adapter of that name or alias; `span` is where the word stands."""
        name = word if word in self._files else self.words().get(word.lower())
        if name is not None:
            return self.load(name, report)
        report.error("unknown-adapter", f'no adapter is named "{word}"', span, suggest(word, self.words()))
        return None

    def _written(self, name: str) -> dict[str, Any]:
        """Returns what a file says, without what it extends; nothing where it cannot be read."""
        found = self._files[name][0]
        document, _ = _parsed(read_file(found.file, found.shown, Report()) or b"", found.shown)
        return document.data if document and isinstance(document.data, dict) else {}

    def _may_say(self, name: str, words: list[str]) -> bool:
        """Says whether a file may hold one of the words: a built-in one holds each as it is written."""
        found = self._files[name][0]
        content = read_file(found.file, found.shown, Report()) or b""
        return not found.built_in or any(word.encode() in content for word in words)

    def _tell_taken(self, found: _Found, document: Document, report: Report) -> None:
        """Finds names and signs of another adapter that a file of a person's own takes for itself."""
        words = [word for path in SIGNS for word in words_of(document.data, *path)]
        # Reading every adapter would take longer than all else that is done for one of a person's own.
        others = [name for name in self._files.keys() - {found.file.stem} if self._may_say(name, words)]
        for name in sorted(others):
            for path, word in taken_words(document.data, name, self._written(name)):
                told = f'"{word}" stands for the adapter {name} already'
                help = f"remove it; a file that changes {name} is named {name} and has `extends: {name}`"
                report.error("shadowed-adapter", told, document.value(path), help)

    def load(self, name: str, report: Report) -> Adapter | None:
        """Returns one adapter with all that it extends merged in, and reports what is wrong with its file."""
        if name not in self._loaded:
            own = Report()
            self._loaded[name] = self._load(self._files[name][0], (), own), own
        adapter, findings = self._loaded[name]
        report.extend(findings)
        return adapter

    def _load(self, found: _Found, above: tuple[_Found, ...], report: Report) -> Adapter | None:
        """Returns the adapter of a file; `above` are the files that extend it, the nearest last."""
        content = read_file(found.file, found.shown, report)
        document, findings = _parsed(content, found.shown) if content is not None else (None, ())
        report.extend(findings)
        self.sources[found.shown] = (content or b"").decode(errors="replace").lstrip("\ufeff")
        if document is None:
            return None
        base = None
        if "extends" in document.data:
            chain = (*above, found)
            extended = self._extended(document, chain, report)
            base = self._load(extended, chain, report) if extended else None
            if base is None:
                return None
        adapter = build_adapter(found.file.stem, document, base, found.built_in)
        if not found.built_in:
            report.extend(check_adapter(adapter))
        if not (found.built_in or above or report.errors):
            self._tell_taken(found, document, report)
        if report.errors:
            return None
        is_hiding = not above and any(other.built_in for other in self._files[adapter.name][1:])
        if is_hiding and document.data.get("extends") != adapter.name:
            told = f'this file hides the built-in adapter "{adapter.name}"'
            help = f"give it a name of its own, or let it change the built-in one: `extends: {adapter.name}`"
            report.warning("shadowed-adapter", told, document.value(("adapter",)), help)
        return adapter

    def _extended(self, document: Document, chain: tuple[_Found, ...], report: Report) -> _Found | None:
        """Returns the file that the last one of a chain extends: one that it does not hide, so that it can change that.

        A built-in adapter never extends a file of a user.
        """
        word, span, last = document.data["extends"], document.value(("extends",)), chain[-1]
        if not isinstance(word, str):
            report.error("wrong-type", '"extends" is not the name of an adapter', span, "write one name")
            return None
        others = [other for other in self._files.get(word, ()) if other != last]
        later = [other for other in others if other.rank >= last.rank]
        base = next(iter(later if later or last.built_in else others), None)
        if base in chain or (base is None and word == last.file.stem):
            trail = " -> ".join([*(one.file.stem for one in chain), word])
            told = f"adapters extend one another without end: {trail}"
            report.error("adapter-cycle", told, span, "let one of them extend none")
        elif base is None:
            meant = [name for name in self._files if word in words_of(self._written(name))]
            help = (
                f"write the name of the adapter: `extends: {meant[0]}`"
                if meant
                else suggest(word, self._files)
            )
            report.error("unknown-adapter", f'no adapter is named "{word}"', span, help)
        elif len(chain) > MAX_EXTENDS:
            told = f"adapters extend one another more than {MAX_EXTENDS} deep"
            report.error("adapter-cycle", told, span, "extend one that is nearer to the end")
        else:
            return base
        return None


@lru_cache(maxsize=128)
def _parsed(content: bytes, shown: str) -> tuple[Document | None, tuple[Diagnostic, ...]]:
    """Reads what may have been read before in this process."""
    report = Report()
    return parse_yaml(content, shown, report), tuple(report)


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
