"""Runs the real Compose, which resolves a project without a daemon; and the strings that break writers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
from functools import cache
from pathlib import Path
from typing import Any

HOSTILE = (
    *("'", '"', "`", "\\", "\\\\", "'\\", '"\\', "\\'", '\\"', "it's", "a'b\"c\\"),
    *(
        "$",
        "$$",
        "$$$",
        "$A",
        "${A}",
        "${A:-b}",
        "${A",
        "a$",
        "}",
        "{",
        "{{ x }}",
        "${{ x }}",
        "$${A}",
        "$(id)",
    ),
    *(
        "#",
        " #",
        "a #b",
        "a#b",
        "a# b",
        "= # c",
        "=",
        "==",
        "a=b",
        ":",
        "a: b",
        "- a",
        "? a",
        "&a",
        "*a",
        "!a",
    ),
    *(
        "%",
        "%41",
        "%zz",
        "%%",
        "@",
        "/",
        "//",
        "?",
        "a/b@c:d?e&f#g",
        "+",
        "a+b",
        ";",
        ",",
        "a;b",
        "a,b",
        "[::1]",
    ),
    *(
        " ",
        "  ",
        " a",
        "a ",
        "\t",
        "\ta",
        "a\t",
        "\n",
        "a\n",
        "a\n\n",
        "\na",
        "a\nb",
        "a \nb",
        "\r",
        "a\r\nb",
    ),
    *(
        "\x01",
        "\x07",
        "\x08",
        "\x0b",
        "\x0c",
        "\x1b",
        "\x7f",
        "\x80",
        "\x85",
        "a\x85b",
        "\xa0",
        "\xad",
        "\ufeff",
    ),
    *(
        "é",
        "ß",
        "漢字",
        "\u200b",
        "\u2003a\u2003",
        "a\u2028b",
        "a\u2029b",
        "\ufffe",
        "\U0001f600",
        "a\U0001f600b",
    ),
    *(
        "yes",
        "No",
        "on",
        "y",
        "null",
        "~",
        "true",
        "1",
        "1.0",
        "010",
        "08",
        "0o17",
        "0x1F",
        "1e3",
        "123e45",
        ".5",
    ),
    *(
        "+.5",
        "12:30",
        "2024-1-1",
        "2024-01-01",
        ".inf",
        ".nan",
        "<<",
        "---",
        "...",
        "|",
        ">",
        "{}",
        "[]",
        "''",
    ),
    *(
        "\\n",
        "\\x41",
        "\\u0041",
        "\\0",
        "\\0101",
        "export A=1",
        "A=1\nB=2",
        "a' #b",
        'a" b=c',
        "line\n  indent\n",
    ),
)


@cache
def compose_binaries() -> tuple[tuple[str, ...], ...]:
    """The commands of every Compose here: the test dependency's, and Docker's plugin where there is one."""
    bundled = Path(sysconfig.get_path("scripts"), "docker-compose")
    commands = [(str(bundled),), ("docker", "compose")]
    return tuple(command for command in commands if shutil.which(command[0]) and _answers(command))


def _answers(command: tuple[str, ...]) -> bool:
    return subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0


def run_config(directory: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Resolves the project in the folder, with nothing but `.env` to take variables from."""
    clean = {"PATH": os.environ["PATH"], "HOME": str(directory)}
    words = [*(command or compose_binaries()[0]), "config", "--format", "json"]
    return subprocess.run(
        words, cwd=directory, env=clean, capture_output=True, encoding="utf-8", check=False, timeout=60
    )


def config(directory: Path, *command: str) -> dict[str, Any]:
    """The project as Compose understands it; its output doubles every `$`, which is undone here."""
    result = run_config(directory, *command)
    assert result.returncode == 0, result.stderr
    resolved: dict[str, Any] = json.loads(result.stdout.replace("$$", "$"))
    return resolved


def environment(directory: Path, tree_text: str, dotenv: str = "", *command: str) -> dict[str, str]:
    """The environment of the service `a` of a compose file."""
    (directory / "docker-compose.yml").write_bytes(tree_text.encode())
    (directory / ".env").write_bytes(dotenv.encode())
    found: dict[str, str] = config(directory, *command)["services"]["a"]["environment"]
    return found
