"""Any Compose file as a project: what stackc did not make is checked by the same rules."""

from __future__ import annotations

from typing import Any

from compiler.model import Raw
from compiler.project.long_form import lengthen
from compiler.project.project import SECTIONS, Places, Project
from compiler.source import Document


def read_project(document: Document, today: str) -> Project:
    """Returns the project of a Compose file that follows the Compose Specification's schema.

    It has no databases: each service is a person's own. `today` is an ISO date.
    """
    data = document.data
    project = Project(name=str(data.get("name", "")), environment="", today=today, places=Places(document))
    for section in SECTIONS:
        for name, entry in (data.get(section) or {}).items():
            long = lengthen(section, _raw(entry), (section, name), project.places)
            project.tree[section][name] = long if entry is not None else None
    project.kinds |= dict.fromkeys(project.services, "service")
    return project


def _raw(tree: Any) -> Any:
    """Marks all text as being in Compose's own syntax."""
    if isinstance(tree, dict):
        return {key: _raw(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_raw(item) for item in tree]
    return Raw(tree) if isinstance(tree, str) else tree
