"""Compose files in which something is broken: each is told, or becomes a stack that can be read."""

from __future__ import annotations

import shutil
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from compiler.importing.moving import import_compose
from compiler.importing.reading import Reader
from compiler.report import Report
from compiler.source import parse_yaml
from tests.conftest import ROOT, TODAY
from tests.stacks import registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = sorted(file for file in (ROOT / "fixtures" / "import").glob("*/*.y*ml"))
VALUES = (
    *(
        None,
        "",
        0,
        True,
        "x",
        "$",
        "${A",
        "${A:-b}",
        "$$",
        "a:b:c",
        "::",
        "[",
        "~",
        "{{x}}",
        "'",
        "-c",
        "--requirepass",
    ),
    *([], {}, ["a"], {"a": "b"}, [[]], [{}], "é", "9" * 30, "postgres:16", "0.0.0.0:1:2"),
)


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yields every collection of a tree with each of its keys."""
    for key in tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield tree, key
        yield from places(tree[key])


@pytest.mark.parametrize("seed", range(60))
def test_nothing_broken_breaks_the_import(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    file = random.choice(FILES)
    folder = shutil.copytree(file.parent, tmp_path / "x")
    tree = yaml.safe_load(file.read_text())
    for _ in range(random.choice([1, 1, 3])):
        around, key = random.choice([*places(tree)])
        around[key] = random.choice(VALUES)
    (folder / file.name).write_text(yaml.safe_dump(tree, sort_keys=False))
    report = Report()
    compose = Reader(report).compose([folder], None)
    assert (compose is None) == bool(report.errors)
    if compose:
        made = import_compose(compose, registry(), TODAY)
        assert parse_yaml(made.stack.encode(), "stack.yaml", Report()) is not None
