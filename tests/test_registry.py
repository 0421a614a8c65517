"""Adapters: where they are looked for, how one changes another, and that a bad one harms no one else."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from compiler.project.references import build_scope
from compiler.registry.adapter import Adapter
from compiler.registry.bundle import adapter_schema
from compiler.registry.registry import Registry
from compiler.report import Diagnostic, Report, Span
from compiler.run.passes import Compiled, compile_document
from compiler.source import parse_yaml, patch
from compiler.source.shipped import ADAPTERS, BUILT_IN, Folder, folders
from tests.conftest import TODAY

if TYPE_CHECKING:
    from pathlib import Path

HERE = Span(path="stack.yaml")
POSTGIS = "adapter: postgis\nextends: postgresql\ntitle: PostGIS\n"
LINE = "default_version: '16'\nversions:\n  '16': {image: 'a/b:16', with: [gis]}\n"


def adapters(folder: Path, **files: str) -> Registry:
    """Returns a registry of these files, by name, before the built-in ones."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return Registry((Folder(folder, "adapters"), BUILT_IN))


def small(name: str, **changes: str) -> str:
    data = {"adapter": name, "extends": "postgresql", "title": name, **changes}
    return yaml.safe_dump({key: value for key, value in data.items() if value}, sort_keys=False)


def load(registry: Registry, name: str) -> Adapter:
    report = Report()
    adapter = registry.find(name, HERE, report)
    assert adapter is not None, [one.message for one in report]
    return adapter


def fault(registry: Registry, name: str) -> Diagnostic:
    report = Report()
    assert registry.find(name, HERE, report) is None
    (one,) = report
    return one


def place(one: Diagnostic) -> str:
    return f"{one.span.path}:{one.span.line}"


def compiled(registry: Registry, **entry: Any) -> tuple[Compiled | None, list[Diagnostic]]:
    text = yaml.safe_dump({"name": "demo", "databases": {"main": entry}})
    document = parse_yaml(text.encode(), "stack.yaml", Report())
    assert document is not None
    report = Report()
    compiled = compile_document(
        document, registry, report, environment="local", today=TODAY, source="stack.yaml"
    )
    return compiled, list(report)


# Look-up


def test_the_given_folder_comes_first_and_the_built_in_one_last(tmp_path: Path) -> None:
    given, beside = tmp_path / "given", tmp_path / "adapters"
    own = folders(tmp_path, given)[2].place
    for place_of in (given, beside, own):
        place_of.mkdir(parents=True)
        (place_of / "db.yaml").write_text(small("db", title=str(place_of)))
    assert [folder.place for folder in folders(tmp_path, given)] == [given, beside, own, ADAPTERS]
    for place_of in (given, beside, own):
        assert load(Registry(folders(tmp_path, given)), "db").title == str(place_of)
        shutil.rmtree(place_of)


def test_an_alias_names_the_adapter_in_any_case() -> None:
    for word in ("postgres", "pg", "Postgres", "POSTGRESQL"):
        assert load(Registry(), word).name == "postgresql"


def test_an_adapter_is_found_by_name_before_any_alias(tmp_path: Path) -> None:
    assert load(adapters(tmp_path, pg=small("pg")), "pg").name == "pg"


def test_an_alias_that_another_adapter_has_is_refused(tmp_path: Path) -> None:
    registry = adapters(tmp_path, postgis=POSTGIS + "aliases: [postgres]\n")
    assert load(registry, "postgres").name == "postgresql"
    one = fault(registry, "postgis")
    assert (one.id, one.severity, place(one)) == ("shadowed-adapter", "error", "adapters/postgis.yaml:4")


def test_extending_an_alias_names_the_adapter(tmp_path: Path) -> None:
    one = fault(adapters(tmp_path, gis="adapter: gis\nextends: pg\ntitle: G\n"), "gis")
    assert (one.id, one.help) == ("unknown-adapter", "write the name of the adapter: `extends: postgresql`")


def test_an_unknown_adapter_gets_the_closest_name_or_alias() -> None:
    assert fault(Registry(), "mongdb").help == 'did you mean "mongodb"?'
    assert fault(Registry(), "postgress").help == 'did you mean "postgres"?'
    assert (fault(Registry(), "oracle").help or "").startswith("one of: postgresql, mongodb, mysql")


def test_built_in_adapters_are_listed_by_preference_and_others_by_name(tmp_path: Path) -> None:
    names = adapters(tmp_path, zeta=small("zeta"), alpha=small("alpha")).names()
    assert names[:6] == ["postgresql", "mongodb", "mysql", "clickhouse", "redis", "elasticsearch"]
    assert names[-2:] == ["alpha", "zeta"]


