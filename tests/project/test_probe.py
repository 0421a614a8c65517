from __future__ import annotations

import shutil
import subprocess
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from compiler.project.services import build_probe
from tests.servers import QuietHandler, serving
from tests.stacks import entry, findings, only, spec_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLIENTS = [name for name in ("curl", "wget", "bash") if shutil.which(name)]
ODD_PATH = "/a%20b/c;d&e=(f)|g*h#?i<j>k!l{m}~n%s"


class Handler(QuietHandler):
    def do_GET(self) -> None:
        status = {"/missing": 404, "/broken": 500, "/moved": 302}.get(self.path, 200)
        if self.path.startswith("/exact") and not unquote(self.path).startswith(
            f"/exact{unquote(ODD_PATH).partition('#')[0]}"
        ):
            status = 400
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield server.server_port


def probe(folder: Path, client: str, port: int, path: str = "/") -> subprocess.CompletedProcess[str]:
    """Runs the probe where that client is the only one."""
    found = shutil.which(client)
    if found:
        (folder / client).symlink_to(found)
    environment = {
        "PATH": str(folder),
        "http_proxy": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }
    command = ["/bin/sh", "-c", build_probe(port, path)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("path", ["/", "/moved", f"/exact{ODD_PATH}"])
def test_a_service_that_answers_is_healthy(client: str, path: str, port: int, tmp_path: Path) -> None:
    done = probe(tmp_path, client, port, path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("path", ["/missing", "/broken"])
def test_a_service_that_answers_with_an_error_is_not(
    client: str, path: str, port: int, tmp_path: Path
) -> None:
    assert probe(tmp_path, client, port, path).returncode != 0


@pytest.mark.parametrize("client", CLIENTS)
def test_a_closed_port_is_unhealthy(client: str, tmp_path: Path) -> None:
    assert probe(tmp_path, client, 9).returncode != 0


def test_an_image_without_a_client_says_what_to_do(port: int, tmp_path: Path) -> None:
    done = probe(tmp_path, "none", port)
    assert done.returncode == 1
    assert "write healthcheck.test instead" in done.stderr


def test_the_probe_takes_the_exposed_port_and_leaves_the_rest_alone() -> None:
    health = spec_of(entry("expose: ['3000']\nports: ['80:8080']\nhealthcheck: {http: /up, retries: 9}"))[
        "healthcheck"
    ]
    assert health["test"] == ["CMD-SHELL", build_probe(3000, "/up")]
    assert (health["retries"], health["interval"]) == (9, "10s")


def test_the_port_may_be_written_out() -> None:
    health = spec_of(entry("healthcheck: {http: {path: /up, port: 81}}"))["healthcheck"]
    assert health["test"] == ["CMD-SHELL", build_probe(81, "/up")]


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [
        ("1m", 59),
        ("1m1.5s", 60),
        ("500ms", 1),
        ("${T}", 4),
        ("${{ stack.name }}", 4),
        ("9" * 400 + "s", None),
    ],
)
def test_a_client_waits_less_than_compose(timeout: str, seconds: int | None) -> None:
    health = spec_of(entry(f"expose: [80]\nhealthcheck: {{http: /, timeout: '{timeout}'}}"))["healthcheck"]
    assert seconds is None or health["test"] == ["CMD-SHELL", build_probe(80, "/", seconds)]


def test_a_probe_without_a_port_is_refused() -> None:
    assert only(entry("healthcheck: {http: /}")).id == "missing-port"


def test_two_kinds_of_probe_exclude_each_other() -> None:
    assert findings(entry("expose: [80]\nhealthcheck: {http: /, test: x}")) == [
        ("health-check-twice", "http")
    ]
