"""OpenSearch as an adapter: what differs from Elasticsearch, whose stand-in and shell these tests share.

The server, `hash.sh` and keytool are stand-ins: no package has the engine. The server answers as the documentation
says, https://docs.opensearch.org/latest/security/access-control/api/, and keeps what it was asked.
"""

from __future__ import annotations

import json
import os
import shutil
from base64 import b64decode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import opensearchpy
import pytest

from compiler.expressions.quoting import env_quote
from compiler.pages.trials.trial import HOSTILE
from compiler.project.connections import render_connection
from compiler.report import Report
from compiler.targets.vault import fill
from tests.adapters.plans import Plan, build_database, plan_database
from tests.adapters.test_elasticsearch import (
    ADMIN,
    PASSWORD,
    TLS,
    VECTOR,
    Machine,
    Search,
    certificate,
    container,
    needs_curl,
    requests,
    served,
)
from tests.conftest import read_env

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USERS = "/_plugins/_security/api/internalusers/"
# The hash is the password itself, readable for the stand-in.
HASHER = """#!/bin/sh
[ "$*" = "-env SECRET" ] && [ -n "$SECRET" ] || exit 255
printf '$2y$12$%s\\n' "$(printf %s "$SECRET" | base64 -w 0)"
"""
KEYTOOL = """#!/bin/sh
echo "$*" >> keytool.log
case $* in
  -importcert*) cat > config/nodes.p12 ;;
  -exportcert*) cat config/node.p12 ;;
  *) echo made > config/node.p12 ;;
esac
"""


def plan(options: str = "", port: int = 22011) -> Plan:
    return plan_database(f"adapter: opensearch, port: {port}{options}")


def of_hash(value: str) -> str:
    assert value.startswith("$2y$12$")
    return b64decode(value[7:]).decode()


@dataclass
class OpenSearch(Search):
    users: dict[str, str] = field(default_factory=lambda: {"admin": ADMIN})

    def answer(self, method: str, path: str, login: str, body: Any) -> tuple[int, Any]:
        status, told = super().answer(method, path, login, body)
        if status == 200 and path.startswith(USERS):
            self.users[path.removeprefix(USERS)] = of_hash(body["hash"])
        return status, told


@pytest.fixture
def search() -> Iterator[Search]:
    with served(kind=OpenSearch) as known:
        yield known


def shell(folder: Path, port: int, kind: str = "sh") -> Machine:
    machine = Machine(folder, port, kind)
    for name, text in (
        ("plugins/opensearch-security/tools/hash.sh", HASHER),
        ("bin/keytool", KEYTOOL),
        ("opensearch-docker-entrypoint.sh", '#!/bin/bash\necho "run $*"; env | grep "^a[.]b="\n'),
    ):
        machine.write(name, text)
        (folder / name).chmod(0o755)
    return machine


