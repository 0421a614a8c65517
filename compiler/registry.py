"""Adapters: found in their folders, checked, extended, and chosen by name, alias or capability."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from compiler.diagnostics import Diagnostic, Span, error, suggest, warning
from compiler.resources import BUILT_IN, Folder
from compiler.source import Document, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path as FilePath

    from compiler.model import Path

MAX_EXTENDS = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Adapter:
    """One database engine as data; `documents` are its own file and those it extends, nearest first."""

    name: str
    data: Mapping[str, Any]
    documents: tuple[Document, ...]
    built_in: bool

    def value(self, path: Path) -> Span:
        return self._document(path).value(path)

    def key(self, path: Path) -> Span:
        return self._document(path).key(path)

    def _document(self, path: Path) -> Document:
        for document in self.documents:
            if path in document.spans:
                return document
        return self.documents[0]

    @property
    def title(self) -> str:
        return str(self.data["title"])

    @property
    def versions(self) -> Mapping[str, Any]:
        return {name: entry for name, entry in self.data["versions"].items() if entry is not None}

    def at(self, version: str) -> dict[str, Any]:
        """Returns the adapter's data with the patch of one version line applied; callers do not change it."""
        return _patched(self, version)

    def capabilities(self, version: str | None = None) -> list[str]:
        names: list[str] = self.at(version or str(self.data["default_version"]))["capabilities"]
        return names


@lru_cache(maxsize=256)
def _patched(adapter: Adapter, version: str) -> dict[str, Any]:
    patched: dict[str, Any] = patch(dict(adapter.data), adapter.versions[version].get("patch", {}))
    return patched


def patch(target: Any, change: Any) -> Any:
    """Applies a JSON merge patch: https://www.rfc-editor.org/rfc/rfc7396."""
    if not isinstance(change, dict):
        return change
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = patch(result.get(key), value)
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    file: FilePath
    shown: str
    built_in: bool


@dataclass
class Registry:
    """The adapters of several folders; a name in an earlier folder hides the same name in a later one."""

    folders: tuple[Folder, ...] = (BUILT_IN,)
    trusted: bool = False
    sources: dict[str, str] = field(default_factory=dict)
    _loaded: dict[str, tuple[Adapter | None, list[Diagnostic]]] = field(default_factory=dict)

    @cached_property
    def _files(self) -> dict[str, list[_Found]]:
        files: dict[str, list[_Found]] = {}
        for folder in self.folders:
            for file, shown in folder.files():
                files.setdefault(file.stem, []).append(
                    _Found(file=file, shown=shown, built_in=folder.built_in)
                )
        return files

    def names(self) -> list[str]:
        """Returns every adapter's name: the built-in ones by their preference, then the others by name."""
        ranked = sorted(
            self._usable(), key=lambda adapter: (adapter.data.get("preference", 1000), adapter.name)
        )
        return [adapter.name for adapter in ranked]

    def stems(self) -> list[str]:
        return sorted(self._files)

    def _usable(self) -> list[Adapter]:
        loaded = (self.load(name)[0] for name in sorted(self._files))
        return [adapter for adapter in loaded if adapter is not None]

    def adapters(self) -> list[Adapter]:
        known = {adapter.name: adapter for adapter in self._usable()}
        return [known[name] for name in self.names()]

    def find(self, word: str, span: Span) -> tuple[Adapter | None, list[Diagnostic]]:
        """Returns the adapter of that name or alias; `span` is where the word stands."""
        if word in self._files:
            return self.load(word)
        for adapter in self._usable():
            if word.lower() in adapter.data.get("aliases", []) or word.lower() == adapter.name:
                return self.load(adapter.name)
        known = [
            name for adapter in self._usable() for name in (adapter.name, *adapter.data.get("aliases", []))
        ]
        names = self.names()
        close = suggest(word, known)
        help = close if close.startswith("did you mean") else suggest(word, names)
        return None, [error("unknown-adapter", f'no adapter is named "{word}"', span, help)]

    def load(self, name: str, chain: tuple[str, ...] = ()) -> tuple[Adapter | None, list[Diagnostic]]:
        """Returns one adapter with all that it extends merged in, and what is wrong with its file."""
        if name not in self._loaded:
            self._loaded[name] = self._load(name, chain)
        return self._loaded[name]

    def _load(self, name: str, chain: tuple[str, ...]) -> tuple[Adapter | None, list[Diagnostic]]:
        found = self._files[name][0]
        try:
            content = found.file.read_bytes()
        except OSError as fault:
            place = Span(path=found.shown)
            return None, [error("unreadable-file", f"the file cannot be read: {fault.strerror}", place)]
        document, diagnostics = parse_yaml(content, found.shown)
        self.sources[found.shown] = document.text if document else content[: 1 << 20].decode(errors="replace")
        if document is None:
            return None, diagnostics
        base: Adapter | None = None
        data = document.data
        if isinstance(data.get("extends"), str):
            base, faults = self._base(document, name, (*chain, name))
            diagnostics += faults
            if base is None:
                return None, diagnostics
            data = patch(dict(base.data), {key: value for key, value in data.items() if key != "extends"})
        adapter = Adapter(
            name=name,
            data=data,
            documents=(document, *(base.documents if base else ())),
            built_in=found.built_in,
        )
        if not (found.built_in or self.trusted):
            diagnostics += check_adapter(adapter)
        broken = any(d.severity == "error" for d in diagnostics)
        if not broken and not found.built_in and any(other.built_in for other in self._files[name][1:]):
            diagnostics.append(_shadows(adapter))
        return (None if broken else adapter), diagnostics

    def _base(
        self, document: Document, name: str, chain: tuple[str, ...]
    ) -> tuple[Adapter | None, list[Diagnostic]]:
        word, span = document.data["extends"], document.value(("extends",))
        if word in chain or len(chain) > MAX_EXTENDS:
            trail = " -> ".join((*chain, word))
            return None, [error("adapter-cycle", f"adapters extend one another without end: {trail}", span)]
        if word not in self._files:
            help = suggest(word, self._files)
            return None, [error("unknown-adapter", f'no adapter is named "{word}"', span, help)]
        adapter, faults = self.load(word, chain)
        return adapter, [fault for fault in faults if fault.severity == "error"]


def _shadows(adapter: Adapter) -> Diagnostic:
    return warning(
        "shadowed-adapter",
        f'this file hides the built-in adapter "{adapter.name}"',
        adapter.value(("adapter",)),
        "give it a name of its own, with `extends:` where it only changes a part",
    )


def check_adapter(adapter: Adapter) -> list[Diagnostic]:
    """Returns what is wrong with an adapter's data: its shape, its name, its options' own schemas."""
    from compiler.resources import load_schema
    from compiler.schema import check_schema, schema_errors

    noun = f'adapter "{adapter.name}"'
    faults = check_schema(dict(adapter.data), load_schema("adapter.schema.json"), noun=noun, locate=adapter)
    if faults:
        return faults
    if adapter.data["adapter"] != adapter.name:
        place = adapter.value(("adapter",))
        told = f'the file is named "{adapter.name}.yaml" and the adapter "{adapter.data["adapter"]}"'
        faults.append(error("adapter-name", told, place, "give both the same name"))
    if str(adapter.data["default_version"]) not in adapter.versions:
        place = adapter.value(("default_version",))
        faults.append(error("unknown-version", "the default version is not among the versions", place))
    for name, option in adapter.data.get("options", {}).items():
        for path, message in schema_errors(option):
            place = adapter.value(("options", name, *path))
            faults.append(error("option-schema", f'the schema of option "{name}" is wrong: {message}', place))
    return faults
