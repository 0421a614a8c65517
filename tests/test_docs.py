"""What the documents say is what the program does."""

from __future__ import annotations

import re
import textwrap
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.testing import CliRunner

from compiler.cli import cli
from compiler.cli.shared import BUG, FINDINGS, INTERRUPTED
from compiler.pages.catalog import catalog_rows, markdown_rows
from compiler.registry.registry import Registry
from compiler.report import Report

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [text for name, text in found if name == language]


def compiled(text: str, folder: Path) -> str:
    (folder / "stack.yaml").write_text(text)
    done = CliRunner().invoke(cli, ["compile", str(folder / "stack.yaml")])
    assert done.exit_code == 0, done.output
    return (folder / "docker-compose.yml").read_text()


def test_stack_of_the_readme_renders_what_stands_beside_it(tmp_path: Path) -> None:
    stack, rendered = blocks("yaml")[:2]
    assert textwrap.dedent(rendered) in textwrap.dedent(compiled(stack, tmp_path).replace("\n  ", "\n"))


def test_stack_of_the_readme_is_the_shipped_minimal_one() -> None:
    shipped = (ROOT / "fixtures/valid/minimal/stack.yaml").read_text()
    assert blocks("yaml")[0] in shipped


def test_failing_stack_of_the_readme_prints_that_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = next(block for block in blocks("") if "[unknown-option]" in block)
    line = re.search(r"^\d+ \| (.*)$", message, re.MULTILINE)
    assert line
    lines = blocks("yaml")[0].splitlines()
    number = int(message.split(":")[1]) - 1
    lines[number] = line[1]
    (tmp_path / "stack.yaml").write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["compile"])
    assert done.exit_code == 1 and done.stderr.startswith(message)


def test_python_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(blocks("python")[0], {})
    assert "mongo:8.0" in capsys.readouterr().out


def test_table_of_adapters_is_what_the_catalog_renders() -> None:
    table = markdown_rows(catalog_rows(Registry(), Report()))
    written = README.split("<!-- adapters -->\n")[1].split("<!-- /adapters -->")[0].strip()
    assert written == table, (
        "README.md is out of date: put in what `stackc adapters list --format markdown` prints"
    )


def test_every_command_of_the_readme_exists() -> None:
    for name in set(re.findall(r"stackc ([a-z]+)", README)) - {"in"}:
        if name in cli.commands:
            assert CliRunner().invoke(cli, [name, "--help"]).exit_code == 0
    assert set(cli.commands) <= set(re.findall(r"stackc ([a-z]+)", README)) | {"adapters"}


def test_exit_statuses_of_the_readme_are_those_of_the_command() -> None:
    told = README.split("## Exit status\n")[1].split("##")[0]
    assert [int(status) for status in re.findall(r"(?:^|, )(\d+) ", told.strip())] == [
        *(0, FINDINGS, click.UsageError.exit_code, BUG, INTERRUPTED)
    ]


def test_dependencies_of_the_readme_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [line.partition(">")[0] for line in project["dependencies"]]
    assert f"Dependencies are {', '.join(names[:-1])} and {names[-1]}" in README
    assert project["optional-dependencies"]["tls"][0].startswith("cryptography")
