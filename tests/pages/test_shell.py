"""What a shell script is seen to do without being run."""

from __future__ import annotations

import pytest

from compiler.pages.trials.shell import Shell, name_of
from compiler.pages.trials.shown import Secrets

HEAD = """read_secret() { secret=$(cat "$1" && echo .) && secret=${secret%.}; }
client() (
host=$1 user=$2
read_secret "$3" || return
shift 3
PGPASSWORD=$secret psql -h "$host" -U "$user" "$@"
)
"""
ASK = "client 127.0.0.1 'admin' /run/secrets/x -c 'SELECT 1'"


def decides(text: str) -> bool:
    """Says whether the log-in of a probe decides how it ends."""
    return any(name_of(one) == "client" for one in Shell(HEAD + text.replace("ASK", ASK)).deciding())


@pytest.mark.parametrize(
    "text",
    [
        "ASK",
        "exec ASK",
        "( ASK )",
        "ASK >/dev/null 2>&1",
        "ASK | grep -q 1",
        "ASK && echo ok",
        "ASK || exit 1",
        "ASK || { echo no; exit 1; }",
        "ASK; exit $?",
        "set -e\nASK\ntrue",
        'f() { ASK; }\nf "$1"',
        '[ "$(ASK)" = 1 ]',
        "test \"$(ASK | tr -d ' ')\" = 1",
        'x="$(ASK)"\n[ "$x" = 1 ]',
        "if ASK; then exit 0; else exit 1; fi",
        "if ! ASK; then exit 1; fi",
        "case $(ASK) in 1) ;; *) exit 1 ;; esac",
        "for i in 1 2; do ASK && exit 0; done; exit 1",
        "a= b=\n  while [ -z $a ]; do a=1; done\nASK",
    ],
)
def test_a_probe_that_ends_as_its_log_in_does(text: str) -> None:
    assert decides(text)


@pytest.mark.parametrize(
    "text",
    [
        "true # ASK",
        "echo ASK",
        "! ASK",
        "ASK &",
        "ASK & wait",
        "ASK | cat",
        "ASK | tee /dev/null",
        "ASK || true",
        "ASK || exit 0",
        "ASK || return 0",
        "ASK || echo failed",
        "(ASK) || :",
        "ASK; exit 0",
        "ASK; true",
        "ASK\n:",
        "ASK; sleep 1",
        "x=$(ASK); echo $x",
        "export x=$(ASK)",
        "if ASK; then :; fi",
        "while ASK; do break; done",
        "trap 'exit 0' EXIT\nASK",
        "f() { ASK || true; }\nf",
    ],
)
def test_a_probe_that_ends_well_whatever_its_log_in_does(text: str) -> None:
    assert not decides(text)


@pytest.mark.parametrize(
    "text",
    [
        'prog --password="$secret"',
        'exec prog -p "$secret"',
        "env PW=$secret prog",
        'prog "$(cat /run/secrets/x)"',
        'p=$(cat /run/secrets/x); prog -p"$p"',
        "x=$(< /run/secrets/x); prog $x",
        "read -r p </run/secrets/x; prog -a $p",
        'cat /run/secrets/x | while read -r p; do prog "$p"; done',
        'q="user:$secret"; prog -u "$q"',
        'set -- -p "$secret" "$@"; prog "$@"',
        'f() { prog "$1"; }; f "$secret"',
        'h=$(od -An /run/secrets/x | tr -d " "); prog $h',
    ],
)
def test_a_secret_in_an_argument_is_seen(text: str) -> None:
    shown = [name_of(one) for one in Secrets(Shell(HEAD + text)).shown()]
    assert shown == ["env" if text.startswith("env") else "prog"]


@pytest.mark.parametrize(
    "text",
    [
        "PGPASSWORD=$secret prog",
        'export A="$secret"; prog',
        'printf %s "$secret" | prog',
        "prog <<END\n$secret\nEND",
        "prog --file /run/secrets/x",
        '[ "$secret" ] && prog',
        'prog "${#secret}"',
        'f() { printf "$1"; }; f "$secret" | prog',
        "n=$(client a b /run/secrets/x -c z); prog $n",
        "p=$(sed s/a/b/ /run/secrets/x); printf $p >/tmp/f; prog /tmp/f",
        "key=$(cat /run/secrets/open); prog $key",
    ],
)
def test_what_shows_no_secret_is_let_be(text: str) -> None:
    assert Secrets(Shell(HEAD + text), frozenset(("open",))).shown() == []
