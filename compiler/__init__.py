"""stackc compiles one stack.yaml into a Docker Compose project.

The way of the data, one module or folder for each step; a module imports only from the lines above its own:

     1  diagnostics codes model resources quoting   findings; the frozen values; the shipped data; one function per sink
     2  source schema expressions connections       YAML; JSON Schema; `${{ }}`; connection strings
     3  adapter                                     one engine as data
     4  registry bundle                             adapters found; the schema of a stack
     5  selection vector
     6  database
     7  stack                                       a stack checked and typed
     8  resolve                                     a stack to a plan, one module per concern
     9  targets                                     a plan to files
    10  vault certificates memo report output       secrets; TLS; earlier runs; findings as text; comparing and writing
    11  pipeline                                    the passes as one pure function
    12  project trial                               one stack on disk; adapters tried without an engine
    13  catalog access starter                      what commands show
    14  api cli                                     the Python API and the command
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
