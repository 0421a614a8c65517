"""Adapters: found in their folders by name or alias, each read once."""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from compiler.model import Path
from compiler.registry.adapter import Adapter, build_adapter
from compiler.registry.checks import check_adapter
from compiler.registry.signs import bare_image, iter_signs, signs_in
from compiler.report import Diagnostic, Report, Span, closest, suggest
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
        help = (
            self._meant(word)
            or f"{suggest('', dict.fromkeys(self.words().values()))}; another engine runs as a service"
        )
        report.error("unknown-adapter", f'no adapter is named "{word}"', span, help)
        return None

    def _meant(self, word: str) -> str:
        """Returns the help for a slip in a name, which the name of another engine is not."""
        words, low = self.words(), word.lower()
        same = (name for name in words if sorted(name) == sorted(low))
        if near := closest(low, [*words], 0.85) or next(same, None):
            return f'did you mean "{near}"?'
        return ""

    def written(self, name: str) -> dict[str, Any]:
        """Returns what the file of a name says, without what it extends; nothing where it cannot be read."""
        found = self._files[name][0]
        document, _ = _parsed(read_file(found.file, found.shown, Report()) or b"", found.shown)
        return document.data if document and isinstance(document.data, dict) else {}

    @cached_property
    def _own_signs(self) -> dict[tuple[Path, str], list[str]]:
        """The names of a person's own files by each sign and its section."""
        signs: dict[tuple[Path, str], list[str]] = {}
        for name in (name for name in self.stems() if not self._files[name][0].built_in):
            for path, word in (*iter_signs(self.written(name)), (("aliases", 0), name)):
                signs.setdefault((path[:-1], word), []).append(name)
        return signs

    @cached_property
    def _shipped(self) -> dict[str, bytes]:
        """What the built-in files hold, unread: reading them takes longer than all else for one file."""
        first = {name: found[0] for name, found in sorted(self._files.items()) if found[0].built_in}
        return {name: read_file(one.file, one.shown, Report()) or b"" for name, one in first.items()}

    def _namesakes(self, section: Path, word: str) -> list[str]:
        """Returns every adapter that is found by a sign, or by a name in place of an alias."""
        maybe = (name for name, content in self._shipped.items() if word.encode() in content)
        shipped = (
            name
            for name in maybe
            if (section, word) == (("aliases",), name) or word in signs_in(self.written(name), section)
        )
        return [*shipped, *self._own_signs.get((section, word), ())]

    def of_image(self, image: str) -> str:
        """Returns the name of an adapter for an image; empty where there is none."""
        return next(iter(self._namesakes(("detect", "images"), bare_image(image))), "")

    def _tell_taken(self, found: _Found, document: Document, report: Report) -> None:
        """Finds names and signs of another adapter that a file of a person's own takes for itself."""
        for path, word in iter_signs(document.data):
            for name in self._namesakes(path[:-1], word):
                if name != found.file.stem:
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
        if content is not None:
            self.sources[found.shown] = content.decode(errors="replace").lstrip("\ufeff")
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
        twins = (one for one in self._files[adapter.name] if one != found and one.rank == found.rank)
        if not above and (twin := next(twins, None)):
            told, help = f'"{twin.shown}" has the same name, and is not read', "rename or remove one of them"
            report.warning("shadowed-adapter", told, document.value(("adapter",)), help)
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
            meant = [name for name in self._files if word in signs_in(self.written(name), ("aliases",))]
            named = f"write the name of the adapter: `extends: {meant[0]}`" if meant else ""
            help = named or suggest(word, self._files)
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
