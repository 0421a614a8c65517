"""URLs that are put together by hand, and the filter that fits them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from compiler.run.workspace import Project
from tests.compose import HOSTILE
from tests.stacks import TODAY, entry, findings, resolve

if TYPE_CHECKING:
    from pathlib import Path

ODD = "p@ss:/w?r#d%+ x"
HOST = "databases: {main: {adapter: postgresql}}\nsecrets: {odd: {environment: ODD}}"


def told(url: str, folder: Path, odd: str = ODD) -> list[str]:
    (folder / "stack.yaml").write_text(entry(f"uses: [main]\nenvironment: {{U: '{url}'}}", HOST))
    (folder / ".env").write_text(f"ODD='{odd}'\n")
    return [one.id for one in Project(folder / "stack.yaml", folder, today=TODAY).compile().diagnostics]


@pytest.mark.parametrize(
    ("url", "odd", "found"),
    [
        ("a://u:${{ secrets.odd }}@h/x", ODD, True),
        ("a://u:${{ secrets.odd | url }}@h/x", ODD, False),
        ("a://u:${{ secrets.odd }}@h/x", "safe-._~1", False),
        ("a://${{ databases.main.user }}:${{ databases.main.password }}@h/x", ODD, False),
        ("a://h/x?ca=${{ secrets.odd }}", "/etc/ca.crt", False),
        ("a://h/${{ secrets.odd }}", "a/b", False),
        ("a://h/x?p=${{ secrets.odd }}", "a&b", True),
        ("a://u:${{ secrets.odd }}@h/x", "/etc", True),
        ("jdbc:a://h/x?password=${{ secrets.odd }}", ODD, True),
        ("${{ secrets.odd }}", ODD, False),
        ("see a://h then ${{ secrets.odd }}", ODD, False),
        ("u:${{ secrets.odd }}@tcp(h)/x", ODD, False),
        ("${{ databases.main.url }}&p=${{ secrets.odd | url }}&q=1", ODD, False),
    ],
)
def test_only_what_means_something_else_in_its_place_is_told(
    url: str, odd: str, found: bool, tmp_path: Path
) -> None:
    assert told(url, tmp_path, odd) == (["unencoded-value"] if found else [])


@pytest.mark.parametrize("password", [ODD, *(one for one in HOSTILE if "\0" not in one and "'" not in one)])
def test_compose_delivers_a_password_encoded(password: str, tmp_path: Path) -> None:
    url = "a://${{ databases.main.user | url }}:${{ secrets.odd | url }}@h:1/d?x=${{ secrets.odd | url }}&y=1"
    text = entry(f"uses: [main]\nenvironment: {{U: '{url}', P: '${{{{ secrets.odd }}}}'}}", HOST)
    from compiler.expressions.quoting import env_quote

    made = resolve(text, tmp_path, f"ODD={env_quote(password)}\n")["services"]["app"]["environment"]
    read = urlsplit(made["U"])
    assert (read.username, read.hostname, read.port, read.path) == ("main", "h", 1, "/d")
    assert unquote(read.password or "") == password == made["P"]
    assert read.query.endswith("&y=1")


def test_the_filter_takes_whatever_is_a_single_value() -> None:
    text = "environment: {A: '${{ databases.main.port | url }}', B: \"${{ 'a b/ü' | url }}\"}"
    assert findings(entry(text, HOST)) == []
    assert findings(entry("environment: {A: '${{ databases.main | url }}'}", HOST))[0][0] == "expression"
    assert (
        findings(entry("environment: {A: '${{ databases.main.user | odbc }}'}", HOST))[0][0] == "expression"
    )


def test_a_key_of_env_that_is_taken_is_told() -> None:
    rest = "databases: {main: {adapter: postgresql}}\nsecrets: {main_password_encoded: {generate: hex}}"
    text = entry("environment: {A: 'a://:${{ databases.main.password | url }}@h'}", rest)
    assert [id for id, _ in findings(text)] == ["key-collision"]
