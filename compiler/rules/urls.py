"""URLs that a person put together: what a value in them holds, once it is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from compiler.expressions.quoting import url_part
from compiler.model import Reference, Text
from compiler.project.project import Project
from compiler.project.workshop import is_encoded
from compiler.report import Report


def check_encoded(project: Project, values: Mapping[str, str], report: Report) -> None:
    """Warns of each secret in a URL of a service that holds a character which means something else there."""
    encoded = {key for key, line in project.connections.items() if is_encoded(line)}
    for key, service in project.own_services():
        for name, value in (service.get("environment") or {}).items():
            for part, safe in _parts(value):
                held = values.get(part.key, "")
                if part.key not in encoded and url_part(held, safe) != held:
                    told = f'"{name}" has {part.key} in a URL, where a character of its value means something else'
                    place = project.places.value(("services", key, "environment", name))
                    help = "write the name with `| url`, as in ${{ NAME | url }}"
                    report.warning("unencoded-value", told, place, help)


# https://www.rfc-editor.org/rfc/rfc3986#section-3
def _parts(value: object) -> Iterator[tuple[Reference, str]]:
    """Yields each secret that stands in a URL, with the characters that mean nothing where it does."""
    before = ""
    for part in value.parts if isinstance(value, Text) else ():
        if isinstance(part, Reference):
            word = before.rsplit(None, 1)[-1] if before and not before[-1].isspace() else ""
            _, sign, behind = word.rpartition("://")
            if sign:
                yield part, "/:@?" if "?" in behind else "/:@" if "/" in behind else ""
            before = f"{word}$"
        else:
            before += part
