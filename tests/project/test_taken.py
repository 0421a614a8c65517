"""What Compose takes, a stack takes, and means the same by it: the real Compose reads both and is the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from compiler.source.numbers import as_compose_reads
from compiler.source.text import resolve as resolve_scalar
from tests.compose import config
from tests.project.test_pasted import on_loopback
from tests.stacks import DATABASE, compile_text, findings, project_of, resolve, spec_of, stack

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = """
    022 20_000_000 0o17 1e3 1.50 0x1F yes 12:30 08 +1 .5 1_0.5 -022 0b11 8.0 0.1e-7 1234567890123456789012 1e30 0777
    1__0 1_ _1 1e20 0.00001 18446744073709551615 3.10 1. 0O17 0X1f +.5 .5e3 0x 0_7 123456789.5 0b2 ._5 1e400 0o8 -0x1F
    00 1e-400 1e5 1e6 -1.5e-7 '022' "1e3" 2024-13-45 - -- 1-2 1.2.3
"""
TAKEN = {
    "disjoint profiles share a port and a name": """
  a: {image: x, container_name: ollama, ports: ["11434:11434"], profiles: [cpu]}
  b: {image: x, container_name: ollama, ports: ["11434:11434"], profiles: [gpu, "a b"]}
  c: {image: x, ports: ["11434-11436:11434-11436"], profiles: [other]}
""",
    "an empty profile": """
  a: {image: x, profiles: ['', weaviate], ports: ["80:80"]}
  b: {image: x, profiles: [gpu], ports: ["80:80"]}
  c: {image: x, depends_on: [a]}
""",
    "hyphens and dots in the names of secrets": """
  a: {image: x, secrets: [db-password, 1st, a.b, _c]}
secrets:
  db-password: {file: ./password.txt}
  1st: {environment: FIRST}
  a.b: {file: ./password.txt, name: other, labels: [a=b], x-note: kept}
  _c: {environment: _TOKEN}
""",
    "external secrets and configs": """
  a: {image: x, secrets: [one, two], configs: [three]}
secrets: {one: {external: true}, two: {external: true, name: other}}
configs: {three: {external: true}}
""",
    "variables of Compose in a container": """
  a: {image: x, environment: {COMPOSE_PROFILES: x, DOCKER_HOST: "unix:///a", N: "${COMPOSE_PROJECT_NAME}-x"}}
""",
    "variables in depends_on": """
  a: {image: x, depends_on: ["${NONE:-postgres}", "${NAMED}"]}
  postgres: {image: x}
  other: {image: x}
""",
    "the same item twice": """
  a:
    image: x
    environment: [TZ=UTC, A=1, TZ=UTC]
    ports: ["80:80", "80:80"]
    cap_add: [SYS_ADMIN, SYS_ADMIN]
    labels: [a=b, a=b]
    dns: [1.1.1.1, 1.1.1.1]
    expose: [80, 80]
    volumes: ["data:/a", "data:/a"]
    tmpfs: [/b, /b]
volumes: {data: {}}
""",
    "tags": """
  a:
    image: x
    ports: !reset ["80:80"]
    command: !reset null
    volumes: ["/a:/a", !reset "/b:/b"]
    environment: !override
      !!merge <<: *shared
      B: "2"
  b: !reset {image: x}
x-shared: &unused {}
""",
    "models": """
  a: {image: x, models: [llm]}
  b: {image: x, models: {llm: {endpoint_var: URL, model_var: MODEL}}}
models:
  llm: {model: ai/smollm2, context_size: 1_024}
""",
    "a port in a variable": """
  a: {image: x, ports: ["${WHOLE}", "$WHOLE/udp", "${NONE:-90}"]}
""",
    "numbers": f"""
  a:
    image: x
    cpu_shares: 1_000
    environment: {{{", ".join(f"V{n}: {text}" for n, text in enumerate(NUMBERS.split()) if text != "-")}}}
    labels: {{a: 1.50, b: 1e3}}
    healthcheck: {{test: a, retries: 0x5}}
