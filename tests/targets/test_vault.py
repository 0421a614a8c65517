"""The values behind a plan: generated once, kept whoever wrote them, refused where they cannot work, never shown."""

from __future__ import annotations

import base64
import hmac
import os
import re
import string
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.expressions.quoting import env_quote
from compiler.model import Connection, Digest, Reference, Secret, Text, Variable
from compiler.project import project as compose
from compiler.report import Diagnostic, Report, Span
from compiler.run.workspace import Project
from compiler.schema.drawn import can_be_drawn, generate
from compiler.source import parse_yaml
from compiler.targets.vault import derive, fill
from tests.conftest import TODAY, examples, read_env

if TYPE_CHECKING:
    from pathlib import Path

PLACE = Span(path="stack.yaml", line=3)
URL = Connection(
    driver="url",
    form="url",
    parts={"scheme": "db", "user": "app", "password": Reference("PASSWORD"), "host": "main"},
)
PAIRS = Connection(
    driver="pairs",
    form="text",
    parts={"text": [Text(("main,password=", Reference("PASSWORD", "listed")))]},
)


def secret(**changes: Any) -> Secret:
    return Secret(key="PASSWORD", owner='database "main"', span=PLACE)._replace(**changes)


def filled(
    text: str, *secrets: Secret, variables: tuple[Variable, ...] = ()
) -> tuple[dict[str, str], list[Diagnostic]]:
    document = parse_yaml(b"name: demo\n", "stack.yaml", Report())
    assert document
    project = compose.Project(name="demo", environment="local", today=TODAY, places=compose.Places(document))
    project.secrets, project.variables = list(secrets), list(variables)
    report = Report()
    lines = fill(project, read_env(text), os.urandom, {}, report)
    assert (lines is None) == bool(report.errors)
    return lines.values if lines else {}, list(report)


# Generated values


@pytest.mark.parametrize("length", [8, 32, 63, 1024])
def test_an_alphanumeric_value_has_that_many_characters(length: int) -> None:
    value = generate(secret(length=length), os.urandom)
    assert len(value) == length
    assert set(value) <= set(string.ascii_letters + string.digits)


@pytest.mark.parametrize("length", [8, 32, 1024])
def test_hex_and_base64_hold_that_many_random_bytes(length: int) -> None:
    assert len(bytes.fromhex(generate(secret(alphabet="hex", length=length), os.urandom))) == length
    assert (
        len(base64.b64decode(generate(secret(alphabet="base64", length=length), os.urandom), validate=True))
        == length
    )


@pytest.mark.parametrize("alphabet", ["alphanumeric", "hex", "base64"])
def test_the_same_entropy_makes_the_same_value_and_other_entropy_another(alphabet: str) -> None:
    rule = secret(alphabet=alphabet)
    values = {generate(rule, lambda count: bytes(range(count))) for _ in range(3)}
    assert len(values) == 1
    assert len({generate(rule, os.urandom) for _ in range(100)}) == 100


def test_every_character_is_equally_likely() -> None:
    every_byte = generate(
        secret(length=248), lambda count: bytes(range(256))[:count] + bytes(range(248, 256))
    )
    assert set(Counter(every_byte).values()) == {4}


def test_bytes_that_would_favour_a_character_are_left_out() -> None:
    rolls = iter([bytes([255, 254, 250, 248]), bytes([0, 61, 62, 247])])
    assert generate(secret(length=4), lambda _: next(rolls)) == "A9A9"


@pytest.mark.parametrize("alphabet", ["alphanumeric", "hex", "base64"])
def test_a_generated_value_needs_no_quotes_anywhere_but_perhaps_for_its_equals_signs(alphabet: str) -> None:
    value = generate(secret(alphabet=alphabet), os.urandom)
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", value)
    assert read_env(f"PASSWORD={env_quote(value)}\n").values == {"PASSWORD": value}


POLICY = "^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])(?=.*[^A-Za-z0-9]).{8,128}$"
FITTING = [
    {"patterns": (POLICY,), "alphabet": "symbols", "length": 8},
    {"patterns": (POLICY,), "alphabet": "symbols", "refuse": "ABCabc.:=?@!"},
    {"patterns": ("^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).+$",), "length": 8},
    {"patterns": ("^[a-z].*$",)},
    {"refuse": "0123456789"},
]


