"""Neo4j's scripts against a program that keeps users as its server documents it; no server runs here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from compiler.project.connections import render_connection
from tests.adapters.standins import Standin

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = 'it\'s \\ "$HOME" `x` #%/@;\\'
# Keeps the users in a file; a text of Cypher is one of JSON, and the same password again is an error.
SHELL = r"""
users = json.loads((here / 'users').read_text())
if users.get(os.environ['NEO4J_USERNAME']) != os.environ['NEO4J_PASSWORD']:
    sys.exit('The client is unauthorized due to authentication failure.')
text = sys.argv[-1] if sys.argv[-1].startswith('RETURN') else sys.stdin.read()
with (here / 'said').open('a') as said:
    said.write(text)
user = r'(CREATE|ALTER) USER `(\w+)`.* SET PASSWORD ("(?:[^"\\]|\\.)*") '
for verb, name, word in re.findall(user, text):
    if verb == 'ALTER' and users.get(name) == json.loads(word):
        sys.exit('Old password and new password cannot be the same.')
    if verb == 'ALTER' or name not in users:
        users[name] = json.loads(word)
    (here / 'users').write_text(json.dumps(users))
"""


@pytest.fixture
def server(tmp_path: Path) -> Standin:
    vector = "vector: {dimensions: 3, collection: Chunk, metric: l2}"
    secrets = {"db-password": HOSTILE, "db-admin-password": HOSTILE[::-1]}
    made = Standin(tmp_path, f"adapter: neo4j, tls: require, plugins: [apoc, n10s], {vector}", secrets)
    made.program("cypher-shell", SHELL)
    (tmp_path / "users").write_text(json.dumps({"neo4j": HOSTILE[::-1]}))
    return made


def test_the_job_makes_the_user_and_the_index_again_and_again(server: Standin) -> None:
    for _ in range(2):
        done = server.run("db-init")
        assert done.returncode == 0, done.stderr
    assert json.loads((server.folder / "users").read_text())["db"] == HOSTILE
    said = (server.folder / "said").read_text()
    assert (
        "CREATE VECTOR INDEX `Chunk_embedding_l2_hnsw` IF NOT EXISTS FOR (n:`Chunk`) ON (n.`embedding`)"
        in said
    )
    assert '`vector.dimensions`: 3, `vector.similarity_function`: "euclidean"' in said


def test_a_new_password_counts_and_a_wrong_one_of_the_administrator_fails(server: Standin) -> None:
    assert server.run("db-init").returncode == 0
    (server.folder / "db-password").write_text("another-Password")
    assert server.run("db-init").returncode == 0
    assert json.loads((server.folder / "users").read_text())["db"] == "another-Password"
    (server.folder / "db-admin-password").write_text("wrong-Password")
    assert server.run("db-init").returncode != 0
    assert server.run("db", probe=True).returncode != 0


def test_the_probe_logs_in(server: Standin) -> None:
    assert server.run("db", probe=True).returncode == 0


def test_the_server_starts_with_its_password_in_the_environment(server: Standin) -> None:
    server.program("tini", "(here / 'auth').write_text(os.environ['NEO4J_AUTH']); print(sys.argv[1:])")
    done = server.run("db", "neo4j")
    assert (server.folder / "auth").read_text() == f"neo4j/{HOSTILE[::-1]}"
    assert done.stdout.strip() == "['-g', '--', '/startup/docker-entrypoint.sh', 'neo4j']"


def test_plugins_get_a_way_to_the_internet_and_are_a_list_in_json(server: Standin) -> None:
    spec = server.plan.containers[0].spec
    assert spec["networks"] == ["default", "databases"]
    assert json.loads(spec["environment"]["NEO4J_PLUGINS"]) == ["apoc", "n10s"]


def test_the_arguments_of_the_driver_carry_the_password(server: Standin) -> None:
    text = render_connection(server.plan.access["db"].network["python"], {"DB_PASSWORD": HOSTILE})
    given = json.loads(text)
    assert (given["uri"], given["password"], given["database"]) == ("bolt+ssc://db:7687", HOSTILE, "neo4j")