@pytest.mark.parametrize("name", ["x.yml", "x.yaml~", ".yaml", "README.md"])
def test_other_files_in_the_folder_are_no_adapters(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("[")
    assert Registry((Folder(tmp_path, "adapters"), BUILT_IN)).names() == Registry().names()


@pytest.mark.parametrize("name", ["no-such-folder", "file"])
def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    assert Registry((Folder(tmp_path / name, name),)).names() == []


# Extending


def test_a_merge_patch_adds_replaces_and_removes() -> None:
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 4}
    assert patch(base, {"a": {"b": None, "c": [3]}, "e": 5}) == {"a": {"c": [3]}, "d": 4, "e": 5}
    assert base["a"] == {"b": 1, "c": [1, 2]}


def test_an_adapter_may_change_a_part_of_another(tmp_path: Path) -> None:
    text = POSTGIS + "options: {pooler: null}\nconnections: {url: {title: PostGIS}}\n"
    adapter = load(adapters(tmp_path, postgis=text), "postgis")
    assert adapter.data["connections"]["url"]["title"] == "PostGIS"
    assert adapter.data["connections"]["url"]["parts"] == {"scheme": "postgresql"}
    assert "pooler" not in adapter.data["options"]
    assert adapter.data["containers"] == load(Registry(), "postgresql").data["containers"]


def test_an_adapter_with_versions_has_no_others(tmp_path: Path) -> None:
    adapter = load(adapters(tmp_path, postgis=POSTGIS + LINE + "features: {gis: {}}\n"), "postgis")
    assert list(adapter.versions) == ["16"]


def test_features_are_inherited_and_may_be_changed(tmp_path: Path) -> None:
    line = "default_version: '8'\nversions: {'8': {image: 'a/b:8', with: [search, more]}}\n"
    text = f"adapter: own\nextends: redis\ntitle: Own\n{line}features:\n"
    search = "  search: {capabilities: [vector], vector: {methods: {flat: null}}}\n"
    more = "  more: {containers: {server: {cap_add: null}}}\n"
    adapter = load(adapters(tmp_path, own=text + search + more), "own")
    assert adapter.capabilities("8") == ["vector"]
    assert list(adapter.at("8")["vector"]["methods"]) == ["hnsw"]
    place = adapter.document_at("8").value(("vector", "metrics", "cosine", "distance"))
    assert place.path == "adapters/redis.yaml"


def test_a_null_in_a_feature_removes_from_the_version_line(tmp_path: Path) -> None:
    text = POSTGIS + LINE + "features: {gis: {vector: {metrics: {ip: null}}, options: {pooler: null}}}\n"
    spec = load(adapters(tmp_path, postgis=text), "postgis").at("16")
    assert list(spec["vector"]["metrics"]) == ["cosine", "l2"]
    assert "pooler" not in spec["options"]


def test_what_is_inherited_keeps_the_place_of_its_own_file(tmp_path: Path) -> None:
    adapter = load(adapters(tmp_path, postgis=POSTGIS), "postgis")
    assert adapter.document.value(("title",)).path == "adapters/postgis.yaml"
    assert (
        adapter.document.value(("containers", "server", "healthcheck", "test")).path
        == "adapters/postgresql.yaml"
    )
    assert adapter.document.value(("containers", "server", "healthcheck", "test")).line > 10


def test_an_adapter_may_change_the_built_in_one_of_its_own_name(tmp_path: Path) -> None:
    text = "adapter: redis\nextends: redis\ntitle: Our Redis\n"
    report = Report()
    adapter = adapters(tmp_path, redis=text).find("redis", HERE, report)
    assert adapter is not None
    assert (adapter.title, list(report)) == ("Our Redis", [])


def test_a_built_in_adapter_extends_built_in_ones_alone(tmp_path: Path) -> None:
    registry = adapters(tmp_path, mysql="[", redis=small("redis"))
    assert load(registry, "mariadb").data == load(Registry(), "mariadb").data
    assert load(registry, "valkey").data == load(Registry(), "valkey").data


