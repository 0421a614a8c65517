"""What an adapter of one's own may say about its containers."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from compiler.project.connections import mask
from compiler.registry.registry import Registry
from compiler.report import Diagnostic, Report
from compiler.run.passes import compile_document
from compiler.source import parse_yaml
from compiler.source.shipped import BUILT_IN, Folder
from compiler.targets.compose import written_service
from tests.conftest import TODAY

if TYPE_CHECKING:
    from pathlib import Path

    from compiler.project.project import Project

HEAD = "adapter: own\nextends: postgresql\ntitle: Own\n"
HEALTH = "{test: own-client --ping}"
EXPORTER = f"{{image: exporter:1, secrets: [], healthcheck: {HEALTH}"


def build(folder: Path, adapter: str, entry: str = "") -> tuple[Project | None, list[Diagnostic]]:
    (folder / "own.yaml").write_text(HEAD + adapter)
    return compiled(folder, entry)


def compiled(folder: Path, entry: str = "") -> tuple[Project | None, list[Diagnostic]]:
    text = f"name: demo\ndatabases:\n  main: {{adapter: own{entry}}}\n"
    document, report = parse_yaml(text.encode(), "stack.yaml", Report()), Report()
    assert document
    registry = Registry((Folder(folder, "adapters"), BUILT_IN))
    made = compile_document(document, registry, report, environment="local", today=TODAY, source="stack.yaml")
    return made and made.project, list(report)


def test_a_companion_reads_the_private_key_in_the_form_that_it_asks_for(tmp_path: Path) -> None:
    more = "tls: {pem: {holds: [certificate, key]}}, environment: {PEM: '${{ tls.pem }}'}}"
    project, _ = build(tmp_path, f"containers:\n  exporter: {EXPORTER}, {more}\n", ", tls: require")
    assert project
    service = written_service(project, "main-exporter")
    assert service["secrets"] == ["main-exporter-tls-pem"]
    assert service["environment"] == {"PEM": "/run/secrets/main-exporter-tls-pem"}
    assert project.tree["secrets"]["main-exporter-tls-pem"] == {"environment": "MAIN_TLS_PEM"}
    (certificate,) = project.certificates
    assert certificate.files == {"MAIN_TLS_KEY": ["key"], "MAIN_TLS_PEM": ["certificate", "key"]}


def test_other_containers_wait_for_the_server_and_its_job_but_not_for_one_another(tmp_path: Path) -> None:
    project, _ = build(
        tmp_path, f"containers:\n  one: {EXPORTER}}}\n  two: {EXPORTER}, awaited: false, expose: [9188]}}\n"
    )
    assert project
    assert list(project.services["main-two"]["depends_on"]) == ["main", "main-init"]
    assert list(project.ready["main"]) == ["main", "main-init", "main-one"]
    assert project.services["main-two"]["expose"] == [9188]


def test_an_environment_that_is_no_mapping_is_found_in_the_adapter(tmp_path: Path) -> None:
    guard = "{when: not tls.enabled, then: A=b}"
    for name in ("server", "init"):
        _, (one,) = build(tmp_path, f"containers: {{{name}: {{environment: {guard}}}}}\n")
        assert (one.id, one.span.path, one.span.line) == ("wrong-branch", "adapters/own.yaml", 4)


@pytest.mark.parametrize(("when", "address"), [("true", "main-front:6432"), ("tls.enabled", "main:5432")])
def test_clients_connect_to_the_container_that_serves_them(tmp_path: Path, when: str, address: str) -> None:
    front = f"{EXPORTER}, port: 6432, serves: true, when: {when}}}"
    project, _ = build(tmp_path, f"containers: {{front: {front}}}\n")
    assert project
    assert f"@{address}/main" in mask(project.access["main"].network["url"])


CLIENT = """
client: printf '%s,' "$host" "$user" "$secret" "$@"
containers:
  server: {healthcheck: {test: "client 127.0.0.1 ${{ admin }} ${{ secrets.admin_password }} -c 'a b'"}}
  init: {run: "client ${{ server }} ${{ user }} ${{ secrets.password }}"}
