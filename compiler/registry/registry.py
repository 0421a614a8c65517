"""Adapters: found in their folders by name or alias, each read once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from compiler.registry.adapter import Adapter, checked, extended, shared
from compiler.report import Diagnostic, Report, Span, error, suggest, warning
from compiler.source import LARGEST, Document, load_yaml
from compiler.source.shipped import BUILT_IN, Folder

if TYPE_CHECKING:
    from pathlib import Path as FilePath


MAX_EXTENDS = 5
_MAX_CHAIN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """An adapter file; `rank` is the place of its folder in the look-up order."""

    file: FilePath
    shown: str
    rank: int
    built_in: bool


Loaded = tuple[Adapter | None, list[Diagnostic]]


@dataclass
class Registry:
    """The adapters of several folders; a name in an earlier folder hides the same name in a later one."""

    folders: tuple[Folder, ...] = (BUILT_IN,)
    trusted: bool = False
    sources: dict[str, str] = field(default_factory=dict)
    _loaded: dict[str, Loaded] = field(default_factory=dict)

    @cached_property
    def _files(self) -> dict[str, list[_Found]]:
        files: dict[str, list[_Found]] = {}
        for rank, folder in enumerate(self.folders):
            for file, shown in folder.files():
                found = _Found(file=file, shown=shown, rank=rank, built_in=folder.built_in)
                files.setdefault(file.stem, []).append(found)
        return files

    def names(self) -> list[str]:
        """Returns every adapter's name: the built-in ones by their preference, then the others by name."""
        return [adapter.name for adapter in self.adapters()]

    def stems(self) -> list[str]:
        return sorted(self._files)

    def adapters(self) -> list[Adapter]:
        """Returns every adapter that is in order: the built-in ones by their preference, then the others by name."""
        loaded = (self.load(name)[0] for name in self.stems())
        usable = [adapter for adapter in loaded if adapter is not None]
        return sorted(usable, key=lambda one: (not one.built_in, one.data.get("preference", 1000), one.name))

    def find(self, word: str, span: Span) -> Loaded:
        """Returns the adapter of that name or alias; `span` is where the word stands."""
        if word in self._files:
            return self.load(word)
        # Those of earlier folders have the right of way for aliases too.
        adapters = sorted(self.adapters(), key=lambda one: self._files[one.name][0].rank)
        for adapter in adapters:
            if word.lower() in (adapter.name, *adapter.data.get("aliases", [])):
                return self.load(adapter.name)
        known = [name for one in adapters for name in (one.name, *one.data.get("aliases", []))]
        close = suggest(word, known)
        help = close if close.startswith("did you mean") else suggest(word, self.names())
        return None, [error("unknown-adapter", f'no adapter is named "{word}"', span, help)]

    def load(self, name: str) -> Loaded:
        """Returns one adapter with all that it extends merged in, and what is wrong with its file."""
        return self._load(self._files[name][0], ())

    def _load(self, found: _Found, chain: tuple[_Found, ...]) -> Loaded:
        if found.shown not in self._loaded:
            self._loaded[found.shown] = self._read(found, (*chain, found))
        return self._loaded[found.shown]

    def _read(self, found: _Found, chain: tuple[_Found, ...]) -> Loaded:
        document, diagnostics = _read_once(found.file, found.shown)
        if document is None:
            self.sources[found.shown] = _beginning(found.file)
            return None, diagnostics
        self.sources[found.shown] = document.text
        base: Adapter | None = None
        data = document.data
        if "extends" in data:
            base, faults = self._base(document, chain)
            if base is None:
                return None, faults
            data = extended(base.data, data)
        adapter = shared(
            Adapter(
                name=found.file.stem,
                data=data,
                documents=(document, *(base.documents if base else ())),
                built_in=found.built_in,
            )
        )
        if not (found.built_in or self.trusted):
            diagnostics = list(checked(adapter))
        if diagnostics:
            return None, diagnostics
        return adapter, [] if base and base.name == adapter.name else self._shadows(found, adapter)

    def _base(self, document: Document, chain: tuple[_Found, ...]) -> Loaded:
        word, span = document.data["extends"], document.value(("extends",))
        if not isinstance(word, str):
            return None, [
                error("wrong-type", '"extends" is not the name of an adapter', span, "write one name")
            ]
        base = self.extended(word, chain[-1])
        trail = " -> ".join([*(found.file.stem for found in chain), word])
        if base in chain or (base is None and word == chain[-1].file.stem):
            told = f"adapters extend one another without end: {trail}"
            return None, [error("adapter-cycle", told, span, "let one of them extend none")]
        if base is None:
            help = suggest(word, self._files)
            return None, [error("unknown-adapter", f'no adapter is named "{word}"', span, help)]
        adapter, faults = self._load(base, chain) if len(chain) < _MAX_CHAIN else (None, [])
        if len(chain) == _MAX_CHAIN or (adapter and len(adapter.documents) > MAX_EXTENDS):
            told = f"adapters extend one another more than {MAX_EXTENDS} deep"
            return None, [error("adapter-cycle", told, span, "extend one that is nearer to the end")]
        return adapter, faults

    def extended(self, word: str, found: _Found) -> _Found | None:
        """Returns the file that `extends:` means: one that the file itself does not hide, so that it can change that.

        A built-in adapter never extends a file of a user.
        """
        others = [other for other in self._files.get(word, ()) if other != found]
        later = [other for other in others if other.rank >= found.rank]
        return next(iter(later if later or found.built_in else others), None)

    def _shadows(self, found: _Found, adapter: Adapter) -> list[Diagnostic]:
        hidden = [other for other in self._files[adapter.name] if other.rank > found.rank and other.built_in]
        told = f'this file hides the built-in adapter "{adapter.name}"'
        help = f"give it a name of its own, or let it change the built-in one: `extends: {adapter.name}`"
        place = adapter.value(("adapter",))
        return [warning("shadowed-adapter", told, place, help)] if hidden else []


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
