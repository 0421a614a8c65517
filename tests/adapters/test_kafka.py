"""Kafka's scripts against programs that read their files as Java does; no broker runs here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from compiler.project.connections import render_connection
from tests.adapters.standins import Standin

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = 'it\'s \\ "$HOME" #%/@;`x`\\'
# java.util.Properties takes a backslash away, and JAAS another one.
READ = r"""
def properties(file):
    lines = (line.partition('=') for line in file.read_text().splitlines() if '=' in line)
    return {key: re.sub(r'\\(.)', r'\1', value) for key, _, value in lines}
def jaas(text):
    return {key: re.sub(r'\\(.)', r'\1', value) for key, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', text)}
"""
TOOL = (
    READ
    + """
given = properties(here / 'client.properties')
login = jaas(given['sasl.jaas.config'])
if json.loads((here / 'users').read_text()).get(login['username']) != login['password']:
    sys.exit('Authentication failed: Invalid username or password')
with (here / 'said').open('a') as said:
    said.write(' '.join([pathlib.Path(sys.argv[0]).name, *sys.argv[1:]]) + '\\n')
"""
)
SERVER = (
    READ
    + """
given = properties(pathlib.Path(sys.argv[1]))
print(json.dumps([given, jaas(given['listener.name.client.plain.sasl.jaas.config']),
    jaas(given['listener.name.host.plain.sasl.jaas.config'])]))
"""
)
FORMAT = (
    "print('uuid') if 'random-uuid' in sys.argv else (here / 'formatted').write_text(' '.join(sys.argv[1:]))"
)


@pytest.fixture
def broker(tmp_path: Path) -> Standin:
    secrets = {"db-password": HOSTILE, "db-admin-password": HOSTILE[::-1]}
    made = Standin(
        tmp_path, "adapter: kafka, tls: verify-full, port: 9192, topics: [orders.v1, audit]", secrets
    )
    for name in ("kafka-topics.sh", "kafka-acls.sh"):
        made.program(name, TOOL)
    made.program("kafka-storage.sh", FORMAT)
    made.program("kafka-server-start.sh", SERVER)
    (tmp_path / "users").write_text(json.dumps({"admin": HOSTILE[::-1], "db": HOSTILE}))
    return made


def test_the_broker_reads_both_passwords_and_tells_each_client_where_it_is(broker: Standin) -> None:
    done = broker.run("db", "kafka-server-start.sh")
    assert done.returncode == 0, done.stderr
    given, *logins = json.loads(done.stdout)
    assert logins == [{"user_admin": HOSTILE[::-1], "user_db": HOSTILE}] * 2
    assert given["advertised.listeners"].split(",")[1:] == ["CLIENT://db:9092", "HOST://127.0.0.1:9192"]
    assert broker.plan.containers[0].spec["ports"] == ["127.0.0.1:9192:19092"]
    assert "--cluster-id uuid" in (broker.folder / "formatted").read_text()


def test_a_broker_with_data_is_not_formatted(broker: Standin) -> None:
    (broker.folder / "data" / "logs").mkdir(parents=True)
    (broker.folder / "data" / "logs" / "meta.properties").touch()
    assert broker.run("db", "kafka-server-start.sh").returncode == 0
    assert not (broker.folder / "formatted").exists()


def test_the_job_gives_rights_and_makes_the_topics(broker: Standin) -> None:
    done = broker.run("db-init")
    assert done.returncode == 0, done.stderr
    said = (broker.folder / "said").read_text()
    assert said.count("--allow-principal User:db") == 3 and "--topic * --group *" in said
    for topic in ("orders.v1", "audit"):
        assert f"--create --if-not-exists --topic {topic}\n" in said


@pytest.mark.parametrize("secret", ["db-password", "db-admin-password"])
def test_a_wrong_password_fails_the_job(broker: Standin, secret: str) -> None:
    (broker.folder / secret).write_text("wrong-Password")
    assert broker.run("db-init").returncode != 0


def test_the_probe_logs_in(broker: Standin) -> None:
    assert broker.run("db", probe=True).returncode == 0
    (broker.folder / "db-admin-password").write_text("wrong-Password")
    assert broker.run("db", probe=True).returncode != 0


def test_javas_clients_read_the_password_back(broker: Standin) -> None:
    text = render_connection(broker.plan.access["db"].network["java"], {"DB_PASSWORD": HOSTILE})
    names: dict[str, object] = {}
    exec(f"import re\n{READ}", names)
    assert names["jaas"](text) == {"username": "db", "password": HOSTILE}  # type: ignore[operator]
