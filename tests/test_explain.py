"""The page of each finding: its form, and that its two stacks show what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from compiler.pages.findings import load_pages
from compiler.report import suggest
from compiler.rules.check import RULES
from compiler.run.workspace import Project
from compiler.source.shipped import SCHEMAS
from tests.conftest import ROOT, TODAY, stackc
from tests.stacks import load_document, load_schema

PAGES = load_pages()
EXAMPLES = [id for id, page in PAGES.items() if page.wrong]
# What these files show needs more than a stack: bytes that are no text, an option of the command.
NOT_BY_A_STACK = {"not-published", "not-utf-8", "unknown-environment"}


def found(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Returns the findings of a stack by id, each with its severity."""
    monkeypatch.chdir(folder)
    Path("stack.yaml").write_text(text)
    Path("schema.sql").write_text("SELECT 1;\n")  # which a page names
    project = Project(Path("stack.yaml"), Path(), today=TODAY)
    return {finding.id: finding.severity for finding in project.compile().diagnostics}


def test_pages_have_the_form_of_their_schema() -> None:
    document = load_document(SCHEMAS / "findings.yaml")
    schema = load_schema("findings.schema.json")
    Draft202012Validator.check_schema(schema)
    errors = Draft202012Validator(schema).iter_errors(document.data)
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


@pytest.mark.parametrize("id", EXAMPLES)
def test_wrong_stack_shows_the_finding_alone(
    id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(PAGES[id].wrong, tmp_path, monkeypatch) == {id: PAGES[id].severity}


@pytest.mark.parametrize("id", EXAMPLES)
def test_right_stack_shows_nothing(id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(PAGES[id].right, tmp_path, monkeypatch) == {}


def test_whatever_a_stack_alone_shows_has_its_two_stacks() -> None:
    shown = {file.stem for file in (ROOT / "fixtures" / "invalid").glob("*.yaml")}
    assert shown - NOT_BY_A_STACK - set(EXAMPLES) == set()


def test_every_rule_has_a_page_with_two_stacks_and_its_severity() -> None:
    assert {rule.id: rule.severity for rule in RULES} == {
        rule.id: PAGES[rule.id].severity for rule in RULES if PAGES[rule.id].wrong
    }


def test_explain_prints_the_page_with_its_stacks() -> None:
    result = stackc("explain", "unknown-adapter")
    page = PAGES["unknown-adapter"]
    assert result.exit_code == 0
    assert result.stdout.startswith(
        f"unknown-adapter: {page.what}\n\n{page.why}\n\nwrong:\n\n    name: demo\n"
    )
    assert result.stdout.endswith(
        "right:\n\n    name: demo\n    databases:\n      main: {adapter: postgresql}\n"
    )


def test_explain_of_an_unknown_id_gets_the_nearest() -> None:
    result = stackc("explain", "unknown-adaptr")
    assert (result.exit_code, suggest("unknown-adaptr", PAGES) in result.stderr) == (2, True)


def test_compile_reads_no_page(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text("name: demo\ndatabases:\n  main: {adapter: postgress}\n")
    code = (
        "from compiler.cli import cli; from compiler.pages.findings import load_pages\n"
        "try: cli(['compile'])\n"
        "except SystemExit: print(load_pages.cache_info().currsize)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "0\n"
