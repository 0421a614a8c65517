"""Elasticsearch as an adapter: settings, mappings and connections for the real client, and its scripts with real curl.

The server is a stand-in: no package has the engine. It answers as the documentation of the API says,
https://www.elastic.co/docs/api/doc/elasticsearch, and keeps what it was asked.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
from base64 import b64decode, b64encode
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from compiler.expressions.quoting import env_quote
from compiler.model import Certificate
from compiler.pages.trials.trial import HOSTILE
from compiler.project.connections import render_connection
from compiler.report import Report, Span
from compiler.targets.certificates import issue
from compiler.targets.vault import fill
from tests.adapters.plans import Plan, build_database, plan_database
from tests.conftest import read_env
from tests.servers import QuietHandler, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

import elasticsearch

needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")

VERSIONS = ("8.0", "8.19", "9.4", "9.5")
ADMIN = "4dmin it is"
PASSWORD = "s3cret it is"
TLS = ", tls: verify-full"
VECTOR = ", vector: {collection: docs, field: page, dimensions: 384}"


def build(options: str = "", port: int = 22010) -> tuple[Plan | None, list[str]]:
    return build_database(f"adapter: elasticsearch, port: {port}{options}")


def plan(options: str = "", port: int = 22010) -> Plan:
    return plan_database(f"adapter: elasticsearch, port: {port}{options}")


def container(made: Plan, name: str) -> Any:
    return next(one for one in made.containers if one.name == name)


def requests(made: Plan) -> list[tuple[str, Any]]:
    """The requests of the initialisation: each line with a method, and the JSON that follows it."""
    content = next(file.content for file in container(made, "db-init").files if file.name == "db-init")
    parts = re.split(r"^([A-Z]+ /.*)\n", content, flags=re.MULTILINE)[1:]
    return [(head, json.loads(body)) for head, body in zip(parts[::2], parts[1::2], strict=True)]


@dataclass
class Search:
    """What the stand-in knows and was asked."""

    port: int = 0
    users: dict[str, str] = field(default_factory=lambda: {"elastic": ADMIN})
    indices: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    broken: dict[str, int] = field(default_factory=dict)

    def answer(self, method: str, path: str, login: str, body: Any) -> tuple[int, Any]:
        self.asked.append((method, path, body))
        user, _, password = login.partition(":")
        if self.users.get(user) != password:
            return 401, {"error": "unable to authenticate user"}
        if path in self.broken:
            return self.broken[path], {"error": "broken"}
        if path.startswith("/_security/user/"):
            return self.change_user(path.rsplit("/", 1)[1], body["password"])
        if path.startswith("/_") or path == "/":
            return 200, {"version": {"number": "8.0.0"}}
        return self.change_index(method, path.split("/")[1], body)

    def change_user(self, name: str, password: str) -> tuple[int, Any]:
        if len(password) < 6:
            return 400, {"error": "passwords must be at least [6] characters long"}
        self.users[name] = password
        return 200, {"created": True}

    def change_index(self, method: str, name: str, body: Any) -> tuple[int, Any]:
        known = self.indices.get(name)
        if method == "HEAD":
            return (404 if known is None else 200), None
        if known is None:
            self.indices[name] = dict(body["mappings"]["properties"])
        elif "mappings" in body:
            return 400, {"error": "resource_already_exists_exception"}
        elif any(known.get(key, value) != value for key, value in body["properties"].items()):
            return 400, {"error": "mapper cannot be changed"}
        else:
            known.update(body["properties"])
        return 200, {"acknowledged": True}


class Server(ThreadingHTTPServer):
    search: Search


class Handler(QuietHandler):
    server: Server

    def handle_one(self) -> None:
        scheme, _, login = (self.headers["Authorization"] or " ").partition(" ")
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        user = b64decode(login).decode() if scheme == "Basic" else ""
        status, answer = self.server.search.answer(
            self.command, self.path, user, json.loads(body) if body else None
        )
        self.send_response(status)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(json.dumps(answer).encode())

    do_GET = do_PUT = do_HEAD = handle_one


@contextmanager
def served(context: ssl.SSLContext | None = None, kind: type[Search] = Search) -> Iterator[Search]:
    server = Server(("127.0.0.1", 0), Handler)
    server.search = kind(port=server.server_port)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server):
        yield server.search


@dataclass
class Machine:
    """A folder that stands for a container's root, where `db` is the stand-in's port."""

    root: Path
    port: int
    shell: str = "sh"

    def write(self, name: str, text: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        here = re.sub(r"/(run/secrets|etc/stackc|tmp)/", rf"{self.root}/\1/", script)
        self.write(".curlrc", f'connect-to = "db:9200:127.0.0.1:{self.port}"\n')
        self.write("tmp/.keep", "")
        # A proxy that is not there, and a name that only some shells keep.
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "http_proxy": "http://127.0.0.1:1",
            "a.b": "c",
        }
        return subprocess.run(
            [self.shell, "-ec", here],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def prepare(self, made: Plan, password: str, admin: str = ADMIN) -> None:
        self.write("run/secrets/db-admin-password", admin)
        self.write("run/secrets/db-password", password)
        for file in container(made, "db-init").files:
            if file.content:
                self.write(file.target[1:], file.content)

    def init(self, made: Plan, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
        self.prepare(made, password)
        return self.run(container(made, "db-init").spec["entrypoint"][2])

    def probe(self, made: Plan, admin: str = ADMIN) -> int:
        self.prepare(made, PASSWORD, admin)
        return self.run(container(made, "db").spec["healthcheck"]["test"][1]).returncode


@pytest.fixture
def search() -> Iterator[Search]:
    with served() as known:
        yield known


@pytest.fixture(params=["sh", "bash"])
def machine(request: pytest.FixtureRequest, search: Search, tmp_path: Path) -> Machine:
    if not shutil.which("curl") or not shutil.which(request.param):
        pytest.skip(f"there is no curl or no {request.param}")
    return Machine(tmp_path, search.port, request.param)


def test_init_makes_role_user_index_and_logs_in(machine: Machine, search: Search) -> None:
    done = machine.init(plan(VECTOR + ", query_timeout: 2s"))
    assert (done.returncode, done.stderr) == (0, "")
    assert [(method, path) for method, path, _ in search.asked] == [
        ("PUT", "/_security/role/stackc-db"),
        ("PUT", "/_cluster/settings"),
        ("HEAD", "/docs"),
        ("PUT", "/docs"),
        ("PUT", "/docs/_mapping"),
        ("PUT", "/_security/user/db"),
        ("GET", "/_security/_authenticate"),
    ]
    assert search.asked[0][2]["indices"] == [{"names": ["*"], "privileges": ["all"]}]
    assert search.asked[1][2] == {"persistent": {"search.default_search_timeout": "2000ms"}}
    assert search.asked[5][2] == {"password": PASSWORD, "roles": ["stackc-db"]}
    assert set(search.indices["docs"]) == {"content", "page"}


def test_init_again_keeps_the_index_and_changes_the_password(machine: Machine, search: Search) -> None:
    assert machine.init(plan(), "first-password").returncode == 0
    assert search.asked[1][2] == {"persistent": {"search.default_search_timeout": None}}
    assert machine.init(plan(VECTOR)).returncode == 0
    known = dict(search.indices["docs"])
    assert machine.init(plan(VECTOR), "other-password").returncode == 0
    assert (search.indices["docs"], search.users["db"]) == (known, "other-password")


@pytest.mark.parametrize(
    "password", [f"{''.join(HOSTILE)}\n\x01\x7f\t", "trailing\n", "-n -e '\"", "\\u0041\\n\\"]
)
def test_init_sets_any_password(password: str, machine: Machine, search: Search) -> None:
    done = machine.init(plan(), password)
    assert (done.returncode, search.users["db"]) == (0, password), done.stderr


def test_init_fails_when_the_server_refuses(machine: Machine, search: Search) -> None:
    search.broken = {"/docs/_mapping": 403}
    done = machine.init(plan(VECTOR))
    assert done.returncode != 0
    assert done.stderr == 'stackc: PUT /docs/_mapping was answered with 403: {"error": "broken"}\n'
    search.broken = {"/_security/_authenticate": 401}
    assert machine.init(plan(VECTOR)).returncode != 0


def test_init_fails_on_another_mapping_of_the_field(machine: Machine, search: Search) -> None:
    search.indices["docs"] = {"page": {"type": "dense_vector", "dims": 3}}
    done = machine.init(plan(VECTOR))
    assert done.returncode != 0 and "mapper cannot be changed" in done.stderr


def test_init_and_probe_fail_where_no_server_answers(machine: Machine, search: Search) -> None:
    machine.port = 1
    assert machine.init(plan()).returncode != 0
    assert machine.probe(plan()) != 0


def test_probe_logs_in_and_waits_for_shards(machine: Machine, search: Search) -> None:
    assert machine.probe(plan()) == 0
    assert search.asked == [("GET", "/_cluster/health?wait_for_status=yellow&timeout=5s", None)]
    assert machine.probe(plan(), "wrong-password") != 0
    search.broken = {search.asked[0][1]: 408}
    assert machine.probe(plan()) != 0


def test_no_password_is_an_argument_of_a_program(machine: Machine, search: Search) -> None:
    for name in ("curl", "base64", "cat"):
        real = shutil.which(name)
        machine.write(
            f"bin/{name}", f'#!/bin/sh\nprintf "%s\\n" "$@" >>{machine.root}/arguments\nexec {real} "$@"\n'
        )
        (machine.root / "bin" / name).chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{machine.root}/bin:{os.environ['PATH']}")
        assert machine.init(plan()).returncode == 0 and machine.probe(plan()) == 0
    shown = (machine.root / "arguments").read_text()
    assert "_security/user/db" in shown
    assert not [
        secret
        for secret in (ADMIN, PASSWORD)
        if secret in shown or b64encode(secret.encode()).decode()[:8] in shown
    ]


def certificate(folder: Path) -> ssl.SSLContext:
    """Writes an authority and a certificate for the service, as `compile` does, where the job has them."""
    wanted = Certificate(name="db", hosts=("db",), files={"K": ["key"], "B": ["certificate", "key"]})
    artifacts, values = issue((wanted,), {}, datetime.now(), Span(path="x"), ".", Report())
    files = {artifact.path: artifact.content for artifact in artifacts}
    (folder / "etc/stackc/tls").mkdir(parents=True)
    (folder / "etc/stackc/tls/ca.crt").write_bytes(files["tls/ca.crt"])
    (folder / "bundle").write_text(values["B"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "bundle")
    return context


@needs_curl
def test_scripts_verify_the_server(tmp_path: Path) -> None:
    made = plan(TLS)
    with served(certificate(tmp_path)) as known:
        machine = Machine(tmp_path, known.port)
        assert machine.init(made).returncode == 0 and known.users["db"] == PASSWORD
        assert machine.probe(made) == 0
        certificate(tmp_path / "other")
        (tmp_path / "etc/stackc/tls/ca.crt").write_bytes(
            (tmp_path / "other/etc/stackc/tls/ca.crt").read_bytes()
        )
        assert machine.init(made).returncode == 60
        assert machine.probe(made) == 60


def client(options: str, port: int, password: str = PASSWORD, **more: Any) -> Any:
    text = render_connection(
        plan(options, port).access["db"].host["elasticsearch_py"], {"DB_PASSWORD": password}
    )
    return elasticsearch.Elasticsearch(**{**json.loads(text), **more})


@pytest.mark.parametrize("password", [one for one in HOSTILE if one.isascii()])
def test_python_client_logs_in_with_any_password(password: str, search: Search) -> None:
    search.users["db"] = password
    with client("", search.port, password) as found:
        assert found.info()["version"] == {"number": "8.0.0"}


def test_python_client_reads_pool_and_timeout() -> None:
    with client(", query_timeout: 90s, pool: {size: 7}", 22010) as found:
        (node,) = found.transport.node_pool.all()
        assert (node.config.connections_per_node, node.config.scheme, node.config.port) == (7, "http", 22010)
        assert found._request_timeout == 90


def test_python_client_verifies_the_server(tmp_path: Path) -> None:
    ca = tmp_path / "etc/stackc/tls/ca.crt"
    with served(certificate(tmp_path)) as known:
        known.users["db"] = PASSWORD
        with client(TLS, known.port, ca_certs=str(ca)) as found:
            assert found.info()
        with client(", tls: require", known.port) as found:
            assert found.info()
        certificate(tmp_path / "other")
        with (
            client(
                TLS, known.port, ca_certs=str(tmp_path / "other/etc/stackc/tls/ca.crt"), max_retries=0
            ) as found,
            pytest.raises(elasticsearch.SSLError),
        ):
            found.info()


def test_url_carries_address_and_login_alone() -> None:
    text = render_connection(plan(TLS).access["db"].network["url"], {"DB_PASSWORD": "a/b"})
    assert text == "https://db:a%2Fb@db:9200"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("metric", ["cosine", "l2", "ip"])
def test_mapping_is_one_that_the_client_knows(version: str, metric: str) -> None:
    from elasticsearch.dsl import DenseVector, types

    for method in ("hnsw",) if version == "8.0" else ("hnsw", "int8_hnsw", "flat"):
        options = f", version: '{version}', vector: {{dimensions: 768, metric: {metric}, method: {method}}}"
        mapping = dict(requests(plan(options)))["PUT /documents/_mapping"]["properties"]["embedding"]
        assert mapping.pop("type") == "dense_vector"
        known = DenseVector.__init__.__annotations__
        assert set(mapping) <= set(known) and mapping["similarity"] in str(known["similarity"])
        known = types.DenseVectorIndexOptions.__init__.__annotations__
        assert set(mapping["index_options"]) <= set(known) and f"'{method}'" in str(known["type"])
        assert DenseVector(**mapping).to_dict() == {"type": "dense_vector", **mapping}


def test_first_version_indexes_as_its_preview_did() -> None:
    mapping = dict(requests(plan(", vector: {dimensions: 1024, metric: ip}")))["PUT /documents/_mapping"]
    assert mapping["properties"]["embedding"] == {
        "type": "dense_vector",
        "dims": 1024,
        "index": True,
        "similarity": "dot_product",
        "index_options": {"type": "hnsw", "m": 16, "ef_construction": 100},
    }


@pytest.mark.parametrize(
    ("version", "path", "most"),
    [("8.0", "_knn_search", 1024), ("8.19", "_search", 4096), ("9.5", "_search", 4096)],
)
def test_query_and_limit_are_those_of_the_version(version: str, path: str, most: int) -> None:
    options = f", version: '{version}', vector: {{collection: docs, dimensions: {most}}}"
    head, _, body = plan(options).access["db"].query.partition("\n")
    assert head == f"POST /docs/{path}"
    assert set(json.loads(body.replace("[…]", "[1.0]"))["knn"]) == {
        "field",
        "query_vector",
        "k",
        "num_candidates",
    }
    made, found = build(options.replace(str(most), str(most + 1)))
    assert made is None and f"at most {most} dimensions" in found[-1]


def test_framework_gets_a_template_and_no_index() -> None:
    made = requests(plan(", version: '9.5', vector: {collection: docs, dimensions: 8, managed: false}"))
    assert [head for head, _ in made[2:]] == ["PUT /_index_template/stackc-docs"]
    body = made[2][1]
    assert body["index_patterns"] == ["docs"]
    assert body["template"]["mappings"]["properties"]["embedding"]["dims"] == 8


def test_seven_has_clients_and_settings_of_its_own() -> None:
    made = plan(", version: '7.17', tls: verify-full, pool: {size: 7}, query_timeout: 5s")
    environment = container(made, "db").spec["environment"]
    assert "xpack.security.autoconfiguration.enabled" not in environment
    assert environment["xpack.security.enabled"] == "true"
    drivers = made.access["db"].network
    read = json.loads(render_connection(drivers["elasticsearch_py"], {"DB_PASSWORD": PASSWORD}))
    assert (read["http_auth"], read["maxsize"], read["timeout"]) == (["db", PASSWORD], 7, 5)
    assert not read.keys() & {"basic_auth", "connections_per_node", "request_timeout"}
    assert "version 7" in drivers["node"].code[0] and not drivers.keys() & {"java", "dotnet"}
    assert build(f", version: '7.17'{VECTOR}")[0] is None


@pytest.mark.parametrize("version", VERSIONS)
def test_security_is_always_said(version: str) -> None:
    for options, enabled in ((f", version: '{version}'", False), (f", version: '{version}'{TLS}", True)):
        spec = container(plan(options), "db").spec
        assert spec["environment"]["xpack.security.enabled"] == "true"
        assert spec["environment"]["xpack.security.http.ssl.enabled"] == str(enabled).lower()
        assert ("xpack.security.http.ssl.key" in spec["environment"]) is enabled
        assert spec["environment"]["discovery.type"] == "single-node"


@pytest.mark.parametrize(
    ("options", "heap"),
    [("", "1g"), (", memory: 3G", "1536m"), (", memory: 80G", "31744m"), (", memory: 4G, heap: 1g", "1g")],
)
def test_heap_is_at_most_half_of_the_memory(options: str, heap: str) -> None:
    environment = container(plan(options), "db").spec["environment"]
    assert environment["ES_JAVA_OPTS"] == f"-Xms{heap} -Xmx{heap}"


def test_start_hands_over_password_and_certificates(tmp_path: Path) -> None:
    """The image's program is a stand-in that shows what it gets: https://github.com/elastic/dockerfiles."""
    machine = Machine(tmp_path, 0, "bash")
    machine.write("run/secrets/db-admin-password", ADMIN)
    machine.write("run/secrets/db-tls-key", "the key")
    machine.write("etc/stackc/tls/server.crt", "the certificate")
    script = container(plan(TLS), "db").spec["entrypoint"][2]
    assert 'exec /bin/tini -- /usr/local/bin/docker-entrypoint.sh "$@"' in script
    show = (
        'echo "$ELASTIC_PASSWORD"; env | grep "^a[.]b="; cat config/certs/server.crt config/certs/server.key'
    )
    done = machine.run(script.replace("exec /bin/tini", ":") + show)
    assert done.stdout == f"{ADMIN}\na.b=c\nthe certificatethe key"
    assert (tmp_path / "config/certs/server.key").stat().st_mode & 0o777 == 0o400


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("DB_PASSWORD", "short"),
        ("DB_PASSWORD", "pässword"),
        ("DB_ADMIN_PASSWORD", "-neeee"),
        ("DB_ADMIN_PASSWORD", "a\nbcdef"),
    ],
)
def test_password_that_the_engine_or_its_client_cannot_take_is_refused(key: str, value: str) -> None:
    dotenv = read_env(f"{key}={env_quote(value)}\n")
    found = Report()
    fill(plan().project, dotenv, os.urandom, {}, found)
    (one,) = found
    assert one.id == "unusable-password" and value not in one.message


