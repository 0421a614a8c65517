"""Engines that Debian has, as images, where the official one is not at hand."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import NamedTuple

import pytest

from tests.engines.conftest import REQUIRED, missing, run


class Engine(NamedTuple):
    """The packages of an engine, the account that it runs as, and shell commands that finish the folder `$1`."""

    official: str
    packages: str
    account: str
    uid: int
    home: str
    finish: str = "true"


ENGINES = {
    "memcached": Engine(
        "memcached:1.6-alpine",
        "memcached,busybox",
        "memcache",
        11211,
        "/",
        'ln -s busybox "$1/usr/bin/nc"',
    ),
    "rabbitmq": Engine(
        "rabbitmq:4.1",
        "rabbitmq-server,bash",
        "rabbitmq",
        999,
        "/var/lib/rabbitmq",
        'rm -rf "$1/etc/rabbitmq" && chown -R 999:999 "$1/var/lib/rabbitmq"',
    ),
}


def image_of(name: str) -> str:
    """Returns the official image where it is there, or one that is made of Debian's packages under another name."""
    engine, made = ENGINES[name], f"stackctest/{name}:debian"
    if not missing(engine.official):
        return engine.official
    if missing(made):
        if not (shutil.which("mmdebstrap") and os.geteuid() == 0) or missing():
            reason = f"there is no {engine.official}, and no Docker with mmdebstrap to make one like it"
            pytest.fail(reason) if REQUIRED else pytest.skip(reason)
        _make(engine, made)
    return made


def _make(engine: Engine, tag: str) -> None:
    user = f"{engine.account}:x:{engine.uid}"
    account = f'echo "{user}:{engine.uid}::{engine.home}:/bin/sh" >> "$1/etc/passwd"'
    group = f'echo "{user}:" >> "$1/etc/group"'
    command = [
        "mmdebstrap",
        "--mode=root",
        "--variant=essential",
        "--format=tar",
        f"--include={engine.packages}",
    ]
    command += [
        f"--essential-hook={account}; {group}",
        f"--customize-hook={engine.finish}",
        "trixie",
        "-",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as packed:
        done = subprocess.run(
            ["docker", "import", "-", tag], stdin=packed.stdout, capture_output=True, text=True
        )
    assert packed.returncode == 0 == done.returncode, done.stderr
    missing.cache_clear()
    assert not run("docker", "image", "inspect", tag).returncode
