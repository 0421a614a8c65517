"""The command: what it exits with, what it prints where, and what it never prints."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml
from click.shell_completion import ShellComplete

from compiler import __version__
from compiler.cli import cli
from tests.conftest import CASES, ROOT, Case, read_env, stackc
from tests.stacks import load_document

STACK = """\
name: demo
services:
  app:
    image: nginx:1.29-alpine
    environment: {DATABASE_URL: "${{ databases.main.url }}"}
databases:
  main: {adapter: postgresql, port: 5432, vector: {dimensions: 3}}
"""
ADAPTER = ROOT / "adapters" / "meilisearch.yaml"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a stack in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stack.yaml").write_text(STACK)
    return tmp_path


@pytest.fixture
def compiled(folder: Path) -> Path:
    assert stackc("compile").exit_code == 0
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def change_one_byte(file: Path) -> None:
    text = file.read_text()
    file.write_text(text.replace("unless-stopped", "unless-stoppeb", 1))


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the command as a process of its own, where a test needs the real streams."""
    code = "from compiler.cli import main; main()"
    environment = {**os.environ, **variables}
    return subprocess.run(
        [sys.executable, "-c", code, *words], env=environment, capture_output=True, text=True, check=False
    )


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "compiler", "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"stackc, version {__version__}\n")


# compile


def test_compile_takes_the_stack_of_the_current_folder(folder: Path) -> None:
    result = stackc("compile")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:-1] == [
        "wrote docker-compose.yml",
        "wrote .env.example",
        "wrote .env, with new secrets",
    ]
    assert result.stdout.splitlines()[-1] == "next: docker compose up --wait"
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600


def test_compile_again_says_that_nothing_changed(compiled: Path) -> None:
    before = contents(compiled)
    result = stackc("compile")
    assert (result.exit_code, result.stdout) == (0, "docker-compose.yml is up to date\n")
    assert contents(compiled) == before


def test_compile_writes_into_the_folder_of_o(folder: Path) -> None:
    assert stackc("compile", "stack.yaml", "-o", "out/deep").exit_code == 0
    rendered = ["deep/.env", "deep/.env.example", "deep/docker-compose.yml"]
    assert [path for path in sorted(contents(folder / "out")) if ".stackc" not in path] == rendered


def test_compile_of_a_wrong_stack_exits_1_and_changes_nothing(compiled: Path) -> None:
    (compiled / "stack.yaml").write_text(STACK.replace("adapter: postgresql", "adapter: postgress"))
    before = contents(compiled)
    result = stackc("compile")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        'stack.yaml:7:19: error: no adapter is named "postgress" [unknown-adapter]'
    )
    assert (result.stdout, contents(compiled)) == ("", before)


def test_check_option_writes_nothing_and_exits_1_where_a_file_would_change(folder: Path) -> None:
    result = stackc("compile", "--check")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (1, "would write docker-compose.yml")
    assert sorted(contents(folder)) == ["stack.yaml"]


def test_check_option_exits_0_where_nothing_would_change(compiled: Path) -> None:
    assert stackc("compile", "--check").exit_code == 0


def test_diff_shows_the_change_without_secrets_and_writes_nothing(compiled: Path) -> None:
    (compiled / "stack.yaml").write_text(STACK.replace("1.29-alpine", "1.29.3-alpine"))
    before = contents(compiled)
    result = stackc("compile", "--diff")
    assert result.exit_code == 0
    assert "-    image: nginx:1.29-alpine\n+    image: nginx:1.29.3-alpine\n" in result.stderr
    assert contents(compiled) == before


def test_edited_file_is_kept_and_the_diff_is_shown(compiled: Path) -> None:
    change_one_byte(compiled / "docker-compose.yml")
    before = contents(compiled)
    result = stackc("compile")
    assert result.exit_code == 1
    assert "[edited-output]" in result.stderr
    assert "-    restart: unless-stoppeb\n+    restart: unless-stopped\n" in result.stderr
    assert contents(compiled) == before


def test_force_overwrites_an_edited_file(compiled: Path) -> None:
    before = contents(compiled)
    change_one_byte(compiled / "docker-compose.yml")
    result = stackc("compile", "--force")
    told = "overwrote docker-compose.yml and kept what was there as docker-compose.yml.bak\n"
    assert (result.exit_code, result.stdout) == (0, told)
    (compiled / "docker-compose.yml.bak").unlink()
    assert contents(compiled) == before


def test_several_stacks_compile_at_once_each_beside_itself(folder: Path) -> None:
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "stack.yaml").write_text(STACK.replace("demo", name))
    assert stackc("compile", "one/stack.yaml", "two/stack.yaml").exit_code == 0
    for name in ("one", "two"):
        assert f"\nname: {name}\n" in (folder / name / "docker-compose.yml").read_text()


