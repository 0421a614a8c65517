"""Where adapters and the other data that ships with the compiler are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from compiler.report import Report, Span


def _folder(package: str, beside: str) -> Path:
    # In a plain checkout, which is not installed, the data lie beside the package.
    root = Path(__file__).parents[2]
    if (root / beside).is_dir() and (root / "pyproject.toml").is_file():
        return root / beside
    # Not importlib.resources.files, whose import takes longer than reading an adapter.
    return Path(str(import_module(f"compiler.{package}").__file__)).parent


ADAPTERS = _folder("adapters", "adapters")
SCHEMAS = _folder("schemas", "schemas")
EXAMPLES = _folder("examples", "fixtures/valid")


def example_names() -> list[str]:
    """Returns the names of the shipped stacks."""
    return sorted(file.parent.name for file in EXAMPLES.glob("*/stack.yaml"))


# Each is read to know by what names it is found.
_MOST_FILES = 200


def is_yaml(name: str) -> bool:
    """Says whether a file has the ending of an adapter, in capitals or not: one that is not read would be missed."""
    return name.lower().endswith((".yaml", ".yml"))


class Folder(NamedTuple):
    """A folder of adapters, and how its path is shown."""

    place: Path
    shown: str
    built_in: bool = False

    def files(self) -> Iterator[tuple[Path, str]]:
        """Yields each adapter file and its path as shown, in order."""
        for file in sorted(self.place.glob("?*.[yY]*")) if os.path.lexists(self.place) else ():
            if is_yaml(file.name):
                yield file, f"{self.shown}/{file.name}"


BUILT_IN = Folder(ADAPTERS, "adapters", built_in=True)


def folders(beside: Path, given: Path | None) -> tuple[Folder, ...]:
    """Returns the folders by right of way: the given one, `adapters/` beside the stack, the user's, the built-in."""
    own = user_folder("XDG_CONFIG_HOME", ".config")
    places = [place for place in (given, beside / "adapters", own and own / "adapters") if place]
    others = [place for place in places if os.path.realpath(place) != os.path.realpath(ADAPTERS)]
    return (*(Folder(place, str(place)) for place in others), BUILT_IN)


def tell_unusable(places: Iterable[Folder], report: Report) -> None:
    """Reports each folder that is there and cannot be listed, or has far too many files: adapters would be missing."""
    for folder in places:
        with suppress(FileNotFoundError, NotADirectoryError):
            try:
                os.scandir(folder.place).close()
            except PermissionError as fault:
                # One out of reach is not there for this user.
                if os.path.lexists(folder.place):
                    told = f'the folder "{folder.shown}" cannot be read: {str(fault.strerror).lower()}'
                    help = "give yourself the right to read it"
                    report.error("unreadable-file", told, Span(folder.shown), help)
                continue
            if sum(1 for _ in folder.files()) > _MOST_FILES:
                told = f'the folder "{folder.shown}" has more than {_MOST_FILES} YAML files'
                help = "keep adapters in a folder of their own"
                report.error("too-many-adapters", told, Span(folder.shown), help)


# https://specifications.freedesktop.org/basedir-spec/latest/
def user_folder(variable: str, default: str) -> Path | None:
    """Returns stackc's folder in one of the user's base folders; None for a user without a home."""
    named = Path(os.environ.get(variable, ""))
    try:
        return (named if named.is_absolute() else Path.home() / default) / "stackc"
    except RuntimeError:
        return None
