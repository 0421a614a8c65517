"""The house rules that a reader relies on: the map of modules, their size, and no engine's name in the compiler."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

import pytest
import yaml

import compiler
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE = ROOT / "compiler"
FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = [file for file in FILES if file.name != "__init__.py" or file.parent != PACKAGE]
# The data that ships inside the package: folders of the project, not modules of the compiler.
DATA = {"adapters", "schemas", "examples"}
_LINE = re.compile(r"^ +(\d+)  (\S+(?: \S+)*?)(?:   *\S.*)?$", re.MULTILINE)


def load_map() -> dict[str, int]:
    """Returns the line of each module in the map that is the docstring of the package."""
    lines = [(int(number), names.split()) for number, names in _LINE.findall(compiler.__doc__ or "")]
    return {name: number for number, names in lines for name in names}


def part(file: Path) -> str:
    """Returns the name under which the map has a file: its module, or its folder right under the package."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def iter_imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yields the line and the name of each import that runs, those inside of functions included."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        else:
            yield from iter_imports(node)


def inner_imports(file: Path) -> Iterator[tuple[int, str]]:
    for line, name in iter_imports(ast.parse(file.read_bytes())):
        _, _, rest = name.partition(".")
        target = rest.partition(".")[0]
        if name.startswith("compiler.") and not target.startswith("__") and target not in DATA:
            yield line, target


def test_every_module_is_on_the_map() -> None:
    parts = {part(file) for file in FILES} - {"__init__"}
    missing, gone = sorted(parts - set(load_map())), sorted(set(load_map()) - parts)
    assert missing == [], "write these modules into the docstring of compiler/__init__.py"
    assert gone == [], "the docstring of compiler/__init__.py names modules that are not there"


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_module_imports_only_from_lines_above_its_own(file: Path) -> None:
    lines, own = load_map(), part(file)
    wrong = [
        f"{file.relative_to(ROOT)}:{line} on line {lines.get(own)} imports {target} of line {lines.get(target)}"
        for line, target in inner_imports(file)
        if target != own and lines.get(target, 99) >= lines.get(own, 0)
    ]
    assert wrong == []


def test_modules_do_not_import_in_circles() -> None:
    names = {name_of(file): file for file in FILES}
    graph: dict[str, set[str]] = {}
    for name, file in names.items():
        tree = ast.parse(file.read_bytes())
        tree.body = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        found = {target for _, target in iter_imports(tree)}
        modules = {one if one in names else one.rpartition(".")[0] for one in found}
        graph[name] = modules & names.keys() - {name}
    assert len(list(TopologicalSorter(graph).static_order())) == len(names)


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_module_is_small(file: Path) -> None:
    assert file.read_text().count("\n") <= 250


def test_the_package_is_read_at_one_glance() -> None:
    shown = {one.name for one in PACKAGE.iterdir()} - {"__pycache__"}
    assert len(shown) <= 18, "put what came last into the room where it belongs"


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_no_pattern_repeats_a_group_possessively(file: Path) -> None:
    assert not re.findall(r"\)[*+?]\+", file.read_text()), "write (?>…): Python 3.11.2 matches it otherwise"


def engine_names() -> set[str]:
    """Returns the names, aliases and image names of all adapters that are longer than three letters."""
    names: set[str] = set()
    for file in (ROOT / "adapters").glob("*.yaml"):
        data = yaml.safe_load(file.read_bytes())
        names |= {file.stem, *data.get("aliases", [])}
    return {name.lower() for name in names if len(name) > 3}


def iter_code(file: Path) -> Iterator[tuple[int, str]]:
    """Yields the words of a module's code: all but comments and docstrings."""
    text = file.read_text()
    documentation = {
        node.body[0].lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)
    }
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NAME, tokenize.STRING) and token.start[0] not in documentation:
            yield token.start[0], token.string.lower()


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_module_names_no_engine(file: Path) -> None:
    pattern = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(map(re.escape, sorted(engine_names())))})(?![a-z0-9])")
    found = [
        f"{file.relative_to(ROOT)}:{line}: {match[0]}"
        for line, word in iter_code(file)
        for match in pattern.finditer(word)
    ]
    assert found == [], "what differs by engine belongs into its adapter"


def test_the_command_starts_without_what_it_does_not_need() -> None:
    for name in ("__init__", "cli/__init__", "cli/shared", "cli/commands"):
        tree = ast.parse((PACKAGE / f"{name}.py").read_bytes())
        tree.body = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        heavy = {target.partition(".")[0] for _, target in iter_imports(tree)}
        assert heavy.isdisjoint({"jsonschema", "jinja2", "yaml", "json", "difflib", "cryptography"})