def test_a_wrong_stack_does_not_keep_others_from_compiling(folder: Path) -> None:
    (folder / "wrong").mkdir()
    (folder / "wrong" / "stack.yaml").write_text("name: wrong\n")
    result = stackc("compile", "wrong/stack.yaml", "stack.yaml")
    assert (result.exit_code, "[empty-stack]" in result.stderr) == (1, True)
    assert (folder / "docker-compose.yml").exists()


def test_several_stacks_with_one_output_folder_are_wrong_usage(folder: Path) -> None:
    (folder / "other.yaml").write_text(STACK)
    for words in (["stack.yaml", "other.yaml"], ["stack.yaml", "other.yaml", "-o", "out"]):
        result = stackc("compile", *words)
        assert (result.exit_code, "overwrite each other" in result.stderr) == (2, True)
    assert sorted(contents(folder)) == ["other.yaml", "stack.yaml"]


def test_environment_is_chosen_with_e(tmp_path: Path) -> None:
    case = Case("environments", "staging")
    assert stackc("compile", case.stack, "-e", "staging", "-o", tmp_path).exit_code == 0
    assert "LOG_LEVEL: info" in (tmp_path / "docker-compose.yml").read_text()


def test_unknown_environment_gets_the_nearest(tmp_path: Path) -> None:
    result = stackc("compile", Case("environments", "").stack, "-e", "stagin", "-o", tmp_path)
    assert (result.exit_code, 'did you mean "staging"?' in result.stderr) == (1, True)


@pytest.mark.parametrize("name", ["nope.yaml", "nope", "empty"])
def test_a_path_that_is_no_file_is_a_finding(folder: Path, name: str) -> None:
    (folder / "empty").mkdir()
    result = stackc("compile", name)
    assert result.exit_code == 1
    assert re.search(r"\[(missing-file|not-a-file)\]", result.stderr)


# which stack


