"""The Compose Specification's schema is a copy, never an edit. Run this file to refresh it."""

from __future__ import annotations

import json
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

COPY = Path(__file__).parent.parent / "schemas" / "compose-spec.json"
PUBLISHED = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"


@pytest.mark.skipif(version("check-jsonschema") == "0.33.0", reason="that release has an older copy")
def test_compose_schema_is_the_published_one() -> None:
    told = f"schemas/{COPY.name} is out of date, run: python tests/{Path(__file__).name}"
    assert COPY.read_bytes() == PUBLISHED.read_bytes(), told


def test_compose_schema_has_no_faults_of_its_own() -> None:
    Draft202012Validator.check_schema(json.loads(COPY.read_bytes()))


def test_compose_schema_is_attributed() -> None:
    notice = (COPY.parent.parent / "NOTICE").read_text(encoding="utf-8")
    assert f"schemas/{COPY.name}" in notice
    assert "Apache License" in notice


if __name__ == "__main__":
    COPY.write_bytes(PUBLISHED.read_bytes())
