"""Which services are databases, by their image or by what they look like, and of which version line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from compiler.importing.reading import Compose
from compiler.project.values import inside, written_text
from compiler.registry.adapter import Adapter
from compiler.registry.signs import bare_image, tag_of

_NUMBER = re.compile(r"\d+(?:\.\d+)*")


class Unusual(Exception):
    """Why a database stays a plain service."""


class Engine(NamedTuple):
    """The adapter of a service at a version line.

    It `is_told` where the tag of the image names it; the image `is_own` where the adapter knows it.
    """

    adapter: Adapter
    version: str
    image: str
    is_told: bool
    is_own: bool

    @property
    def data(self) -> Mapping[str, Any]:
        return self.adapter.at(self.version)

    @property
    def server(self) -> Mapping[str, Any]:
        server: Mapping[str, Any] = self.data["containers"]["server"]
        return server

    @property
    def rules(self) -> Mapping[str, Any]:
        rules: Mapping[str, Any] = self.adapter.data["import"]
        return rules


def find_engine(compose: Compose, spec: Mapping[str, Any], adapters: Iterable[Adapter]) -> Engine | None:
    """Returns the engine of a service, None where it is no database; raises Unusual where no adapter takes it over."""
    image = compose.filled(spec.get("image"))
    name = bare_image(image)
    by_image = [one for one in adapters if name in one.data.get("detect", {}).get("images", ())]
    found = by_image or [one for one in adapters if _looks_like(compose, spec, one.data)]
    if not found:
        return None
    adapter = found[0]
    if "import" not in adapter.data:
        raise Unusual(f"the adapter {adapter.name} does not say what its image's variables mean")
    if reason := adapter.data["import"].get("stays"):
        raise Unusual(reason)
    tag = tag_of(image) or "latest"
    # Of two lines those come first that have the same image, then the newer ones.
    lines = [*adapter.versions]
    lines.sort(key=lambda line: bare_image(adapter.versions[line]["image"]) == name)
    lines.reverse()
    numbers = _NUMBER.findall(tag)
    pairs = ((number, line) for number in numbers for line in lines)
    told = [
        line for number, line in pairs if f"{number}.".startswith(f"{line}.") or line.startswith(f"{number}.")
    ]
    if numbers and not told:
        known = ", ".join(adapter.versions)
        raise Unusual(f"{adapter.name} has no version line of the image {image}; it has {known}")
    fitting = [line for line in lines if targets_of(spec) & {*_data(adapter, line)}]
    moving = [line for line in lines if line == tag]
    version = (told or moving or fitting or lines)[0]
    return Engine(adapter, version, image, is_told=bool(told or moving), is_own=bool(by_image))


def targets_of(spec: Mapping[str, Any]) -> set[str]:
    """Returns the folders of a service at which something is mounted."""
    return {written_text(mount.get("target")).rstrip("/") for mount in spec.get("volumes") or ()}


def _data(adapter: Adapter, line: str) -> Iterable[str]:
    folders: Mapping[str, str] = adapter.at(line)["containers"]["server"].get("volumes") or {}
    return folders.values()


def _looks_like(compose: Compose, spec: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
    """Says whether a service has an engine's variables, and its folder, its port or its client as well."""
    rules, server = data.get("import") or {}, data["containers"]["server"]
    words = {word for word, meaning in rules.get("variables", {}).items() if isinstance(meaning, list)}
    if "build" in spec or not any(
        key.removesuffix("_FILE") in words for key in spec.get("environment") or ()
    ):
        return False
    ports = {compose.filled(port.get("target")) for port in spec.get("ports") or ()}
    test = " ".join(map(written_text, inside(spec, "healthcheck").get("test") or ()))
    has_probe = not {*re.findall(r"[\w.-]+", test)}.isdisjoint(rules.get("probe", ()))
    return bool(
        has_probe or str(server["port"]) in ports or targets_of(spec) & {*server.get("volumes", {}).values()}
    )
