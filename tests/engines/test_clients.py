"""Clients of frameworks and tools log in with the string that is rendered for them; a wrong password lets none in.

What is not installed is skipped: Python's packages beside pytest, npm's in NODE_PATH, Ruby's gems, Go's sources in
GOPATH (Debian: ruby-activerecord ruby-pg ruby-mysql2 ruby-redis golang-go golang-github-lib-pq-dev).
"""

from __future__ import annotations

import subprocess
import sys
from shutil import which
from typing import TYPE_CHECKING, NamedTuple

import pytest

from compiler.pages.access import find_connections
from compiler.report import Report
from compiler.run.workspace import Project
from tests.conftest import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.engines.conftest import Stack

pytestmark = pytest.mark.engine
MODES = ("off", "require", "verify-full")
IMAGES = ("pgvector/pgvector:pg17", "mysql:8.4", "redis:7.2-alpine")
PASSWORD = 'p@:/?#%+& w"$x=;'
ABSENT = 77
STACK = """
name: stackctest-clients-{mode}
databases:
  pg: {{adapter: postgresql, version: 17, port: {port}1, tls: {mode}}}
  my: {{adapter: mysql, version: "8.4", port: {port}2, tls: {mode}}}
  kv: {{adapter: redis, port: {port}3, tls: {mode}}}
"""
DJANGO = f"""
import os, sys, urllib.parse
try:
    import django, dj_database_url, environ, {{driver}}
except ImportError:
    sys.exit({ABSENT})
from django.conf import settings
url, ca = os.environ["CLIENT_URL"], os.environ.get("CLIENT_CA")
for reader in ("dj_database_url.parse(url)", "environ.Env.db_url_config(url)"):
    config = eval(reader)
    if ca and "mysql" in url:
        config["OPTIONS"]["ssl"] = {{{{"ca": ca}}}}
    if not settings.configured:
        settings.configure()
        django.setup()
    from django.db.utils import ConnectionHandler
    ConnectionHandler({{{{"default": config}}}})["default"].cursor().execute("SELECT 1")
"""
CACHE = f"""
import os, sys
try:
    import django, redis
except ImportError:
    sys.exit({ABSENT})
from django.conf import settings
backend = "django.core.cache.backends.redis.RedisCache"
settings.configure(CACHES={{"default": {{"BACKEND": backend, "LOCATION": os.environ["CLIENT_URL"]}}}})
django.setup()
from django.core.cache import cache
cache.set("a", 1)
sys.exit(cache.get("a") != 1)
"""
NODE = """
const take = (name) => { try { return require(name) } catch { process.exit(ABSENT) } }
const url = process.env.CLIENT_URL
const fail = (error) => { console.error(error.message); process.exit(1) }
setTimeout(() => fail(new Error('it takes too long')), 20000)
;(async () => { BODY; process.exit(0) })().catch(fail)
"""
PRISMA = """
const adapter = await new (take('%s').%s)(%s).connect()
const { rows } = await adapter.queryRaw({sql: 'SELECT 1', args: [], argTypes: []})
if (Number(rows[0][0]) !== 1) throw new Error('another answer')
"""
IOREDIS = """
const Redis = take('ioredis'), client = new Redis(url, {connectTimeout: 5000, retryStrategy: () => null})
client.on('error', fail)
if (await client.ping() !== 'PONG') throw new Error('another answer')
"""
BULLMQ = """
const { Queue, Worker } = take('bullmq'), connection = {url, connectTimeout: 5000, maxRetriesPerRequest: null}
const queue = new Queue('jobs', {connection}), worker = new Worker('jobs', async () => 2, {connection})
queue.on('error', fail)
worker.on('error', fail)
const done = new Promise((resolve) => worker.on('completed', resolve))
await queue.add('job', {})
await done
"""
RAILS = f"""
begin
  require "logger"
  require "active_record"
  require "{{gem}}"
rescue LoadError
  exit {ABSENT}
end
ActiveRecord::Base.establish_connection(ENV["CLIENT_URL"])
exit ActiveRecord::Base.connection.select_value("SELECT 1").to_i == 1
"""
RUBY_REDIS = f"""
begin
  require "redis"
rescue LoadError
  exit {ABSENT}
end
ca = ENV["CLIENT_CA"]
options = {{"off" => {{}}, "require" => {{ssl_params: {{verify_mode: OpenSSL::SSL::VERIFY_NONE}}}},
            "verify-full" => {{ssl_params: {{ca_file: ca}}}}}}[ENV["CLIENT_MODE"]]
exit Redis.new(url: ENV["CLIENT_URL"], reconnect_attempts: 0, **options).ping == "PONG"
"""
LIB_PQ = """
package main

import (
	"database/sql"
	"fmt"
	"os"

	_ "github.com/lib/pq"
)

func main() {
	db, err := sql.Open("postgres", os.Getenv("CLIENT_URL"))
	if err == nil {
		err = db.Ping()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
"""


class Client(NamedTuple):
    """The database that a client connects to, its driver, the program and its text, and in which modes of TLS."""

    database: str
    driver: str
    program: str
    text: str
    modes: tuple[str, ...] = MODES


