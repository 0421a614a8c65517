"""Names that an engine keeps for itself are refused at compile, and their neighbours are taken."""

from __future__ import annotations

import pytest

from tests.findings import has_errors
from tests.stacks import compile_text, findings

# An adapter with what is refused of its options, and the text at which it is told.
REFUSED = [
    ("postgresql, user: pg_app", "pg_app"),
    ("postgresql, user: none", "none"),
    ("postgresql, database: template1", "template1"),
    ("postgresql, database: pgbouncer, pooler: true", "pgbouncer"),
    ("postgresql, extensions: [a--b]", "a--b"),
    ("postgresql, extensions: [a-]", "a-"),
    ("postgresql, vector: {dimensions: 3, field: ctid}", "ctid"),
    ("postgresql, vector: {dimensions: 3, field: xmin, managed: false}", "xmin"),
    ("postgresql, vector: {dimensions: 3, field: id}", "id"),
    ("postgresql, vector: {dimensions: 3, collection: pg_class}", "pg_class"),
    ("mysql, database: INFORMATION_SCHEMA", "INFORMATION_SCHEMA"),
    ("mysql, database: Information_Schema", "Information_Schema"),
    ("mysql, database: Performance_schema", "Performance_schema"),
    ("mysql, database: sys", "sys"),
    ("mariadb, database: INFORMATION_SCHEMA", "INFORMATION_SCHEMA"),
    ("mariadb, user: PUBLIC", "PUBLIC"),
    ("mariadb, vector: {dimensions: 3, field: ID}", "ID"),
    ("mongodb, database: admin", "admin"),
    ("mongodb, database: Local", "Local"),
    ("mongodb, database: CONFIG", "CONFIG"),
    ("mongodb, database: __proto__", "__proto__"),
    ("mongodb, database: constructor", "constructor"),
    ("clickhouse, database: system", "system"),
    ("clickhouse, database: INFORMATION_SCHEMA", "INFORMATION_SCHEMA"),
    ("clickhouse, database: _temporary_and_external_tables", "_temporary_and_external_tables"),
    ("clickhouse, version: '26.3', vector: {dimensions: 3, field: _row_exists}", "_row_exists"),
    ("clickhouse, version: '26.3', vector: {dimensions: 3, field: content}", "content"),
    ("elasticsearch, user: _xpack", "_xpack"),
    ("elasticsearch, user: kibana_system", "kibana_system"),
    ("elasticsearch, vector: {dimensions: 3, collection: Documents}", "Documents"),
    ("elasticsearch, vector: {dimensions: 3, collection: _documents}", "_documents"),
    ("elasticsearch, vector: {dimensions: 3, field: _id}", "_id"),
    ("elasticsearch, vector: {dimensions: 3, field: content}", "content"),
    ("redis, user: admin", "admin"),
    ("opensearch, user: kibanaserver", "kibanaserver"),
    ("opensearch, user: admin", "admin"),
    ("opensearch, vector: {dimensions: 3, field: content}", "content"),
    ("redis, version: '8.2', vector: {dimensions: 3, field: content}", "content"),
]
TAKEN = [
    "mysql, user: root",
    "redis, user: default",
    "postgresql, user: page, database: pg_app",
    "postgresql, user: pgapp, database: pgbouncer",
    "postgresql, extensions: [pg_trgm, uuid-ossp, a-b-c_d]",
    "postgresql, vector: {dimensions: 3, field: xmin_1, collection: langchain_pg_embedding}",
    "postgresql, vector: {dimensions: 3, field: ID}",
    "postgresql, vector: {dimensions: 3, field: metadata, managed: false}",
    "mysql, database: information_schema_2, user: mysql_app",
    "mysql, database: Sys_1",
    "mariadb, user: publisher, vector: {dimensions: 3, field: ids}",
    "mongodb, database: administration, user: admin",
    "mongodb, database: localities",
    "mongodb, database: _proto_",
    "clickhouse, database: systems, user: __proto__",
    "clickhouse, version: '26.3', vector: {dimensions: 3, field: _row}",
    "elasticsearch, user: _app",
    "opensearch, user: elastic",
    "elasticsearch, vector: {dimensions: 3, collection: documents_2, field: _embedding}",
    "redis, version: '8.2', vector: {dimensions: 3, field: contents}",
    "qdrant, vector: {dimensions: 3, field: id}",
]


def stack_of(entry: str) -> str:
    return f"name: demo\ndatabases:\n  main: {{adapter: {entry}}}\n"


@pytest.mark.parametrize(("entry", "place"), REFUSED)
def test_a_name_of_the_engines_own_is_refused_at_its_place(entry: str, place: str) -> None:
    compiled, diagnostics = compile_text(stack_of(entry))
    errors = [one for one in diagnostics if one.severity == "error"]
    assert compiled is None or errors
    assert [one.help is not None for one in errors] == [True]
    assert place in [text for code, text in findings(stack_of(entry)) if code == errors[0].id]


@pytest.mark.parametrize("entry", TAKEN)
def test_a_name_beside_it_is_taken(entry: str) -> None:
    compiled, diagnostics = compile_text(stack_of(entry))
    assert compiled is not None
    assert not has_errors(diagnostics), diagnostics
