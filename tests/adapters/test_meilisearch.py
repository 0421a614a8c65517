"""Meilisearch as an adapter that is dropped in beside a stack: its scripts and clients against its documented API."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from compiler.project.connections import render_connection
from compiler.report import Report
from compiler.run.workspace import Project
from tests.adapters.plans import Plan
from tests.conftest import TODAY
from tests.servers import QuietHandler, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "k'\"\\$(x)`{}#%&;,~-0123456789"
needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl, which the image has")


class Api(QuietHandler):
    """The documented answers to what the scripts and clients ask; https://www.meilisearch.com/docs/reference/api."""

    indexes: ClassVar[dict[str, Any]] = {}
    asked: ClassVar[list[str]] = []
    polls: ClassVar[int] = 0

    def _answer(self, status: int, body: object) -> None:
        self.answer(status, body, separators=(",", ":"))

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append(f"{self.command} {self.path}")
        steps = self.path.strip("/").split("/")
        if self.headers["Authorization"] != f"Bearer {KEY}":
            self._answer(403, {"code": "invalid_api_key"})
        elif steps == ["version"]:
            self._answer(200, {"pkgVersion": "1.53.1", "commitSha": "x", "commitDate": "x"})
        elif steps[0] == "tasks":
            Api.polls += 1
            last = "failed" if "broken" in self.indexes else "succeeded"
            self._answer(200, {"uid": int(steps[1]), "status": "processing" if self.polls % 2 else last})
        elif self.command == "PATCH":
            self.indexes[steps[1]] = json.loads(body)
            self._answer(202, {"taskUid": 7, "status": "enqueued"})
        else:
            self._answer(200 if steps[1] in self.indexes else 404, {"uid": steps[1]})

    do_GET = do_PATCH = _handle


@pytest.fixture
def api() -> Iterator[str]:
    Api.indexes, Api.asked, Api.polls = {}, [], 0
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Api)) as server:
        yield f"http://127.0.0.1:{server.server_port}"


def compiled(folder: Path, options: str = "") -> Any:
    text = f"name: trial\ndatabases:\n  db: {{adapter: meili, port: 24030{options}}}\n"
    (folder / "stack.yaml").write_text(text)
    report = Report()
    made = Project(folder / "stack.yaml", folder, today=TODAY).compiled(report)
    assert made and not [*report], [*report]
    return Plan(made.project)


def run(folder: Path, script: str, url: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
    (folder / "db-password").write_text(key)
    script = script.replace("/run/secrets/", f"{folder}/").replace("/etc/stackc/", f"{folder}/")
    environment = {"PATH": os.environ["PATH"], "SERVER_URL": url, "OWN_URL": url}
    return subprocess.run(
        ["/bin/sh", "-ec", script], env=environment, capture_output=True, text=True, check=False
    )


def initialise(folder: Path, url: str, vector: str) -> subprocess.CompletedProcess[str]:
    plan = compiled(folder, f", vector: {{{vector}}}")
    job = next(one for one in plan.containers if one.name == "db-init")
    (folder / "requests.txt").write_text(str(job.files[0].content))
    return run(folder, job.spec["entrypoint"][2], url)


@needs_curl
def test_init_makes_the_embedder_and_waits_for_its_task(tmp_path: Path, api: str) -> None:
    for _ in range(2):
        assert initialise(tmp_path, api, "dimensions: 3, field: meaning").returncode == 0
    assert Api.indexes == {
        "documents": {"embedders": {"meaning": {"source": "userProvided", "dimensions": 3}}}
    }
    assert Api.asked[1:4] == ["PATCH /indexes/documents/settings", "GET /tasks/7", "GET /tasks/7"]


@needs_curl
def test_failed_task_fails_the_job(tmp_path: Path, api: str) -> None:
    done = initialise(tmp_path, api, "dimensions: 3, collection: broken")
    assert done.returncode != 0 and '"failed"' in done.stderr


@needs_curl
def test_index_of_a_framework_is_left_until_it_is_there(tmp_path: Path, api: str) -> None:
    assert initialise(tmp_path, api, "dimensions: 3, managed: false").returncode == 0
    assert Api.indexes == {}
    Api.indexes["documents"] = {}
    assert initialise(tmp_path, api, "dimensions: 3, managed: false").returncode == 0
    assert "embedders" in Api.indexes["documents"]


@needs_curl
def test_probe_logs_in_with_the_key(tmp_path: Path, api: str) -> None:
    probe = compiled(tmp_path).containers[0].spec["healthcheck"]["test"][1]
    assert run(tmp_path, probe, api).returncode == 0
    assert run(tmp_path, probe, api, "wrong").returncode != 0


def test_python_client_logs_in_with_the_rendered_arguments(tmp_path: Path, api: str) -> None:
    meilisearch = pytest.importorskip("meilisearch")
    connection = compiled(tmp_path, ", query_timeout: 2s").access["db"].network["python"]
    arguments = json.loads(render_connection(connection, {"DB_PASSWORD": KEY}))
    assert arguments == {"url": "http://db:7700", "api_key": KEY, "timeout": 2}
    assert meilisearch.Client(**{**arguments, "url": api}).get_version()["pkgVersion"] == "1.53.1"


@pytest.mark.parametrize("mode", ["require", "verify-full"])
def test_every_client_is_told_of_tls(tmp_path: Path, mode: str) -> None:
    access = compiled(tmp_path, f", tls: {mode}").access["db"].network
    values = {"DB_PASSWORD": KEY}
    assert render_connection(access["url"], values) == "https://db:7700"
    for driver, key in (("python", "url"), ("node", "host"), ("go", "host")):
        assert json.loads(render_connection(access[driver], values))[key] == "https://db:7700"
        assert any("/etc/stackc/tls/ca.crt" in line for line in access[driver].code) is (
            mode == "verify-full"
        )


@pytest.mark.parametrize(
    "key", ["too short", "fifteen-letters", "with a blank inside it", "ünicode-ünicode-ünicode"]
)
def test_key_that_the_header_cannot_carry_is_refused(tmp_path: Path, key: str) -> None:
    compiled(tmp_path)
    (tmp_path / ".env").write_text(f"DB_PASSWORD='{key}'\n")
    outcome = Project(tmp_path / "stack.yaml", tmp_path, today=TODAY).compile()
    assert [one.id for one in outcome.diagnostics] == ["unusable-password"]
    assert "at least 16" in str(outcome.diagnostics[0].help)
