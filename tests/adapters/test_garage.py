"""Garage's job against a server that answers as its administration API is documented; no Garage runs here.

https://garagehq.deuxfleurs.fr/api/garage-admin-v2.html
"""

from __future__ import annotations

import json
import shutil
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.adapters.standins import Standin
from tests.conftest import stackc
from tests.servers import QuietHandler, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl, which the image has")
NODE, KEY, SECRET, TOKEN = "ab" * 32, "12" * 12, "cd" * 32, "ef" * 32


class Api(QuietHandler):
    version: ClassVar[int] = 0
    keys: ClassVar[dict[str, str]] = {}
    buckets: ClassVar[dict[str, str]] = {}
    rights: ClassVar[dict[str, Any]] = {}
    asked: ClassVar[list[str]] = []
    indent: ClassVar[int | None] = None

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        given: dict[str, Any] = json.loads(body) if body else {}
        path = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(path.query).items()}
        verb = path.path.removeprefix("/v2/")
        self.asked.append(verb)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self.answer(403, {"code": "Forbidden"}, indent=self.indent)
        return self.answer(*getattr(self, verb)(asked, given), indent=self.indent)

    do_GET = do_POST = _handle

    def GetClusterLayout(self, asked: Any, given: Any) -> tuple[int, Any]:
        return 200, {"version": Api.version, "roles": [], "parameters": {"zoneRedundancy": "maximum"}}

    def GetClusterStatus(self, asked: Any, given: Any) -> tuple[int, Any]:
        return 200, {"layoutVersion": Api.version, "nodes": [{"id": NODE, "isUp": True, "role": None}]}

    def UpdateClusterLayout(self, asked: Any, given: Any) -> tuple[int, Any]:
        assert given["roles"] == [{"id": NODE, "zone": "main", "capacity": 5 * 10**9, "tags": []}]
        return 200, {}

    def ApplyClusterLayout(self, asked: Any, given: Any) -> tuple[int, Any]:
        if given["version"] != Api.version + 1:
            return 400, {"code": "InvalidRequest"}
        Api.version += 1
        return 200, {"message": []}

    def GetKeyInfo(self, asked: Any, given: Any) -> tuple[int, Any]:
        key = asked["id"]
        found = {"accessKeyId": key, "name": "application", "secretAccessKey": Api.keys.get(key)}
        return (200, found) if key in Api.keys else (404, {"code": "NoSuchAccessKey"})

    def DeleteKey(self, asked: Any, given: Any) -> tuple[int, Any]:
        return 200, {"was": Api.keys.pop(asked["id"])}

    def ImportKey(self, asked: Any, given: Any) -> tuple[int, Any]:
        key = given["accessKeyId"]
        if (
            key in Api.keys
            or not key.startswith("GK")
            or len(key) != 26
            or len(given["secretAccessKey"]) != 64
        ):
            return 400, {"code": "InvalidRequest"}
        Api.keys[key] = given["secretAccessKey"]
        return 200, {}

    def GetBucketInfo(self, asked: Any, given: Any) -> tuple[int, Any]:
        name = asked["globalAlias"]
        found = {"id": Api.buckets.get(name), "globalAliases": [name], "keys": [{"accessKeyId": "GK00"}]}
        return (200, found) if name in Api.buckets else (404, {"code": "NoSuchBucket"})

    def CreateBucket(self, asked: Any, given: Any) -> tuple[int, Any]:
        Api.buckets[given["globalAlias"]] = f"{len(Api.buckets) + 10:02}" * 32
        return 200, {"id": Api.buckets[given["globalAlias"]], "globalAliases": [given["globalAlias"]]}

    def AllowBucketKey(self, asked: Any, given: Any) -> tuple[int, Any]:
        if given["accessKeyId"] not in Api.keys:
            return 404, {"code": "NoSuchAccessKey"}
        Api.rights[given["bucketId"]] = given["permissions"]
        return 200, {"id": given["bucketId"]}


@pytest.fixture(params=[None, 2])
def job(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Standin]:
    Api.version, Api.keys, Api.buckets, Api.rights, Api.asked = 0, {}, {}, {}, []
    Api.indent = request.param
    secrets = {"db-password": SECRET, "db-access-key": KEY, "db-admin-token": TOKEN}
    entry = "adapter: garage, database: files, buckets: [uploads, backups.2026], capacity_gib: 5"
    made = Standin(tmp_path, entry, secrets)
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Api)) as server:
        made.moved["http://'db':3903"] = f"http://127.0.0.1:{server.server_port}"
        yield made


def test_the_job_makes_layout_key_and_buckets_once(job: Standin) -> None:
    for _ in range(2):
        done = job.run("db-init")
        assert done.returncode == 0, done.stderr
    assert (Api.version, Api.keys) == (1, {f"GK{KEY}": SECRET})
    assert sorted(Api.buckets) == ["backups.2026", "files", "uploads"]
    assert list(Api.rights.values()) == [{"read": True, "write": True, "owner": False}] * 3
    assert (Api.asked.count("ImportKey"), Api.asked.count("CreateBucket")) == (1, 3)


def test_a_new_secret_takes_the_place_of_the_old_one(job: Standin) -> None:
    assert job.run("db-init").returncode == 0
    (job.folder / "db-password").write_text("01" * 32)
    done = job.run("db-init")
    assert done.returncode == 0, done.stderr
    assert Api.keys == {f"GK{KEY}": "01" * 32}


def test_a_wrong_token_fails_the_job(job: Standin) -> None:
    (job.folder / "db-admin-token").write_text("wrong")
    done = job.run("db-init")
    assert (done.returncode != 0, "Forbidden" in done.stdout + done.stderr) == (True, True)


def test_what_the_api_refuses_fails_the_job(job: Standin) -> None:
    (job.folder / "db-access-key").write_text("too-short")
    done = job.run("db-init")
    assert (done.returncode != 0, "InvalidRequest" in done.stderr) == (True, True)


def test_the_server_without_a_shell_is_probed_by_its_own_program(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text("name: a\ndatabases: {files: {adapter: s3}}\n")
    assert stackc("compile", tmp_path / "stack.yaml").exit_code == 0
    text = (tmp_path / "docker-compose.yml").read_text()
    assert "\n        - CMD\n        - /garage\n        - status\n" in text
    # The job has another image, and so has what waits for it.
    assert text.count("image: curlimages/curl") == 2