PG_ADAPTER = PRISMA % ("@prisma/adapter-pg", "PrismaPg", "{connectionString: url}")
MARIADB_ADAPTER = PRISMA % ("@prisma/adapter-mariadb", "PrismaMariaDb", "url")
CLIENTS = {
    "Django on PostgreSQL": Client("pg", "django", "python", DJANGO.format(driver="psycopg")),
    "Django on MySQL": Client("my", "django", "python", DJANGO.format(driver="MySQLdb")),
    "Django's cache": Client("kv", "django", "python", CACHE),
    "lib/pq": Client("pg", "go_pq", "go", LIB_PQ),
    "lib/pq as golang-migrate has it": Client("pg", "golang_migrate", "go", LIB_PQ),
    # Without verification the adapter of version 7 takes the words of its driver, as the connection says.
    "Prisma's adapter for PostgreSQL": Client("pg", "prisma", "node", PG_ADAPTER, ("off", "verify-full")),
    "Prisma's adapter, unverified": Client("pg", "node_pg", "node", PG_ADAPTER, ("require",)),
    "Prisma's adapter for MySQL": Client("my", "prisma", "node", MARIADB_ADAPTER, ("off",)),
    "ioredis": Client("kv", "ioredis", "node", IOREDIS),
    "BullMQ": Client("kv", "bullmq", "node", BULLMQ),
    "Rails on PostgreSQL": Client("pg", "rails", "ruby", RAILS.format(gem="pg")),
    # Debian's mysql2 has MariaDB's client library, with which it takes no ssl_mode.
    "Rails on MySQL": Client("my", "rails", "ruby", RAILS.format(gem="mysql2"), ("off", "verify-full")),
    "Ruby's redis": Client("kv", "rails", "ruby", RUBY_REDIS),
}
CASES = [(name, mode) for name, client in CLIENTS.items() for mode in client.modes]


@pytest.fixture(scope="module")
def stacks(boot: Callable[..., Stack]) -> Callable[[str], Stack]:
    """Gives a function that boots the stack of one mode of TLS, once."""
    made: dict[str, Stack] = {}

    def make(mode: str) -> Stack:
        if mode not in made:
            text = STACK.format(mode=mode, port=2410 + MODES.index(mode))
            env = {f"{key}_PASSWORD": PASSWORD for key in ("PG", "MY", "KV")}
            made[mode] = boot(text, *IMAGES, env=env)
        return made[mode]

    return make


def command(client: Client, stack: Stack) -> list[str]:
    """Returns the command that runs a client; skips the test where its language is not here."""
    found = sys.executable if client.program == "python" else which(client.program, path=OUTSIDE["PATH"])
    if not found:
        pytest.skip(f"there is no {client.program}")
    if client.program != "go":
        return [found, {"python": "-c", "node": "-e", "ruby": "-e"}[client.program], client.text]
    source, binary = stack.folder / "client.go", stack.folder / "client"
    if not binary.exists():
        source.write_text(client.text)
        built = run([found, "build", "-o", str(binary), str(source)], stack, {"GO111MODULE": "off"})
        if "cannot find package" in built.stderr:
            pytest.skip("Go has no github.com/lib/pq in GOPATH")
        assert built.returncode == 0, built.stderr
    return [str(binary)]


def run(words: list[str], stack: Stack, more: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    paths = {"GOPATH": "/usr/share/gocode", "GOTOOLCHAIN": "local", "GOCACHE": str(stack.folder / "go")}
    return subprocess.run(
        words,
        cwd=stack.folder,
        env={**paths, **OUTSIDE, **more},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def url_of(stack: Stack, client: Client) -> str:
    report = Report()
    project = Project(stack.folder / "stack.yaml", stack.folder, today="2026-01-01")
    rows, _ = find_connections(
        project, client.database, report, driver=client.driver, origin="host", reveal=True
    )
    return str(rows[client.driver]["string"])


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_a_client_logs_in_with_its_string(
    name: str, mode: str, stacks: Callable[[str], Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, stack = CLIENTS[name], stacks(mode)
    words = command(client, stack)
    if client.program == "node":
        words[2] = NODE.replace("ABSENT", str(ABSENT)).replace("BODY", client.text)
    monkeypatch.chdir(stack.folder)
    url, ca = url_of(stack, client), str(stack.folder / "tls" / "ca.crt")
    more = {"CLIENT_MODE": mode, **({"CLIENT_CA": ca} if mode == "verify-full" else {})}
    if client.program == "node":
        # ioredis can say in code alone that it verifies nothing.
        more |= {"NODE_EXTRA_CA_CERTS": ca} if mode == "verify-full" else {}
        more |= {"NODE_TLS_REJECT_UNAUTHORIZED": "0"} if mode == "require" else {}
    done = run(words, stack, {**more, "CLIENT_URL": url})
    if done.returncode == ABSENT:
        pytest.skip(f"what {name} needs is not installed")
    assert done.returncode == 0, done.stderr[-2000:]
    wrong = run(words, stack, {**more, "CLIENT_URL": url.replace("p%40%3A", "q%40%3A")})
    assert wrong.returncode not in (0, ABSENT), "a wrong password lets it in"
