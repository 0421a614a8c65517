from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from compiler.model import Raw
from compiler.run.workspace import Project
from compiler.targets.compose import written_service
from tests.compose import config
from tests.stacks import compile_text

if TYPE_CHECKING:
    from pathlib import Path

# A part of a service, and how it is rendered into a folder inside that of the stack.
SERVICE = r"""
build: ./app                                     -> build: ../app
build: app                                       -> build: ../app
build: .                                         -> build: ..
build: https://example.com/app.git               -> build: https://example.com/app.git
build: '${C:-https://example.com/app.git}'       -> build: '${C:-https://example.com/app.git}'
build: {context: app, dockerfile: ../x}          -> build: {context: ../app, dockerfile: ../x}
build: {additional_contexts: {a: ./a}}           -> build: {additional_contexts: {a: ../a}}
build: {additional_contexts: {a: 'oci-layout://b'}} -> build: {additional_contexts: {a: 'oci-layout://b'}}
build: {additional_contexts: [a=./a]}            -> build: {additional_contexts: [a=../a]}
build: {ssh: [default, key=./id]}                -> build: {ssh: [default, key=../id]}
env_file: app.env                                -> env_file: ../app.env
env_file: [.env, {path: ./a.env}]                -> env_file: [.env, {path: ../a.env}]
env_file: '${E:-.env}'                           -> env_file: '${E:-.env}'
label_file: ./labels                             -> label_file: ../labels
extends: {file: common.yml, service: a}          -> extends: {file: ../common.yml, service: a}
extends: base                                    -> extends: base
develop: {watch: [{path: ./src, action: rebuild}]}  -> develop: {watch: [{path: ../src, action: rebuild}]}
volumes: ['./a:/a:ro', '../b:/b', '.:/c']        -> volumes: ['../a:/a:ro', '../../b:/b', '..:/c']
volumes: ['data:/a', '/b:/b', '~/c:/c', /d]      -> volumes: ['data:/a', '/b:/b', '~/c:/c', /d]
volumes: ['${A:-./a}:/a', '${B:-data}:/b']       -> volumes: ['${A:-../a}:/a', '${B:-data}:/b']
volumes: ['$C:/c', '${D}/x:/d']                  -> volumes: ['$C:/c', '${D}/x:/d']
volumes: [{type: bind, source: a, target: /a}]   -> volumes: [{type: bind, source: ../a, target: /a}]
volumes: [{type: volume, source: a, target: /a}] -> volumes: [{type: volume, source: a, target: /a}]
""".strip().splitlines()


@pytest.mark.parametrize("line", SERVICE)
def test_a_path_of_this_machine_is_reached_by_way_of_the_output(line: str) -> None:
    written, rendered = (yaml.safe_load(part) for part in line.split("->"))
    assert rebased(written, "..") == rendered


def rebased(written: dict[str, Any], base: str) -> dict[str, Any]:
    """Returns what is written for a service when the files are rendered elsewhere."""
    services = {"app": {"image": "a", **written}, "base": {"image": "b"}}
    compiled, found = compile_text(yaml.safe_dump({"name": "demo", "services": services}), base)
    assert compiled, found
    spec = written_service(compiled.project, "app")
    return {key: spec[key] for key in written}


def test_beside_the_stack_nothing_changes() -> None:
    written = {"build": ".", "volumes": ["./a:/a"], "env_file": "app.env"}
    assert rebased(written, "") == written


def test_the_syntax_of_compose_stays_its_own() -> None:
    assert type(rebased({"build": "./$A"}, "..")["build"]) is Raw


@pytest.mark.parametrize(
    ("base", "rendered"), [("sub", "./sub/app"), ("../..", "../../app"), ("../x", "../x/app")]
)
def test_a_rebased_path_is_never_taken_for_a_volume(base: str, rendered: str) -> None:
    assert rebased({"volumes": ["./app:/a"]}, base) == {"volumes": [f"{rendered}:/a"]}


STACK = """\
name: demo
services:
  app:
    build: {context: ./app, additional_contexts: {lib: ./lib}}
    env_file: [app.env]
    volumes: ["./data:/data", "named:/named", {type: bind, source: ./conf, target: /conf}]
    secrets: [token]
    configs: [settings]
    develop: {watch: [{path: ./app, action: rebuild}]}
secrets: {token: {file: ./token}}
configs: {settings: {file: ./settings}}
volumes:
  named: {driver: local, driver_opts: {type: none, o: bind, device: ./device}}
"""


def resolved(stack: Path, output: Path) -> dict[str, Any]:
    outcome = Project(stack, output, today="2026-01-01").compile()
    assert not [one for one in outcome.diagnostics if one.severity == "error"]
    return config(output)


@pytest.mark.parametrize("place", ["out", "out/deep", "../beside", ".."])
def test_another_output_folder_reaches_the_same_files(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "tree" / "stack"
    (folder / "app").mkdir(parents=True)
    (folder / "app.env").write_text("A=1\n")
    (folder / "stack.yaml").write_text(STACK)
    here = resolved(folder / "stack.yaml", folder)
    assert str(folder / "conf") in str(here)
    assert resolved(folder / "stack.yaml", folder / place) == here


def test_the_rendered_file_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "app.env").touch()
    (tmp_path / "stack.yaml").write_text(STACK)
    Project(tmp_path / "stack.yaml", tmp_path / "out", today="2026-01-01").compile()
    assert str(tmp_path) not in (tmp_path / "out" / "docker-compose.yml").read_text()
