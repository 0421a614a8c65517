"""Every finding, shown by one file or folder of fixtures/invalid with one fault; its report is the snapshot.

A finding without one is shown by the stack `wrong` of its page.
"""

from __future__ import annotations

import ast
import re
import shutil
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from compiler.pages.access import find_connections
from compiler.pages.findings import load_pages, render_report
from compiler.pages.trials.trial import run_trials
from compiler.report import Diagnostic, Report
from compiler.rules.check import RULES
from compiler.run.workspace import Project
from tests.conftest import ROOT, TODAY
from tests.findings import has_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syrupy.assertion import SnapshotAssertion

INVALID = ROOT / "fixtures" / "invalid"
PAGES = load_pages()
FIXTURES = {
    **{id: None for id, page in PAGES.items() if page.wrong},
    **{file.stem: file for file in sorted(INVALID.iterdir()) if file.name not in ("adapters", "options")},
}
# What is asked of the stack of a file, where that is not to compile it as it is.
ENVIRONMENTS = {"unknown-environment": "production"}
# What no stack shows by itself: the test that makes what it takes.
SHOWN_BY = {
    "adapter-boot": "engines/test_boot.py::test_a_probe_that_passes_with_a_wrong_password_is_found",
    "certificate-ends": "test_certificates.py::test_a_certificate_that_ends_soon_is_told",
    "compose-variable": "output/test_ownership.py::test_a_variable_that_makes_compose_read_something_else_is_told",
    "disk-full": "output/test_files.py::test_a_full_disk_changes_nothing",
    "env-block": "targets/test_env_block.py::test_an_edited_block_is_told_and_changes_nothing",
    "env-clash": "targets/test_env_block.py::test_a_line_of_ones_own_is_never_overruled",
    "file-exists": "test_init.py::test_init_refuses_a_folder_with_a_stack_and_changes_nothing",
    "file-too-large": "source/test_reader.py::test_a_large_file_is_not_read_to_its_end",
    "include-cycle": "importing/test_reading.py::test_a_file_that_includes_itself_is_told",
    "interrupted-compile": "output/test_ownership.py::test_check_tells_of_a_compile_that_was_stopped",
    "missing-extra": "test_certificates.py::test_without_the_package_the_way_to_it_is_named",
    "missing-file": "source/test_reader.py::test_a_missing_file_is_said_to_be_missing",
    "missing-secrets": "output/test_ownership.py::test_lost_secrets_are_made_again_only_when_that_is_asked_for",
    "no-shell": "test_docker.py::test_a_database_without_a_client_of_its_own_is_told",
    "not-a-file": "source/test_reader.py::test_a_folder_is_no_file",
    "not-compiled-here": "output/test_ownership.py::test_a_fresh_clone_without_secrets_is_fine_and_says_so",
    "open-output": "output/test_ownership.py::test_modes_are_right_whatever_they_were_and_whatever_the_umask_is",
    "other-compose-file": "output/test_ownership.py::test_another_file_that_compose_reads_is_told",
    "other-environment": "output/test_ownership.py::test_what_another_environment_rendered_is_named",
    "other-stack": "output/test_ownership.py::test_another_stack_does_not_take_a_folder_over",
    "output-is-a-folder": "output/test_output.py::test_what_stands_in_the_way_stays_and_is_named",
    "output-is-a-symlink": "output/test_output.py::test_what_stands_in_the_way_stays_and_is_named",
    "output-locked": "output/test_ownership.py::test_a_folder_that_another_run_holds_is_told",
    "output-not-a-folder": "output/test_output.py::test_what_stands_in_the_way_stays_and_is_named",
    "output-not-writable": "output/test_output.py::test_what_stands_in_the_way_stays_and_is_named",
    "output-too-large": "output/test_ownership.py::test_a_large_file_in_the_place_of_an_output_is_not_read",
    "too-many-adapters": "test_bounds.py::test_very_many_adapters_are_refused_at_once",
    "too-many-findings": "test_report.py::test_of_very_many_findings_the_first_are_kept",
    "unignored-secret": "output/test_leaks.py::test_what_git_would_commit_is_told",
    "unreadable-file": "source/test_reader.py::test_a_file_that_cannot_be_opened_is_unreadable",
}


@dataclass(frozen=True)
class Told:
    """What one fixture leads to: its findings, their report, and the files that were there before and are now."""

    code: str
    diagnostics: list[Diagnostic]
    report: str
    before: dict[str, bytes]
    after: dict[str, bytes]


def compile_it(project: Project) -> list[Diagnostic]:
    return list(project.compile().diagnostics)


