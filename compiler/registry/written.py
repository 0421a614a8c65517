"""What an adapter writes down that is wrong in every stack: passwords, and secrets that are not there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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


def check_written(data: Mapping[str, Any], document: Document, report: Report) -> None:
    """Reports secrets that containers ask for and the adapter has not, and passwords in its connections."""
    known = dict.fromkeys(data.get("secrets") or ("password", "admin_password"))
    for feature in (data.get("features") or {}).values():
        known |= dict.fromkeys(feature.get("secrets") or ())
    for name, container in data["containers"].items():
        for index, secret in enumerate(container.get("secrets") or ()):
            if secret not in known:
                told = f'no secret is named "{secret}"'
                place = document.value(("containers", name, "secrets", index))
                report.error("unknown-reference", told, place, suggest(secret, known))
    for driver, connection in (data.get("connections") or {}).items():
        for section in ("parts", "query", "text"):
            for at, name, text in _texts(connection.get(section), (), ""):
                if _has_password(name, text):
                    told = f'the driver "{driver}" has its password in the adapter, the same for everybody'
                    report.error(
                        "shown-secret", told, document.value(("connections", driver, section, *at)), _HELP
                    )


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
