"""Volumes that the images of MySQL, MariaDB, Redis, MongoDB and ClickHouse made, taken over with what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import clickhouse_driver
import pymongo
import pymysql
import pytest
import redis

from tests.engines.conftest import Stack, need
from tests.engines.test_postgresql import strings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.engine
IMAGES = ("mysql:8.4", "mariadb:11.8", "redis:7.2-alpine", "mongo:7.0", "clickhouse/clickhouse-server:latest")
OLD = """
name: stackctest-moving-others
services:
  shop:
    image: mysql:8.4
    environment: {MYSQL_ROOT_PASSWORD: old root, MYSQL_DATABASE: shop, MYSQL_USER: shop, MYSQL_PASSWORD: old one}
    volumes: ["shop-db:/var/lib/mysql"]
    healthcheck:
      test: mysql -h 127.0.0.1 -u shop -p'old one' shop -e 'SELECT 1'
      interval: 2s
      retries: 60
  wiki:
    image: mariadb:11.8
    environment: {MARIADB_ROOT_PASSWORD: old root, MARIADB_DATABASE: wiki}
    volumes: ["wiki-db:/var/lib/mysql"]
    healthcheck:
      test: mariadb -h 127.0.0.1 -u root -p'old root' wiki -e 'SELECT 1'
      interval: 2s
      retries: 60
  cache:
    image: redis:7.2-alpine
    command: [redis-server, --requirepass, old one, --appendonly, "yes"]
    volumes: ["cache:/data"]
  events:
    image: mongo:7.0
    environment: {MONGO_INITDB_ROOT_USERNAME: chief, MONGO_INITDB_ROOT_PASSWORD: old one}
    volumes: ["events:/data/db"]
    healthcheck: {test: ["CMD-SHELL", "sleep 5"], interval: 1s, timeout: 20s}
  views:
    image: clickhouse/clickhouse-server:latest
    environment: {CLICKHOUSE_USER: chief, CLICKHOUSE_PASSWORD: old one, CLICKHOUSE_DB: stats}
    volumes: ["views-data:/var/lib/clickhouse"]
    ulimits: {nofile: 20000}
    healthcheck:
      test: clickhouse-client -h "$$HOSTNAME" -u chief --password 'old one' -d stats -q 'SELECT 1'
      interval: 2s
      retries: 60
volumes: {shop-db: null, wiki-db: null, cache: null, events: null, views-data: null}
"""
NEW = """
name: stackctest-moving-others
databases:
  shop:
    adapter: mysql
    version: "8.4"
    port: 20211
    volume: shop-db
    rights: [create-database]
    settings: {long_query_time: 3}
    scripts: [seed.sql]
  jobs: {on: shop}
  wiki: {adapter: mariadb, port: 20212, user: root, volume: wiki-db, settings: {long_query_time: 4}}
  cache:
    adapter: redis
    port: 20213
    user: default
    volume: cache
    rights: [admin]
    settings: {slowlog-log-slower-than: 5000}
  events: {adapter: mongodb, port: 20214, admin: chief, user: chief, volume: events}
  audit: {on: events, rights: [read-all]}
  views:
    adapter: clickhouse
    native_port: 20215
    nofile: 20000
    admin: chief
    user: chief
    database: stats
    volume: views-data
    settings: {profile.max_threads: 3, logger.level: warning, merge_tree.max_suspicious_broken_parts: 7}
    scripts: ["it's a seed.sql"]
