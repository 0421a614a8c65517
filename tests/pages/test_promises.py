"""What an adapter promises: each mistake is told by its trial, and what is right is not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from compiler.pages.trials.trial import run_trials
from compiler.report import Report
from tests.conftest import ROOT

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


# The adapter that the guide shows; each line is changed by itself.
ACME = re.findall(
    r"```yaml\n(adapter: acme\n.*?)```", (ROOT / "adapters" / "README.md").read_text(), re.DOTALL
)[0]
PROBE_LINE = "test: client 127.0.0.1 ${{ admin }} ${{ secrets.admin_password }} 'SELECT 1'"
LOGIN = PROBE_LINE.removeprefix("test: ")
CLIENT_LINE = 'ACME_PASSWORD="$secret" acme --host "$host" --user "$user" $ACME_TLS "$@"'
SECRET = "${{ secrets.admin_password }}"
ADMIN = "client ${{ server }} ${{ admin }} ${{ secrets.admin_password }}"
TLS_LINE = "    tls: {key:"
OWNED = 'tls: {key: {uid: "999", gid: "999", mode: "0400"}}'
FILES = f"    files: {{a: {{path: /etc/a, lines: [a]}}}}\n{TLS_LINE}"


def told_of(folder: Path, *changes: tuple[str, str]) -> set[tuple[str, str]]:
    """Returns the codes of what is told of the adapter with these changes, each with the line that it stands in."""
    text = ACME
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file, report = folder / "acme.yaml", Report()
    file.write_text(text)
    run_trials([str(file)], None, report)
    return {(one.id, text.splitlines()[one.span.line - 1].strip()) for one in report}


def block(key: str, script: str, indent: int) -> str:
    return f"{key}: |\n" + "".join(f"{' ' * indent}{line}\n" for line in script.splitlines())


def acme_probe(script: str) -> tuple[str, str]:
    return PROBE_LINE, block("test", script, 8)


def acme_start(script: str) -> tuple[str, str]:
    whole = block("start", script + '\nexec acme-entrypoint "$@"', 6)
    return TLS_LINE, f"    {whole}{TLS_LINE}"


def acme_run(line: str) -> tuple[str, str]:
    return "    shell: client", f"      {line}\n    shell: client"


def acme_statement(statement: str) -> tuple[str, str]:
    return "      - CREATE USER IF", f"      - {statement}\n      - CREATE USER IF"


def test_the_adapter_of_the_guide_keeps_what_it_promises(tmp_path: Path) -> None:
    assert told_of(tmp_path) == set()


@pytest.mark.parametrize(
    "script",
    [
        f"{LOGIN} | tee /tmp/x",
        f"{LOGIN} || date",
        f"f() {{ {LOGIN}; return 0; }}\nf",
        f"while {LOGIN}; do exit 0; done",
        f'x=$({LOGIN})\necho "$x"',
        f"sh -c 'acme -h 127.0.0.1 --passfile \"$1\" || true' sh {SECRET}",
        "client 127.0.0.1 ${{ user }} ${{ secrets.password }}",
        f"timeout 4 {LOGIN}",
        f"read_secret {SECRET}\ncurl -f http://127.0.0.1/health",
    ],
)
def test_a_probe_whose_status_is_not_that_of_a_log_in_is_told(tmp_path: Path, script: str) -> None:
    assert told_of(tmp_path, acme_probe(script)) == {("weak-probe", "test: |")}


@pytest.mark.parametrize(
    "script",
    [
        f"{LOGIN} || exit 1",
        f"if {LOGIN}; then exit 0; else exit 1; fi",
        f"for i in 1 2; do {LOGIN} && exit 0; sleep 1; done\nexit 1",
        f'test "$({LOGIN} | wc -l)" -gt 0',
        f"acme-ready -h 127.0.0.1 && {LOGIN}",
        f"printf 'user = root:%s' \"$(cat {SECRET})\" | curl -K - http://127.0.0.1:4000 | python3 -c 'import json'",
        f"read_secret {SECRET}\nexport ACME_PASSWORD=$secret\nexec timeout 4 acme -h 127.0.0.1",
        f"trap 'rm -f /tmp/x' EXIT\n{LOGIN} >/tmp/x",
    ],
)
def test_an_honest_probe_is_taken(tmp_path: Path, script: str) -> None:
    assert told_of(tmp_path, acme_probe(script)) == set()


@pytest.mark.parametrize(
    ("changes", "code", "line"),
    [
        ([(CLIENT_LINE, 'acme -p "$secret" -h "$host" -u "$user" "$@"')], "shown-secret", "client: |"),
        ([(CLIENT_LINE, 'acme -h "$host" -u "$user" "$@" # $secret')], "weak-client", "client: |"),
        ([(CLIENT_LINE, 'P=$secret acme -u "$user" "$@"')], "weak-client", "client: |"),
        ([(CLIENT_LINE, 'P=$secret acme -h "$host" "$@"')], "weak-client", "client: |"),
        ([acme_start(f"cat {SECRET} | xargs acme-init")], "shown-secret", "start: |"),
        ([acme_start(f'read_secret {SECRET}\nset -- "$@" "$secret"')], "shown-secret", "start: |"),
        ([acme_start("ACME_PASSWD=hunter2 acme-init")], "shown-secret", "ACME_PASSWD=hunter2 acme-init"),
        ([acme_run('acme --set "$secret"')], "shown-secret", "run: |"),
        ([acme_run(f"{ADMIN} 'DROP TABLE notes'")], "not-repeatable", f"{ADMIN} 'DROP TABLE notes'"),
        ([acme_statement("INSERT INTO notes VALUES (1)")], "not-repeatable", "- INSERT INTO notes VALUES (1)"),
        ([acme_statement("DELETE FROM notes")], "not-repeatable", "- DELETE FROM notes"),
        ([acme_statement("ALTER TABLE a DROP COLUMN b")], "not-repeatable", "- ALTER TABLE a DROP COLUMN b"),
        ([acme_statement("ALTER USER a PASSWORD 'b'")], "shown-secret", "- ALTER USER a PASSWORD 'b'"),
        ([("- acme-server", "- acme-server\n      - --root-pass=hunter2")], "shown-secret", "- acme-server"),
        ([("parts: {scheme: acme}", "parts: {password: b}")], "shown-secret", "parts: {password: b}"),
        ([('"--certificate=${{ tls.certificate }}", ', "")], "unused-key", OWNED),
        ([acme_run("eval echo ${{ user }}")], "adapter-trial", "eval echo ${{ user }}"),
        ([(TLS_LINE, f"    secrets: [nope]\n{TLS_LINE}")], "unknown-reference", "secrets: [nope]"),
        ([(TLS_LINE, FILES), acme_run("cat /etc/a")], "missing-mount", "cat /etc/a"),
        ([(": /var/lib/acme", ': "/var/lib/acme:ro"')], "wrong-format", 'volumes: {data: "/var/lib/acme:ro"}'),
    ],
)  # fmt: skip
def test_what_a_stranger_gets_wrong_is_told_at_its_line(
    tmp_path: Path, changes: list[tuple[str, str]], code: str, line: str
) -> None:
    found = told_of(tmp_path, *changes)
    assert {one for one, _ in found} == {code}
    assert {text for _, text in found} == {line}


@pytest.mark.parametrize(
    "change",
    [
        acme_start(f'umask 077\ncat {SECRET} >/run/acme.conf\nset -- "$@" --config /run/acme.conf'),
        acme_start(f'read_secret {SECRET}\nhash=$(printf %s "$secret" | sha256sum)\nacme-init "$hash"'),
        acme_run(f"{ADMIN} 'SELECT 1' | grep -q 1 || {ADMIN} 'CREATE ROLE reader'"),
        acme_run(f"if ! {ADMIN} 'SELECT 1'; then {ADMIN} 'INSERT INTO notes VALUES (1)'; fi"),
        acme_run("sh -c 'echo \"$1\"' sh ${{ user }}"),
        acme_statement("INSERT INTO notes VALUES (1) ON CONFLICT DO NOTHING"),
        acme_statement("DELETE FROM notes WHERE id = 1"),
        acme_statement("DROP VIEW IF EXISTS v"),
        (
            "ACME_DATABASE:",
            "ACME_AUTH: required\n      TOKEN_TTL: 3600\n      KEY: /etc/a.key\n      ACME_DATABASE:",
        ),
        ("- acme-server", "- acme-server\n      - --auth\n      - --token-ttl\n      - '3600'"),
    ],
)
def test_what_an_honest_adapter_does_is_taken(tmp_path: Path, change: tuple[str, str]) -> None:
    assert told_of(tmp_path, change) == set()


@pytest.mark.parametrize(
    "words",
    [
        'settings: {pattern: "^[a-z_]+$"}',
        "rights: {all: Everything}",
        'scripts: {pattern: "\\\\.acme$"}',
        "several: true",
    ],
)
def test_every_word_of_an_entry_is_tried(tmp_path: Path, words: str) -> None:
    name = words.partition(":")[0]
    asked = {"several": "database != server and name != server", "scripts": "scripts"}.get(name, name)
    fault = f"      - {{when: {asked}, then: '${{{{ 1 // 0 }}}}'}}\n      - CREATE USER IF"
    found = told_of(
        tmp_path, ("credentials:\n", f"{words}\ncredentials:\n"), ("      - CREATE USER IF", fault)
    )
    assert {code for code, _ in found} == {"adapter-trial"}