"""


@pytest.mark.parametrize("password", ["plain", "it's $HOME `x` \\", "two lines\n\n", " \t", ""])
def test_a_client_gets_the_password_with_all_its_line_breaks(tmp_path: Path, password: str) -> None:
    project, _ = build(tmp_path, CLIENT)
    assert project
    file = tmp_path / "secret"
    file.write_text(password)
    test = project.services["main"]["healthcheck"]["test"][1]
    run = project.services["main-init"]["entrypoint"][2]
    for script, expected in (
        (test, f"127.0.0.1,postgres,{password},-c,a b,"),
        (run, f"main,main,{password},"),
    ):
        for name in ("admin-password", "password"):
            script = script.replace(f"/run/secrets/main-{name}", str(file))
        done = subprocess.run(["/bin/sh", "-ec", script], capture_output=True, check=True)
        assert done.stdout.decode() == expected


def test_a_script_has_the_functions_that_it_calls_and_no_others(tmp_path: Path) -> None:
    start = "containers: {server: {start: 'read_secret /a; exec x'}, init: {run: 'psql-client x'}}"
    project, _ = build(tmp_path, f"{start}\nclient: own-client $secret\n")
    assert project
    scripts = [project.services[name]["entrypoint"][2] for name in ("main", "main-init")]
    assert [("read_secret() {" in script, "client() {" in script) for script in scripts] == [
        (True, False),
        (False, False),
    ]


def test_a_part_of_a_script_is_replaced_or_removed_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        "adapter: base\nextends: neo4j\ntitle: Base\n"
        "containers: {init: {run: {one: echo 1, two: echo 2, three: 'echo ${{ server }}'}}}\n"
    )
    changed = "containers: {init: {run: {one: 'echo one;', two: null, four: echo 4}}}\n"
    (tmp_path / "own.yaml").write_text(f"adapter: own\nextends: base\ntitle: Own\n{changed}")
    project, found = compiled(tmp_path)
    assert project, found
    assert project.services["main-init"]["entrypoint"][2] == "echo one;\necho 'main'\necho 4\n"


def test_a_fault_in_a_part_of_a_script_is_told_at_its_line(tmp_path: Path) -> None:
    parts = "    run:\n      one: 'echo ${{ hots }}'\n      two: echo 2\n"
    _, (one,) = build(tmp_path, f"containers:\n  init:\n{parts}")
    assert (one.id, one.span.path, one.span.line) == ("expression", "adapters/own.yaml", 7)


def test_a_client_fails_where_its_password_is_not_there(tmp_path: Path) -> None:
    project, _ = build(tmp_path, CLIENT)
    assert project
    done = subprocess.run(
        ["/bin/sh", "-c", project.services["main"]["healthcheck"]["test"][1]], capture_output=True
    )
    assert (done.returncode, done.stdout) == (1, b"")


def test_a_client_is_told_about_in_its_own_line(tmp_path: Path) -> None:
    _, (one,) = build(tmp_path, "client: own-client ${{ hots }}\n")
    assert (one.id, one.span.path, one.span.line) == ("expression", "adapters/own.yaml", 4)


def test_a_script_that_calls_a_client_of_no_adapter_is_told(tmp_path: Path) -> None:
    _, found = build(tmp_path, "client: null\n")
    assert {(one.id, one.span.path) for one in found} == {("unknown-reference", "adapters/postgresql.yaml")}
    assert found[0].message == "this script calls `client`, and the adapter has none"
    own = "{run: 'client() { true; }; client x', shell: null}"
    health = "healthcheck: {test: 'psql -f ${{ secrets.password }} # client x'}"
    project, found = build(tmp_path, f"client: null\ncontainers: {{server: {{{health}}}, init: {own}}}\n")
    assert project and not found
