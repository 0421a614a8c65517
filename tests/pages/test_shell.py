"""How a shell script is followed: what is found agrees with what a shell does, and every text ends in an answer."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.pages.shell.programs import Programs
from compiler.pages.shell.reader import parse_shell
from compiler.pages.shell.tree import Unreadable
from compiler.pages.shell.values import Scope

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "/run/secrets/db-password"
LOGIN = f"acme -h 127.0.0.1 --passfile {SECRET}"
# What a probe may be made of; the client prints 1 where it logs in.
PROBES = [
    LOGIN,
    f"{LOGIN} | grep -q 1",
    f"{LOGIN} | cat",
    f"{LOGIN} || true",
    f"{LOGIN} || exit 3",
    f"{LOGIN} && echo in",
    f"! {LOGIN}",
    f"{LOGIN} &",
    f"{LOGIN} & wait $!",
    f"{LOGIN}; true",
    f"{LOGIN}\nexit $?",
    f"if {LOGIN}; then :; fi",
    f"if {LOGIN}; then :; else exit 1; fi",
    f"if ! {LOGIN}; then exit 1; fi",
    f"trap 'exit 0' EXIT\n{LOGIN}",
    f"trap 'rm -f /tmp/none' EXIT\n{LOGIN}",
    f"set -e\n{LOGIN}\ntrue",
    f"set -e; f() {{ {LOGIN}; echo in; }}; f",
    f"set -e; f() {{ {LOGIN}; echo in; }}; f || exit 4",
    f'[ "$({LOGIN})" = 1 ]',
    f'[ -n "$({LOGIN})" ] && [ 1 -gt 0 ]',
    f"x=$({LOGIN})",
    f"export x=$({LOGIN})",
    f"x=$({LOGIN}); test $? -eq 0",
    f"case $({LOGIN}) in 1) ;; *) exit 1 ;; esac",
    f"case $({LOGIN}) in 1) exit 0 ;; esac; exit 1",
    f"for i in 1 2; do {LOGIN} && exit 0; done; exit 1",
    f"for i in 1 2; do {LOGIN} && break; done",
    f"i=0; while [ $i != 1 ]; do {LOGIN} || exit 1; i=1; done",
    f'{LOGIN} | {{ read -r x; [ "$x" = 1 ]; }}',
    f"{LOGIN} | (read -r x && echo $x) | grep -q 1",
    f'f() {{ "$@" || return 5; }}; f {LOGIN}',
    f'set -- {LOGIN}; "$@"',
    f"sh -c '{LOGIN}'",
    f"sh -ec '{LOGIN}; true'",
    f"eval '{LOGIN}'",
    f"exec {LOGIN}; true",
    f"({LOGIN}; exit 0)",
    f"{{ {LOGIN}; }} >/dev/null 2>&1",
    f"sh -s <<'END'\n{LOGIN}\nEND",
    f"sh <<END\n{LOGIN} || exit 1\nEND",
    f'[ "$({LOGIN} | wc -l)" -gt 0 ]',
    f"echo {LOGIN}",
    f'x=; : ${{x:=$({LOGIN})}}; [ "$x" ]',
    f'y=; x=${{y:-$({LOGIN})}}; test "${{x#0}}"',
    f"false || {LOGIN}",
    f"true && {{ {LOGIN}; }} || exit 6",
]


WORDS = ["if ", "then ", "fi ", "case ", " in ", "esac", "while ", "do ", "done", "<<", "$(", "${", "f() "]
PIECES = [*WORDS, *"ab1 \n;&|(){}<>'\"$`\\#=!*?-/"]


def follow(text: str, *, fails: bool) -> tuple[frozenset[int], Programs]:
    programs = Programs(log_ins_fail=fails, asks_no_secret=False, hosts="127", open_ones=frozenset())
    return programs.run(text, Scope()), programs


@pytest.mark.parametrize("fails", [True, False])
@pytest.mark.parametrize("probe", PROBES)
def test_a_probe_ends_as_it_is_said_to(tmp_path: Path, probe: str, fails: bool) -> None:
    client = tmp_path / "acme"
    client.write_text(f"#!/bin/sh\n{'exit 1' if fails else 'echo 1'}\n")
    client.chmod(0o755)
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["/bin/sh", "-c", probe], env=path, capture_output=True, timeout=10, check=False)
    statuses, _ = follow(probe, fails=fails)
    assert int(done.returncode != 0) in statuses
    # Where log-ins fail, nothing is left open.
    assert len(statuses) == 1 or not fails


@pytest.mark.parametrize(
    ("script", "shown"),
    [
        (f'p=$(cat {SECRET}); acme --password="$p"', ["acme"]),
        (f'read -r p <{SECRET}; acme "$p"', ["acme"]),
        (f"p=$(tr -d x <{SECRET} | base64); /usr/bin/acme $p", ["acme"]),
        (f'f() {{ acme "$2"; }}; f a "$(cat {SECRET})"', ["acme"]),
        (f'set -- "$(cat {SECRET})"; shift 0; exec acme "$@"', ["acme"]),
        (f"cat {SECRET} | while read -r p; do acme $p; done", ["acme"]),
        (f'cat {SECRET} >/tmp/copy; acme "$(cat /tmp/copy)"', ["acme"]),
        (f"cat {SECRET} | xargs acme", ["xargs"]),
        (f'env P="$(cat {SECRET})" acme', ["env"]),
        (f'sh -c "acme $(cat {SECRET})"', ["sh"]),
        (f'f() {{ acme "$1" "$2"; }}; p=$(cat {SECRET}); P=$p f a b', []),
        (f"P=$(cat {SECRET}) acme a", []),
        (f'p=$(cat {SECRET}); printf %s "$p" | acme; echo "$p" >/tmp/x; acme /tmp/x', []),
        (f'p=$(sha256sum <{SECRET}); acme --hash "$p"', []),
        (f'p=$(printf %s "$(cat {SECRET})" | acme-hash); acme --hash "$p"', []),
        (f'p=$(cat {SECRET}); p=other; acme "$p"', []),
        (f'p=$(cat {SECRET}); acme "${{#p}}"', []),
    ],
)
def test_a_secret_is_seen_in_the_arguments_of_a_program(script: str, shown: list[str]) -> None:
    _, programs = follow(script, fails=False)
    assert list(dict.fromkeys(programs.shown)) == shown


@pytest.mark.parametrize(
    "script",
    [
        "if true; then",
        "a )",
        "case a in",
        "a=(b c)",
        "cat <",
        "x=${",
        "`a",
        "$(",
        "{ a",
        "'",
        "f() " * 2000,
        "(" * 200,
    ],
)
def test_a_script_that_cannot_be_read_is_said_to_be_so(script: str) -> None:
    with pytest.raises(Unreadable):
        parse_shell(script)


@pytest.mark.parametrize(
    "script",
    ["while :; do :; done", "f() { f; f; }; f", ":\n" * 30_000, "a=$a$a\n" * 500, "x=a; " + "x=$x$x; " * 60],
)
def test_following_ends(script: str) -> None:
    try:
        follow(script, fails=False)
    except Unreadable:
        assert script.count("\n") > 20_000 or "f; f" in script


@settings(max_examples=300, deadline=None)
@given(text=st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_no_text_is_a_traceback(text: str) -> None:
    try:
        statuses, _ = follow(text, fails=True)
    except Unreadable:
        return
    assert statuses <= {0, 1}