SETTINGS = ", settings: {indices.query.bool.max_clause_count: 2048, http.cors.allow-origin: '/https?:\\/\\/x \"y\"/'}"


def test_settings_are_a_file_in_place_of_the_images() -> None:
    file = next(one for one in container(plan(SETTINGS), "db").files if one.name == "db-settings")
    assert file.target == "/usr/share/elasticsearch/config/elasticsearch.yml"
    assert yaml.safe_load(file.content) == {
        "cluster.name": "docker-cluster",
        "network.host": "0.0.0.0",
        "indices.query.bool.max_clause_count": "2048",
        "http.cors.allow-origin": '/https?:\\/\\/x "y"/',
    }
    assert not [one for one in container(plan(), "db").files if one.name == "db-settings"]


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("xpack.security.http.ssl.enabled", "write `tls` of the database"),
        ("xpack.security.enabled", "users and passwords rest on it; remove it"),
        ("transport.host", "clients and the health check rest on it; remove it"),
        ("path.data", "the data stay on the volume; remove it"),
        ("bootstrap.memory_lock", "remove it"),
    ],
)
def test_settings_on_which_promises_rest_are_refused(name: str, help: str) -> None:
    made, found = build(f", settings: {{{name}: x}}")
    assert made is None and [one.partition("; ")[2] for one in found] == [help]


def test_rights_are_privileges_of_the_role() -> None:
    role = dict(requests(plan(", rights: [manage, manage-own-api-key, all]")))[
        "PUT /_security/role/stackc-db"
    ]
    usual = dict(requests(plan()))["PUT /_security/role/stackc-db"]
    assert role["cluster"] == [*usual["cluster"], "manage", "manage_own_api_key", "all"]
    assert role["indices"] == usual["indices"]
