"""MongoDB as an adapter: what its drivers read in each connection string, its versions, and its passwords."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from compiler.expressions.quoting import env_quote
from compiler.model import Certificate
from compiler.pages.trials.trial import HOSTILE
from compiler.project.connections import render_connection
from compiler.registry.registry import Registry
from compiler.report import Report, Span
from compiler.run.passes import compile_document
from compiler.source import parse_yaml
from compiler.targets.certificates import issue
from compiler.targets.vault import fill
from tests.adapters.plans import Plan, build_database, plan_database
from tests.conftest import read_env

if TYPE_CHECKING:
    from pathlib import Path

import pymongo

pytest.importorskip("pymongo.saslprep")

TODAY = "2026-11-23"
VERSIONS = {"5.0": "client", "6.0": "client", "7.0": "client", "8.0": "server", "8.3": "server"}
ALL = ", tls: verify-full, query_timeout: 1500ms, pool: {size: 7}"
# What the parsers of the drivers know, in lower case: Go and .NET pass over the rest, Java logs it.
KNOWN = {
    "go": {"authsource", "tls", "tlscafile", "tlsinsecure", "maxpoolsize", "connecttimeoutms", "timeoutms"},
    "java": {"authsource", "tls", "maxpoolsize", "connecttimeoutms", "timeoutms"},
    "dotnet": {"authsource", "tls", "tlsinsecure", "maxpoolsize", "connecttimeoutms"},
    "node": {
        "authsource",
        "tls",
        "tlscafile",
        "tlsallowinvalidcertificates",
        "maxpoolsize",
        "connecttimeoutms",
    },
}


def build(options: str = "") -> tuple[Plan | None, list[str]]:
    return build_database(f"adapter: mongo, database: Shop, port: 22020{options}")


def plan(options: str = "") -> Plan:
    return plan_database(f"adapter: mongo, database: Shop, port: 22020{options}")


def text(driver: str, password: str = "secret", options: str = "") -> str:
    return render_connection(plan(options).access["db"].network[driver], {"DB_PASSWORD": password})


def command(options: str = "") -> list[Any]:
    found: list[Any] = next(one for one in plan(options).containers if one.name == "db").spec["command"]
    return found


@pytest.mark.parametrize("password", HOSTILE)
@pytest.mark.parametrize("driver", ["url", "pymongo", "node", "go", "java", "dotnet"])
def test_strings_carry_any_password_to_the_right_database(driver: str, password: str) -> None:
    read = pymongo.uri_parser.parse_uri(text(driver, password), warn=False)
    assert (read["username"], read["password"], read["database"]) == ("db", password, "Shop")
    assert (read["nodelist"], read["options"]["authSource"]) == ([("db", 27017)], "Shop")


def test_pymongo_reads_pool_and_timeouts() -> None:
    with pymongo.MongoClient(
        text("pymongo", options=", query_timeout: 1500ms, pool: {size: 7}"), connect=False
    ) as found:
        assert (found.options.pool_options.max_pool_size, found.options.timeout) == (7, 1.5)
        assert found.options.pool_options.connect_timeout == 10
        assert found.options.pool_options._ssl_context is None


def test_pymongo_verifies_where_it_is_asked_to(tmp_path: Path) -> None:
    wanted = Certificate(name="db", hosts=("db",), files={"K": ["key"], "B": ["certificate", "key"]})
    artifacts, _ = issue((wanted,), {}, datetime.now(), Span(path="x"), ".", Report())
    ca = tmp_path / "ca.crt"
    ca.write_bytes(next(one.content for one in artifacts if one.path == "tls/ca.crt"))
    for mode, expected in (("verify-full", ssl.CERT_REQUIRED), ("require", ssl.CERT_NONE)):
        url = text("pymongo", options=f", tls: {mode}").replace("/etc/stackc/tls/ca.crt", str(ca))
        with pymongo.MongoClient(url, connect=False) as found:
            assert found.options.pool_options._ssl_context.verify_mode == expected


@pytest.mark.parametrize("driver", KNOWN)
@pytest.mark.parametrize("options", ["", ALL, ALL.replace("verify-full", "require")])
def test_strings_hold_only_what_the_driver_knows(driver: str, options: str) -> None:
    names = {
        pair.partition("=")[0].lower() for pair in text(driver, options=options).split("?")[1].split("&")
    }
    assert names <= KNOWN[driver]


def test_code_says_what_a_string_cannot_carry() -> None:
    said = {driver: " ".join(found.code) for driver, found in plan(ALL).access["db"].network.items()}
    assert "maxTimeMS to 1500" in said["url"] and "maxTimeMS" in said["node"] and "MaxTime" in said["dotnet"]
    assert "trustStore" in said["java"] and "ca.crt" in said["dotnet"]
    assert said["pymongo"] == said["go"] == ""


@pytest.mark.parametrize(("version", "applies"), VERSIONS.items())
def test_every_version_renders_with_its_timeout(version: str, applies: str) -> None:
    made = plan(f", version: '{version}'{ALL}")
    assert next(one for one in made.containers if one.name == "db").spec["image"] == f"mongo:{version}"
    adapter = Registry().find("mongodb", Span(path="x"), Report())
    assert adapter and adapter.at(version)["query_timeout"]["applies"] == applies


@pytest.mark.parametrize("version", VERSIONS)
def test_no_version_claims_vector_search(version: str) -> None:
    made, found = build(f", version: '{version}', vector: {{dimensions: 3}}")
    assert made is None and f"mongodb {version} has no vector search" in found[-1]


@pytest.mark.parametrize(
    ("options", "cache_gb"),
    [(", memory: 512M", "0.25"), (", memory: 4G", "1.5"), (", memory: 4G, cache_gb: 3", "3")],
)
def test_cache_follows_the_memory(options: str, cache_gb: str) -> None:
    assert f"--wiredTigerCacheSizeGB={cache_gb}" in command(options)


def test_nothing_is_limited_unless_the_stack_says_so() -> None:
    assert command() == ["mongod"]
    assert command(", max_connections: 500") == ["mongod", "--maxConns=500"]


def test_connections_fit_the_limit_that_is_set() -> None:
    service = "\nservices:\n  a: {image: x, uses: [db]}\n"
    document = parse_yaml(
        f"name: t\ndatabases:\n  db: {{adapter: mongo, max_connections: 50}}{service}".encode(),
        "stack.yaml",
        Report(),
    )
    assert document
    found = Report()
    compile_document(document, Registry(), found, environment="local", today=TODAY, source="stack.yaml")
    assert [one.id for one in found] == ["too-many-connections"]


def refusals(name: str, value: str) -> list[str]:
    dotenv = read_env(f"{name}={env_quote(value)}\n")
    report = Report()
    fill(plan().project, dotenv, os.urandom, {}, report)
    return [one.id for one in report]


@pytest.mark.parametrize("name", ["DB_PASSWORD", "DB_ADMIN_PASSWORD"])
def test_password_that_drivers_would_refuse_is_refused(name: str) -> None:
    for value in ("tab\there", "line\nbreak", "🔑🔑🔑", "a\u00adb", "שלום"):
        assert refusals(name, value) == ["unusable-password"]
    for value in (one for one in HOSTILE if "🔑" not in one):
        assert refusals(name, value) == []


def test_every_accepted_character_is_one_that_drivers_prepare() -> None:
    pattern = re.compile(next(one.patterns[0] for one in plan().secrets if one.key == "DB_PASSWORD"))
    accepted = [char for char in map(chr, range(1, 0x110000)) if pattern.match(char)]
    assert len(accepted) > 30_000
    assert all(pymongo.saslprep.saslprep(char) for char in accepted)


SET = ", replica_set: true"
HELLO = "process.env = {SERVER: 'db'}; const db = {hello: () => (%s)}; const found = eval(%s); console.log(found);"
# What the job's statements ask of the shell; the server is the primary at the third question.
SHELL = """
const calls = [];
let conf = %s, left = 2;
const db = {
  hello: () => ({isWritablePrimary: --left < 0}), version: () => '7.0.1', getSiblingDB: () => db,
  runCommand: (one) => { calls.push(Object.keys(one)[0]); return {users: []}; },
};
const rs = {
  conf: () => {
    if (conf === null) throw Object.assign(new Error('none'), {codeName: 'NotYetInitialized'});
    return conf;
  },
  initiate: (one) => calls.push(one), reconfig: (one, how) => calls.push(one, how),
};
const sleep = () => calls.push('sleep');
"""


def run_node(script: str) -> Any:
    node = shutil.which("node") or pytest.skip("Node.js is not installed")
    done = subprocess.run([node, "-e", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def job(conf: str, options: str = SET) -> list[Any]:
    """Returns what the job asks of the server, in order, where the set is `conf`."""
    container = next(one for one in plan(options).containers if one.name == "db-init")
    statements = str(container.files[0].content).replace("require('fs').readFileSync(", "(")
    return list(run_node(f"{SHELL % conf}{statements}\nconsole.log(JSON.stringify(calls));"))


@pytest.mark.parametrize(
    ("options", "name"),
    [(SET, "rs0"), (", replica_set: main", "main"), (", needs: [transactions]", "rs0")],
)
def test_a_replica_set_has_a_name_and_a_key(options: str, name: str) -> None:
    assert command(options) == ["mongod", "--keyFile", "/data/configdb/key", "--replSet", name]
    server = next(one for one in plan(options).containers if one.name == "db").spec
    script = server["entrypoint"][2]
    assert "chown 999:999 /data/configdb/key" in script and "chmod 0400 /data/configdb/key" in script
    assert {f"replicaSet={name}" in text(driver, options=options) for driver in ("url", "go", "java")} == {
        True
    }


def test_services_look_for_the_set_and_this_machine_connects_to_its_one_member() -> None:
    for driver, here in plan(SET).access["db"].host.items():
        string = render_connection(here, {"DB_PASSWORD": "secret"})
        assert "directConnection=true" in string and "replicaSet" not in string, driver
        assert "directConnection" not in text(driver, options=SET)
    assert "replicaSet" not in text("url") and "directConnection" not in text("url")


def test_job_makes_the_set_once_and_waits_for_its_primary() -> None:
    made = {"_id": "rs0", "members": [{"_id": 0, "host": "db:27017"}]}
    after = ["sleep", "sleep", "usersInfo", "createUser"]
    assert job("null") == [made, *after]
    assert job(json.dumps(made)) == after


@pytest.mark.parametrize(("members", "kept"), [(["old:27017"], 0), (["old:27017", "db:27017"], 1)])
def test_job_makes_a_set_with_other_members_one_of_this_server(members: list[str], kept: int) -> None:
    conf = {"_id": "rs0", "version": 7, "members": [{"_id": n, "host": one} for n, one in enumerate(members)]}
    changed = {**conf, "members": [{"_id": kept, "host": "db:27017"}]}
    assert job(json.dumps(conf))[:2] == [changed, {"force": True}]


@pytest.mark.parametrize(
    ("hello", "healthy"),
    [
        ("{isWritablePrimary: true, hosts: ['db:27017']}", 1),
        ("{isWritablePrimary: false, secondary: true, hosts: ['db:27017']}", 0),
        # The job can mend these alone, and waits for the probe.
        ("{isWritablePrimary: false, isreplicaset: true}", 1),
        ("{isWritablePrimary: false, secondary: true, hosts: ['db:27017', 'other:27017']}", 1),
    ],
)
def test_probe_waits_for_a_primary_only_where_one_comes_by_itself(hello: str, healthy: int) -> None:
    spec = next(one for one in plan(SET).containers if one.name == "db").spec
    asked = re.findall(r"--eval '([^']*)'", spec["healthcheck"]["test"][1])[-1]
    assert run_node(HELLO % (hello, json.dumps(asked))) == healthy


def test_what_needs_a_set_takes_no_server_alone() -> None:
    made, found = build(", replica_set: false, needs: [transactions]")
    assert made is None and found == [
        "transactions and change data capture need a replica set; "
        "remove `replica_set: false`, or what needs them"
    ]


def test_too_little_memory_is_told() -> None:
    assert build(", memory: 256M")[1][0].startswith("MongoDB needs 256 MB for its cache alone")


def test_a_further_database_is_of_the_same_set() -> None:
    entry = "adapter: mongo, port: 22020, needs: [transactions]}\n  more: {on: db"
    string = render_connection(plan_database(entry).access["more"].host["url"], {"MORE_PASSWORD": "secret"})
    assert "directConnection=true" in string
