"""Adapters: found in their folders, checked, extended, and chosen by name, alias or capability."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from compiler.diagnostics import Diagnostic, Span, error, suggest, warning
from compiler.resources import BUILT_IN, Folder
from compiler.source import LARGEST, Document, load_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path as FilePath

    from compiler.model import Path

MAX_EXTENDS = 5
_MAX_CHAIN = 50
_OWN = ("aliases", "detect", "preference")


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

    def within(self, path: Path, text: str) -> Span:
        return self._document(path).within(path, text)

    def written(self, path: Path, version: str) -> Path:
        """Returns where a value of one version line stands: in the patch of that line, or in the adapter itself."""
        patched = ("versions", version, "patch", *path)
        return patched if any(patched in document.spans for document in self.documents) else path

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


def _extended(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Merges all but the version lines, which are taken whole: a null in their patches is for a stack's version.

    By what an adapter is found and preferred is its own alone.
    """
    kept = (
        base if base["adapter"] == own.get("adapter") else {key: base[key] for key in base if key not in _OWN}
    )
    data: dict[str, Any] = patch(kept, {key: value for key, value in own.items() if key != "extends"})
    if isinstance(own.get("versions"), dict):
        lines = {**base["versions"], **own["versions"]}
        data["versions"] = {name: line for name, line in lines.items() if line is not None}
    return data


@lru_cache(maxsize=256)
def _patched(adapter: Adapter, version: str) -> dict[str, Any]:
    patched: dict[str, Any] = patch(dict(adapter.data), adapter.versions[version].get("patch") or {})
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
        document, diagnostics = load_yaml(found.file, found.shown)
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
            data = _extended(base.data, data)
        adapter = Adapter(
            name=found.file.stem,
            data=data,
            documents=(document, *(base.documents if base else ())),
            built_in=found.built_in,
        )
        if not (found.built_in or self.trusted):
            diagnostics = check_adapter(adapter)
        if diagnostics:
            return None, diagnostics
        return adapter, [] if base and base.name == adapter.name else self._shadows(found, adapter)

    def _base(self, document: Document, chain: tuple[_Found, ...]) -> Loaded:
        word, span = document.data["extends"], document.value(("extends",))
        if not isinstance(word, str):
            return None, [
                error("wrong-type", '"extends" is not the name of an adapter', span, "write one name")
            ]
        base = self._extended(word, chain[-1])
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

    def _extended(self, word: str, found: _Found) -> _Found | None:
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


def check_adapter(adapter: Adapter) -> list[Diagnostic]:
    """Returns what is wrong with an adapter's data: its shape in every version, its name, its options' own schemas."""
    faults = _shape(adapter, adapter.data, f'adapter "{adapter.name}"', adapter)
    if faults:
        return faults
    if adapter.data["adapter"] != adapter.name:
        place = adapter.value(("adapter",))
        told = f'the file is named "{adapter.name}.yaml" and the adapter "{adapter.data["adapter"]}"'
        faults.append(error("adapter-name", told, place, "give both the same name"))
    if adapter.data["default_version"] not in adapter.versions:
        place = adapter.value(("default_version",))
        told = f'the default version "{adapter.data["default_version"]}" is not among the versions'
        faults.append(error("unknown-version", told, place, f"one of: {', '.join(adapter.versions)}"))
    for version, line in adapter.versions.items():
        if "patch" in line and not faults:
            noun = f'version "{version}" of adapter "{adapter.name}"'
            faults += _shape(adapter, adapter.at(version), noun, _Line(adapter, version))
    return faults


@dataclass(frozen=True, slots=True)
class _Line:
    """Where the values of one version line stand."""

    adapter: Adapter
    version: str

    def value(self, path: Path) -> Span:
        return self.adapter.value(self.adapter.written(path, self.version))

    def key(self, path: Path) -> Span:
        return self.adapter.key(self.adapter.written(path, self.version))


def _shape(adapter: Adapter, data: Mapping[str, Any], noun: str, locate: Adapter | _Line) -> list[Diagnostic]:
    from compiler.resources import load_schema
    from compiler.schema import check_schema, schema_errors

    faults = check_schema(dict(data), load_schema("adapter.schema.json"), noun=noun, locate=locate)
    for name, option in data.get("options", {}).items() if not faults else ():
        for path, message in schema_errors(option):
            place = locate.value(("options", name, *path))
            told = f'the schema of option "{name}" is wrong: {message}'
            faults.append(error("option-schema", told, place, "write a JSON Schema of draft 2020-12"))
    return faults