@pytest.mark.parametrize(
    ("files", "trail"),
    [
        ({"a": small("a", extends="a")}, "a -> a"),
        ({"a": small("a", extends="b"), "b": small("b", extends="a")}, "a -> b -> a"),
        (
            {"a": small("a", extends="b"), "b": small("b", extends="c"), "c": small("c", extends="b")},
            "a -> b -> c -> b",
        ),
    ],
)
def test_adapters_that_extend_one_another_are_refused(
    tmp_path: Path, files: dict[str, str], trail: str
) -> None:
    one = fault(adapters(tmp_path, **files), "a")
    assert (one.id, one.message) == ("adapter-cycle", f"adapters extend one another without end: {trail}")
    assert one.span.line == 2


@pytest.mark.parametrize("length", [5, 6, 60, 2000])
def test_adapters_extend_one_another_five_deep_at_most(tmp_path: Path, length: int) -> None:
    files = {f"a{n}": small(f"a{n}", extends=f"a{n + 1}") for n in range(length - 1)}
    registry = adapters(tmp_path, **files, **{f"a{length - 1}": small(f"a{length - 1}")})
    if length == 5:
        assert load(registry, "a0").title == "a0"
    else:
        assert fault(registry, "a0").id == "adapter-cycle"
        assert load(registry, f"a{length - 5}").title == f"a{length - 5}"


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("postgress", "unknown-adapter"),
        ("pg", "unknown-adapter"),
        ("[a]", "wrong-type"),
        ("5", "wrong-type"),
        ("", "wrong-type"),
    ],
)
def test_what_cannot_be_extended_is_told_at_that_word(tmp_path: Path, word: str, code: str) -> None:
    one = fault(adapters(tmp_path, x=f"adapter: x\nextends: {word}\ntitle: X\n"), "x")
    assert (one.id, place(one)) == (code, "adapters/x.yaml:2")


def test_a_fault_of_the_extended_file_is_told_there(tmp_path: Path) -> None:
    one = fault(adapters(tmp_path, a=small("a", extends="b"), b="adapter: b\nextends: pg\n"), "a")
    assert place(one) == "adapters/b.yaml:2"


# Files that are wrong


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("adapter: [", "yaml-syntax", 1),
        ("", "empty-file", 1),
        ("- a", "not-a-mapping", 1),
        ("#" + "x" * 2**20, "file-too-large", 1),
        (POSTGIS + "helth: {}\n", "unknown-option", 4),
        (POSTGIS + "containers: {server: {healthcheck: null}}\n", "missing-option", 4),
        (POSTGIS.replace("adapter: postgis", "adapter: other"), "adapter-name", 1),
        (POSTGIS + "default_version: '99'\n", "unknown-version", 4),
        (POSTGIS + "options:\n  a:\n    description: A\n    type: int\n", "option-schema", 7),
        (POSTGIS + "terms:\n  a: {by: options.pooler, 'yes': 1}\n", "wrong-table", 5),
        (POSTGIS + "terms:\n  a: {by: vector.method, hnsw: 1, ivf: 2}\n", "wrong-table", 5),
        (POSTGIS + "terms:\n  a: {by: pool.size, '10': 1}\n", "wrong-table", 5),
        (POSTGIS + "terms: {Zone: 1}\n", "wrong-format", 4),
        (POSTGIS + "terms:\n  a: 1\n  port: 2\n", "wrong-format", 6),
        (POSTGIS + LINE + "features: {gsi: {}}\n", "unknown-reference", 6),
        (POSTGIS + "features: {gis: 5}\n", "wrong-type", 4),
        (POSTGIS + "features: {gis: null}\n", "wrong-type", 4),
        (POSTGIS + "features: [gis]\n", "wrong-type", 4),
        (POSTGIS + "versions: {'16': {image: 'a/b:16', with: gis}}\n", "wrong-type", 4),
        (POSTGIS + "connections:\n  a: {title: A, text: x, form: pairs}\n", "conflicting-options", 5),
        (POSTGIS + "connections:\n  a: {title: A, form: dsn}\n", "not-allowed-value", 5),
        (POSTGIS + "containers:\n  server: {run: 'x'}\n", "wrong-format", 5),
        (POSTGIS + "containers:\n  init: {ports: {}}\n", "unknown-option", 5),
        (POSTGIS + "containers:\n  pooler: {volumes: {a: /a}}\n", "wrong-format", 5),
        (POSTGIS + "containers:\n  web: {image: 'web:1', secrets: []}\n", "missing-option", 5),
        (POSTGIS + "containers:\n  server: {tls: {ca: {}}}\n", "unknown-option", 5),
        (POSTGIS + "containers:\n  server: {tls: {pem: {holds: [chain]}}}\n", "not-allowed-value", 5),
        (POSTGIS + "containers:\n  init: {run: null}\n", "missing-option", 5),
        (POSTGIS + "containers: {server: null}\n", "missing-option", 4),
        (POSTGIS + "container: {port: 1}\n", "unknown-option", 4),
        (POSTGIS + "versions: null\n", "wrong-type", 4),
        (POSTGIS + "options:\n  a:\n    description: A\n    pattern: '['\n", "option-schema", 7),
        (POSTGIS + "credentials:\n  user:\n    pattern: '^\\$'\n", "wrong-format", 6),
        (POSTGIS + "secrets:\n  password:\n    pattern: '^a\\$'\n", "wrong-format", 6),
        (
            POSTGIS + "options:\n  a:\n    {description: A, type: integer, default: plain}\n",
            "wrong-type",
            6,
        ),
        (
            POSTGIS + "containers:\n  server:\n    ports: {a: {port: 5433, option: a_port}}\n",
            "unknown-reference",
            6,
        ),
        (
            POSTGIS + LINE + "features:\n  gis:\n    containers: {server: {prot: 1}}\n",
            "unknown-option",
            9,
        ),
        (
            POSTGIS + LINE + "features:\n  gis: {containers: {server: {port: null}}}\n",
            "missing-option",
            8,
        ),
    ],
)
def test_a_malformed_adapter_is_told_at_its_own_line(tmp_path: Path, text: str, code: str, line: int) -> None:
    one = fault(adapters(tmp_path, postgis=text), "postgis")
    assert (one.id, place(one)) == (code, f"adapters/postgis.yaml:{line}")


