from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.expressions.quoting import env_quote
from compiler.model import Raw, Reference, Text
from compiler.targets.compose import dump
from tests.compose import HOSTILE, compose_binaries, config, environment, run_config

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
IMAGE = {"image": "a"}
TEXT = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    st.text("ab01 \t\n\r'\"\\$#{}:-?.|>é\x85\u2028\U0001f600", max_size=12),
)
# The general emitter writes empty keys and those of several lines in the explicit form.
KEY = TEXT.filter(lambda text: text.splitlines() == [text])
TREE = st.recursive(
    TEXT | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda node: st.lists(node, max_size=4) | st.dictionaries(KEY, node, max_size=4),
    max_leaves=12,
)


class GeneralDumper(yaml.SafeDumper):
    """PyYAML in the same styles; slower, but written by others."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if re.fullmatch(r"(?:[A-Za-z/]|\.{1,2}/)(?:[A-Za-z0-9_./@:-]*[A-Za-z0-9_./@-])?", text):
        style = "'" if text.lower() in WORDS else None
    elif "\n" in text and re.fullmatch(r"[!-~\xa1-\u1fff][\n -~\xa1-\u1fff]*(?<! )(?<!\n\n)", text):
        style = '"' if " \n" in text else "|"
    else:
        style = "'" if re.fullmatch("[ -~]*", text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


GeneralDumper.add_representer(str, represent_text)


def service(variables: dict[str, object]) -> str:
    return dump({"services": {"a": {"environment": variables, **IMAGE}}})


@pytest.mark.parametrize("command", compose_binaries(), ids=" ".join)
def test_hostile_literals_arrive_unchanged_in_the_environment(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    values = {f"V{number}": text for number, text in enumerate(HOSTILE)}
    assert environment(tmp_path, service(dict(values)), "", *command) == values


@pytest.mark.parametrize("command", compose_binaries(), ids=" ".join)
def test_hostile_values_arrive_unchanged_through_dotenv(command: tuple[str, ...], tmp_path: Path) -> None:
    values = {f"V{number}": text for number, text in enumerate(HOSTILE)}
    dotenv = "".join(f"{key}={env_quote(value)}\n" for key, value in values.items())
    assert environment(tmp_path, service({key: Reference(key) for key in values}), dotenv, *command) == values


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT.filter(bool), TEXT), min_size=80, max_size=120))
def test_any_text_arrives_unchanged_around_a_reference(
    tmp_path_factory: pytest.TempPathFactory, triples: list[tuple[str, str, str]]
) -> None:
    variables = {
        f"V{n}": Text((left, Reference(f"S{n}"), right)) for n, (left, _, right) in enumerate(triples)
    }
    dotenv = "".join(f"S{n}={env_quote(secret)}\n" for n, (_, secret, _) in enumerate(triples))
    found = environment(tmp_path_factory.mktemp("project"), service(dict(variables)), dotenv)
    assert found == {f"V{n}": "".join(triple) for n, triple in enumerate(triples)}


@settings(max_examples=8, deadline=None)
@given(st.lists(TEXT, min_size=80, max_size=120))
def test_any_text_arrives_unchanged_as_a_literal_and_as_a_key(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    directory = tmp_path_factory.mktemp("project")
    variables = {f"V{number}": text for number, text in enumerate(texts)}
    labels = {f"k{text}": text for text in texts}
    found = environment(
        directory, dump({"services": {"a": {"environment": variables, "labels": labels, **IMAGE}}})
    )
    assert found == variables
    assert config(directory)["services"]["a"]["labels"] == labels


@given(TREE.filter(lambda tree: isinstance(tree, dict | list)))
def test_writes_the_same_bytes_as_a_general_emitter(tree: object) -> None:
    general = yaml.dump(tree, Dumper=GeneralDumper, sort_keys=False, allow_unicode=True, width=10**9)
    assert dump(as_written(tree)) == general


def as_written(tree: object) -> object:
    match tree:
        case str():
            return Raw(tree)
        case dict():
            return {key: as_written(node) for key, node in tree.items()}
        case list():
            return tuple(map(as_written, tree))
    return tree


def test_a_long_key_is_written_in_the_explicit_form() -> None:
    tree = {"k\n" * 600: {"a": ["b"]}, "l" * 3000: 1, "m": [{"n" * 200: [[]]}]}
    assert yaml.safe_load(dump(tree)) == tree


def test_raw_text_keeps_its_interpolation() -> None:
    assert dump([Raw("${TAG:-16}"), "${TAG}"]) == "- '${TAG:-16}'\n- '$${TAG}'\n"


def test_a_reference_says_where_to_set_it() -> None:
    assert dump({"a": Text(("x$", Reference("KEY")))}) == "a: 'x$$${KEY:?run stackc compile}'\n"


def test_a_missing_reference_fails_with_that_sentence(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(service({"A": Reference("KEY")}))
    assert "KEY is missing a value: run stackc compile" in run_config(tmp_path).stderr


def test_a_script_is_written_as_a_block() -> None:
    assert dump({"a": ["set -e\n\necho é\n"]}) == "a:\n  - |\n    set -e\n\n    echo é\n"


@pytest.mark.parametrize("node", [object(), b"a", {1, 2}, {"a": {1: 2}}, 1j, float("nan"), float("inf")])
def test_anything_but_a_rendered_tree_is_refused(node: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        dump([node])


@pytest.mark.parametrize("text", ["secret\0", "secret\ud800"])
@pytest.mark.parametrize("wrap", [lambda text: text, Raw, lambda text: {text: 1}, lambda text: Text((text,))])
def test_text_that_yaml_cannot_hold_is_refused_without_showing_it(
    text: str, wrap: Callable[[str], object]
) -> None:
    with pytest.raises(ValueError, match="cannot hold") as caught:
        dump({"a": wrap(text)})
    assert "secret" not in str(caught.value)