@pytest.mark.parametrize("command", ["compile", "check", "connect main", "up", "ps", "logs", "shell app"])
def test_the_nearest_stack_above_is_taken_and_named(
    compiled: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    (compiled / "src" / "deep").mkdir(parents=True)
    monkeypatch.chdir(compiled / "src" / "deep")
    result = stackc(*command.split())
    assert (result.exit_code, result.stderr) == (0, "stackc: the stack is ../../stack.yaml\n")
    assert stackc(*command.split(), "--quiet").stderr == ""


def test_a_stack_of_its_own_comes_before_one_above(compiled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (compiled / "shop").mkdir()
    (compiled / "shop" / "stack.yml").write_text(STACK)
    monkeypatch.chdir(compiled / "shop")
    assert "wrote docker-compose.yml" in stackc("compile").stdout
    assert (compiled / "shop" / "docker-compose.yml").exists()


@pytest.mark.parametrize("named", [["shop"], ["-f", "shop"], ["--file", "shop/stack.yaml"]], ids=" ".join)
def test_a_folder_stands_for_its_stack(folder: Path, named: list[str]) -> None:
    (folder / "shop").mkdir()
    (folder / "stack.yaml").rename(folder / "shop" / "stack.yaml")
    assert stackc("compile", *named).stdout.splitlines()[-1] == "next: cd shop && docker compose up --wait"
    assert stackc("check", *named).output == ""


def test_quiet_says_nothing_but_findings(folder: Path) -> None:
    assert stackc("compile", "-q").output == ""
    change_one_byte(folder / "docker-compose.yml")
    assert "[stale-output]" in stackc("check", "-q").stderr


@pytest.mark.parametrize("named", [["-"], ["-f", "-"]], ids=" ".join)
def test_a_stack_from_stdin_needs_a_folder_to_write_to(folder: Path, named: list[str]) -> None:
    before = contents(folder)
    result = stackc("compile", *named, input=STACK)
    assert (result.exit_code, "a stack from stdin has no folder; name one with -o" in result.stderr) == (
        2,
        True,
    )
    assert contents(folder) == before
    assert stackc("compile", *named, "-o", "out", input=STACK).exit_code == 0
    assert "# Edit stdin and run" in (folder / "out" / "docker-compose.yml").read_text()
    assert stackc("check", *named, "-o", "out", input=STACK).output == ""
    result = stackc("check", *named, "-o", "out", input=STACK.replace("demo", "other"))
    assert "help: run `stackc compile - -o out`" in result.stderr


def test_a_finding_in_what_stdin_holds_has_its_place(folder: Path) -> None:
    result = stackc("compile", "-", "--diff", input=STACK.replace("postgresql", "postgress"))
    assert (result.exit_code, result.stderr.splitlines()[0][:13]) == (1, "stdin:7:19: e")


@pytest.mark.parametrize("place", ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
def test_a_device_is_no_folder_to_write_to(folder: Path, place: str) -> None:
    text = (folder / "stack.yaml").read_text()
    command = [sys.executable, "-m", "compiler", "compile", place]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, "name one with -o" in done.stderr) == (2, True)
    done = subprocess.run([*command, "-o", "out"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, (folder / "out" / "docker-compose.yml").exists()) == (0, True)


def test_a_folder_that_is_gone_is_no_bug(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "gone").mkdir()
    monkeypatch.chdir(folder / "gone")
    (folder / "gone").rmdir()
    result = stackc("check")
    assert (result.exit_code, "the current folder is not there" in result.stderr) == (2, True)


@pytest.mark.parametrize("words", [["compile", "/"], ["check", "/dev/nope"], ["ps", "-f", "/dev"]])
def test_a_strange_place_is_no_bug(folder: Path, words: list[str]) -> None:
    assert stackc(*words).exit_code in (1, 2)


# check


def test_check_before_any_compile_names_the_command_that_works_from_here(folder: Path) -> None:
    (folder / "shop").mkdir()
    (folder / "stack.yaml").rename(folder / "shop" / "stack.yaml")
    result = stackc("check", "shop", "-o", "out dir")
    assert (result.exit_code, "out dir/docker-compose.yml is missing" in result.stderr) == (1, True)
    command = "stackc compile shop/stack.yaml -o 'out dir'"
    assert f"help: run `{command}`" in result.stderr
    assert stackc(*shlex.split(command)[1:]).exit_code == 0
    assert stackc("check", "shop", "-o", "out dir").exit_code == 0


def test_help_of_check_on_an_edited_file_works(compiled: Path) -> None:
    change_one_byte(compiled / "docker-compose.yml")
    result = stackc("check")
    assert "docker-compose.yml was edited by hand" in result.stderr
    assert "let `stackc compile --force` overwrite it" in result.stderr
    assert stackc("compile", "--force").exit_code == 0
    assert stackc("check").output == ""


def test_check_in_a_fresh_clone_needs_no_env_file_and_writes_nothing(compiled: Path) -> None:
    for file in (compiled / ".env", compiled / ".stackc" / "written"):
        file.unlink()
    before = contents(compiled)
    result = stackc("check")
    assert (result.exit_code, "[not-compiled-here]" in result.stderr) == (0, True)
    assert contents(compiled) == before


def test_check_exits_1_after_one_byte_changed(compiled: Path) -> None:
    change_one_byte(compiled / "docker-compose.yml")
    result = stackc("check")
    assert (result.exit_code, "docker-compose.yml:1:1: error:" in result.stderr) == (1, True)


@pytest.mark.parametrize("name", ["docker-compose.yml", ".env.example"])
def test_check_exits_1_where_a_rendered_file_is_missing(compiled: Path, name: str) -> None:
    (compiled / name).unlink()
    result = stackc("check")
    assert (result.exit_code, "[stale-output]" in result.stderr) == (1, True)


def test_check_exits_1_after_the_stack_changed(compiled: Path) -> None:
    (compiled / "stack.yaml").write_text(STACK.replace("1.29-alpine", "1.29.3-alpine"))
    assert stackc("check").exit_code == 1


def test_check_says_the_same_with_and_without_what_it_remembers(
    compiled: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_one_byte(compiled / "docker-compose.yml")
    first = stackc("check")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("empty")))
    second = stackc("check")
    assert (second.exit_code, second.output) == (first.exit_code, first.output)


def test_warnings_are_told_on_every_check(compiled: Path) -> None:
    text = STACK.replace("adapter: postgresql", "adapter: postgresql, x-compose: {command: [postgres]}")
    (compiled / "stack.yaml").write_text(text)
    assert stackc("compile").exit_code == 0
    for _ in range(2):
        result = stackc("check")
        assert (result.exit_code, "[owned-key]" in result.stderr) == (0, True)


# formats, colour, log


def broken(folder: Path) -> Path:
    (folder / "stack.yaml").write_text(STACK.replace("postgresql", "postgress"))
    return folder


def test_json_holds_each_finding(folder: Path) -> None:
    result = stackc("check", "--format", "json", broken(folder) / "stack.yaml")
    document = json.loads(result.stdout)
    assert [finding["id"] for finding in document["findings"]] == ["unknown-adapter"]
    assert (result.exit_code, document["changes"], result.stderr) == (1, [], "")


def test_json_holds_what_was_done_to_each_file(folder: Path) -> None:
    first, again = (json.loads(stackc("compile", "--format", "json").stdout) for _ in range(2))
    files = ["docker-compose.yml", ".env.example", ".env"]
    assert first == {"findings": [], "changes": [{"path": path, "status": "new"} for path in files]}
    assert [change["status"] for change in again["changes"]] == ["unchanged"] * 3


def test_json_of_check_is_one_document_with_what_would_change(compiled: Path) -> None:
    (compiled / "stack.yaml").write_text(STACK.replace("1.29-alpine", "1.29.3-alpine"))
    result = stackc("compile", "--check", "--format", "json")
    assert (result.exit_code, result.stderr) == (1, "")
    assert json.loads(result.stdout)["changes"][0] == {"path": "docker-compose.yml", "status": "changed"}


def test_json_of_diff_is_one_document_with_masked_diffs(compiled: Path) -> None:
    secret = secrets_of(compiled)
    (compiled / "stack.yaml").write_text(STACK.replace("port: 5432", "port: 5433, user: app"))
    result = stackc("compile", "--diff", "--format", "json")
    diffs = {change["path"]: change["diff"] for change in json.loads(result.stdout)["changes"]}
    assert "-      - '127.0.0.1:5432:5432'\n+      - '127.0.0.1:5433:5432'\n" in diffs["docker-compose.yml"]
    assert "+MAIN_URL=***\n" in diffs[".env"]
    assert (result.stderr, [value for value in secret if value in result.stdout]) == ("", [])


def test_json_of_a_refused_file_holds_its_diff(compiled: Path) -> None:
    change_one_byte(compiled / "docker-compose.yml")
    document = json.loads(stackc("compile", "--format", "json").stdout)
    change = document["changes"][0]
    assert ([one["id"] for one in document["findings"]], change["status"]) == (["edited-output"], "edited")
    assert "-    restart: unless-stoppeb\n" in change["diff"]


@pytest.mark.parametrize("form", ["github", "sarif"])
def test_diffs_stand_beside_other_machine_formats_on_stderr(compiled: Path, form: str) -> None:
    (compiled / "stack.yaml").write_text(STACK.replace("1.29-alpine", "1.29.3-alpine"))
    result = stackc("compile", "--diff", "--format", form)
    assert "+    image: nginx:1.29.3-alpine\n" in result.stderr
    assert result.stdout == stackc("compile", "--check", "--format", form).stdout


def test_github_annotates_the_place(folder: Path) -> None:
    broken(folder)
    result = stackc("check", "--format", "github")
    assert result.stdout.startswith("::error file=stack.yaml,line=7,")


def test_sarif_names_the_rule(folder: Path) -> None:
    broken(folder)
    (run,) = json.loads(stackc("check", "--format", "sarif").stdout)["runs"]
    assert [one["ruleId"] for one in run["results"]] == ["unknown-adapter"]
    (rule,) = run["tool"]["driver"]["rules"]
    assert all(rule[name]["text"] for name in ("shortDescription", "fullDescription", "help"))


@pytest.mark.parametrize(
    "words", [["compile"], ["check"], ["compile", "--check"], ["compile", "--diff"]], ids=str
)
@pytest.mark.parametrize("form", ["json", "sarif"])
def test_machine_formats_are_documents_where_nothing_is_wrong(
    compiled: Path, words: list[str], form: str
) -> None:
    result = stackc(*words, "--format", form)
    document = json.loads(result.stdout)
    found = document["findings"] if form == "json" else document["runs"][0]["results"]
    assert (result.exit_code, found) == (0, [])


def test_output_that_is_no_terminal_has_no_colour(folder: Path) -> None:
    broken(folder)
    assert "\x1b" not in stackc("check").output


@pytest.mark.parametrize(("no_color", "colored"), [("", True), ("1", False)])
def test_no_color_is_respected_on_a_terminal(folder: Path, no_color: str, colored: bool) -> None:
    broken(folder)
    pty = pytest.importorskip("pty")
    main, worker = pty.openpty()
    words = [sys.executable, "-c", "from compiler.cli import main; main()", "check"]
    environment = {**os.environ, "NO_COLOR": no_color, "TERM": "xterm"}
    subprocess.run(words, env=environment, stdout=worker, stderr=worker, check=False)
    told = os.read(main, 65536).decode()
    os.close(main), os.close(worker)
    assert ("\x1b[" in told, "[unknown-adapter]" in told) == (colored, True)


def test_verbose_logs_each_pass_on_stderr(folder: Path) -> None:
    result = run("compile", "-v")
    assert result.returncode == 0
    for told in ("stackc: check: ", "stackc: project: ", "stackc: compose: "):
        assert told in result.stderr
        assert told not in result.stdout


def test_version_is_that_of_the_package() -> None:
    result = stackc("--version")
    assert (result.exit_code, result.stdout) == (0, f"stackc, version {__version__}\n")


# wrong usage and bugs


@pytest.mark.parametrize(
    "words",
    [
        ["compil"],
        ["compile", "--nope"],
        ["check", "--format", "xml"],
        ["connect"],
        ["explain", "unknown-optio"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2(folder: Path, words: list[str]) -> None:
    result = stackc(*words)
    assert (result.exit_code, result.stderr.startswith("Usage: stackc")) == (2, True)


@pytest.mark.skipif(not hasattr(click.exceptions, "NoSuchCommand"), reason="an older click names no command")
def test_mistyped_command_gets_the_nearest() -> None:
    assert "compile" in stackc("compil").stderr.splitlines()[-1]


def test_no_command_shows_the_help() -> None:
    result = stackc()
    assert (result.exit_code, "Commands:" in result.output) == (2, True)


@pytest.mark.parametrize("epoch", ["tomorrow", "99999999999999999999", "²"])
def test_wrong_source_date_epoch_is_wrong_usage(folder: Path, epoch: str) -> None:
    result = run("check", SOURCE_DATE_EPOCH=epoch)
    assert (result.returncode, "SOURCE_DATE_EPOCH" in result.stderr) == (2, True)


def test_a_bug_exits_3_and_says_so_without_a_traceback(folder: Path) -> None:
    damage = "import compiler.source.shipped as r; r.SCHEMAS = r.SCHEMAS / 'gone'"
    code = f"{damage}; from compiler.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "compile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "stackc: bug: FileNotFoundError" in done.stderr) == (3, True)
    assert "Traceback" not in done.stderr


def test_ctrl_c_exits_130_without_a_traceback(folder: Path) -> None:
    slow = "import time, compiler.source as s; s.parse_yaml = lambda *_: print('now', flush=True) or time.sleep(60)"
    code = f"{slow}; from compiler.cli import main; main()"
    words = [sys.executable, "-c", code, "compile"]
    # A shell lets what it runs in the background ignore it.
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    ready = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(words, **pipes, preexec_fn=ready) as process:
        assert process.stdout and process.stdout.readline() == "now\n"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert (process.returncode, told.strip()) == (130, "")
    assert sorted(contents(folder)) == ["stack.yaml"]


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are always text")
def test_file_name_that_is_no_text_compiles(folder: Path) -> None:
    name = os.fsdecode(b"\xff.yaml")
    (folder / "stack.yaml").rename(name)
    done = run("compile", name, "-o", os.fsdecode(b"\xfe"), PYTHONIOENCODING="utf-8:strict")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert " from ?.yaml," in (folder / os.fsdecode(b"\xfe") / "docker-compose.yml").read_text()


@pytest.mark.parametrize(("streams", "code"), [("2>&-", 0), (">&-", 0), (">&- 2>&-", 0), (">/dev/full", 1)])
def test_streams_that_cannot_be_written_are_no_bug(folder: Path, streams: str, code: int) -> None:
    if "full" in streams and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    program = "from compiler.cli import main; main()"
    words = ["sh", "-c", f'"$0" -c "{program}" compile {streams}', sys.executable]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, "bug" in done.stderr) == (code, False)


# schema


def editor_schema() -> dict[str, object]:
    schema: dict[str, object] = json.loads(stackc("schema").stdout)
    return schema


def test_schema_follows_the_metaschema() -> None:
    schema = editor_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("case", [case for case in CASES if case.environment == "local"], ids=str)
def test_schema_accepts_every_case(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case.stack.parent)
    errors = jsonschema.Draft202012Validator(editor_schema()).iter_errors(load_document(case.stack).data)
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


@pytest.mark.parametrize(
    "entry",
    [{"adapter": "postgress"}, {"adapter": "postgresql", "poolr": True}, {"adapter": "pg", "version": 3}],
    ids=str,
)
def test_schema_refuses_a_wrong_database(entry: dict[str, object]) -> None:
    validator = jsonschema.Draft202012Validator(editor_schema())
    assert validator.is_valid({"name": "a", "databases": {"b": {"adapter": "postgresql"}}})
    assert not validator.is_valid({"name": "a", "databases": {"b": entry}})


# adapters


def test_list_holds_every_adapter_with_its_default() -> None:
    result = stackc("adapters", "list", "--format", "json")
    rows = json.loads(result.stdout)
    assert {row["name"] for row in rows} == {file.stem for file in (ROOT / "adapters").glob("*.yaml")}
    assert all(row["default_version"] in row["versions"] for row in rows)


def test_list_as_text_marks_the_default() -> None:
    assert re.search(r"^postgresql +.*16\*", stackc("adapters", "list").stdout, re.MULTILINE)


def test_list_by_needs_leaves_those_that_have_all() -> None:
    rows = json.loads(stackc("adapters", "list", "--needs", "vector,relational", "--format", "json").stdout)
    assert "postgresql" in [row["name"] for row in rows]
    assert "mongodb" not in [row["name"] for row in rows]


def test_list_by_an_unknown_need_says_which_there_are() -> None:
    result = stackc("adapters", "list", "--needs", "vectr")
    assert (result.exit_code, 'did you mean "vector"?' in result.stderr) == (1, True)


@pytest.mark.parametrize("name", ["postgresql", "pg"])
def test_show_tells_versions_options_and_drivers(name: str) -> None:
    result = stackc("adapters", "show", name)
    assert result.exit_code == 0
    for told in ("16 (default): pgvector/pgvector:pg16", "max_connections: ", "asyncpg: "):
        assert told in result.stdout


def test_show_of_an_unknown_adapter_gets_the_nearest() -> None:
    result = stackc("adapters", "show", "postgress")
    assert (result.exit_code, 'did you mean "postgres"?' in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("postgres://u:p@h/d", "postgresql"),
        ("postgresql+asyncpg://h/d", "postgresql"),
        ("jdbc:postgresql://h/d", "postgresql"),
        ("pgvector/pgvector:pg17", "postgresql 17"),
        ("docker.io/library/postgres:16.4", "postgresql 16"),
        ("PG", "postgresql"),
    ],
)
def test_detect_knows_urls_images_and_aliases(word: str, found: str) -> None:
    result = stackc("adapters", "detect", word)
    assert (result.exit_code, result.stdout) == (0, f"{found}\n")


@pytest.mark.parametrize("word", ["nosuch://h", "acme/unknown:1"])
def test_detect_of_something_unknown_is_a_finding(word: str) -> None:
    assert stackc("adapters", "detect", word).exit_code == 1


def test_detect_does_not_repeat_the_password_of_a_url() -> None:
    assert "hunter2" not in stackc("adapters", "detect", "nosuch://user:hunter2@h/d").output


def test_adapters_test_prints_a_table_with_the_verdict() -> None:
    result = stackc("adapters", "test", "postgresql")
    assert (result.exit_code, result.stdout.splitlines()[-1].split()[-1]) == (0, "passed")


def test_adapters_test_of_a_broken_file_exits_1(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("adapter: mine\n")
    result = stackc("adapters", "test", tmp_path / "mine.yaml")
    assert (result.exit_code, "mine.yaml:1:1: error:" in result.stderr) == (1, True)


# a dropped-in adapter


@pytest.fixture
def dropped(folder: Path) -> Path:
    (folder / "adapters").mkdir()
    text = re.sub("(?m)^(aliases|detect): .*\n", "", ADAPTER.read_text())
    mine = text.replace("adapter: meilisearch", "adapter: searcher")
    (folder / "adapters" / "searcher.yaml").write_text(mine)
    (folder / "stack.yaml").write_text(STACK + "  search: {adapter: searcher}\n")
    return folder


def test_dropped_in_adapter_is_listed(dropped: Path) -> None:
    assert re.search("^searcher ", stackc("adapters", "list").stdout, re.MULTILINE)


def test_dropped_in_adapter_is_found_from_a_folder_below(
    dropped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (dropped / "deep").mkdir()
    monkeypatch.chdir(dropped / "deep")
    assert stackc("adapters", "show", "searcher").exit_code == 0


def test_dropped_in_adapter_is_completed_by_the_schema(dropped: Path) -> None:
    validator = jsonschema.Draft202012Validator(editor_schema())
    assert validator.is_valid(yaml.safe_load((dropped / "stack.yaml").read_text()))
    assert not validator.is_valid({"name": "a", "databases": {"b": {"adapter": "searcher", "poler": 1}}})


def test_dropped_in_adapter_is_usable(dropped: Path) -> None:
    result = stackc("compile")
    assert result.exit_code == 0, result.output
    assert "\n  search:\n    image: getmeili/meilisearch" in (dropped / "docker-compose.yml").read_text()


def test_adapters_option_names_another_folder(dropped: Path) -> None:
    (dropped / "adapters").rename(dropped / "mine")
    assert stackc("compile").exit_code == 1
    assert stackc("compile", "--adapters", "mine").exit_code == 0


def test_broken_adapter_does_not_disturb_stacks_that_do_not_use_it(folder: Path) -> None:
    (folder / "adapters").mkdir()
    (folder / "adapters" / "broken.yaml").write_text("adapter: [\n")
    assert stackc("compile").exit_code == 0


# connect


def secrets_of(folder: Path) -> list[str]:
    values = read_env((folder / ".env").read_text()).values
    return [value for key, value in values.items() if key.endswith("PASSWORD")]


def test_connect_masks_the_password(compiled: Path) -> None:
    result = stackc("connect", "main")
    assert (result.exit_code, "://main:***@main:5432/main" in result.stdout) == (0, True)


def test_connect_reveals_the_password_when_asked(compiled: Path) -> None:
    (password, *_) = secrets_of(compiled)
    assert f":{password}@" in stackc("connect", "main", "--driver", "psycopg", "--reveal").stdout


def test_connect_from_the_host_goes_to_the_published_port(compiled: Path) -> None:
    assert "@127.0.0.1:5432/" in stackc("connect", "main", "--from", "host").stdout


def test_connect_as_json_is_by_driver(compiled: Path) -> None:
    answer = json.loads(stackc("connect", "main", "--format", "json").stdout)
    assert answer["jdbc"]["string"].startswith("jdbc:postgresql://main:5432/")


def test_connect_shows_the_nearest_neighbour_query(compiled: Path) -> None:
    assert 'FROM "documents"' in stackc("connect", "main", "--query").stdout


@pytest.mark.parametrize(
    "words",
    [["nope"], ["main", "--driver", "nope"], ["main", "-e", "nope"], ["main", "-f", "nope.yaml"]],
    ids=str,
)
def test_connect_to_what_is_not_there_is_a_finding(compiled: Path, words: list[str]) -> None:
    assert stackc("connect", *words).exit_code == 1


def test_connect_needs_an_env_file_only_to_reveal(compiled: Path) -> None:
    (compiled / ".env").unlink()
    assert stackc("connect", "main").exit_code == 0
    assert "[missing-secret]" in stackc("connect", "main", "--reveal").stderr


@pytest.mark.parametrize(
    "words",
    [
        ["compile", "-v"],
        ["compile", "--check"],
        ["compile", "--diff"],
        ["compile", "--force"],
        ["compile", "--diff", "--format", "json"],
        ["check", "-v"],
        ["connect", "main"],
        ["connect", "main", "--from", "host", "--format", "json"],
        ["connect", "main", "--query"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("state", ["current", "edited", "gone", "stale", "wrong"])
def test_no_output_holds_a_secret(compiled: Path, words: list[str], state: str) -> None:
    secret = secrets_of(compiled)
    if state in ("edited", "gone"):
        change_one_byte(compiled / "docker-compose.yml")
    if state == "gone":
        (compiled / "docker-compose.yml").write_text("services: {}\n")
    if state in ("stale", "wrong"):
        text = STACK.replace("port: 5432", "port: 5433" if state == "stale" else "prt: 5433")
        (compiled / "stack.yaml").write_text(text)
    result = stackc(*words)
    assert result.exit_code in (0, 1)
    assert [value for value in secret if value in result.output] == []


def test_a_finding_in_the_env_file_does_not_show_its_line(compiled: Path) -> None:
    (compiled / ".env").write_text("MAIN_PASSWORD='hunter2\n")
    result = stackc("compile")
    assert (result.exit_code, ".env:1:" in result.stderr) == (1, True)
    assert "hunter2" not in result.output


# help, completion


def commands(group: click.Group, *above: str) -> list[list[str]]:
    found = []
    for name, command in sorted(group.commands.items()):
        found.append([*above, name])
        if isinstance(command, click.Group):
            found += commands(command, *above, name)
    return found


def named(words: list[str]) -> click.Command:
    command: click.Command = cli
    for word in words:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    return command


@pytest.mark.parametrize(
    "words", [one for one in commands(cli) if not isinstance(named(one), click.Group)], ids=" ".join
)
def test_every_help_has_an_example_that_the_command_takes(words: list[str]) -> None:
    start = f"  stackc {' '.join(words)}"
    lines = [line.strip() for line in stackc(*words, "--help").stdout.splitlines() if line.startswith(start)]
    assert lines
    for line in lines:
        given = shlex.split(re.split("[|<>]", line)[0], comments=True)[1 + len(words) :]
        named(words).make_context("stackc", given, resilient_parsing=False)


@pytest.mark.parametrize("words", commands(cli), ids=" ".join)
def test_every_command_has_help_for_itself_and_each_option(words: list[str]) -> None:
    command, result = named(words), stackc(*words, "--help")
    assert (result.exit_code, (command.help or "").splitlines()[0][:40] in result.stdout) == (0, True)
    assert [one.name for one in command.params if isinstance(one, click.Option) and not one.help] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_script_is_generated(shell: str) -> None:
    result = run(_STACKC_COMPLETE=f"{shell}_source")
    if shell == "bash" and "version is not supported" in result.stderr:
        pytest.skip("this bash is too old for completion")
    assert (result.returncode, "_STACKC_COMPLETE" in result.stdout) == (0, True)


def test_shell_completion_completes_commands() -> None:
    result = run(_STACKC_COMPLETE="bash_complete", COMP_WORDS="stackc comp", COMP_CWORD="1")
    assert result.stdout == "plain,compile\n"


def completed(*words: str) -> list[str]:
    *given, last = words
    found = ShellComplete(cli, {}, "stackc", "_STACKC_COMPLETE").get_completions(given, last)
    return [one.value for one in found]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["connect", "m"], ["main"]),
        (["connect", "main", "--driver", "psyc"], ["psycopg"]),
        (["shell", ""], ["main", "app"]),
        (["up", "a"], ["app"]),
        (["compile", "-e", ""], ["local", "staging"]),
        (["explain", "unknown-ad"], ["unknown-adapter"]),
        (["adapters", "show", "mari"], ["maria", "mariadb"]),
        (["adapters", "list", "--needs", "vec"], ["vector"]),
        (["adapters", "new", "x", "--extends", "postg"], ["postgres", "postgresql"]),
        (["init", "--from", "mini"], ["minimal"]),
        (["connect", "-f", "nope", ""], []),
        (["connect", "nope", "--driver", ""], []),
    ],
)
def test_the_shell_completes_what_there_is(folder: Path, words: list[str], found: list[str]) -> None:
    (folder / "stack.yaml").write_text(STACK + "environments: {staging: {}}\n")
    assert completed(*words) == found


@pytest.mark.parametrize(
    "words", [["connect", ""], ["connect", "main", "--driver", ""], ["check", "-e", "s"]]
)
def test_without_a_stack_that_can_be_read_the_shell_completes_nothing(folder: Path, words: list[str]) -> None:
    (folder / "stack.yaml").write_text("name: [")
    assert completed(*words) == []


def test_completion_reads_the_stack_above_without_a_word(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "deep").mkdir()
    monkeypatch.chdir(folder / "deep")
    assert completed("connect", "") == ["main"]
    assert capsys.readouterr() == ("", "")


def test_a_line_break_in_the_name_of_the_stack_stays_in_its_comment(folder: Path) -> None:
    name = "a\nname: other\nb.yaml"
    (folder / name).write_text(STACK)
    assert stackc("compile", name).exit_code == 0
    lines = (folder / "docker-compose.yml").read_text().splitlines()
    assert lines[0].startswith("# Generated by stackc") and "a?name: other?b.yaml" in lines[0]
    assert [line for line in lines if line.startswith("name:")] == ["name: demo"]


def test_an_adapter_that_takes_the_alias_of_a_built_in_one_is_refused_in_its_own_file(folder: Path) -> None:
    (folder / "adapters").mkdir()
    head = "adapter: mine\nextends: postgresql\ntitle: Mine\n"
    signs = "aliases: [my, pg, redis]\ndetect: {schemes: [mysql], images: [mine/mine]}\n"
    (folder / "adapters" / "mine.yaml").write_text(head + signs)
    (folder / "stack.yaml").write_text("name: demo\ndatabases: {main: {adapter: mine}}\n")
    output = stackc("compile").output
    for place in ("mine.yaml:4:15", "mine.yaml:4:19", "mine.yaml:5:20"):
        assert f"adapters/{place}: error" in output
    assert output.count("[shadowed-adapter]") == 3
    (folder / "stack.yaml").write_text("name: demo\ndatabases: {main: {adapter: pg}}\n")
    assert stackc("compile").exit_code == 0


def test_an_adapter_file_may_end_in_yml(folder: Path) -> None:
    (folder / "adapters").mkdir()
    (folder / "adapters" / "mine.yml").write_text("adapter: mine\nextends: postgresql\ntitle: Mine\n")
    (folder / "stack.yaml").write_text("name: demo\ndatabases: {main: {adapter: mine}}\n")
    assert stackc("compile").exit_code == 0
    assert stackc("adapters", "test", "adapters/mine.yml").exit_code == 0