"""
TABLE = "CREATE TABLE notes (text varchar(20)); INSERT INTO notes VALUES ('kept')"
VIEWED = "CREATE TABLE notes (text String) ENGINE = MergeTree ORDER BY text; INSERT INTO notes SELECT 'kept'"


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    need(*IMAGES)
    stack = Stack(tmp_path_factory.mktemp("stack"))
    file = stack.folder / "docker-compose.yml"
    file.write_text(OLD)
    stack.up()
    views = ("clickhouse-client", "-u", "chief", "--password", "old one", "-d", "stats", "--multiquery", "-q")
    made = [
        stack.exec("views", *views, VIEWED),
        stack.exec("shop", "mysql", "-u", "shop", "-pold one", "shop", "-e", TABLE),
        stack.exec("wiki", "mariadb", "-u", "root", "-pold root", "wiki", "-e", TABLE),
        stack.exec("cache", "redis-cli", "-a", "old one", "SET", "notes", "kept"),
    ]
    assert not [one for one in made if one.returncode]
    stack.compose("down", "--timeout", "20")
    file.unlink()
    for key in ("SHOP_PASSWORD", "CACHE_PASSWORD", "EVENTS_PASSWORD", "VIEWS_PASSWORD"):
        stack.set_env(key, "old one")
    for key in ("SHOP_ADMIN_PASSWORD", "WIKI_PASSWORD"):
        stack.set_env(key, "old root")
    (stack.folder / "seed.sql").write_text("CREATE TABLE seeded (id int);\nINSERT INTO seeded VALUES (1);\n")
    (stack.folder / "it's a seed.sql").write_text(
        "CREATE TABLE seeded (id UInt32) ENGINE = MergeTree ORDER BY id;\nINSERT INTO seeded VALUES (1);\n"
    )
    stack.compile(NEW)
    stack.up()
    yield stack
    stack.down()


def sql(stack: Stack, database: str, port: int, user: str, statement: str) -> tuple[tuple[object, ...], ...]:
    password = stack.env[f"{database.upper()}_PASSWORD"]
    connection = pymysql.connect(
        host="127.0.0.1", port=port, user=user, password=password, database=database, autocommit=True
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return tuple(cursor.fetchall())


def test_old_rows_of_mysql_and_mariadb_are_served(moved: Stack) -> None:
    assert sql(moved, "shop", 20211, "shop", "SELECT text FROM notes") == (("kept",),)
    assert sql(moved, "wiki", 20212, "root", "SELECT text FROM notes") == (("kept",),)


def test_settings_rights_and_scripts_hold_over_another_start(moved: Stack) -> None:
    for _ in range(2):
        assert sql(moved, "shop", 20211, "shop", "SELECT @@long_query_time") == ((3.0,),)
        assert sql(moved, "wiki", 20212, "root", "SELECT @@long_query_time") == ((4.0,),)
        assert sql(moved, "shop", 20211, "shop", "SELECT COUNT(*) FROM seeded") == ((1,),)
        sql(moved, "shop", 20211, "shop", "CREATE DATABASE shop_more")
        sql(moved, "shop", 20211, "shop", "DROP DATABASE shop_more")
        moved.up("--force-recreate")


def test_a_further_database_of_mysql_is_apart(moved: Stack) -> None:
    assert sql(moved, "jobs", 20211, "jobs", "SELECT CURRENT_USER()") == (("jobs@%",),)
    with pytest.raises(pymysql.OperationalError, match="denied"):
        sql(moved, "jobs", 20211, "jobs", "SELECT * FROM shop.notes")


def test_a_redis_client_logs_in_with_the_password_alone(moved: Stack) -> None:
    client = redis.Redis(port=20213, password=moved.env["CACHE_PASSWORD"], decode_responses=True)
    assert client.get("notes") == "kept"
    assert client.config_get("slowlog-log-slower-than") == {"slowlog-log-slower-than": "5000"}
    assert client.acl_whoami() == "default"
    client.close()
    with pytest.raises(redis.exceptions.AuthenticationError):
        redis.Redis(port=20213).ping()


def test_the_administrator_of_mongodb_logs_in_and_a_further_database_has_its_user(moved: Stack) -> None:
    for name in ("events", "audit"):
        client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(strings(moved, name)["url"])
        client[name]["notes"].insert_one({"kept": True})
        assert client[name]["notes"].count_documents({}) >= 1
        client.close()


def test_clickhouse_keeps_its_rows_and_has_settings_and_each_script_once(moved: Stack) -> None:
    url = strings(moved, "views")["clickhouse_driver"]
    for _ in range(2):
        client = clickhouse_driver.Client.from_url(url)
        assert client.execute("SELECT * FROM notes") == [("kept",)]
        assert client.execute("SELECT count() FROM seeded") == [(1,)]
        assert client.execute("SELECT name FROM stackc_scripts") == [("it's a seed.sql",)]
        assert client.execute("SELECT value FROM system.settings WHERE name = 'max_threads'") == [("3",)]
        client.disconnect()
        moved.up("--force-recreate")
    shown = moved.sh("views", "cat /var/lib/clickhouse/preprocessed_configs/*config.xml").stdout
    assert "<level>warning</level>" in shown and "<max_suspicious_broken_parts>7<" in shown


RIGHTS = """
name: stackctest-rights
databases:
  one: {adapter: mysql, version: "8.4", user: app, database: my_app, rights: %s}
  two: {adapter: mariadb, user: app, database: my_app, rights: %s}
"""


def granted(stack: Stack, service: str, client: str, statement: str = "SHOW GRANTS FOR app@'%'") -> set[str]:
    """Returns the rights that the user has on a server, and the databases that somebody else gave to it."""
    password = stack.env[f"{service.upper()}_ADMIN_PASSWORD"]
    done = stack.exec(service, client, "-uroot", f"-p{password}", "-N", "-e", statement)
    assert done.returncode == 0, done.stderr
    known = {"REPLICATION SLAVE": "replication", "`test": "create-database", "`other`": "other"}
    found = {word for text, word in known.items() if text in done.stdout}
    return found - {"replication"} | {"all"} if "WITH GRANT OPTION" in done.stdout else found


def test_rights_that_a_stack_names_no_more_are_revoked(boot: Callable[..., Stack]) -> None:
    stack = boot(RIGHTS % ("[create-database, replication]", "[all]"), "mysql:8.4", "mariadb:11.8")
    servers = (("one", "mysql"), ("two", "mariadb"))
    assert [granted(stack, *one) for one in servers] == [{"create-database", "replication"}, {"all"}]
    for one in servers:
        granted(stack, *one, "GRANT SELECT ON other.* TO app@'%'")
    for rights in (("all", "replication"), ("replication", "create-database"), ("", "")):
        stack.compile(RIGHTS % tuple(f"[{one}]" for one in rights))
        stack.up()
        wanted = [{*rights[:1], "other"} - {""}, {*rights[1:], "other"} - {""}]
        assert [granted(stack, *one) for one in servers] == wanted