""",
    "a network named databases": """
  a: {image: x, networks: [databases]}
networks: {databases: {external: true}}
""",
}
VALUES = "NAMED=other\nWHOLE=99:99\nFIRST=1\n_TOKEN=2\n"
HEAD = 'name: demo\nx-common: &shared {A: "1"}\n'


def judged(folder: Path, text: str) -> dict[str, Any]:
    (folder / "docker-compose.yml").write_text(text)
    (folder / ".env").write_text(VALUES)
    expected = config(folder)
    (folder / "docker-compose.yml").unlink()
    return expected


@pytest.mark.parametrize("name", TAKEN)
def test_what_compose_takes_means_the_same_in_a_stack(name: str, tmp_path: Path) -> None:
    (tmp_path / "password.txt").write_text("x")
    text = f"{HEAD}services:{TAKEN[name]}"
    expected = judged(tmp_path, text)
    if name != "a port in a variable":
        on_loopback(expected)
    found = resolve(text, tmp_path, VALUES)
    for service in found["services"].values():
        # What is mounted from .env makes Compose recreate a service when it changes.
        if service.get("labels", {}).keys() == {"stackc.secrets-sha256"}:
            del service["labels"]
    for section in ("name", "services", "volumes", "networks", "configs", "secrets", "models"):
        assert found.get(section) == expected.get(section)


@pytest.mark.parametrize("name", TAKEN)
def test_it_lives_beside_a_database(name: str, tmp_path: Path) -> None:
    (tmp_path / "password.txt").write_text("x")
    text = f"{HEAD}services:{TAKEN[name]}{DATABASE}"
    assert {"main", "main-init"} < resolve(text, tmp_path, VALUES)["services"].keys()


@pytest.mark.parametrize("text", ["022", "1_000", "0x1F", "3.10"])
def test_the_version_of_a_database_stays_as_it_is_written(text: str) -> None:
    assert resolve_scalar(text) == text
    assert as_compose_reads(resolve_scalar(text)) != text


def test_services_that_meet_only_where_a_profile_is_active_are_warned_of() -> None:
    services = """
        a: {image: x, container_name: nn, ports: ["80:80"]}
        b: {image: x, container_name: nn, ports: ["80:80"], profiles: [p]}
    """
    told = {one.id: one.severity for one in compile_text(stack(services))[1]}
    assert told == {"duplicate-container-name": "warning", "duplicate-port": "warning"}
    met = services.replace("profiles: [p]", "profiles: ['']")
    told = {one.id: one.severity for one in compile_text(stack(met))[1]}
    assert told == {"duplicate-container-name": "error", "duplicate-port": "error"}


def test_an_included_file_is_read_by_compose(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "base.yml").write_text(
        "services: {base: {image: x, env_file: a.env}}\nnetworks: {n: {}}\nvolumes: {data: {}}\n"
    )
    (tmp_path / "more" / "a.env").write_text("A=1\n")
    text = (
        """
name: demo
include:
  - {path: more/base.yml, env_file: more/a.env}
services:
  a: {image: x, depends_on: [base], networks: [n], volumes: ["data:/a"], uses: [main]}
"""
        + DATABASE
    )
    found = resolve(text, tmp_path)["services"]
    assert found["base"]["environment"] == {"A": "1"}
    assert {"base", "main", "main-init"} == found["a"]["depends_on"].keys()
    assert resolve("name: demo\ninclude: [more/base.yml]\n", tmp_path)["services"].keys() == {"base"}


def test_an_included_file_is_found_from_another_folder(tmp_path: Path) -> None:
    text = "name: demo\ninclude: [b.yml, {path: [c.yml], project_directory: ., env_file: [d.env]}]\n"
    compiled, _ = compile_text(text, base="..")
    assert compiled
    assert compiled.project.include == [
        {"path": ["../b.yml"]},
        {"path": ["../c.yml"], "project_directory": "..", "env_file": ["../d.env"]},
    ]


def test_a_secret_with_a_hyphen_can_be_named(tmp_path: Path) -> None:
    text = """
