from __future__ import annotations

import pytest

from compiler.output import Change
from compiler.output.diff import unified_diff


def render_diff(path, old, new, *, secret):
    return unified_diff(Change(path, "changed", old, new, secret))


def test_a_changed_line_is_shown_with_its_surroundings():
    shown = render_diff("docker-compose.yml", "a\nb\nc\n", "a\nx\nc\n", secret=False)
    assert shown.splitlines() == [
        "--- docker-compose.yml",
        "+++ docker-compose.yml",
        "@@ -1,3 +1,3 @@",
        " a",
        "-b",
        "+x",
        " c",
    ]


def test_a_new_file_is_compared_with_nothing():
    assert render_diff("a", "", "x\n", secret=False) == "--- /dev/null\n+++ a\n@@ -0,0 +1 @@\n+x\n"


def test_equal_texts_have_no_diff():
    assert render_diff(".env", "A=1\n", "A=1\n", secret=True) == ""


def test_a_lost_last_line_break_is_a_difference():
    shown = render_diff("a", "x", "x\n", secret=False)
    assert shown.splitlines()[3:] == ["-x", "\\ No newline at end of file", "+x"]


def test_other_line_breaks_and_control_characters_are_shown():
    shown = render_diff("a", "x\r\n\x1b[31m\ty\n", "x\n", secret=False)
    assert shown.splitlines()[3:] == [r"-x\x0d", "-\\x1b[31m\ty", "+x"]


def test_a_secret_file_shows_keys_only():
    old = "# note=hunter2\nKEPT=hunter2\nCHANGED=hunter2\n"
    new = "# note=hunter2\nKEPT=hunter2\nCHANGED=hunter3\nexport ADDED='hunter2'\n"
    assert render_diff("out/.env", old, new, secret=True).splitlines()[3:] == [
        " ***",
        " KEPT=***",
        "-CHANGED=***",
        "+CHANGED=***",
        "+ADDED=***",
    ]


@pytest.mark.parametrize(
    "line", ["hunter2", "-hunter2", "lower=hunter2", " A=hunter2", "hunter2=", "A hunter2"]
)
def test_what_is_no_plain_assignment_is_hidden_whole(line):
    assert "hunter2" not in render_diff(".env", "", f"A='\n{line}\n'\n", secret=True)


def test_nothing_of_a_secret_file_of_another_kind_is_shown():
    shown = render_diff("tls/server.key", "-----BEGIN\nAB==\n", "-----BEGIN\nCD==\n", secret=True)
    assert shown.splitlines()[3:] == [" ***", "-***", "+***"]
