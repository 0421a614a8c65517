"""What was written in Compose's short form is written so again."""

from __future__ import annotations

import pytest

from tests.stacks import spec_of, stack

SHORT = """\
image: app:1
environment: [A=b]
env_file: [a.env, {path: b.env}]
dns: 1.1.1.1
ulimits: {nofile: 5, nproc: {soft: 1, hard: 2}}
volumes: [/a, "./b:/c:ro,z"]
"""


@pytest.mark.parametrize("name", ["app", "ports", "volumes", "ulimits", "secrets"])
def test_a_service_may_be_named_like_a_part_of_a_service(name: str) -> None:
    lines = "".join(f"  {line}\n" for line in SHORT.splitlines())
    spec = spec_of(stack(f"{name}:\n{lines}"), name)
    assert spec["environment"] == ["A=b"]
    assert spec["env_file"] == ["a.env", {"path": "b.env"}]
    assert (spec["dns"], spec["ulimits"]) == ("1.1.1.1", {"nofile": 5, "nproc": {"soft": 1, "hard": 2}})
    assert spec["volumes"] == ["/a", "./b:/c:ro,z"]
