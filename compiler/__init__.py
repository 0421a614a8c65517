"""stackc compiles one stack.yaml into a Docker Compose project.

The way of the data, one module or folder for each step; a module imports only from the lines above its own:

     1  report                       findings and their one collector
     2  model                        the frozen values that steps hand on
     3  source                       YAML with places; what ships with the compiler
     4  schema expressions           JSON Schema in words; `${{ }}`; one function per sink
     5  registry                     adapters: read, found, chosen
     6  stack                        a stack checked and typed
     7  project                      a stack to one Compose project
     8  rules                        what is checked in a project
     9  targets                      a project to files, TLS included
    10  output                       comparing and writing
    11  run                          the passes in order; one stack on disk; the Python API
    12  importing                    Compose files of anybody as a stack
    13  pages                        what commands show
    14  cli                          the command
    15  __main__                     `python -m compiler`
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from compiler.model import Artifact
    from compiler.registry.registry import Registry
    from compiler.report import Diagnostic
    from compiler.run.api import (
        ConfigurationEngine,
        DatabaseAdapterRegistry,
        DatabaseConfiguration,
        DynamicStackGenerator,
        Result,
        StackError,
        compile_stack,
    )

__all__ = [
    "Artifact",
    "ConfigurationEngine",
    "DatabaseAdapterRegistry",
    "DatabaseConfiguration",
    "Diagnostic",
    "DynamicStackGenerator",
    "Registry",
    "Result",
    "StackError",
    "__version__",
    "compile_stack",
]

_HOMES = {
    "Artifact": "compiler.model",
    "Diagnostic": "compiler.report",
    "Registry": "compiler.registry.registry",
}


def __getattr__(name: str) -> Any:
    """Imports a name of the API when it is first used, so that the command starts without it."""
    if name not in __all__:
        raise AttributeError(f"module 'compiler' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES.get(name, "compiler.run.api")), name)
