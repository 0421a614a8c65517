"""Qdrant as an adapter: its strings, and its scripts in real shells against a server that behaves as documented."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
from http.server import HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from compiler.pages.trials.trial import HOSTILE
from compiler.project.connections import render_connection
from compiler.run.workspace import Project
from tests.adapters.plans import build_database, plan_database
from tests.servers import QuietHandler, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.adapters.plans import Plan

TODAY = "2026-11-23"
KEY = 'it\'s "$HOME" `id` #%/@\\ }'
DOCS = ", vector: {collection: docs, dimensions: 3, metric: ip, parameters: {m: 8}}"


def build(options: str = "") -> tuple[Plan | None, list[str]]:
    return build_database(f"adapter: qdrant{options}")


def plan(options: str = "") -> Plan:
    return plan_database(f"adapter: qdrant{options}")


def container(name: str, options: str = "") -> Any:
    return next(one for one in plan(options).containers if one.name == name)


def text(driver: str, options: str = "", key: str = KEY) -> str:
    return render_connection(plan(options).access["db"].network[driver], {"DB_PASSWORD": key})


class Server(HTTPServer):
    """Answers as Qdrant does to what the scripts ask; `key` is None where it asks for none."""

    def __init__(self, certificate: tuple[Path, Path] | None = None) -> None:
        self.key: str | None = KEY
        self.ready = True
        self.collections: dict[str, Any] = {}
        super().__init__(("127.0.0.1", 0), _Answers)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, *_: object) -> None:
        """A client that refuses the certificate hangs up."""


class _Answers(QuietHandler):
    server: Server

    def _refused(self) -> bool:
        if self.path == "/readyz" or self.server.key in (None, self.headers.get("api-key")):
            return False
        self.send_error(401)
        return True

    def do_GET(self) -> None:
        if not self._refused():
            self.send_response(200 if self.server.ready else 503)
            self.end_headers()

    def do_PUT(self) -> None:
        if self._refused():
            return
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = self.path in self.server.collections
        valid = all(one["distance"] in ("Cosine", "Euclid", "Dot") for one in body["vectors"].values())
        self.server.collections.setdefault(self.path, body)
        self.send_response(409 if known else 200 if valid else 422)
        self.end_headers()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled stack with an encrypted database, whose files the scripts read."""
    made = tmp_path_factory.mktemp("stack")
    (made / "stack.yaml").write_text("name: trial\ndatabases: {db: {adapter: qdrant, tls: require}}\n")
    outcome = Project(made / "stack.yaml", made, today=TODAY).compile()
    assert not [one for one in outcome.diagnostics if one.severity == "error"], outcome.diagnostics
    return made


@pytest.fixture
def encrypted(folder: Path) -> Iterator[Server]:
    with serving(Server((folder / "tls/db.crt", folder / "tls/db.key"))) as server:
        yield server


def run(
    script: str, port: int, tmp_path: Path, init: str = "\n", key: str = KEY, authority: Path | None = None
) -> int:
    """Runs a script of the adapter against this machine, with its files in a folder of its own."""
    (tmp_path / "db-password").write_text(key)
    (tmp_path / "init.http").write_text(init)
    script = script.replace("/run/secrets/db-password", str(tmp_path / "db-password"))
    script = script.replace("/etc/stackc/init.http", str(tmp_path / "init.http"))
    script = script.replace("/etc/stackc/tls/ca.crt", str(authority)).replace("'6333'", str(port))
    script = re.sub(r"(tcp/|connect )'db'", r"\g<1>127.0.0.1", script)
    return subprocess.run(["/bin/sh", "-ec", script], capture_output=True, timeout=20, check=False).returncode


def probe(options: str = "") -> str:
    return str(container("db", options).spec["healthcheck"]["test"][1])


def job(options: str = "") -> tuple[str, str]:
    made = container("db-init", options)
    init = next(one.content for one in made.files if one.name == "db-init")
    return made.spec["entrypoint"][2], str(init)


@pytest.mark.parametrize("key", [KEY, "a b", "-n", "%s\\n", "x"])
def test_probe_passes_where_the_key_is_asked_for_and_taken(server: Server, tmp_path: Path, key: str) -> None:
    server.key = key
    assert run(probe(), server.server_port, tmp_path, key=key) == 0


def test_probe_fails_on_a_wrong_key(server: Server, tmp_path: Path) -> None:
    assert run(probe(), server.server_port, tmp_path, key="wrong") != 0


def test_probe_fails_where_no_key_is_asked_for(server: Server, tmp_path: Path) -> None:
    server.key = None
    assert run(probe(), server.server_port, tmp_path) != 0


def test_probe_fails_before_the_server_is_ready_or_there(server: Server, tmp_path: Path) -> None:
    server.ready = False
    assert run(probe(), server.server_port, tmp_path) != 0
    assert run(probe(), 1, tmp_path) != 0


def test_probe_speaks_tls(encrypted: Server, tmp_path: Path) -> None:
    assert run(probe(", tls: require"), encrypted.server_port, tmp_path) == 0
    assert run(probe(", tls: require"), encrypted.server_port, tmp_path, key="wrong") != 0
    assert run(probe(), encrypted.server_port, tmp_path) != 0


def test_job_makes_the_collection_once(server: Server, tmp_path: Path) -> None:
    script, init = job(DOCS)
    for _ in range(2):
        assert run(script, server.server_port, tmp_path, init) == 0
    made = {
        "vectors": {"embedding": {"size": 3, "distance": "Dot"}},
        "hnsw_config": {"m": 8, "ef_construct": 100},
    }
    assert server.collections == {"/collections/docs": made}


