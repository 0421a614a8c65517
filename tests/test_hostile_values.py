"""Any string arrives unchanged in a container: through YAML, Compose's interpolation, .env and connection strings."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compiler.run.workspace import Project
from tests.compose import HOSTILE, compose_binaries, config
from tests.conftest import TODAY, examples
from tests.findings import has_errors

# No container can hold a NUL, and half of a surrogate pair is no character.
_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
_WORDS = st.sampled_from(HOSTILE)
TEXTS = st.one_of(
    st.text(_CHARACTERS, max_size=40),
    st.lists(st.one_of(_WORDS, st.text(_CHARACTERS, max_size=3)), max_size=6).map("".join),
)
BATCH = st.lists(TEXTS.filter(bool), min_size=1, max_size=60)
ALL = list(HOSTILE)
SEVERAL = examples(12)

commands = pytest.mark.parametrize("command", compose_binaries(), ids=lambda command: Path(command[0]).name)


def yaml_text(text: str) -> str:
    """Returns the text as a person with a good editor would write it: what cannot be seen is escaped."""
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def env_text(text: str) -> str:
    """Returns the text in the double quotes of .env."""
    pairs = (("\\", "\\\\"), ('"', '\\"'), ("$", "\\$"), ("\n", "\\n"), ("\r", "\\r"))
    for old, new in pairs:
        text = text.replace(old, new)
    return f'"{text}"'


def resolved(folder: Path, stack: list[str], dotenv: list[str], command: tuple[str, ...]) -> dict[str, Any]:
    """Compiles a stack beside a .env, and returns the service `a` as Compose understands it."""
    (folder / "stack.yaml").write_bytes("\n".join(["name: demo", *stack]).encode())
    (folder / ".env").write_bytes("".join(f"{line}\n" for line in dotenv).encode())
    outcome = Project(folder / "stack.yaml", folder, today=TODAY).compile()
    assert not has_errors(outcome.diagnostics), outcome.diagnostics
    service: dict[str, Any] = config(folder, *command)["services"]["a"]
    return service


SERVICE = ["services:", "  a:", "    image: a"]


@commands
@SEVERAL
@example(ALL)
@given(BATCH)
def test_values_of_the_stack_arrive(
    tmp_path_factory: pytest.TempPathFactory, command: tuple[str, ...], texts: list[str]
) -> None:
    written = [yaml_text(text.replace("$", "$$")) for text in texts]
    environment = [f"      V{index}: {text}" for index, text in enumerate(written)]
    labels = [f"      L{index}: {text}" for index, text in enumerate(written)]
    arguments = [f"      - {text}" for text in written]
    stack = [*SERVICE, "    environment:", *environment, "    labels:", *labels, "    command:", *arguments]
    service = resolved(tmp_path_factory.mktemp("a"), stack, [], command)
    assert service["environment"] == {f"V{index}": text for index, text in enumerate(texts)}
    assert service["labels"] == {f"L{index}": text for index, text in enumerate(texts)}
    assert service["command"] == texts


@commands
@SEVERAL
@example(ALL)
@given(BATCH)
def test_values_in_a_list_arrive(
    tmp_path_factory: pytest.TempPathFactory, command: tuple[str, ...], texts: list[str]
) -> None:
    items = [
        "      - " + yaml_text(f"V{index}={text.replace('$', '$$')}") for index, text in enumerate(texts)
    ]
    service = resolved(tmp_path_factory.mktemp("a"), [*SERVICE, "    environment:", *items], [], command)
    assert service["environment"] == {f"V{index}": text for index, text in enumerate(texts)}


@commands
@SEVERAL
@example(ALL)
@given(BATCH)
def test_secrets_of_the_env_file_arrive(
    tmp_path_factory: pytest.TempPathFactory, command: tuple[str, ...], texts: list[str]
) -> None:
    uses = [f"      V{index}: ${{{{ secrets.s{index} }}}}" for index in range(len(texts))]
    inside = [f'      W{index}: "<${{{{ secrets.s{index} }}}}>"' for index in range(len(texts))]
    secrets = [f"  s{index}: {{environment: S{index}}}" for index in range(len(texts))]
    dotenv = [f"S{index}={env_text(text)}" for index, text in enumerate(texts)]
    stack = [*SERVICE, "    environment:", *uses, *inside, "secrets:", *secrets]
    found = resolved(tmp_path_factory.mktemp("a"), stack, dotenv, command)["environment"]
    expected = {f"V{index}": text for index, text in enumerate(texts)}
    assert found == expected | {f"W{index}": f"<{text}>" for index, text in enumerate(texts)}


@commands
@SEVERAL
@example([text for text in ALL if not set(text) & set("\r\n")])
@given(BATCH.map(lambda texts: [text for text in texts if not set(text) & set("\r\n")]))
def test_passwords_arrive_in_urls_and_by_themselves(
    tmp_path_factory: pytest.TempPathFactory, command: tuple[str, ...], texts: list[str]
) -> None:
    names = [f"d{index}" for index in range(len(texts))]
    uses = [f"      - {name}: {{as: {{url: URL_{name}, password: PASSWORD_{name}}}}}" for name in names]
    databases = [f"  {name}: {{adapter: postgresql}}" for name in names]
    dotenv = [f"{name.upper()}_PASSWORD={env_text(text)}" for name, text in zip(names, texts, strict=True)]
    stack = [*SERVICE, *(["    uses:", *uses, "databases:", *databases] if names else [])]
    found = resolved(tmp_path_factory.mktemp("a"), stack, dotenv, command).get("environment", {})
    assert [found[f"PASSWORD_{name}"] for name in names] == texts
    assert [unquote(str(urlsplit(found[f"URL_{name}"]).password)) for name in names] == texts


def test_nul_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text('name: a\nservices:\n  a: {image: a, environment: {V: "a\\0b"}}\n')
    (found,) = Project(tmp_path / "stack.yaml", tmp_path, today=TODAY).compile().diagnostics
    assert (found.id, found.span.line) == ("unprintable-character", 3)