def test_a_folder_and_a_pipe_are_no_adapter_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").mkdir()
    os.mkfifo(tmp_path / "b.yaml")
    (tmp_path / "c.yaml").symlink_to("nowhere")
    registry = adapters(tmp_path)
    assert [fault(registry, name).id for name in "abc"] == ["not-a-file", "not-a-file", "missing-file"]


def test_a_bad_adapter_does_not_disturb_others(tmp_path: Path) -> None:
    registry = adapters(tmp_path, bad="[", loop=small("loop", extends="loop"), postgis=POSTGIS)
    assert load(registry, "pg").name == "postgresql"
    assert registry.names() == [*Registry().names(), "postgis"]
    assert compiled(registry, adapter="postgis")[1] == []
    assert compiled(registry, adapter="auto", needs=["relational", "vector"])[1] == []


@pytest.mark.parametrize("code", ["[", "adapter: mysql\n"])
def test_a_bad_file_that_hides_a_built_in_adapter_is_told(tmp_path: Path, code: str) -> None:
    report = Report()
    adapters(tmp_path, mysql=code).find("mysql", HERE, report)
    assert {one.span.path for one in report} == {"adapters/mysql.yaml"}


def test_hiding_a_built_in_adapter_is_a_warning(tmp_path: Path) -> None:
    report = Report()
    adapter = adapters(tmp_path, mysql=small("mysql")).find("mysql", HERE, report)
    (one,) = report
    assert adapter is not None
    assert (one.id, one.severity, place(one)) == ("shadowed-adapter", "warning", "adapters/mysql.yaml:1")


# Expressions of an adapter


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("containers:\n  server: {environment: {A: 'x ${{ zzz }}'}}\n", (5, 32)),
        ("containers:\n  server:\n    command: [a, '${{ 9 ** 9 ** 9 }}']\n", (6, 19)),
        (
            "containers:\n  server:\n    healthcheck:\n      test: |\n        A\n        b ${{ secrets.pasword }}\n",
            (9, 11),
        ),
        (
            "containers:\n  server:\n    command:\n      - each: options.extensions\n        then: ${{ itm }}\n",
            (8, 15),
        ),
        ("connections:\n  url:\n    query: {a: '${{ name | nope }}'}\n", (6, 17)),
        ("containers:\n  init: {statements: [{when: '${{ tls.enabled }}', then: x}]}\n", (5, 31)),
        ("containers:\n  init: {statements: [{when: tls.on or x, then: x}]}\n", (5, 30)),
        ("terms: {zone: '${{ tls.zone }}'}\n", (4, 16)),
        ("connections:\n  url: {text: 'x ${{ password }}'}\n", (5, 18)),
        ("connections:\n  url: {text: ['x ${{ password | uri }}']}\n", (5, 19)),
        ("connections:\n  url: {query: {x: '${{ password | url }}'}}\n", (5, 21)),
        ("connections:\n  url: {text: '${{ password | url | odbc }}'}\n", (5, 16)),
        (
            LINE + "features:\n  gis: {containers: {server: {command: ['${{ zzz }}']}}}\n",
            (8, 42),
        ),
    ],
)
def test_a_bad_expression_is_told_where_it_stands(tmp_path: Path, text: str, at: tuple[int, int]) -> None:
    registry = adapters(tmp_path, postgis=POSTGIS + text)
    result, found = compiled(registry, adapter="postgis", extensions=["pg_trgm"])
    assert result is None
    assert {(one.id, one.span.path) for one in found} == {("expression", "adapters/postgis.yaml")}
    assert (found[0].span.line, found[0].span.column) == at


