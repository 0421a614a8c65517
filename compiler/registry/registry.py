"""Adapters: found in their folders by name or alias, each read once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from compiler.registry.adapter import Adapter, check_adapter, extended, shared
from compiler.report import Report, suggest
from compiler.source import LARGEST, Document, load_yaml
from compiler.source.shipped import BUILT_IN, Folder

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from compiler.report import Diagnostic, Span

MAX_EXTENDS = 5
_MAX_CHAIN = 50


class _Found(NamedTuple):
    """An adapter file; `rank` is the place of its folder in the look-up order."""

    file: FilePath
    shown: str
    rank: int
    built_in: bool


@dataclass
class Registry:
    """The adapters of several folders; a name in an earlier folder hides the same name in a later one."""

    folders: tuple[Folder, ...] = (BUILT_IN,)
    sources: dict[str, str] = field(default_factory=dict)
    _loaded: dict[str, tuple[Adapter | None, Report]] = field(default_factory=dict)

    @cached_property
    def _files(self) -> dict[str, list[_Found]]:
        files: dict[str, list[_Found]] = {}
        for rank, folder in enumerate(self.folders):
            for file, shown in folder.files():
                files.setdefault(file.stem, []).append(_Found(file, shown, rank, folder.built_in))
        return files

    def names(self) -> list[str]:
        """Returns every adapter's name: the built-in ones by their preference, then the others by name."""
        return [adapter.name for adapter in self.adapters()]

    def stems(self) -> list[str]:
        return sorted(self._files)

    def adapters(self) -> list[Adapter]:
        """Returns every adapter that is in order: the built-in ones by their preference, then the others by name."""
        loaded = (self.load(name, Report()) for name in self.stems())
        usable = [adapter for adapter in loaded if adapter is not None]
        return sorted(usable, key=lambda one: (not one.built_in, one.data.get("preference", 1000), one.name))

    def find(self, word: str, span: Span, report: Report) -> Adapter | None:
        """Returns the adapter of that name or alias; `span` is where the word stands."""
        if word in self._files:
            return self.load(word, report)
        words = self.words()
        if word.lower() in words:
            return self.load(words[word.lower()], report)
        close = suggest(word, words)
        help = close if close.startswith("did you mean") else suggest(word, self.names())
        report.error("unknown-adapter", f'no adapter is named "{word}"', span, help)
        return None

    def words(self) -> dict[str, str]:
        """Returns every name and alias with the adapter it means: those of earlier folders have the right of way."""
        words: dict[str, str] = {}
        for adapter in sorted(self.adapters(), key=lambda one: self._files[one.name][0].rank):
            for word in (adapter.name, *adapter.data.get("aliases", [])):
                words.setdefault(word, adapter.name)
        return words | {adapter.name: adapter.name for adapter in self.adapters()}

    def load(self, name: str, report: Report) -> Adapter | None:
        """Returns one adapter with all that it extends merged in, and reports what is wrong with its file."""
        return self._load(self._files[name][0], (), report)

    def _load(self, found: _Found, chain: tuple[_Found, ...], report: Report) -> Adapter | None:
        if found.shown not in self._loaded:
            own = Report()
            self._loaded[found.shown] = self._read(found, (*chain, found), own), own
        adapter, findings = self._loaded[found.shown]
        report.extend(findings)
        return adapter

    def _read(self, found: _Found, chain: tuple[_Found, ...], report: Report) -> Adapter | None:
        document, diagnostics = _read_once(found.file, found.shown)
        report.extend(diagnostics)
        if document is None:
            self.sources[found.shown] = _beginning(found.file)
            return None
        self.sources[found.shown] = document.text
        base: Adapter | None = None
        data = document.data
        if "extends" in data:
            base = self._base(document, chain, report)
            if base is None:
                return None
            data = extended(base.data, data)
        documents = (document, *(base.documents if base else ()))
        adapter = shared(
            Adapter(name=found.file.stem, data=data, documents=documents, built_in=found.built_in)
        )
        if not found.built_in:
            report.extend(check_adapter(adapter))
        if report.errors:
            return None
        if not (base and base.name == adapter.name):
            self._shadows(found, adapter, report)
        return adapter

    def _base(self, document: Document, chain: tuple[_Found, ...], report: Report) -> Adapter | None:
        word, span = document.data["extends"], document.value(("extends",))
        if not isinstance(word, str):
            report.error("wrong-type", '"extends" is not the name of an adapter', span, "write one name")
            return None
        base = self._extended(word, chain[-1])
        trail = " -> ".join([*(found.file.stem for found in chain), word])
        if base in chain or (base is None and word == chain[-1].file.stem):
            told = f"adapters extend one another without end: {trail}"
            report.error("adapter-cycle", told, span, "let one of them extend none")
            return None
        if base is None:
            help = suggest(word, self._files)
            report.error("unknown-adapter", f'no adapter is named "{word}"', span, help)
            return None
        own = Report()
        adapter = self._load(base, chain, own) if len(chain) < _MAX_CHAIN else None
        if len(chain) == _MAX_CHAIN or (adapter and len(adapter.documents) > MAX_EXTENDS):
            told = f"adapters extend one another more than {MAX_EXTENDS} deep"
            report.error("adapter-cycle", told, span, "extend one that is nearer to the end")
            return None
        if adapter is None:
            report.extend(own)
        return adapter

    def _extended(self, word: str, found: _Found) -> _Found | None:
        """Returns the file that `extends:` means: one that the file itself does not hide, so that it can change that.

        A built-in adapter never extends a file of a user.
        """
        others = [other for other in self._files.get(word, ()) if other != found]
        later = [other for other in others if other.rank >= found.rank]
        return next(iter(later if later or found.built_in else others), None)

    def _shadows(self, found: _Found, adapter: Adapter, report: Report) -> None:
        if any(other.built_in and other.rank > found.rank for other in self._files[adapter.name]):
            told = f'this file hides the built-in adapter "{adapter.name}"'
            help = f"give it a name of its own, or let it change the built-in one: `extends: {adapter.name}`"
            report.warning("shadowed-adapter", told, adapter.value(("adapter",)), help)


def _beginning(file: FilePath) -> str:
    """Returns what a report may show of a file that could not be read as YAML."""
    if not file.is_file():
        return ""
    try:
        with file.open("rb") as stream:
            return stream.read(LARGEST).decode(errors="replace")
    except OSError:
        return ""


def _read_once(file: FilePath, shown: str) -> tuple[Document | None, list[Diagnostic]]:
    """Reads a file that may have been read before in this process, and not have changed."""
    try:
        status = file.stat()
    except OSError:
        return _unchanged.__wrapped__(file, shown)
    document, diagnostics = _unchanged(file, shown, status.st_mtime_ns, status.st_size, status.st_ino)
    return document, list(diagnostics)


@lru_cache(maxsize=128)
def _unchanged(file: FilePath, shown: str, *_state: int) -> tuple[Document | None, list[Diagnostic]]:
    report = Report()
    return load_yaml(file, shown, report), list(report)
