from __future__ import annotations

import pytest

from tests.stacks import DATABASE, entry, findings, only, stack


@pytest.mark.parametrize(
    ("name", "rest"),
    [("main", DATABASE), ("main-init", DATABASE)],
)
def test_a_service_cannot_have_the_name_of_another_container(name: str, rest: str) -> None:
    assert findings(stack(f"{name}: {{image: a}}", rest)) == [("name-collision", name)]


def test_the_name_of_stackcs_own_container_is_taken() -> None:
    assert findings(stack("stackc-ready: {image: a}")) == [("reserved-service", "stackc-ready")]


def test_two_secrets_cannot_share_a_key() -> None:
    text = stack("a: {image: a}", "secrets: {one: {environment: KEY}, two: {environment: KEY}}")
    one = only(text)
    assert (one.id, len(one.notes)) == ("key-collision", 1)


@pytest.mark.parametrize(
    "secret", ["main_url", "main_password", "main_admin_password", "main_secrets_sha256"]
)
def test_a_secret_cannot_take_a_key_of_a_database(secret: str) -> None:
    text = stack("a: {image: a}", f"secrets: {{{secret}: {{generate: hex}}}}\n{DATABASE}")
    assert [code for code, _ in findings(text)] == ["key-collision"]


@pytest.mark.parametrize(
    "rest",
    [
        "secrets: {mine: {environment: STACKC_DIGEST_KEY}}",
        "secrets: {stackc_digest_key: {generate: hex}}",
    ],
)
def test_the_key_of_stackcs_digests_is_taken(rest: str) -> None:
    one = only(stack("a: {image: a}", rest))
    assert (one.id, one.notes) == ("key-collision", ())
    assert '"STACKC_DIGEST_KEY" of .env is used by stackc itself' in one.message


@pytest.mark.parametrize("options", ["environment: {COMPOSE_FILE: a}", "environment: [COMPOSE_FILE=a]"])
def test_a_variable_of_compose_may_stand_in_a_container(options: str) -> None:
    assert findings(entry(options)) == []


def test_a_secret_may_be_a_variable_of_compose_that_a_person_names() -> None:
    assert findings(stack("a: {image: a}", "secrets: {x: {environment: COMPOSE_TOKEN}}")) == []
    made = stack("a: {image: a}", "secrets: {compose_token: {generate: hex}}")
    assert findings(made) == [("reserved-variable", "compose_token")]


def test_two_services_cannot_share_a_container_name() -> None:
    text = stack("a: {image: a, container_name: same}\nb: {image: b, container_name: same}")
    assert findings(text) == [("duplicate-container-name", "same")]
