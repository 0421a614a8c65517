"""Volumes that the images of MySQL, MariaDB, Redis and MongoDB made, taken over with what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pymongo
import pymysql
import pytest
import redis

from tests.engines.conftest import Stack, need
from tests.engines.test_postgresql import strings

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.engine
IMAGES = ("mysql:8.4", "mariadb:11.8", "redis:7.2-alpine", "mongo:7.0")
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
volumes: {shop-db: null, wiki-db: null, cache: null, events: null}
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
"""
TABLE = "CREATE TABLE notes (text varchar(20)); INSERT INTO notes VALUES ('kept')"


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    need(*IMAGES)
    stack = Stack(tmp_path_factory.mktemp("stack"))
    file = stack.folder / "docker-compose.yml"
    file.write_text(OLD)
    stack.up()
    made = [
        stack.exec("shop", "mysql", "-u", "shop", "-pold one", "shop", "-e", TABLE),
        stack.exec("wiki", "mariadb", "-u", "root", "-pold root", "wiki", "-e", TABLE),
        stack.exec("cache", "redis-cli", "-a", "old one", "SET", "notes", "kept"),
    ]
    assert not any(one.returncode for one in made), made
    stack.compose("down", "--timeout", "20")
    file.unlink()
    for key in ("SHOP_PASSWORD", "CACHE_PASSWORD", "EVENTS_PASSWORD"):
        stack.set_env(key, "old one")
    for key in ("SHOP_ADMIN_PASSWORD", "WIKI_PASSWORD"):
        stack.set_env(key, "old root")
    (stack.folder / "seed.sql").write_text("CREATE TABLE seeded (id int);\nINSERT INTO seeded VALUES (1);\n")
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
