"""One database engine as data: extended, and patched for a version line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

from compiler.registry.bundle import adapter_schema, with_defaults
from compiler.source import Document, Node, build_document, merge_patch, patch_nodes

# By what an adapter is found and preferred is its own alone.
_OWN = ("aliases", "detect", "preference")


class Adapter:
    """One database engine as data; its `document` is its own file on top of those it extends."""

    def __init__(self, name: str, document: Document, built_in: bool) -> None:
        self.name, self.document, self.built_in = name, document, built_in

    @property
    def data(self) -> Mapping[str, Any]:
        data: Mapping[str, Any] = self.document.data
        return data

    @property
    def title(self) -> str:
        return str(self.data["title"])

    @property
    def default_version(self) -> str:
        return str(self.data["default_version"])

    @property
    def versions(self) -> Mapping[str, Any]:
        lines: Mapping[str, Any] = self.data["versions"]
        return lines

    @cached_property
    def _lines(self) -> dict[str, tuple[Document, dict[str, Any]]]:
        return {}

    def _line(self, version: str) -> tuple[Document, dict[str, Any]]:
        if version not in self._lines:
            document = self.document
            for feature in self.versions[version].get("with", ()):
                document = merge_patch(document, ("features", feature), moves=True)
            self._lines[version] = document, with_defaults(document.data, adapter_schema())
        return self._lines[version]

    def document_at(self, version: str) -> Document:
        """Returns the adapter with the features of one version line, in which each value has its own place."""
        return self._line(version)[0]

    def at(self, version: str) -> dict[str, Any]:
        """Returns the adapter's data for one version line, with all defaults; callers do not change it."""
        return self._line(version)[1]

    def has_ended(self, version: str, today: str) -> bool:
        """Says whether a version line gets no fixes any more; `today` is an ISO date."""
        return str(self.versions[version].get("eol", "9999")) <= today

    def living(self, today: str) -> list[str]:
        """Returns the version lines that get fixes and are pinned, in order."""
        lines = self.versions.items()
        return [name for name, line in lines if not (line.get("moving") or self.has_ended(name, today))]

    def capabilities(self, version: str) -> list[str]:
        return list(self.at(version)["capabilities"])


@lru_cache(maxsize=128)
def build_adapter(name: str, document: Document, base: Adapter | None, built_in: bool) -> Adapter:
    """Returns the adapter of a file, on top of the one that it extends: the same one for the same documents."""
    if base:
        document = build_document(_extended(base.document.spans[()], document.spans[()]))
    return Adapter(name=name, document=document, built_in=built_in)


def _extended(base: Node, own: Node) -> Node:
    """Merges all but version lines, which are an adapter's own, and features that only it has.

    A null in those is for what a version line makes of the adapter.
    """
    theirs, mine = base.value, own.value
    is_change = "adapter" in mine and mine["adapter"].value == theirs["adapter"].value
    kept = {key: node for key, node in theirs.items() if is_change or key not in _OWN}
    merged = patch_nodes(base._replace(value=kept), own, moves=True).value
    del merged["extends"]
    if "versions" in mine:
        merged["versions"] = mine["versions"]
    if "features" in mine and isinstance(mine["features"].value, dict):
        known = theirs["features"].value if "features" in theirs else {}
        added = {name: node for name, node in mine["features"].value.items() if name not in known}
        merged["features"] = merged["features"]._replace(value={**merged["features"].value, **added})
    return own._replace(value=merged)
