"""The command `stackc`: the one place that reads arguments, prints, catches and exits.

Exit status: 0 nothing wrong, 1 findings, 2 wrong usage, 3 a bug in stackc itself, 130 interrupted.
"""

from __future__ import annotations

import atexit
import errno
import gc
import os
import sys
from io import TextIOWrapper
from pathlib import Path

import click

from compiler.cli.commands import cli
from compiler.cli.shared import BUG, FINDINGS, INTERRUPTED

__all__ = ["cli", "main"]

# What goes wrong with stdout alone: files that cannot be written are findings.
_STREAM = (errno.ENOSPC, errno.EIO, errno.EBADF)


def main() -> None:
    """Runs the command; an exception that nobody expected is told as a bug of stackc, without its values."""
    # Looking for garbage takes a sixth of a short run, most of it at the end, when all of the memory is freed anyway.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)
    if isinstance(sys.stdout, TextIOWrapper):
        # A path may hold what the terminal's encoding has no characters for; stderr escapes it as it is.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.exit(cli(prog_name="stackc", standalone_mode=False))
    except click.ClickException as fault:
        fault.show()
        sys.exit(fault.exit_code)
    except click.Abort:
        # Click itself would say 1, which means findings.
        sys.exit(INTERRUPTED)
    except Exception as fault:
        if isinstance(fault, OSError) and fault.errno in _STREAM:
            click.echo(f"stackc: the output cannot be written: {str(fault.strerror).lower()}", err=True)
            sys.exit(FINDINGS)
        from traceback import extract_tb

        *_, last = extract_tb(fault.__traceback__)
        place = f"{Path(last.filename).name}:{last.lineno}"
        click.echo(f"stackc: bug: {type(fault).__name__} at {place}", err=True)
        told = "This is a fault of stackc, not of your files; please report it with the stack that shows it."
        click.echo(told, err=True)
        if os.environ.get("STACKC_TRACEBACK"):
            raise
        sys.exit(BUG)
