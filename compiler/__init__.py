"""stackc compiles one stack.yaml into a Docker Compose project.

The way of the data, one module or folder for each step; a module imports only from the lines above its own:

    1  diagnostics codes model resources quoting   findings; the frozen values; the shipped data; one function per sink
    2  source schema expressions connections       YAML; JSON Schema; `${{ }}`; connection strings
    3  registry stack                              adapters found and chosen; a stack checked and typed
    4  resolve                                     a stack to a plan, one module per concern
    5  targets                                     a plan to files
    6  vault certificates report output            secrets; TLS; findings as text; comparing and writing
    7  pipeline                                    the passes as one pure function
    8  project catalog access trial starter        one stack on disk; what commands print
    9  api cli                                     the Python API and the command
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from compiler.api import (
        ConfigurationEngine,
        DatabaseAdapterRegistry,
        DynamicStackGenerator,
        StackError,
        compile_stack,
    )
    from compiler.diagnostics import Diagnostic
    from compiler.registry import Registry

__all__ = [
    "ConfigurationEngine",
    "DatabaseAdapterRegistry",
    "Diagnostic",
    "DynamicStackGenerator",
    "Registry",
    "StackError",
    "__version__",
    "compile_stack",
]

_HOMES = {"Diagnostic": "compiler.diagnostics", "Registry": "compiler.registry"}


def __getattr__(name: str) -> Any:
    """Imports a name of the API when it is first used, so that the command starts without it."""
    if name not in __all__:
        raise AttributeError(f"module 'compiler' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES.get(name, "compiler.api")), name)
