"""No input makes the command hang, take all memory or end in a traceback: each is a finding with a place and a help.

Each case runs as a process of its own that may take no more than this much memory and time.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

MEMORY = 300 << 20
# Of processor time, far above the two seconds that all cases stay under, as machines of a suite are slow and busy.
SECONDS = 10
STACK = "name: demo\ndatabases:\n  main:\n    adapter: mine\n"
LETTERS = "a" * 5000 + "!"
SLOW = ["^(a+)+$", "^(a|aa)+$", "(a|a)*b", "^(.*a){20}$", "^a*a*a*a*a*a*b$", "^(?:(?:a?){30}){30}b$"]


class Ended(NamedTuple):
    status: int
    findings: list[dict[str, Any]]
    told: str


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def run(folder: Path, files: dict[str, str | bytes], command: str = "compile", status: int = 1) -> Ended:
    """Runs a command on the files in a process with bounds, and checks how it ends."""
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            "from compiler.cli import main; main()",
            command,
            "stack.yaml",
            "--format",
            "json",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
    )
    assert ended.returncode == status, ended.stderr[-2000:]
    assert "Traceback" not in ended.stderr
    found = json.loads(ended.stdout) if ended.stdout.strip() else []
    findings = found if isinstance(found, list) else found["findings"]
    assert all(one["help"] or one["id"] == "expression" for one in findings)
    return Ended(ended.returncode, findings, ended.stdout)


def adapter(**sections: Any) -> str:
    return json.dumps({"adapter": "mine", "extends": "postgresql", "title": "Mine", **sections})


def ids(ended: Ended) -> set[str]:
    return {one["id"] for one in ended.findings}


def stack(environment: dict[str, str]) -> str:
    return json.dumps(
        {"name": "demo", "services": {"app": {"image": "nginx:1.29-alpine", "environment": environment}}}
    )


@pytest.mark.parametrize("pattern", SLOW)
def test_a_pattern_of_an_option_ends(tmp_path: Path, pattern: str) -> None:
    options = {"word": {"type": "string", "description": "A word", "pattern": pattern}}
    files = {"stack.yaml": f"{STACK}    word: {LETTERS}\n", "adapters/mine.yaml": adapter(options=options)}
    assert ids(run(tmp_path, files)) <= {"slow-pattern", "wrong-format"}


def test_a_pattern_of_a_user_and_of_a_password_ends(tmp_path: Path) -> None:
    form = {"pattern": "^(a|aa)+$"}
    user = {
        "stack.yaml": f"{STACK}    user: {'a' * 60}-\n",
        "adapters/mine.yaml": adapter(credentials={"user": form}),
    }
    assert ids(run(tmp_path, user)) == {"slow-pattern"}
    password = {
        "stack.yaml": STACK,
        "adapters/mine.yaml": adapter(secrets={"password": {"pattern": "^([A-Za-z0-9]+)+$"}}),
        ".env": f"MAIN_PASSWORD={LETTERS}-\n",
    }
    assert ids(run(tmp_path, password)) == {"slow-pattern"}


@pytest.mark.parametrize("pattern", ["(" * 3000 + "a" + ")" * 3000, "a{99999999999}"])
def test_a_pattern_that_cannot_be_read_is_told(tmp_path: Path, pattern: str) -> None:
    options = {"word": {"type": "string", "description": "A word", "pattern": pattern}}
    files = {"stack.yaml": STACK, "adapters/mine.yaml": adapter(options=options)}
    assert ids(run(tmp_path, files)) == {"option-schema"}


def test_a_volume_of_many_brackets_ends(tmp_path: Path) -> None:
    service = {"image": "nginx:1.29-alpine", "volumes": ["[a]" * 40 + "::"]}
    run(tmp_path, {"stack.yaml": json.dumps({"name": "demo", "services": {"app": service}})})


def test_text_that_expressions_make_is_bounded(tmp_path: Path) -> None:
    chain = "'aaaaaaaaaa'" + " | replace('a', 'aaaaaaaaa')" * 4
    many = stack({f"V{index}": f"${{{{ {chain} }}}}" for index in range(5000)})
    assert ids(run(tmp_path, {"stack.yaml": many})) == {"expression", "too-many-findings"}
    assert ids(run(tmp_path, {"stack.yaml": stack({"V": f"${{{{ {chain} }}}}" * 5000})})) == {"expression"}


@pytest.mark.parametrize("then", ["y" * 300, {"a": ["z" * 40] * 1000}])
def test_rounds_of_each_are_bounded(tmp_path: Path, then: Any) -> None:
    numbers = {
        "type": "array",
        "items": {"type": "integer"},
        "description": "Numbers",
        "default": [*range(9000)],
    }
    loop = {"each": "options.numbers", "then": then}
    command = ["postgres", *[loop] * 8]
    made = adapter(options={"numbers": numbers}, containers={"server": {"command": command}})
    assert "expression" in ids(run(tmp_path, {"stack.yaml": STACK, "adapters/mine.yaml": made}))


def test_many_unknown_names_beside_many_known_ones(tmp_path: Path) -> None:
    service = {"image": "nginx:1.29-alpine", "secrets": [f"name_of_{index:05}" for index in range(5000)]}
    known = {f"name_for_{index:05}": {"generate": "hex"} for index in range(1000)}
    files = {"stack.yaml": json.dumps({"name": "demo", "services": {"app": service}, "secrets": known})}
    assert "unknown-secret" in ids(run(tmp_path, files, "check"))


@pytest.mark.parametrize("text", ["${{ nope%d + 1 }}", "${{ a b%d }}", "${{ databases.x%d.url }}"])
def test_many_wrong_expressions(tmp_path: Path, text: str) -> None:
    run(tmp_path, {"stack.yaml": stack({f"V{index}": text % index for index in range(5000)})}, "check")


@pytest.mark.parametrize("value", ["${A:-" * 2000 + "}" * 2000, "${A:-" * 20000])
def test_variables_inside_of_one_another(tmp_path: Path, value: str) -> None:
    ended = run(tmp_path, {"stack.yaml": stack({"A": value})}, "check")
    assert ids(ended) == {"variable-syntax"}


@pytest.mark.parametrize("quote", ['"', ""])
def test_references_of_env_inside_of_one_another(tmp_path: Path, quote: str) -> None:
    files = {"stack.yaml": stack({}), ".env": f"A={quote}{'${A-' * 20000}{quote}\n"}
    assert ids(run(tmp_path, files)) == {"env-syntax"}


@pytest.mark.parametrize(
    "sections",
    [
        {"containers": {"server": {"tmpfs": ["${{ password }}"]}}},
        {"rules": [{"when": "true", "message": "it is", "help": "${{ password }}"}]},
        {"options": {"needs": {"type": "string", "description": "What it needs"}}},
        {"options": {"port": {"type": "string", "description": "A port", "default": "y"}}},
        {"credentials": {"user": {"pattern": "^\\$"}}},
    ],
)
def test_a_fault_of_an_adapter_is_told(tmp_path: Path, sections: dict[str, Any]) -> None:
    files = {"stack.yaml": f"{STACK}    read_only: true\n", "adapters/mine.yaml": adapter(**sections)}
    assert ids(run(tmp_path, files)) <= {"expression", "option-schema", "wrong-format"}


APP = {"image": "nginx:1.29-alpine"}
# As many of each as a file of one MiB has room for, about.
LARGE: dict[str, dict[str, Any]] = {
    "services": {"services": {f"s{index}": APP for index in range(20_000)}},
    "empty services": {"services": {f"s{index}": None for index in range(50_000)}},
    "databases": {"databases": {f"d{index}": {"adapter": "postgresql"} for index in range(20_000)}},
    "secrets": {"services": {"app": APP}, "secrets": {f"s{index}": "Zq9xVal7" for index in range(30_000)}},
    "environments": {
        "services": {"app": APP},
        "environments": {f"e{index}": {"services": {"app": {"image": 1}}} for index in range(15_000)},
    },
    "changes": {
        "services": {"app": APP},
        "environments": {"test": {"services": {f"s{index}": {"image": 1} for index in range(30_000)}}},
    },
    "options": {"services": {"app": {**APP, **{f"o{index}": 1 for index in range(50_000)}}}},
    "expressions": {
        "services": {"app": {**APP, "environment": {f"V{n}": f"${{{{ 1 + {n} }}}}" for n in range(25_000)}}}
    },
    "names": {
        "services": {
            "app": {**APP, "environment": {f"V{n}": f"${{{{ secrets.s{n} }}}}" for n in range(25_000)}}
        }
    },
}


@pytest.mark.parametrize("kind", LARGE)
def test_very_many_of_one_kind_are_refused_at_once(tmp_path: Path, kind: str) -> None:
    run(tmp_path, {"stack.yaml": json.dumps({"name": "demo", **LARGE[kind]})}, "check")


def test_just_as_many_as_are_taken_are_no_slower(tmp_path: Path) -> None:
    ports = [f"127.0.0.1:{index}:80" for index in range(1, 13_000)]
    files = {"stack.yaml": json.dumps({"name": "demo", "services": {"app": {**APP, "ports": ports}}})}
    run(tmp_path, files, status=0)


@pytest.mark.parametrize("count", [200, 201])
def test_very_many_adapters_are_refused_at_once(tmp_path: Path, count: int) -> None:
    stack = "name: demo\ndatabases: {main: {adapter: nobody}}\n"
    files = {f"adapters/a{index}.yaml": adapter(aliases=[f"b{index}"]) for index in range(count)}
    found = ids(run(tmp_path, {"stack.yaml": stack, **files}))
    assert found == {"too-many-adapters" if count > 200 else "unknown-adapter"}