@pytest.fixture
def machine(search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    if not shutil.which("curl") or not shutil.which("bash"):
        pytest.skip("there is no curl or no bash")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    return shell(tmp_path, search.port, "bash")


def test_init_makes_role_user_index_and_logs_in(machine: Machine, search: Search) -> None:
    done = machine.init(plan(VECTOR + ", query_timeout: 2s, indices: [docs, 'log-*']"))
    assert (done.returncode, done.stderr) == (0, "")
    assert [(method, path) for method, path, _ in search.asked] == [
        ("PUT", "/_plugins/_security/api/roles/stackc-db"),
        ("PUT", "/_cluster/settings"),
        ("HEAD", "/docs"),
        ("PUT", "/docs"),
        ("PUT", "/docs/_mapping"),
        ("PUT", f"{USERS}db"),
        ("GET", "/_plugins/_security/authinfo"),
    ]
    assert search.asked[0][2]["index_permissions"] == [
        {"index_patterns": ["docs", "log-*"], "allowed_actions": ["indices_all"]}
    ]
    assert search.asked[3][2]["settings"]["index"]["knn"] is True
    assert search.asked[5][2]["opendistro_security_roles"] == ["stackc-db"]
    assert search.users["db"] == PASSWORD and set(search.indices["docs"]) == {"content", "page"}


def test_init_again_keeps_the_index_and_changes_the_password(machine: Machine, search: Search) -> None:
    assert machine.init(plan(VECTOR)).returncode == 0
    known = dict(search.indices["docs"])
    assert machine.init(plan(VECTOR), "other-password").returncode == 0
    assert (search.indices["docs"], search.users["db"]) == (known, "other-password")


@pytest.mark.parametrize(
    "password", [f"{''.join(one for one in HOSTILE if one.isascii())}\n\x01\x7f\t", "trailing\n", "-n -e '\""]
)
def test_init_sets_any_password(password: str, machine: Machine, search: Search) -> None:
    done = machine.init(plan(), password)
    assert (done.returncode, search.users["db"]) == (0, password), done.stderr


def test_init_fails_where_the_server_refuses_or_nothing_hashes(machine: Machine, search: Search) -> None:
    search.broken = {f"{USERS}db": 403}
    assert (
        machine.init(plan()).stderr == f'stackc: PUT {USERS}db was answered with 403: {{"error": "broken"}}\n'
    )
    search.broken = {"/_plugins/_security/authinfo": 401}
    assert machine.init(plan()).returncode != 0
    (machine.root / "plugins/opensearch-security/tools/hash.sh").unlink()
    search.asked.clear()
    assert machine.init(plan()).returncode != 0
    assert not [path for _, path, _ in search.asked if path.startswith(USERS)]


def test_probe_logs_in_and_waits_for_security_and_shards(machine: Machine, search: Search) -> None:
    assert machine.probe(plan()) == 0
    assert machine.probe(plan(), "wrong-password") != 0
    for status in (408, 503):
        search.broken = {search.asked[0][1]: status}
        assert machine.probe(plan()) != 0
    machine.port = 1
    assert machine.probe(plan()) != 0 and machine.init(plan()).returncode != 0


@needs_curl
@pytest.mark.parametrize("mode", ["require", "verify-full"])
def test_scripts_verify_the_server(mode: str, tmp_path: Path) -> None:
    made = plan(f", tls: {mode}")
    with served(certificate(tmp_path), OpenSearch) as known:
        machine = shell(tmp_path, known.port)
        assert machine.init(made).returncode == 0 and known.users["db"] == PASSWORD
        assert machine.probe(made) == 0 and machine.probe(made, "wrong-password") == 22
        certificate(tmp_path / "other")
        shutil.copy(tmp_path / "other/etc/stackc/tls/ca.crt", tmp_path / "etc/stackc/tls/ca.crt")
        assert machine.init(made).returncode == 60 and machine.probe(made) == 60


@pytest.mark.parametrize("options", ["", TLS])
def test_start_makes_users_and_keys_of_its_own(options: str, machine: Machine) -> None:
    """A second start of the same container makes them again."""
    admin = f"{ADMIN}\"'$\\\n"
    machine.write("run/secrets/db-admin-password", admin)
    machine.write("run/secrets/db-tls-key", "the key")
    machine.write("etc/stackc/tls/server.crt", "the certificate")
    for folder in ("config/opensearch-security", "config/certs"):
        (machine.root / folder).mkdir(parents=True)
    spec = container(plan(options), "db").spec
    for _ in range(2):
        done = machine.run(f"set -- opensearch\n{spec['entrypoint'][2]}")
        assert (done.returncode, done.stdout) == (0, "run opensearch\na.b=c\n"), done.stderr
    security = machine.root / "config/opensearch-security"
    users = json.loads((security / "internal_users.yml").read_text())
    assert set(users) == {"_meta", "admin"} and of_hash(users["admin"]["hash"]) == admin
    mapped = json.loads((security / "roles_mapping.yml").read_text())
    assert set(mapped) == {"_meta", "all_access"}
    assert mapped["all_access"]["backend_roles"] == users["admin"]["backend_roles"]
    assert (machine.root / "config/nodes.p12").read_text() == "made\n"
    for secret in ("opensearch-security/internal_users.yml", "node.p12", "certs/server.key"):
        assert (machine.root / "config" / secret).stat().st_mode & 0o077 == 0
    assert (machine.root / "config/certs/server.key").read_text() == ("the key" if options else "")
    assert ADMIN not in (machine.root / "keytool.log").read_text()


def test_start_fails_where_nothing_hashes(machine: Machine) -> None:
    machine.write("run/secrets/db-admin-password", ADMIN)
    machine.write("plugins/opensearch-security/tools/hash.sh", "#!/bin/sh\nexit 255\n")
    (machine.root / "config/opensearch-security").mkdir(parents=True)
    done = machine.run(container(plan(), "db").spec["entrypoint"][2])
    assert done.returncode != 0 and "run" not in done.stdout


@pytest.mark.parametrize("version", ["2.19", "3.8"])
@pytest.mark.parametrize(("options", "enabled"), [("", "false"), (TLS, "true")])
def test_security_is_always_on_and_never_that_of_the_demo(version: str, options: str, enabled: str) -> None:
    told = container(plan(f", version: '{version}'{options}"), "db").spec["environment"]
    assert told["DISABLE_INSTALL_DEMO_CONFIG"] == "true"
    assert told["plugins.security.ssl.http.enabled"] == enabled
    assert ("plugins.security.ssl.http.pemkey_filepath" in told) is (enabled == "true")
    assert not {"DISABLE_SECURITY_PLUGIN", "OPENSEARCH_INITIAL_ADMIN_PASSWORD"} & set(told)
    assert not [key for key in told if key.startswith("xpack") or key == "ES_JAVA_OPTS"]


@pytest.mark.parametrize(
    ("options", "heap"),
    [("", "1024m"), (", memory: 3G", "1536m"), (", memory: 80G", "31744m"), (", memory: 4G, heap: 1g", "1g")],
)
def test_heap_is_at_most_half_of_the_memory(options: str, heap: str) -> None:
    environment = container(plan(options), "db").spec["environment"]
    assert environment["OPENSEARCH_JAVA_OPTS"] == f"-Xms{heap} -Xmx{heap}"


@pytest.mark.parametrize(("method", "engine"), [("hnsw", "faiss"), ("hnsw_lucene", "lucene")])
@pytest.mark.parametrize(
    ("metric", "space"), [("cosine", "cosinesimil"), ("l2", "l2"), ("ip", "innerproduct")]
)
def test_mapping_names_method_engine_and_space(method: str, engine: str, metric: str, space: str) -> None:
    made = plan(f", vector: {{dimensions: 16000, metric: {metric}, method: {method}}}")
    assert dict(requests(made))["PUT /documents/_mapping"]["properties"]["embedding"] == {
        "type": "knn_vector",
        "dimension": 16000,
        "method": {
            "name": "hnsw",
            "engine": engine,
            "space_type": space,
            "parameters": {"m": 16, "ef_construction": 100},
        },
    }
    assert json.loads(made.access["db"].query.partition("\n")[2].replace("[…]", "[1.0]"))["query"]["knn"]


def test_more_dimensions_than_the_engine_indexes_are_refused() -> None:
    made, found = build_database("adapter: opensearch, vector: {dimensions: 16001}")
    assert made is None and "at most 16000 dimensions" in found[-1]


def test_framework_gets_a_template_and_no_index() -> None:
    made = requests(plan(", vector: {collection: docs, dimensions: 8, managed: false}"))
    assert [head for head, _ in made[2:]] == ["PUT /_index_template/stackc-docs"]
    template = made[2][1]["template"]
    assert template["settings"] == {"index": {"knn": True}}
    assert template["mappings"]["properties"]["embedding"]["dimension"] == 8


def client(options: str, port: int, password: str = PASSWORD, **more: Any) -> Any:
    text = render_connection(
        plan(options, port).access["db"].host["opensearch_py"], {"DB_PASSWORD": password}
    )
    return opensearchpy.OpenSearch(**{**json.loads(text), **more})


@pytest.mark.parametrize("password", [one for one in HOSTILE if one.isascii()])
def test_python_client_logs_in_with_any_password(password: str, search: Search) -> None:
    search.users["db"] = password
    assert client("", search.port, password).info()["version"] == {"number": "8.0.0"}
    with pytest.raises(opensearchpy.AuthenticationException):
        client("", search.port, "wrong").info()


def test_python_client_reads_the_url_pool_and_timeout(search: Search) -> None:
    search.users["db"] = "a/b:c@d"
    url = render_connection(plan("", search.port).access["db"].host["url"], {"DB_PASSWORD": "a/b:c@d"})
    assert opensearchpy.OpenSearch(url).info()
    (pool,) = client(", query_timeout: 90s, pool: {size: 7}", 22011).transport.connection_pool.connections
    assert (pool.timeout, pool.pool.pool.maxsize) == (90, 7)


def test_python_client_verifies_the_server(tmp_path: Path) -> None:
    with served(certificate(tmp_path), OpenSearch) as known:
        known.users["db"] = PASSWORD
        assert client(TLS, known.port, ca_certs=str(tmp_path / "etc/stackc/tls/ca.crt")).info()
        assert client(", tls: require", known.port).info()
        certificate(tmp_path / "other")
        other = str(tmp_path / "other/etc/stackc/tls/ca.crt")
        with pytest.raises(opensearchpy.SSLError):
            client(TLS, known.port, ca_certs=other, max_retries=0).info()


@pytest.mark.parametrize("value", ["short", "pässword", "x" * 73])
@pytest.mark.parametrize("key", ["DB_PASSWORD", "DB_ADMIN_PASSWORD"])
def test_password_that_would_be_cut_or_refused_is_told(key: str, value: str) -> None:
    found = Report()
    fill(plan().project, read_env(f"{key}={env_quote(value)}\n"), os.urandom, {}, found)
    (one,) = found
    assert one.id == "unusable-password" and value not in one.message


def test_settings_and_rights_are_those_of_opensearch() -> None:
    made = plan(", settings: {indices.query.bool.max_clause_count: 2048}, rights: [manage-snapshots, all]")
    file = next(one for one in container(made, "db").files if one.name == "db-settings")
    assert file.target == "/usr/share/opensearch/config/opensearch.yml"
    role = dict(requests(made))["PUT /_plugins/_security/api/roles/stackc-db"]
    assert role["cluster_permissions"][-2:] == ["manage_snapshots", "cluster_all"]
    assert role["index_permissions"] == [{"index_patterns": ["*"], "allowed_actions": ["indices_all"]}]