@pytest.mark.parametrize("rule", FITTING)
def test_every_generated_value_fits_what_the_engine_takes(rule: dict[str, Any]) -> None:
    one = secret(**rule)
    assert can_be_drawn(one)
    for _ in range(300):
        assert filled("", one)[1] == []


def test_an_engine_that_takes_what_is_never_drawn_is_told_by_its_adapter_and_not_by_luck() -> None:
    assert not can_be_drawn(secret(patterns=(POLICY,)))
    assert not can_be_drawn(secret(alphabet="hex", refuse="0"))
    assert not can_be_drawn(secret(patterns=("^a.*$",)))
    assert not can_be_drawn(secret(refuse=string.ascii_letters + string.digits))


def test_what_a_stack_generates_and_an_engine_does_not_take_is_told_without_a_file_that_is_not_there() -> (
    None
):
    (one,) = filled("", secret(alphabet="hex", patterns=(POLICY,)))[1]
    assert (one.id, one.span) == ("unusable-password", PLACE)
    assert "what is generated for PASSWORD" in one.message


# Values that are there


@examples(200)
@given(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1))
def test_a_value_of_any_characters_is_kept(text: str) -> None:
    values, found = filled(f"PASSWORD={env_quote(text)}\n", secret())
    assert (values, found) == ({"PASSWORD": text}, [])


@pytest.mark.parametrize("text", ["", "PASSWORD=\n", "PASSWORD=''\n", 'PASSWORD=""\n', "PASSWORD\n"])
def test_an_empty_value_is_generated(text: str) -> None:
    values, found = filled(text, secret(length=20))
    assert (len(values["PASSWORD"]), found) == (20, [])


def test_a_value_that_is_a_persons_own_to_set_is_asked_for() -> None:
    values, (one,) = filled("OTHER=1\n", secret(generate=False, owner='secret "key"'))
    help = "add it as PASSWORD= in .env, or set PASSWORD in the shell"
    assert (values, one.id, one.span, one.help) == ({}, "missing-secret", PLACE, help)
    assert filled("PASSWORD=x\n", secret(generate=False))[0] == {"PASSWORD": "x"}


def test_every_value_that_is_missing_is_asked_for_at_once() -> None:
    found = filled("", secret(generate=False), secret(key="TOKEN", generate=False))[1]
    assert [one.id for one in found] == ["missing-secret", "missing-secret"]


# Values that cannot be used


@pytest.mark.parametrize(
    ("rule", "value", "holds"),
    [
        ({"refuse": "'\\"}, "it's", "holds a character or a line break that its engine refuses"),
        ({"refuse": "'"}, "two\nlines", "holds a character or a line break that its engine refuses"),
        ({"patterns": ("^[a-z]+$",)}, "ABC", "has not the form that its engine takes"),
        ({"patterns": ("^[a-z]+$", "^.{3}$")}, "abcd", "has not the form that its engine takes"),
    ],
)
def test_an_unusable_value_is_told_by_what_is_wrong_with_it(
    rule: dict[str, object], value: str, holds: str
) -> None:
    values, (one,) = filled(f"# one\nPASSWORD={env_quote(value)}\n", secret(**rule, reason="because"))
    assert (values, one.id, one.help) == ({}, "unusable-password", "because")
    assert one.message == f'database "main" cannot take the value of PASSWORD in .env, which {holds}'
    assert (one.span.path, one.span.line, one.span.column) == (".env", 2, 10)


@pytest.mark.parametrize(
    "line", ['PASSWORD="hunter2\'"', "PASSWORD=hunter2-$BATTERY", "PASSWORD='hunter2,hunter2'"]
)
def test_no_finding_shows_a_value(line: str) -> None:
    variables = (Variable(key="URL", value=PAIRS),)
    rules = [secret(refuse="'"), secret(patterns=("^[a-z]+$",)), secret()]
    found = [one for rule in rules for one in filled(f"{line}\n", rule, variables=variables)[1]]
    assert found
    assert "hunter2" not in repr(found)


def test_the_characters_of_a_refused_value_are_not_named() -> None:
    refuse = string.ascii_letters + string.digits
    (one,) = filled("PASSWORD=zebraSTOP12\n", secret(refuse=refuse))[1]
    assert re.findall('"(.*?)"', f"{one.message} {one.help}") == ["main"]