def test_a_huge_loop_ends_in_a_finding_at_its_own_line(tmp_path: Path) -> None:
    loop = "a"
    for _ in range(5):
        loop = f"{{each: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], then: {loop}}}"
    registry = adapters(tmp_path, postgis=f"{POSTGIS}containers:\n  server:\n    command: [{loop}]\n")
    (one,) = compiled(registry, adapter="postgis")[1]
    assert (one.id, place(one)) == ("expression", "adapters/postgis.yaml:6")


# Versions and selection


def test_a_version_line_may_change_anything(tmp_path: Path) -> None:
    adapter = load(Registry(), "postgresql")
    assert adapter.at("17")["containers"]["server"]["volumes"]["data"] == "/var/lib/postgresql/data"
    assert adapter.at("18")["containers"]["server"]["volumes"]["data"] == "/var/lib/postgresql"
    assert adapter.data["containers"]["server"]["volumes"]["data"] == "/var/lib/postgresql/data"


def test_what_an_adapter_does_not_say_is_as_its_schema_states(tmp_path: Path) -> None:
    text = (
        POSTGIS + "containers: {server: {healthcheck: {retries: null, timeout: 9s}}}\npool: {reserved: 0}\n"
    )
    spec = load(adapters(tmp_path, postgis=text), "postgis").at("16")
    health = [*spec["containers"]["server"]["healthcheck"].items()][1:]
    assert health == [("interval", "5s"), ("timeout", "9s"), ("retries", 6), ("start_period", "60s")]
    assert (spec["pool"]["reserved"], spec["pool"]["size"]) == (0, 10)


def test_capabilities_may_differ_by_version() -> None:
    adapter = load(Registry(), "redis")
    assert "vector" not in adapter.capabilities("7.2")
    assert "vector" in adapter.capabilities("8.0")


def chosen(registry: Registry, *needs: str) -> tuple[str, str]:
    result, found = compiled(registry, adapter="auto", needs=list(needs))
    assert result is not None, [one.message for one in found]
    database = result.stack.databases["main"]
    return f"{database.adapter.name} {database.version}", database.chosen


def test_auto_takes_the_preferred_adapter_and_says_why() -> None:
    choice, why = chosen(Registry(), "relational", "transactions")
    assert choice == "postgresql 16"
    assert why.startswith("postgresql 16 has relational, transactions and is preferred to mysql")


def test_auto_takes_the_version_that_can() -> None:
    assert chosen(Registry(), "key-value", "vector")[0].startswith("redis 8")


def test_auto_does_not_depend_on_the_order_of_needs_or_files(tmp_path: Path) -> None:
    for needs in (("vector", "relational", "json"), ("json", "relational", "vector")):
        assert chosen(Registry(), *needs)[0] == "postgresql 16"
    registry = adapters(tmp_path, aaa=small("aaa", preference="null"), bad="[")
    assert chosen(registry, "vector", "relational")[0] == "postgresql 16"


def test_auto_names_the_nearest_where_nothing_fits() -> None:
    (one,) = compiled(Registry(), adapter="auto", needs=["vector", "ttl", "transactions"])[1]
    assert one.id == "no-adapter-fits"
    assert (one.help or "").startswith("nearest: ")


def test_auto_corrects_a_need_that_nothing_has() -> None:
    (one,) = compiled(Registry(), adapter="auto", needs=["vektor"])[1]
    assert (one.id, one.help) == ("no-adapter-fits", 'did you mean "vector"?')


def test_no_term_has_the_name_of_something_else() -> None:
    refused = adapter_schema()["properties"]["terms"]["propertyNames"]["not"]["enum"]
    compiled_stack, _ = compiled(Registry(), adapter="postgresql")
    assert compiled_stack
    assert {*refused} == build_scope(compiled_stack.stack.databases["main"]).keys() | {
        "address",
        "ca",
        "item",
    }
