"""What an adapter promises: each mistake is told by its trial, and what is right is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from compiler.pages.trial import run_trials
from compiler.report import Report

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "adapter: own\nextends: postgresql\ntitle: Own\n"
# How the sections of the server and of the job are written, and the key of the probe.
SERVER, JOB, PROBE = "containers:\n server:\n  %s\n", "containers:\n init:\n  %s\n", "healthcheck"
PSQL = 'PGPASSWORD="$(cat ${{ secrets.admin_password }})" psql -h 127.0.0.1 -c "SELECT 1"'


def tried(folder: Path, adapter: str) -> set[str]:
    """Returns the codes of what a trial tells of an adapter, all of it in its file."""
    (folder / "own.yaml").write_text(HEAD + adapter)
    report = Report()
    run_trials([str(folder / "own.yaml")], None, report)
    assert {one.span.path for one in report} <= {str(folder / "own.yaml")}
    return {one.id for one in report}


def probe(test: str) -> str:
    lines = test.replace("\n", "\n      ")
    return SERVER % f"{PROBE}:\n    test: |\n      {lines}"


@pytest.mark.parametrize(
    "test",
    [
        "true # ${{ secrets.admin_password }}".replace("${{", "$${{"),
        "pg_isready -h 127.0.0.1 -U postgres",
        f"{PSQL} || true",
        f"{PSQL}; exit 0",
        f"{PSQL}\nexit 0",
        f"{PSQL} || :",
        ": ${{ secrets.admin_password }}\npg_isready -h 127.0.0.1",
        'PGPASSWORD="$(cat ${{ secrets.admin_password }})" psql -c "SELECT 1"',
        'PGPASSWORD="$(cat ${{ secrets.admin_password }})" psql -h localhost -c "SELECT 1"',
    ],
)
def test_a_probe_that_cannot_fail_or_does_not_log_in_is_weak(tmp_path: Path, test: str) -> None:
    assert tried(tmp_path, probe(test)) == {"weak-probe"}


def test_a_log_in_by_a_file_that_start_has_made_is_one(tmp_path: Path) -> None:
    start = (
        'start: |\n    cat ${{ secrets.admin_password }} >/tmp/login\n    exec docker-entrypoint.sh "$@"\n'
    )
    test = probe("psql -h 127.0.0.1 --passfile /tmp/login -c 'SELECT 1'")
    assert tried(tmp_path, test + "  " + start) == set()
    assert tried(tmp_path, probe("psql -h 127.0.0.1 --passfile /tmp/other -c 'SELECT 1'") + "  " + start) == {
        "weak-probe"
    }


@pytest.mark.parametrize(
    "adapter",
    [
        probe('psql -h 127.0.0.1 --password="$(cat ${{ secrets.admin_password }})"'),
        probe('export A=1; env PGPASSWORD="$(cat ${{ secrets.admin_password }})" psql -h 127.0.0.1'),
        SERVER % "environment: {POSTGRES_PASSWORD: hunter2}",
    ],
)
def test_a_secret_that_others_see_is_told(tmp_path: Path, adapter: str) -> None:
    assert tried(tmp_path, adapter) == {"shown-secret"}


@pytest.mark.parametrize(
    "test",
    [
        PSQL,
        f"export A=1\nB=2 {PSQL}",
        "printf '%s' \"$(cat ${{ secrets.admin_password }})\" | psql -h 127.0.0.1 -c 'SELECT 1'",
        'f() { PGPASSWORD=$1 psql -h 127.0.0.1; }\nf "$(cat ${{ secrets.admin_password }})"',
    ],
)
def test_a_secret_that_stays_in_the_shell_is_fine(tmp_path: Path, test: str) -> None:
    assert tried(tmp_path, probe(test)) == set()


@pytest.mark.parametrize(
    ("statement", "codes"),
    [
        ("CREATE USER a;", {"not-repeatable"}),
        ("SELECT 1; create table a (b int);", {"not-repeatable"}),
        ("DROP DATABASE a;", {"not-repeatable"}),
        ("CREATE TABLE IF NOT EXISTS a (b int);", set()),
        ("SELECT 'CREATE USER a'; -- CREATE USER b", set()),
        ("DO $do$ BEGIN CREATE USER a; EXCEPTION WHEN duplicate_object THEN NULL; END $do$;", set()),
    ],
)
def test_a_statement_that_runs_once_only_is_told(tmp_path: Path, statement: str, codes: set[str]) -> None:
    text = "statements:\n    - " + f'"{statement}"'
    assert tried(tmp_path, JOB % text) == codes


def test_a_script_that_no_shell_reads_is_told(tmp_path: Path) -> None:
    assert tried(tmp_path, SERVER % 'start: "if true; exec docker-entrypoint.sh"') == {"shell-syntax"}


OPTION = "options: {flavour: {type: string, enum: [x, y], default: x, description: A flavour}}\n"


def test_every_word_of_an_option_is_tried(tmp_path: Path) -> None:
    guard = "environment: {A: {when: options.flavour == 'y', then: '${{ options.flavour | int / 0 }}'}}"
    assert tried(tmp_path, OPTION + SERVER % guard) == {"adapter-trial"}


def test_an_engine_that_needs_an_option_is_tried_with_its_own_example(tmp_path: Path) -> None:
    rules = "rules: [{when: not options.licence, message: no licence, help: accept it}]\n"
    needs = "options: {licence: {type: boolean, default: false, description: Accepts the licence}}\n"
    named = 'credentials: {user: {pattern: "^[a-z]{3,20}$"}}\n'
    assert tried(tmp_path, needs + rules + named) == {"adapter-trial"}
    assert tried(tmp_path, needs + rules + named + "examples: [{name: events, licence: true}]\n") == set()


def test_the_path_of_a_secret_in_a_connection_is_told(tmp_path: Path) -> None:
    parts = 'connections: {url: {parts: {password: "${{ secrets.admin_password }}"}}}\n'
    assert tried(tmp_path, parts) == {"lost-password"}
