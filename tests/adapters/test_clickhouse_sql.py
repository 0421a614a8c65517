"""The SQL of the ClickHouse adapter in ClickHouse's own engine, as a library; servers of that age cannot be booted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.adapters.test_clickhouse import access, container, content, further
from tests.engines.conftest import REQUIRED

pytestmark = pytest.mark.engine
Engine = Callable[..., list[str]]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Runs statements in ClickHouse's own engine, in a process of its own; the data stays for the module."""
    if find_spec("chdb") is None:
        reason = "chdb-core, the engine as a library, is not installed"
        pytest.fail(reason) if REQUIRED else pytest.skip(reason)
    return in_process(str(tmp_path_factory.mktemp("chdb")))


def in_process(where: str) -> Engine:
    def run(*statements: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", _ENGINE, where],
            input=json.dumps(statements),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return list(json.loads(done.stdout))

    return run


_ENGINE = """
import json, sys
from chdb.session import Session
session = Session(sys.argv[1])
print(json.dumps([str(session.query(text, "TSVRaw")) for text in json.load(sys.stdin)]))
"""


def init(engine: Engine, options: str) -> list[str]:
    """Does what the job does: runs the statements, then what they print; returns the latter."""
    (file,) = container("db-init", options).files
    printed = engine(*(one for one in str(file.content).split(";\n") if one.strip()))
    more = [one.strip() for one in "".join(printed).split(";") if one.strip()]
    engine(*more)
    return more


@pytest.mark.parametrize("metric", ["cosine", "l2", "ip"])
def test_index_is_made_once_and_stands_in_the_plan(engine: Engine, metric: str) -> None:
    options = f", vector: {{collection: docs_{metric}, field: v, dimensions: 3, metric: {metric}}}"
    assert len(init(engine, options)) == 2
    rows = "SELECT [randCanonical(1), randCanonical(2), randCanonical(3)] FROM numbers(2000)"
    query = access(options).query.strip().rstrip(";").replace("[…]", "[0.1, 0.2, 0.3]")
    _, shown, nearest = engine(
        f"INSERT INTO db.docs_{metric} (v) {rows}", f"EXPLAIN indexes = 1 {query}", query
    )
    assert f"Name: docs_{metric}_v_{metric}_hnsw" in shown and "vector_similarity" in shown
    assert len(nearest.splitlines()) == 10
    assert init(engine, options) == []


def test_index_of_a_frameworks_table_is_made_when_the_table_is_there(
    engine: Engine,
) -> None:
    options = (
        ", vector: {collection: langchain, dimensions: 3, managed: false, parameters: {quantization: f32}}"
    )
    assert init(engine, options) == []
    engine(
        "CREATE TABLE db.langchain (id UInt64, embedding Array(Float32)) ENGINE = MergeTree ORDER BY id",
        "INSERT INTO db.langchain SELECT number, [1, number, 3] FROM numbers(100)",
    )
    assert len(init(engine, options)) == 2
    (size,) = engine(
        "SELECT sum(data_compressed_bytes) FROM system.data_skipping_indices WHERE table = 'langchain'"
    )
    assert int(size) > 0 and init(engine, options) == []


def test_vector_of_another_length_is_refused(engine: Engine) -> None:
    init(engine, ", vector: {collection: strict, dimensions: 3}")
    with pytest.raises(AssertionError, match="VIOLATED_CONSTRAINT"):
        engine("INSERT INTO db.strict (embedding) VALUES ([1, 2])")


ALL = ", rights: [create-database, monitoring, sources, all], settings: {profile.max_threads: 4}"


@pytest.mark.parametrize("options", [ALL.replace(", all", ""), ALL])
def test_users_and_their_grants_are_read_by_the_engine(tmp_path: Path, options: str) -> None:
    text = content("db-users", options).replace(
        "<default>", "<default><access_management>1</access_management>"
    )
    users = ElementTree.fromstring(text.replace("<application>", "<default/><application>"))
    for user in users.iterfind("users/*"):
        ElementTree.SubElement(user, "password").text = "" if user.tag == "default" else "x"
    ElementTree.SubElement(ElementTree.SubElement(users, "quotas"), "default")
    ElementTree.ElementTree(users).write(tmp_path / "users.xml")
    config = f"<clickhouse><users_config>{tmp_path}/users.xml</users_config></clickhouse>"
    (tmp_path / "config.xml").write_text(config)
    engine = in_process(f"{tmp_path}/data?config-file={tmp_path}/config.xml")
    granted, threads = engine(
        "SHOW GRANTS FOR db",
        "SELECT value FROM system.settings_profile_elements WHERE profile_name = 'application'",
    )
    wanted = ["ON db.* TO db", "ON db_*.* TO db", "SELECT ON system.* TO db", "GRANT SOURCES ON *.* TO db"]
    wanted = ["GRANT ALL ON *.* TO db WITH GRANT OPTION"] if "all]" in options else wanted
    assert threads.strip() == "4" and [one for one in wanted if one not in granted] == []


def test_grants_of_a_further_database_are_statements_of_the_engine(engine: Engine) -> None:
    _, statements = further(", rights: [create-database, monitoring, sources, all]")
    assert len(statements) == 8
    quoted = [one.replace("'", "''") for one in statements]
    parsed = engine(*(f"SELECT formatQuerySingleLine('{one}')" for one in quoted))
    assert [one.split(" ON ")[-1].strip() for one in parsed[2:]] == [
        "more.* TO more WITH REPLACE OPTION",
        "* TO more",
        "more_*.* TO more",
        "system.* TO more",
        "*.* TO more",
        "*.* TO more WITH GRANT OPTION",
    ]
