"""How a person names the same stack again, in a command to run next."""

from __future__ import annotations

import os
import shlex
from pathlib import Path


def compile_command(stack: Path, output: Path, environment: str, adapters: Path | None, *more: str) -> str:
    """Returns `stackc compile` with what it takes to mean the same stack, from the current folder."""
    words = ["stackc", "compile", *more]
    if stack != Path("stack.yaml"):
        words.append(str(stack))
    if environment != "local":
        words += ["-e", environment]
    if output != stack.parent:
        words += ["-o", str(output)]
    if adapters:
        words += ["--adapters", str(adapters)]
    return shlex.join(words)


def folder_name(stack: Path) -> str:
    """Returns the name of the folder of a stack; what comes from a pipe has none."""
    return "" if stack.name in ("-", "stdin") else stack.parent.resolve().name


def way_to(folder: Path, output: Path) -> str:
    """Returns the way from the rendered files to the folder of the stack; empty where they are the same."""
    way = os.path.relpath(folder, output)
    return "" if way == os.curdir else way
