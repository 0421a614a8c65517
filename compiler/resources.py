"""Where the data that ships with the compiler is."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

ADAPTERS = files("compiler.adapters")
SCHEMAS = files("compiler.schemas")
EXAMPLES = files("compiler.examples")


@lru_cache(maxsize=8)
def load_schema(name: str) -> dict[str, Any]:
    """Returns one of the shipped JSON Schemas; callers do not change it."""
    import json

    schema: dict[str, Any] = json.loads(SCHEMAS.joinpath(name).read_bytes())
    return schema
