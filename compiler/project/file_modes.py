"""Modes of mounted files as numbers: versions of Compose disagree on whether the text "0440" is octal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def with_file_modes(spec: dict[str, Any]) -> dict[str, Any]:
    """Returns a service whose secrets, configs and memory file systems have numbers as modes."""
    for key in ("secrets", "configs"):
        if isinstance(spec.get(key), list):
            spec[key] = [_with_mode(item) for item in spec[key]]
    if isinstance(spec.get("volumes"), list):
        spec["volumes"] = [_with_tmpfs(item) for item in spec["volumes"]]
    return spec


def _with_mode(item: Any) -> Any:
    mode = item.get("mode") if isinstance(item, Mapping) else None
    is_octal = isinstance(mode, str) and re.fullmatch(r"(?:0o)?[0-7]{1,5}", mode)
    return {**item, "mode": int(str(mode), 8)} if is_octal else item


def _with_tmpfs(item: Any) -> Any:
    return (
        {**item, "tmpfs": _with_mode(item["tmpfs"])}
        if isinstance(item, Mapping) and "tmpfs" in item
        else item
    )