name: demo
services:
  a: {image: x, environment: {P: "${{ secrets.db-password }}"}, secrets: [db-password]}
databases: {main: {adapter: redis, password: "${{ secrets.db-password }}"}}
secrets: {db-password: {generate: hex}}
"""
    found = resolve(text, tmp_path, "DB_PASSWORD=abc\n")
    assert found["services"]["a"]["environment"] == {"P": "abc"}
    assert found["secrets"]["main-password"]["environment"] == "DB_PASSWORD"


def test_a_variable_in_depends_on_is_written_out_beside_a_database() -> None:
    services = "a: {image: x, depends_on: ['${DB:-main}', '${C:-b}', '${D}']}\nb: {image: x}"
    assert spec_of(stack(services, DATABASE), "a")["depends_on"].keys() == {"b", "main", "main-init"}
    assert [id for id, _ in findings(stack(services, DATABASE))] == ["variable-dependency"] * 3


@pytest.mark.parametrize(
    ("written", "folder", "name"),
    [
        ("", "My.App", "myapp"),
        ("name: ''\n", "_-web_1", "web_1"),
        ("name: Abc.De\n", "x", "abcde"),
        ("name: demo\n", "x", "demo"),
        ("", "l" * 100, "l" * 100),
    ],
)
def test_a_stack_is_named_as_compose_names_a_project(
    written: str, folder: str, name: str, tmp_path: Path
) -> None:
    place = tmp_path / folder
    place.mkdir()
    text = f"{written}services: {{a: {{image: x}}}}\n"
    assert judged(place, text)["name"] == resolve(text, place)["name"] == name


@pytest.mark.parametrize(("dotenv", "name"), [("", "web"), ("X=My.App\n", "myapp")])
def test_a_name_may_stand_in_a_variable(dotenv: str, name: str, tmp_path: Path) -> None:
    text = 'name: ${X:-web}\nservices: {a: {image: x, environment: {N: "${{ stack.name }}"}}}\n'
    assert resolve(text, tmp_path, dotenv)["name"] == name


def test_a_name_that_nothing_sets_is_told() -> None:
    text = "services: {a: {image: x}}\n"
    assert [id for id, _ in findings(text)] == ["missing-option"]
    assert [id for id, _ in findings(f"name: ___\n{text}")] == ["wrong-format"]
    assert [id for id, _ in findings(f"name:\n{text}")] == ["wrong-type"]


def test_an_old_version_is_a_hint() -> None:
    (one,) = compile_text('version: "3.8"\nname: demo\nservices: {a: {image: "x:1"}}\n')[1]
    assert (one.id, one.severity) == ("obsolete-version", "warning")


def test_a_network_of_the_user_is_not_that_of_the_databases(tmp_path: Path) -> None:
    networks = "networks: {databases: {external: true}, stackc-databases: null}\n"
    services = "a: {image: x, networks: [databases], uses: [main]}\nb: {image: x, networks: [databases]}"
    found = resolve(stack(services, f"{DATABASE}{networks}"), tmp_path)
    assert found["services"]["a"]["networks"].keys() == {"databases", "stackc-stackc-databases"}
    assert found["services"]["b"]["networks"].keys() == {"databases"}
    assert found["networks"]["databases"]["external"] is True
    assert found["networks"]["stackc-stackc-databases"]["internal"] is True


def test_configs_of_a_read_only_service_are_files(tmp_path: Path) -> None:
    text = """
name: demo
services:
  a: {image: x, read_only: "${RO:-true}", configs: [plain, taken, named, site]}
  b: {image: x, configs: [plain]}