def test_a_value_that_refers_to_others_is_refused_at_its_line() -> None:
    (one,) = filled("A=1\nPASSWORD=a$A\n", secret())[1]
    assert (one.id, one.span.line, one.span.column) == ("env-interpolation", 2, 10)
    assert filled("A=1\nPASSWORD='a$A'\n", secret())[0] == {"PASSWORD": "a$A"}


def test_a_connection_that_cannot_hold_a_password_is_told_at_the_password() -> None:
    text = "# one\n# two\nPASSWORD=a,b\n"
    values, (one,) = filled(text, secret(), variables=(Variable(key="MAIN_PAIRS", value=PAIRS),))
    assert (one.id, one.span.path, one.span.line) == ("unusable-password", ".env", 3)
    assert "MAIN_PAIRS cannot be made" in one.message
    assert "MAIN_PAIRS" not in values


# What follows from values


def test_a_connection_string_follows_from_the_password() -> None:
    values, _ = filled("PASSWORD='a@b/c'\nURL=old\n", secret(), variables=(Variable(key="URL", value=URL),))
    assert values["URL"] == "db://app:a%40b%2Fc@main"


def test_a_digest_tells_values_apart_and_nothing_of_them() -> None:
    variable = Variable(key="D", value=Digest(("A", "B"), "K"))
    given: list[dict[str, str]] = [{"A": "1", "B": "2"}, {"A": "12", "B": ""}, {"A": "1"}, {}]
    digests = [derive(variable, {"K": "k", **values}) for values in given]
    assert len(set(digests)) == 4
    assert all(re.fullmatch("[0-9a-f]{32}", digest) for digest in digests)
    assert derive(variable, {"A": "1", "B": "2", "C": "3", "K": "k"}) == digests[0]


def test_whoever_sees_a_digest_cannot_check_a_guess_without_its_key(tmp_path: Path) -> None:
    text = "name: demo\nsecrets: {pin: {environment: PIN}}\nservices: {app: {image: 'a:1', secrets: [pin]}}\n"
    (tmp_path / "stack.yaml").write_text(text)
    seen = []
    for dotenv in ("PIN=1234\n", None, "PIN=1234\n"):
        if dotenv:
            (tmp_path / ".env").write_text(dotenv)
        assert Project(tmp_path / "stack.yaml", tmp_path, today=TODAY).compile().diagnostics == ()
        values = read_env((tmp_path / ".env").read_text()).values
        key, digest = values["STACKC_DIGEST_KEY"], values["APP_SECRETS_SHA256"]
        assert digest == hmac.digest(key.encode(), b"PIN=1234", "sha256").hex()[:32]
        seen.append((key, digest))
    # It is kept by later compiles, and another one makes another digest of the same secret.
    assert seen[0] == seen[1]
    assert len({digest for _, digest in seen}) == 2


def test_a_project_without_digests_has_no_key_for_them(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text("name: demo\nservices: {app: {image: 'a:1'}}\n")
    Project(tmp_path / "stack.yaml", tmp_path, today=TODAY).compile()
    assert "STACKC_DIGEST_KEY" not in (tmp_path / ".env").read_text()


def test_in_a_project_the_password_of_a_person_is_kept_and_used(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text("name: demo\ndatabases: {main: {adapter: postgresql}}\n")
    (tmp_path / ".env").write_text("# mine\nMAIN_PASSWORD='pa$$ word'\nOTHER=kept\n")
    for _ in range(2):
        assert Project(tmp_path / "stack.yaml", tmp_path, today=TODAY).compile().diagnostics == ()
    text = (tmp_path / ".env").read_text()
    assert text.startswith("# mine\nMAIN_PASSWORD='pa$$ word'\nOTHER=kept\n")
    assert "pa%24%24%20word@main" in read_env(text).values["MAIN_URL"]


def test_two_databases_may_share_a_secret_with_the_rules_of_both(tmp_path: Path) -> None:
    text = "name: demo\nsecrets: {app: {environment: SHARED}}\ndatabases:\n"
    for key, adapter in (("a", "postgresql"), ("b", "qdrant")):
        text += f"  {key}: {{adapter: {adapter}, password: '${{{{ secrets.app }}}}'}}\n"
    (tmp_path / "stack.yaml").write_text(text)
    (tmp_path / ".env").write_text("SHARED=pässword\n")
    (one,) = Project(tmp_path / "stack.yaml", tmp_path, today=TODAY).compile().diagnostics
    assert (one.id, one.span.path) == ("unusable-password", str(tmp_path / ".env"))
