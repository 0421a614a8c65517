"""What the adapter language refuses: each file of fixtures/invalid/adapters is a wrong one, its report the snapshot."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from compiler.pages.findings import load_pages, render_report
from compiler.pages.trials.trial import run_trials
from compiler.report import Report
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

FILES = sorted((ROOT / "fixtures" / "invalid" / "adapters").iterdir())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_wrong_adapter_is_told_at_its_lines(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot_text: SnapshotAssertion
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(file, tmp_path)
    report = Report()
    rows, registry = run_trials([file.name], None, report)
    assert [row["passed"] for row in rows] == [False]
    assert {one.id for one in report} <= load_pages().keys()
    assert {one.span.path for one in report} == {f"./{file.name}"}
    assert render_report([*report], registry.sources, "text") == snapshot_text
