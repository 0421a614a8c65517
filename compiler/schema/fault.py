"""One broken rule of a schema, as it was found and as it is told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compiler.schema.naming import is_secret, owner, quoted, thing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compiler.model import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One broken rule: the keyword and its value, the data, and the schema in which the keyword stands."""

    keyword: str
    rule: Any
    data: Any
    schema: Mapping[str, Any]
    path: Path
    at: Path
    noun: str

    @property
    def owner(self) -> str:
        return owner(self.path, self.noun)

    @property
    def thing(self) -> str:
        return thing(self.path, self.noun)

    @property
    def hidden(self) -> bool:
        return is_secret((*self.at, *self.path), self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A fault in words; `on_key` puts it at the key, `first` is the index of an equal item."""

    code: str
    message: str
    path: Path
    help: str | None = None
    on_key: bool = False
    first: int | None = None


def advice(schema: object, brief: bool = False) -> str | None:
    """Returns what a schema itself says about its values; if brief, its first sentence."""
    if not isinstance(schema, dict):
        return None
    text = schema.get("x-help") or schema.get("description")
    if not isinstance(text, str):
        examples = schema.get("examples")
        return f"for example {quoted(examples[0])}" if isinstance(examples, list) and examples else None
    text = " ".join(text.split())
    text = (re.split(r"(?<!e\.g)\. ", text)[0] if brief else text).rstrip(".")
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