def check_it(project: Project) -> list[Diagnostic]:
    return list(project.check().diagnostics)


def connect_to_it(project: Project) -> list[Diagnostic]:
    report = Report()
    find_connections(project, "main", report, driver=None, origin="host", reveal=False)
    return list(report)


def try_its_adapter(project: Project) -> list[Diagnostic]:
    report = Report()
    _, registry = run_trials(sorted(file.stem for file in Path("adapters").iterdir()), None, report)
    project.sources.update(registry.sources)
    return list(report)


ACTS: dict[str, Callable[[Project], list[Diagnostic]]] = {
    "adapter-trial": try_its_adapter,
    "idle-job": try_its_adapter,
    "lost-password": try_its_adapter,
    "missing-mount": try_its_adapter,
    "not-published": connect_to_it,
    "not-repeatable": try_its_adapter,
    "shell-syntax": try_its_adapter,
    "shown-secret": try_its_adapter,
    "stale-output": check_it,
    "unused-key": try_its_adapter,
    "weak-client": try_its_adapter,
    "weak-probe": try_its_adapter,
}


def contents(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


@pytest.fixture(scope="module", params=FIXTURES)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    code, folder = request.param, tmp_path_factory.mktemp("stack")
    source = FIXTURES[code]
    name = "stack.yaml" if source is None or source.is_dir() else source.name
    if source is None:
        (folder / name).write_text(PAGES[code].wrong)
    elif source.is_dir():
        folder = shutil.copytree(source, folder / code)
    else:
        shutil.copy2(source, folder)
    before = contents(folder)
    with chdir(folder):
        environment = ENVIRONMENTS.get(code, "local")
        project = Project(Path(name), Path(), environment=environment, today=TODAY)
        found = ACTS.get(code, compile_it)(project)
    report = render_report(found, project.sources, "text")
    yield Told(code, found, report, before, contents(folder))


def test_report(told: Told, snapshot_text: SnapshotAssertion) -> None:
    assert told.report == snapshot_text


def test_every_finding_has_the_code_of_its_file(told: Told) -> None:
    assert {finding.id for finding in told.diagnostics} == {told.code}


def test_every_finding_has_a_place_in_a_file(told: Told) -> None:
    for finding in told.diagnostics:
        lines = told.before[finding.span.path].decode(errors="replace").splitlines()
        assert finding.span.line <= max(len(lines), 1)


def test_a_finding_says_what_to_do(told: Told) -> None:
    assert all(finding.help for finding in told.diagnostics)


def test_an_error_changes_no_file(told: Told) -> None:
    assert not has_errors(told.diagnostics) or told.after == told.before


def test_a_warning_stops_nothing(told: Told) -> None:
    written = {"docker-compose.yml", ".env", ".env.example"}
    assert has_errors(told.diagnostics) or written <= told.after.keys()


def test_every_finding_is_shown() -> None:
    assert FIXTURES.keys() | SHOWN_BY.keys() == PAGES.keys()
    assert not FIXTURES.keys() & SHOWN_BY.keys()


@pytest.mark.parametrize("code", SHOWN_BY)
def test_a_test_shows_the_code(code: str) -> None:
    file, _, name = SHOWN_BY[code].partition("::")
    text = (ROOT / "tests" / file).read_text()
    (test,) = [node for node in ast.parse(text).body if getattr(node, "name", "") == name]
    assert isinstance(test, ast.FunctionDef)
    assert any(code in ast.unparse(part) for part in (test, *test.decorator_list))


_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_TELLS = re.compile(
    r"_?(error|warning|fault|problem|refused|value|conflict|finding|ExpressionError)", re.IGNORECASE
)


def strings(tree: ast.AST) -> set[str]:
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_the_pages_are_those_of_what_the_compiler_tells() -> None:
    used, told = {"edited-output", "foreign-output"}, {rule.id for rule in RULES}
    for file in (ROOT / "compiler").rglob("*.py"):
        tree = ast.parse(file.read_bytes())
        used |= strings(tree)
        told |= {code for node in ast.walk(tree) if isinstance(node, ast.Call) for code in codes_of(node)}
    for file in (ROOT / "schemas").glob("*.json"):
        told |= set(re.findall(r'"x-id": "([^"]+)"', file.read_text()))
    assert PAGES.keys() - used - told == set()
    assert told - PAGES.keys() == set()


def codes_of(call: ast.Call) -> set[str]:
    """Returns the words among a call's arguments that have the form of a code with several words."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if not _TELLS.fullmatch(name):
        return set()
    values = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "code")]
    words = {node.value for node in values if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {word for word in words if "-" in word and _CODE.fullmatch(word)}