databases: {main: {adapter: redis}}
configs:
  plain: {content: "cost $$5 in ${COMPOSE_PROJECT_NAME}"}
  taken: {content: "a ${A} $A ${A:-b} ${B:-c} ${E:-f} ${A:?not set}"}
  named: {environment: A}
  site: {content: "url=${{ databases.main.url }}", name: site}
"""
    found = resolve(text, tmp_path, "A=$$x\nE=\n")
    paths = {
        name: one["file"] for name, one in found["configs"].items() if name in ("plain", "taken", "named")
    }
    texts = {
        name: (tmp_path / "stack.yaml").parent.joinpath(path).read_text() for name, path in paths.items()
    }
    assert texts == {"plain": "cost $5 in demo", "taken": "a $x $x $x c f $x", "named": "$x"}
    assert "redis://main:" in (tmp_path / "secrets" / "config-site").read_text()
    assert found["services"]["a"]["labels"].keys() == {"stackc.config-sha256", "stackc.secrets-sha256"}
    assert "labels" not in found["services"]["b"]


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ("content: '${A:+b}'", "read-only-config"),
        ("content: '${A:-${B}}'", "read-only-config"),
        ("content: '${{ nope }}'", "unknown-reference"),
        ("environment: '${A}'", "read-only-config"),
        ("environment: '${{ secrets.s }}'", "read-only-config"),
        ("environment: a b", "read-only-config"),
    ],
)
def test_a_config_that_nobody_can_write_as_a_file_is_told(config: str, code: str) -> None:
    rest = f"configs: {{c: {{{config}}}}}\nsecrets: {{s: {{generate: hex}}}}\n"
    assert [id for id, _ in findings(stack("a: {image: x, read_only: true, configs: [c]}", rest))] == [code]


def test_a_job_that_nothing_waits_for_is_waited_for() -> None:
    services = (
        "setup: {image: x, restart: 'no', uses: [main]}\nweb: {image: x, restart: 'no', ports: ['80:80']}"
    )
    gate = spec_of(stack(services, DATABASE), "stackc-ready")
    assert gate["depends_on"] == {"setup": {"condition": "service_completed_successfully"}}
    assert gate["image"].startswith("pgvector/")


@pytest.mark.parametrize(
    ("job", "client", "is_awaited"),
    [
        ("", "", False),
        ("", "profiles: [x],", True),
        ("", "scale: 0,", True),
        ("profiles: [x],", "profiles: [x, y],", False),
        ("profiles: [x, y],", "profiles: [x],", True),
        ("deploy: {mode: replicated-job},", "", False),
    ],
)
def test_a_job_is_waited_for_where_its_client_may_not_be_there(
    job: str, client: str, is_awaited: bool
) -> None:
    wait = "depends_on: {setup: {condition: service_completed_successfully}}"
    services = f"setup: {{image: x, {job}}}\napp: {{image: x, {client} {wait}}}"
    gate = project_of(stack(services, DATABASE)).services["stackc-ready"]
    assert ("setup" in gate["depends_on"]) == is_awaited


def test_a_job_of_swarm_is_a_job() -> None:
    gate = project_of(stack("setup: {image: x, deploy: {mode: global-job}}", DATABASE)).services[
        "stackc-ready"
    ]
    assert "setup" in gate["depends_on"]


def test_x_compose_resets_what_stackc_says() -> None:
    text = (
        "name: demo\ndatabases: {main: {adapter: redis, x-compose: {ulimits: !reset null, shm_size: 0x10}}}\n"
    )
    assert "ulimits" not in spec_of(text, "main")
    assert spec_of(text, "main")["shm_size"] == 16
    assert ("unknown-tag", "dns") in findings(text.replace("shm_size: 0x10", "dns: !override [a]"))


def test_an_environment_resets_and_overrides() -> None:
    text = """
name: demo
services: {a: {image: x, labels: {a: b}, environment: {A: "1"}}}
environments: {local: {services: {a: {labels: !reset {}, environment: !override {B: 022}}}}}
"""
    assert spec_of(text, "a") == {"image": "x", "environment": {"B": "18"}}
