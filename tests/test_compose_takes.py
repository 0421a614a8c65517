"""What stackc takes, Compose takes: mutations of accepted stacks, judged by the real Compose.

Each run judges the same ones, as many as STACKC_COMPOSE_FUZZ says; 3000 take some minutes:
`STACKC_COMPOSE_FUZZ=3000 pytest -s tests/test_compose_takes.py`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from compiler.registry.registry import Registry
from compiler.report import Report
from compiler.run.passes import compile_document, render_secrets
from compiler.source import parse_yaml
from compiler.source.shipped import folders
from tests.compose import HOSTILE, compose_binaries
from tests.conftest import OUTSIDE, TODAY, VALID, read_env
from tests.project.test_pasted import PASTED, VALUES, place
from tests.rules.test_service_rules import RIGHT, as_stack

if TYPE_CHECKING:
    from pathlib import Path

    from compiler.run.passes import Compiled

COUNT = int(OUTSIDE.get("STACKC_COMPOSE_FUZZ", "250"))
SEED = int(OUTSIDE.get("STACKC_COMPOSE_FUZZ_SEED", "0"))
# What no schema and no rule can know, by what Compose says, and why not.
UNKNOWABLE = {
    r"(env|label) file .* not found": "the file may be there when Compose runs",
    r"open .*: (no such file|is a directory|not a directory)": "the file of `extends` may be there when Compose runs",
    r'undefined (secret|config|service|network|volume) "?(x|1|30s|true|ab)?"?:': "the name stands in a variable",
    r"variable is not set": "its value stands in .env, and its lack is told as unset-variable",
    r"required variable \w+ is missing a value": "its value stands in .env, and its lack is told as unset-variable",
}
HOSTS = [*HOSTILE, "a" * 300, "../..", "~", "a b", "A B", "a\nb", "é"]
SCALARS: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    1.5,
    80,
    65536,
    10**30,
    "",
    "0",
    "1",
    "-1",
    "80",
    "1.5",
    "true",
    "no",
]
TYPED = [
    "abc",
    "30s",
    "1G",
    "512M",
    "0.5",
    "01",
    "0440",
    "on-failure:3",
    "127.0.0.1:80:80",
    "a:b",
    "/a",
    "./a",
    "1\n",
    "all",
]
VARIABLES = [
    "$A",
    "${A}",
    "${A:-x}",
    "${A:-1}",
    "${A-}",
    "${A:-30s}",
    "${A:-true}",
    "${A:?no}",
    "a${A}b",
    "$(id)",
    "$$A",
    "${A:-${B:-1}}",
]
MIXED: list[Any] = [
    [],
    {},
    [None],
    [{}],
    {"a": None},
    {"a": {}},
    ["a", "a"],
    [["a"]],
    {"name": "a"},
    {"source": "a"},
    {"a": 1},
]


def holders(tree: Any, name: str = "") -> list[tuple[str, Any, Any]]:
    """Returns each place of a tree: the name of the key that it is under, its mapping or list, and its step there."""
    found = []
    for step, value in (
        tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    ):
        key = step if isinstance(step, str) else name
        found += [(key, tree, step), *holders(value, key)]
    return found


@cache
def stacks() -> dict[str, Any]:
    """Returns the accepted stacks: those of fixtures/valid by their folders, and those that hold public services."""
    whole = {
        file.parent.name: yaml.safe_load(file.read_bytes()) for file in sorted(VALID.glob("*/stack.yaml"))
    }
    texts = {name: parse_yaml(text.encode(), name, Report()) for name, text in PASTED.items()}
    pasted = {name: {"name": "demo", **one.data} for name, one in texts.items() if one}
    return whole | {f"pasted {name}": tree for name, tree in pasted.items() if rendered("minimal", tree)}


@cache
def pool() -> dict[str, list[Any]]:
    """Returns the values that stand under each key in stacks and public Compose files."""
    trees = [*stacks().values(), *(yaml.safe_load(as_stack(options)) for options in RIGHT)]
    found: dict[str, list[Any]] = defaultdict(list)
    for tree in trees:
        for key, holder, step in holders(tree):
            found[key].append(holder[step])
    return found


def hostile(random: Random) -> Any:
    return deepcopy(random.choice(random.choice([SCALARS, TYPED, VARIABLES, MIXED, HOSTS])))


def retyped(random: Random, value: Any) -> Any:
    if isinstance(value, dict):
        return random.choice([[f"{key}={one}" for key, one in value.items()], [*value], [value], str(value)])
    if isinstance(value, list):
        return random.choice(
            [{str(one): None for one in value}, (value or [None])[0], [value], " ".join(map(str, value))]
        )
    return random.choice(
        [str(value), [value], {"name": value}, {"source": value, "target": "/a"}, {"value": value}]
    )


def mutate(random: Random, tree: Any) -> None:
    key, holder, step = random.choice(holders(tree))
    match random.randrange(7):
        case 0 | 1:
            holder[step] = deepcopy(random.choice(pool().get(key) or SCALARS))
        case 2 | 3:
            holder[step] = hostile(random)
        case 4:
            holder[step] = retyped(random, holder[step])
        case 5:
            # Another key beside it, with a value that was seen there or with any.
            name = random.choice([*pool()])
            value = deepcopy(random.choice(pool()[name])) if random.random() < 0.7 else hostile(random)
            inner = [one for _, part, at in holders(tree) if isinstance(one := part[at], dict)]
            services = [
                one for _, part, at in holders(tree.get("services")) if isinstance(one := part[at], dict)
            ]
            random.choice(services if services and random.random() < 0.7 else [*inner, tree])[name] = value
        case _:
            # It moves to another mapping.
            inner = [one for _, part, at in holders(tree) if isinstance(one := part[at], dict)]
            value = holder[step]
            if inner and isinstance(step, str):
                del holder[step]
                random.choice(inner)[step] = deepcopy(value)


def mutant(number: int) -> tuple[str, Any]:
    """Returns the name of the fixture, and its stack with one or two changes."""
    random = Random(f"{SEED} {number}")
    name = random.choice([*stacks()])
    tree = deepcopy(stacks()[name])
    for _ in range(random.choice([1, 1, 1, 2])):
        mutate(random, tree)
    return name, tree


@cache
def registry(name: str) -> Registry:
    return Registry(folders(VALID / name, None)) if (VALID / name).is_dir() else Registry()


def rendered(name: str, tree: Any) -> dict[str, bytes] | None:
    """Returns the files of a stack that stackc takes."""
    report = Report()
    text = json.dumps(tree, ensure_ascii=False)
    document = parse_yaml(text.encode("utf-8", "replace"), "stack.yaml", report)
    if document is None or report.errors:
        return None
    compiled: Compiled | None = compile_document(
        document, registry(name), report, environment="local", today=TODAY, source="stack.yaml"
    )
    if compiled is None or report.errors:
        return None
    keys = {key: "a" for one in compiled.project.certificates for key in one.files}
    env, *_ = render_secrets(compiled.project, read_env(""), Random(0).randbytes, keys, report)
    return None if report.errors else {one.path: one.content for one in (*compiled.artifacts, env)}


def refusal(folder: Path, files: dict[str, bytes]) -> str:
    """Returns what Compose says against a project beside the files that its services name, or nothing."""
    place(folder)
    files[".env"] += VALUES.encode()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    command = [*compose_binaries()[0], "config", "--quiet"]
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    result = subprocess.run(
        command, cwd=folder, env=clean, capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    if not result.returncode:
        return ""
    lines = [line for line in result.stderr.splitlines() if line.strip() and "level=warning" not in line]
    unset = ["variable is not set"] if "variable is not set" in result.stderr else []
    return " ".join([*unset, *lines])[:500] or "refused"


def test_compose_takes_every_stack_that_stackc_takes(tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.mktemp("takes")
    with ThreadPoolExecutor() as threads:
        judged = {}
        for number in range(COUNT):
            if files := rendered(*mutant(number)):
                (folder := base / str(number)).mkdir()
                judged[number] = threads.submit(refusal, folder, files)
        said = {number: one.result() for number, one in judged.items()}
    refused = {number: text for number, text in said.items() if text}
    known = Counter(
        why for text in refused.values() for form, why in UNKNOWABLE.items() if re.search(form, text)
    )
    print(
        f"{COUNT} stacks, {len(said)} taken by stackc, of which Compose refuses {len(refused)}: {dict(known)}"
    )
    assert len(said) > COUNT // 10
    assert {
        n: text for n, text in refused.items() if not any(re.search(form, text) for form in UNKNOWABLE)
    } == {}
