"""Variables that a service takes from `.env` in Compose's own syntax."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from compiler.diagnostics import Diagnostic, Span, warning
from compiler.model import Plan, Raw

# Without a default: https://docs.docker.com/reference/compose-file/interpolation/
_VARIABLE = re.compile(r"\$\$|\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")


def unset_variables(plan: Plan, known: set[str], place: Callable[[str], Span]) -> list[Diagnostic]:
    """Returns a warning for each variable that a service takes from `.env` and that is not there."""
    missing: dict[str, str] = {}
    for container in plan.containers:
        if container.kind == "service":
            for name in _variables(container.spec):
                if name not in known:
                    missing.setdefault(name, container.name)
    return [
        warning(
            "unset-variable",
            f'service "{owner}" takes {name} from .env, which does not set it',
            place(owner),
            f"add {name}= to .env",
        )
        for name, owner in missing.items()
    ]


def _variables(tree: Any) -> Iterator[str]:
    if isinstance(tree, Mapping):
        for value in tree.values():
            yield from _variables(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from _variables(item)
    elif isinstance(tree, Raw):
        yield from (match[1] or match[2] for match in _VARIABLE.finditer(tree) if match[1] or match[2])
