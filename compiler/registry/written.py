"""What an adapter writes down that is wrong in every stack: passwords, and secrets that are not there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from compiler.model import Path
from compiler.report import Report, suggest
from compiler.source import Document
from compiler.source.masking import is_literal_secret

_PAIR = re.compile(r"([\w][\w .-]*?)=([^;&,\s${}]+)(?![^;&,\s]*\$)")
_IN_URL = re.compile(r"://[^/\s:@]*:([^@\s/${}]+)@")
# What stands between the name of a parameter and its value.
_GUARDS = frozenset(("when", "each", "then", "else", "by"))
_HELP = "write ${{ password }}, which is each stack's own"


def check_written(versions: Iterable[tuple[Mapping[str, Any], Document]], report: Report) -> None:
    """Reports what is wrong in any version of an adapter, of which each is its data and what knows their places."""
    found = Report()
    for data, document in versions:
        _check_secrets(data, document, found)
        _check_connections(data, document, found)
    report.extend(dict.fromkeys(found))


def _check_secrets(data: Mapping[str, Any], document: Document, report: Report) -> None:
    known = data["secrets"]
    for name, container in data["containers"].items():
        for index, secret in enumerate(container.get("secrets") or ()):
            if secret not in known:
                place = document.value(("containers", name, "secrets", index))
                report.error(
                    "unknown-reference", f'no secret is named "{secret}"', place, suggest(secret, known)
                )


def _check_connections(data: Mapping[str, Any], document: Document, report: Report) -> None:
    for driver, connection in data["connections"].items():
        for section in ("parts", "query", "text"):
            for at, name, text in _texts(connection.get(section), (), ""):
                if _has_password(name, text):
                    told = f'the driver "{driver}" has its password in the adapter, the same for everybody'
                    place = document.value(("connections", driver, section, *at))
                    report.error("shown-secret", told, place, _HELP)


def _has_password(name: str, text: str) -> bool:
    if name:
        return "${{" not in text and is_literal_secret(name, text)
    return bool(_IN_URL.search(text)) or any(is_literal_secret(*pair) for pair in _PAIR.findall(text))


def _texts(tree: Any, at: Path, name: str) -> Iterator[tuple[Path, str, str]]:
    """Yields each text with its path and the name of the parameter that it is the value of, empty for none."""
    if isinstance(tree, str):
        yield at, name, tree
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from _texts(item, (*at, index), name)
    elif isinstance(tree, dict):
        is_table = bool(_GUARDS & tree.keys())
        for key, value in tree.items():
            if not (is_table and key in ("when", "each", "by")):
                yield from _texts(value, (*at, key), name if is_table else str(key))