def test_job_fails_on_a_wrong_key_a_refused_request_and_a_lost_server(server: Server, tmp_path: Path) -> None:
    script, init = job(DOCS)
    assert run(script, server.server_port, tmp_path, init, key="wrong") != 0
    assert run(script, server.server_port, tmp_path, init.replace("Dot", "Manhattan")) != 0
    assert run(script, 1, tmp_path, init) != 0


def test_job_without_a_collection_logs_in(server: Server, tmp_path: Path) -> None:
    script, init = job()
    assert not init.strip() and run(script, server.server_port, tmp_path, init) == 0
    assert run(script, server.server_port, tmp_path, init, key="wrong") != 0


def test_job_verifies_the_certificate_and_the_host(encrypted: Server, folder: Path, tmp_path: Path) -> None:
    script, init = job(DOCS + ", tls: verify-full")
    authority = folder / "tls/ca.crt"
    assert run(script, encrypted.server_port, tmp_path, init, authority=authority) == 0
    assert run(script, encrypted.server_port, tmp_path, init, authority=folder / "tls/db.crt") != 0
    other = script.replace("-verify_hostname 'db'", "-verify_hostname other")
    assert other != script and run(other, encrypted.server_port, tmp_path, init, authority=authority) != 0


def test_job_in_mode_require_takes_any_certificate(encrypted: Server, tmp_path: Path) -> None:
    script, init = job(DOCS + ", tls: require")
    assert run(script, encrypted.server_port, tmp_path, init) == 0 and encrypted.collections


def test_collection_of_a_framework_is_left_to_it() -> None:
    assert not job(", vector: {dimensions: 3, managed: false}")[1].strip()


@pytest.mark.parametrize(("metric", "distance"), [("cosine", "Cosine"), ("l2", "Euclid"), ("ip", "Dot")])
def test_metric_has_the_name_of_the_engine(metric: str, distance: str) -> None:
    request, body = job(f", vector: {{collection: docs, field: v, dimensions: 5, metric: {metric}}}")[
        1
    ].splitlines()
    assert request == "PUT /collections/docs"
    assert json.loads(body)["vectors"] == {"v": {"size": 5, "distance": distance}}


def test_start_hands_the_key_over_and_fails_without_one(tmp_path: Path) -> None:
    script = (
        container("db")
        .spec["entrypoint"][2]
        .replace("exec ./entrypoint.sh", "printenv QDRANT__SERVICE__API_KEY #")
    )
    file = tmp_path / "key"
    script = script.replace("'/run/secrets/db-password'", str(file))
    for key in (KEY, ""):
        file.write_text(key)
        done = subprocess.run(["/bin/sh", "-ec", script], capture_output=True, text=True, check=False)
        assert (done.returncode == 0, done.stdout) == (bool(key), key and f"{key}\n")


def test_key_is_in_no_file_and_in_no_variable_of_the_plan() -> None:
    environment = container("db", ", tls: verify-full").spec["environment"]
    assert not [name for name in environment if "KEY" in name and not name.startswith("QDRANT__TLS__")]
    assert environment["QDRANT__SERVICE__ENABLE_TLS"] == "true"


@pytest.mark.parametrize("driver", ["qdrant_client", "node", "go", "dotnet"])
@pytest.mark.parametrize("key", [KEY, *(one for one in HOSTILE if one.isascii() and one == one.strip())])
def test_key_arrives_in_the_arguments(driver: str, key: str) -> None:
    arguments = json.loads(text(driver, key=key))
    assert key in arguments.values()


@pytest.mark.parametrize(
    ("mode", "url", "verify"),
    [
        ("off", "http://db:6333", None),
        ("require", "https://db:6333", False),
        ("verify-full", "https://db:6333", True),
    ],
)
def test_client_takes_the_mode_of_tls_and_the_timeout(mode: str, url: str, verify: bool | None) -> None:
    arguments = json.loads(text("qdrant_client", f", tls: {mode}, query_timeout: 1500ms"))
    assert (arguments["url"], arguments.get("verify"), arguments["timeout"]) == (url, verify, 2)


def test_url_has_no_key_in_it() -> None:
    assert text("url", ", tls: require") == "https://db:6333"


def test_grpc_is_published_when_it_is_asked_for() -> None:
    both = ", port: 23080, grpc_port: 23081"
    assert container("db", both).spec["ports"] == ["127.0.0.1:23080:6333", "127.0.0.1:23081:6334"]
    host = plan(both).access["db"].host
    assert json.loads(render_connection(host["go"], {"DB_PASSWORD": "x"}))["Port"] == 23081
    assert "go" not in plan(", port: 23080").access["db"].host


@pytest.mark.parametrize("key", ["schlüssel", " blank", "blank ", "tab\tbed"])
def test_key_that_no_header_holds_is_refused(tmp_path: Path, key: str) -> None:
    (tmp_path / "stack.yaml").write_text("name: trial\ndatabases: {db: {adapter: qdrant}}\n")
    (tmp_path / ".env").write_text(f"DB_PASSWORD='{key}'\n")
    outcome = Project(tmp_path / "stack.yaml", tmp_path, today=TODAY).compile()
    assert [one.id for one in outcome.diagnostics] == ["unusable-password"]
