"""A database entry against its own adapter: versions, names, TLS, pools, timeouts, vectors and what is needed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from compiler.report import Report, Span
from tests.stacks import compile_text, findings, only, registry

if TYPE_CHECKING:
    from compiler.stack.database import Database


def entry(options: str, rest: str = "") -> str:
    return f"name: demo\ndatabases:\n  main: {{{options}}}\n{rest}"


def typed(options: str, rest: str = "") -> Database:
    compiled, found = compile_text(entry(options, rest))
    assert compiled is not None, [one.message for one in found]
    return compiled.stack.databases["main"]


def told(options: str, rest: str = "") -> tuple[str, str, str]:
    """Returns the code of the one finding, where it points, and what it helps with."""
    text = entry(options, rest)
    ((code, place),) = findings(text)
    return code, place, only(text).help or ""


# Versions and images


@pytest.mark.parametrize(
    ("adapter", "written", "version"),
    [
        ("mongodb", "7", "7.0"),
        ("mongodb", '"7"', "7.0"),
        ("mongodb", '"7.0"', "7.0"),
        ("mongodb", "7.0", "7.0"),
        ("mongodb", "8.0", "8.0"),
        ("mysql", "8.4", "8.4"),
        ("mariadb", "10.11", "10.11"),
        ("postgresql", "16", "16"),
        ("postgresql", '"16"', "16"),
        ("clickhouse", "latest", "latest"),
    ],
)
def test_a_version_may_be_written_as_a_number_or_a_text(adapter: str, written: str, version: str) -> None:
    assert typed(f"adapter: {adapter}, version: {written}").version == version


def test_without_a_version_the_line_is_the_default_one() -> None:
    database = typed("adapter: mongodb")
    assert (database.version, database.image) == ("7.0", "mongo:7.0")


@pytest.mark.parametrize("written", ['"16.4"', "16.4", "latest", "99"])
def test_an_unknown_version_gets_the_closest_one(written: str) -> None:
    code, place, help = told(f"adapter: postgresql, version: {written}")
    assert (code, place) == ("unknown-version", written)
    assert "16" in help


@pytest.mark.parametrize("written", ["true", "[16]", "{a: 16}", "null"])
def test_a_version_of_another_type_is_told_as_such(written: str) -> None:
    assert told(f"adapter: postgresql, version: {written}")[0] == "wrong-type"


def test_an_image_stands_beside_its_version_line() -> None:
    database = typed(
        "adapter: postgresql, version: 18, image: 'registry.example:5000/pg:18.1@sha256:" + "a" * 64 + "'"
    )
    assert database.version == "18"
    assert database.image.startswith("registry.example:5000/pg:18.1@")


@pytest.mark.parametrize("image", ["'Postgres:16'", "'postgres 16'", "'${IMAGE}'", "'a:b:c'"])
def test_an_image_that_no_registry_takes_is_refused(image: str) -> None:
    id = "variable-image" if "$" in image else "wrong-format"
    assert told(f"adapter: postgresql, image: {image}")[0] == id


def test_the_schema_of_another_adapter_does_not_matter() -> None:
    assert told("adapter: postgresql, maxmemory: 100mb")[:2] == ("unknown-option", "maxmemory")
    assert typed("adapter: redis, maxmemory: 100mb").options["maxmemory"] == "100mb"


def test_every_fault_of_an_entry_is_told_at_once() -> None:
    text = entry("adapter: postgresql, port: 0, pool: 5, max_connections: x, maxmemory: 1")
    assert [code for code, _ in findings(text)] == [
        "out-of-range",
        "wrong-type",
        "wrong-type",
        "unknown-option",
    ]


def test_options_have_their_defaults() -> None:
    assert typed("adapter: postgresql, pooler: true").options == {
        "max_connections": 100,
        "extensions": [],
        "pooler": True,
    }


# Names


@pytest.mark.parametrize(("key", "name"), [("main", "main"), ("my-db", "my_db")])
def test_user_and_database_have_the_name_of_the_entry(key: str, name: str) -> None:
    compiled, _ = compile_text(f"name: demo\ndatabases: {{{key}: {{adapter: postgresql}}}}\n")
    assert compiled is not None
    assert (compiled.stack.databases[key].user, compiled.stack.databases[key].database) == (name, name)


@pytest.mark.parametrize(
    ("adapter", "option", "code"),
    [
        ("postgresql", "user: 'a b'", "wrong-format"),
        ("postgresql", "user: Application", "wrong-format"),
        ("postgresql", "user: public", "reserved-name"),
        ("postgresql", "database: template1", "reserved-name"),
        ("postgresql", "database: 'a;b'", "wrong-format"),
        ("mysql", "user: mysql", "reserved-name"),
        ("mongodb", "database: admin", "reserved-name"),
        ("redis", "database: main", "wrong-format"),
        ("redis", "database: '16'", "wrong-format"),
        ("elasticsearch", "database: main", "unsupported-option"),
        ("qdrant", "user: main", "unsupported-option"),
    ],
)
def test_a_name_that_the_engine_does_not_take_is_refused(adapter: str, option: str, code: str) -> None:
    found, place, _ = told(f"adapter: {adapter}, {option}")
    name, _, value = option.partition(": ")
    assert (found, place) == (code, name if code == "unsupported-option" else value)


@pytest.mark.parametrize(
    ("key", "adapter", "database", "user"),
    [
        ("postgres", "postgresql", "app", "app"),
        ("mysql", "mysql", "app", "app"),
        ("mongo", "mongodb", "mongo", "mongo"),
        ("admin", "mongodb", "app", "admin"),
        ("root", "mariadb", "root", "app"),
        ("default", "redis", "0", "app"),
        ("pg-x", "postgresql", "pg_x", "app"),
        ("my-files", "garage", "my-files", ""),
        ("plausible_db", "postgresql", "plausible_db", "plausible_db"),
        ("a" * 40, "mysql", "a" * 40, "app"),
    ],
)
def test_a_key_that_the_engine_takes_for_no_name_stays_the_host(
    key: str, adapter: str, database: str, user: str
) -> None:
    compiled, found = compile_text(f"name: demo\ndatabases:\n  {key}: {{adapter: {adapter}}}\n")
    assert compiled and not [one.message for one in found if one.severity == "error"]
    made = compiled.stack.databases[key]
    assert (made.database, made.user, compiled.project.access[key].parts["host"]) == (database, user, key)


@pytest.mark.parametrize("name", registry().names())
def test_every_engine_takes_what_stands_in_place_of_a_key(name: str) -> None:
    adapter = registry().find(name, Span(""), Report())
    assert adapter
    rules = adapter.at(adapter.default_version).get("credentials") or {}
    for rule in (rules.get("user"), rules.get("database")):
        assert not rule or "default" in rule or re.search(rule["pattern"], rule["instead"])
        assert not rule or rule["instead"] not in rule.get("refuse", ())


# Passwords


def test_a_password_may_come_from_a_secret_of_the_stack() -> None:
    secrets = "secrets: {app: {generate: hex}, other: {environment: DB_PW}}\n"
    assert typed("adapter: postgresql", secrets).password_key == "MAIN_PASSWORD"
    assert typed("adapter: postgresql, password: '${{ secrets.app }}'", secrets).password_key == "APP"
    assert typed("adapter: postgresql, password: '${{secrets.other}}'", secrets).password_key == "DB_PW"


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("hunter2", "literal-password"),
        ("'${PW}'", "literal-password"),
        ("'x${{ secrets.app }}'", "literal-password"),
        ("'${{ secrets.ap }}'", "unknown-reference"),
        ("'${{ secrets.pem }}'", "secret-is-a-file"),
    ],
)
def test_a_password_is_a_whole_secret_or_nothing(password: str, code: str) -> None:
    secrets = "secrets: {app: {generate: hex}, pem: {file: a.pem}}\n"
    assert told(f"adapter: postgresql, password: {password}", secrets)[:2] == (code, password)


def test_no_message_holds_a_password_of_the_stack() -> None:
    one = only(entry("adapter: postgresql, password: hunter2"))
    assert "hunter2" not in one.message + str(one.help)


# TLS


@pytest.mark.parametrize(
    ("written", "mode"), [("off", "off"), ("require", "require"), ("verify-full", "verify-full")]
)
def test_tls_is_one_word(written: str, mode: str) -> None:
    tls = typed(f"adapter: postgresql, tls: {written}").tls
    assert (tls.mode, tls.enabled) == (mode, mode != "off")


def test_tls_with_own_files_has_a_mode() -> None:
    tls = typed("adapter: postgresql, tls: {mode: require, certificate: a.crt, key: a.key, ca: ca.crt}").tls
    assert (tls.mode, tls.certificate, tls.key, tls.ca) == ("require", "a.crt", "a.key", "ca.crt")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("on", "not-allowed-value"),
        ("true", "wrong-type"),
        ("{certificate: a.crt, key: a, ca: b}", "missing-option"),
        ("{mode: require, certificate: a.crt}", "conflicting-options"),
        ("{mode: off}", "not-allowed-value"),
    ],
)
def test_other_forms_of_tls_are_refused(written: str, code: str) -> None:
    assert told(f"adapter: postgresql, tls: {written}")[0] == code


@pytest.mark.parametrize("key", ["ca", "authority"])
def test_no_certificate_takes_the_place_of_the_authority(key: str) -> None:
    text = f"name: demo\ndatabases:\n  {key}: {{adapter: postgresql, tls: %s}}\n"
    assert findings(text % "off") == []
    assert findings(text % "require") == [("reserved-name", "tls")]


# Pools, timeouts and sizes


def test_a_pool_has_the_size_of_the_adapter_or_its_own() -> None:
    assert typed("adapter: postgresql").pool_size == 10
    assert typed("adapter: postgresql, pool: {size: 25}").pool_size == 25


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("500ms", 500), ("30s", 30_000), ("2m", 120_000), ("1h", 3_600_000)]
)
def test_a_query_timeout_has_a_unit(text: str, milliseconds: int) -> None:
    assert typed(f"adapter: postgresql, query_timeout: {text}").timeout == milliseconds


@pytest.mark.parametrize("written", ["30", "30 s", "1d", "0s", "-1s", "1.5s", "s", "9999999s"])
def test_a_query_timeout_of_another_form_is_refused(written: str) -> None:
    assert told(f"adapter: postgresql, query_timeout: {written}")[:2] in [
        ("wrong-format", written),
        ("wrong-type", written),
    ]


@pytest.mark.parametrize(
    ("text", "size"), [("512M", 512 << 20), ("1g", 1 << 30), ("65536KB", 64 << 20), ("2Gb", 2 << 30)]
)
def test_memory_has_a_unit(text: str, size: int) -> None:
    assert typed(f"adapter: postgresql, memory: {text}").memory == size


# Vectors


def test_a_vector_has_defaults_of_its_method() -> None:
    vector = typed("adapter: postgresql, vector: {dimensions: 3}").vector
    assert vector is not None
    assert vector == {
        "collection": "documents",
        "field": "embedding",
        "dimensions": 3,
        "metric": "cosine",
        "method": "hnsw",
        "parameters": {"m": 16, "ef_construction": 64},
        "managed": True,
    }


@pytest.mark.parametrize(
    ("options", "code", "place", "help"),
    [
        (
            "adapter: mysql, vector: {dimensions: 3}",
            "missing-capability",
            "vector",
            "these can: postgresql",
        ),
        (
            "adapter: mongodb, vector: {dimensions: 3}",
            "missing-capability",
            "vector",
            "these can: postgresql",
        ),
        ("adapter: redis, vector: {dimensions: 3}", "missing-capability", "vector", 'write `version: "8.'),
        ("adapter: postgresql, vector: {dimensions: 4001}", "out-of-range", "4001", "these can: clickhouse"),
        (
            "adapter: elasticsearch, vector: {dimensions: 1536}",
            "out-of-range",
            "1536",
            'write `version: "9.',
        ),
        ("adapter: postgresql, vector: {dimensions: 65535}", "out-of-range", "65535", "these can: "),
        (
            "adapter: mariadb, vector: {dimensions: 3, metric: ip}",
            "not-allowed-value",
            "ip",
            "one of: cosine, l2",
        ),
        (
            "adapter: postgresql, vector: {dimensions: 3, method: hnws}",
            "not-allowed-value",
            "hnws",
            'did you mean "hnsw"?',
        ),
        (
            "adapter: postgresql, vector: {dimensions: 3, parameters: {lists: 5}}",
            "unknown-option",
            "lists",
            "one of: m",
        ),
        (
            "adapter: postgresql, vector: {dimensions: 3, method: ivfflat, parameters: {m: 5}}",
            "unknown-option",
            "m",
            "one of: lists",
        ),
    ],
)
def test_a_vector_is_what_the_engine_can_in_that_version(
    options: str, code: str, place: str, help: str
) -> None:
    found = told(options)
    assert found[:2] == (code, place)
    assert found[2].startswith(help)


def test_the_limit_of_dimensions_is_named_with_the_version() -> None:
    message = only(entry("adapter: elasticsearch, vector: {dimensions: 1536}")).message
    assert message == "elasticsearch 8.0 indexes vectors of at most 1024 dimensions, not 1536"


@pytest.mark.parametrize(
    ("dimensions", "kind"), [(1, "vector"), (2000, "vector"), (2001, "halfvec"), (4000, "halfvec")]
)
def test_the_step_of_dimensions_chooses_the_type(dimensions: int, kind: str) -> None:
    compiled, _ = compile_text(entry(f"adapter: postgresql, vector: {{dimensions: {dimensions}}}"))
    assert compiled is not None
    assert f"::{kind}({dimensions})" in compiled.project.access["main"].query


# Needs


def test_needs_are_checked_for_a_named_adapter_too() -> None:
    assert typed("adapter: postgresql, needs: [vector, json]").adapter.name == "postgresql"
    assert told("adapter: mysql, needs: [json, vector]")[:2] == ("missing-capability", "vector")
    assert told("adapter: redis, needs: [vector]")[2].startswith('write `version: "8.')
    assert told("adapter: redis, needs: [vectr]")[2] == 'did you mean "vector"?'


def test_auto_chooses_and_says_why() -> None:
    database = typed("adapter: auto, needs: [key-value, ttl]")
    assert database.adapter.name == "redis"
    assert database.chosen.startswith("redis 7.2 has key-value, ttl")


def test_auto_needs_a_vector_where_one_is_described() -> None:
    assert typed("adapter: auto, needs: [key-value], vector: {dimensions: 3}").version.startswith("8.")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("adapter: auto", "missing-option"),
        ("adapter: auto, needs: []", "missing-option"),
        ("adapter: auto, needs: [vector], version: 16", "conflicting-options"),
        ("adapter: auto, needs: vector", "wrong-type"),
    ],
)
def test_auto_is_told_what_it_lacks(options: str, code: str) -> None:
    assert told(options)[0] == code
