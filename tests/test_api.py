"""The Python API: the three names of its first description, the same artifacts as the command, and what it raises."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cryptography import x509

import compiler
from compiler import (
    ConfigurationEngine,
    DatabaseAdapterRegistry,
    Diagnostic,
    DynamicStackGenerator,
    Registry,
    StackError,
    compile_stack,
)
from tests.conftest import TODAY, VALID, read_env, stackc

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from compiler.run.api import DatabaseConfiguration, Result

SIX = ["postgresql", "mongodb", "mysql", "clickhouse", "redis", "elasticsearch"]
STACK = "name: demo\ndatabases:\n  main: {adapter: postgresql}\n"
SECURED = STACK.replace("postgresql", "postgresql, tls: verify-full")
OWN = STACK.replace("postgresql", "postgresql, tls: {mode: require, certificate: a, key: b, ca: c}")
POSTGIS = "adapter: postgis\nextends: postgresql\ntitle: PostGIS\n"


def text(result: Result, path: str) -> str:
    return result[path].content.decode()


def env(result: Result) -> dict[str, str]:
    return dict(read_env(text(result, ".env")).values)


def refused(call: Callable[[], object]) -> Diagnostic:
    with pytest.raises(StackError) as caught:
        call()
    (one,) = caught.value.diagnostics
    assert str(caught.value) == one.message
    return one


def configure(
    adapter: str = "postgresql", *, host: str = "db", db_name: str | None = None, **options: Any
) -> DatabaseConfiguration:
    return ConfigurationEngine().get_database_adapter(adapter, host, db_name, **options)


# What is offered


def test_every_name_of_the_package_can_be_imported() -> None:
    assert [name for name in compiler.__all__ if getattr(compiler, name, None) is None] == []
    assert compiler.Registry is Registry
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = compiler.nothing


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, compiler; print([n for n in sys.modules if n.startswith('compiler.') or n == 'yaml'])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )


def test_the_six_adapters_of_the_description_come_first() -> None:
    names = DatabaseAdapterRegistry().list_available_adapters()
    assert names[:6] == SIX
    assert len(names) == len(set(names)) >= 9


def test_adapters_of_a_folder_come_after_the_built_in_ones(tmp_path: Path) -> None:
    (tmp_path / "postgis.yaml").write_text(POSTGIS)
    for given in ([tmp_path], str(tmp_path)):
        registry = DatabaseAdapterRegistry(given)
        assert registry.list_available_adapters()[-1] == "postgis"
        assert registry.get("postgis").title == "PostGIS"


def test_an_adapter_is_got_by_name_or_alias() -> None:
    assert DatabaseAdapterRegistry().get("pg").name == "postgresql"
    one = refused(lambda: DatabaseAdapterRegistry().get("postgress"))
    assert (one.id, one.help, one.span.path) == (
        "unknown-adapter",
        'did you mean "postgres"?',
        "database_type",
    )


# One database


def test_a_configuration_says_how_the_database_is_run() -> None:
    found = configure(db_name="mydb")
    assert (found.adapter, found.version, found.image) == ("postgresql", "16", "pgvector/pgvector:pg16")
    assert found.ports == ("5432",)
    assert found.volumes == ("db-data:/var/lib/postgresql/data",)
    assert found.environment["POSTGRES_PASSWORD_FILE"] == "/run/secrets/db-admin-password"
    assert found.health_check["test"][0] == "CMD-SHELL"
    assert (found.tls, found.pool_size, found.timeout) == ("off", 10, None)


def test_connections_have_the_host_and_the_database_that_were_asked_for() -> None:
    found = configure(host="localhost", db_name="mydb").connections
    assert found["url"] == "postgresql://db:***@localhost:5432/mydb?connect_timeout=10"
    assert "Host=localhost;" in found["dotnet"]
    assert "Database=mydb;" in found["dotnet"]


def test_the_host_replaces_no_other_name_that_is_the_same() -> None:
    found = configure(host="example").connections
    assert found["url"].startswith("postgresql://db:***@example:5432/db")
    assert "Database=db;Username=db;" in found["dotnet"]


def test_on_this_machine_clients_use_the_published_port() -> None:
    found = configure(host="localhost", port=15432, tls="verify-full")
    assert found.ports == ("127.0.0.1:15432:5432",)
    assert "@localhost:15432/" in found.connections["url"]
    assert "@db.example.com:15432/" in configure(host="db.example.com", port=15432).connections["url"]
    assert "@elsewhere:5432/" in configure(host="elsewhere").connections["url"]
    assert "@db:5432/" in configure(port=15432).connections["url"]


def test_truth_values_of_the_environment_are_those_that_compose_hands_on() -> None:
    assert configure("elasticsearch").environment["xpack.security.enabled"] == "true"


def test_no_connection_shows_a_password() -> None:
    registry = DatabaseAdapterRegistry()
    for adapter in registry.list_available_adapters():
        data = registry.get(adapter).data
        needed = {name: data["examples"][0][name] for name in data.get("required", ())}
        found = configure(adapter, host="files", db_name=None if adapter != "garage" else "files", **needed)
        connections = found.connections
        assert "***" in str(connections) or data.get("secrets") == {}
        found = connections
        assert "url" in found


def test_options_are_those_of_a_database_in_a_stack() -> None:
    vector = {"collection": "passages", "field": "meaning", "dimensions": 1536, "metric": "l2"}
    found = configure(version=17, tls="require", pool={"size": 25}, query_timeout="30s", vector=vector)
    assert (found.version, found.tls, found.pool_size, found.timeout) == ("17", "require", 25, 30_000)
    assert 'CREATE TABLE IF NOT EXISTS "passages"' in found.vector_statements
    assert (
        "vector_l2_ops" in found.vector_statements.replace("''", "") or "_l2_ops" in found.vector_statements
    )
    assert "CREATE ROLE" not in found.vector_statements
    assert '"meaning"' in found.vector_query


def test_without_a_vector_there_are_no_statements() -> None:
    found = configure()
    assert (found.vector_statements, found.vector_query) == ("", "")


def test_auto_is_a_type_too() -> None:
    assert configure("auto", needs=["vector", "relational"]).adapter == "postgresql"


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: configure("oracle"), "unknown-adapter"),
        (lambda: configure(version="99"), "unknown-version"),
        (lambda: configure(db_name="no name"), "wrong-format"),
        (lambda: configure(nothing=1), "unknown-option"),
        (lambda: configure(port="x"), "wrong-format"),
        (lambda: configure("mysql", vector={"dimensions": 3}), "missing-capability"),
        (lambda: configure(5), "wrong-type"),
        (lambda: configure(pool={1, 2}), "wrong-type"),
    ],
)
def test_a_bad_argument_raises_its_finding(call: Callable[[], object], code: str) -> None:
    one = refused(call)
    assert one.id == code
    assert one.help


# Whole stacks


def test_a_stack_may_be_text_or_data() -> None:
    data = yaml.safe_load(STACK)
    results = [compile_stack(stack, today=TODAY) for stack in (STACK, data)]
    assert [artifact.path for artifact in results[0].artifacts] == [
        "docker-compose.yml",
        ".env.example",
        ".env",
    ]
    assert text(results[0], "docker-compose.yml") == text(results[1], "docker-compose.yml")


def test_a_stack_may_be_a_path(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(STACK)
    assert "# Edit shop.yaml and run" in text(compile_stack(file), "docker-compose.yml")
    file.write_text("name: demo\n")
    assert refused(lambda: compile_stack(file)).span.path == str(file)
    assert refused(lambda: compile_stack(tmp_path)).id == "not-a-file"
    one = refused(lambda: compile_stack("shop.yaml"))
    assert (one.id, one.help) == ("wrong-type", "pass the path of a file as a pathlib.Path")


def test_a_result_is_asked_for_a_path() -> None:
    result = compile_stack(STACK, today=TODAY)
    assert result[".env"].mode == 0o600
    with pytest.raises(KeyError):
        result["nothing"]


@pytest.mark.parametrize("case", ["minimal", "six-databases", "secured", "hostile-values"])
def test_the_files_are_those_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    stack = (VALID / case / "stack.yaml").read_text()
    (tmp_path / "stack.yaml").write_text(stack)
    monkeypatch.chdir(tmp_path)
    assert stackc("compile").exit_code == 0
    written = {
        file.relative_to(tmp_path).as_posix(): file.read_bytes()
        for file in tmp_path.rglob("*")
        if file.is_file() and ".stackc" not in file.parts
    }
    files = {path: content for path, content in written.items() if path.startswith("tls/")}
    result = compile_stack(stack, env=written[".env"].decode(), files=files)
    contents = {artifact.path: artifact.content for artifact in result.artifacts}
    assert contents == {path: content for path, content in written.items() if path != "stack.yaml"}


def test_an_environment_is_chosen_by_name() -> None:
    stack = (VALID / "environments" / "stack.yaml").read_text()
    assert "mailpit" in text(compile_stack(stack), "docker-compose.yml")
    assert "mailpit" not in text(compile_stack(stack, environment="production"), "docker-compose.yml")


def test_values_of_an_env_are_kept() -> None:
    result = compile_stack(STACK, env="MAIN_PASSWORD='my own'\nMINE=1\n")
    assert env(result)["MAIN_PASSWORD"] == "my own"
    assert "my%20own" in env(result)["MAIN_URL"]
    assert env(result)["MINE"] == "1"


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    compile_stack(SECURED)
    DynamicStackGenerator().generate_stack(["nginx:1.29"], "mongodb")
    assert list(tmp_path.iterdir()) == []


def test_certificates_are_made_and_kept() -> None:
    first = compile_stack(SECURED)
    files = {artifact.path: artifact.content for artifact in first.artifacts}
    assert x509.load_pem_x509_certificate(files["tls/main.crt"])
    again = compile_stack(SECURED, env=text(first, ".env"), files=files)
    assert {artifact.path: artifact.content for artifact in again.artifacts} == files


def test_own_certificates_are_given_by_path() -> None:
    made = {artifact.path: artifact.content for artifact in compile_stack(SECURED).artifacts}
    files = {"a": made["tls/main.crt"], "b": made["tls/main.key"], "c": made["tls/ca.crt"]}
    result = compile_stack(OWN, files=files)
    assert result["tls/main.crt"].content == files["a"]
    one = refused(lambda: compile_stack(OWN, files={"a": files["a"]}))
    assert (one.id, one.message) == ("unusable-certificate", 'the file "b" is not there')


def test_warnings_come_with_the_result() -> None:
    result = compile_stack(STACK.replace("postgresql", "mysql"), today="2027-01-01")
    assert [one.id for one in result.diagnostics] == ["end-of-life"]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: compile_stack(""), "empty-file"),
        (lambda: compile_stack("name: ["), "yaml-syntax"),
        (lambda: compile_stack({"name": "demo"}), "empty-stack"),
        (lambda: compile_stack({"name": object()}), "wrong-type"),
        (lambda: compile_stack({"name": float("nan")}), "wrong-type"),
        (lambda: compile_stack(5), "not-a-mapping"),
        (lambda: compile_stack(STACK, environment="nowhere"), "unknown-environment"),
        (lambda: compile_stack(STACK, env="A B\n=x"), "env-syntax"),
        (lambda: compile_stack(STACK, env="MAIN_PASSWORD=$X"), "env-interpolation"),
        (lambda: compile_stack(STACK, today="soon"), "wrong-format"),
        (lambda: compile_stack(STACK, today=5), "wrong-format"),
        (
            lambda: compile_stack(STACK.replace("postgresql", "postgis"), adapters=["/nowhere"]),
            "unknown-adapter",
        ),
        (lambda: DynamicStackGenerator().generate_stack("nginx", "mongodb"), "wrong-type"),
        (lambda: DynamicStackGenerator().generate_stack({"app": "nginx"}, "mongodb"), "wrong-type"),
        (lambda: DynamicStackGenerator().generate_stack([5], "mongodb"), "wrong-type"),
        (lambda: DynamicStackGenerator().generate_stack(["a/x:1", "b/x:2"], "mongodb"), "name-collision"),
        (lambda: DynamicStackGenerator().generate_stack([], "oracle"), "unknown-adapter"),
        (lambda: DynamicStackGenerator().generate_stack([], "mongodb", name="___"), "wrong-format"),
    ],
)
def test_a_bad_stack_raises_its_finding(call: Callable[[], object], code: str) -> None:
    assert refused(call).id == code


def test_data_of_other_kinds_of_maps_is_read() -> None:
    from types import MappingProxyType

    result = compile_stack({"name": "demo", "databases": MappingProxyType({"main": {"adapter": "redis"}})})
    assert "MAIN_URL" in env(result)


# A stack around one database


def test_every_image_of_a_tech_stack_uses_the_database() -> None:
    result = DynamicStackGenerator().generate_stack(
        tech_stack=["nginx:1.29", "ghcr.io/me/my_app.v2:1"], database_type="mongodb"
    )
    services = yaml.safe_load(text(result, "docker-compose.yml"))["services"]
    for name in ("nginx", "my-app-v2"):
        assert services[name]["environment"]["DB_URL"].startswith("${DB_URL")
        assert services[name]["depends_on"]["db"]["condition"] == "service_healthy"
    assert env(result)["DB_URL"].startswith("mongodb://db:")


def test_services_of_a_tech_stack_keep_what_they_say() -> None:
    app = {"image": "nginx:1.29", "uses": [{"db": {"as": "MONGO_URI"}}], "ports": ["8080:80"]}
    result = DynamicStackGenerator().generate_stack({"app": app}, "mongodb", name="shop", version="8.0")
    tree = yaml.safe_load(text(result, "docker-compose.yml"))
    assert tree["name"] == "shop"
    assert list(tree["services"]["app"]["environment"]) == ["MONGO_URI"]
    assert tree["services"]["db"]["image"] == "mongo:8.0"


@pytest.mark.parametrize("adapter", SIX)
def test_a_generated_stack_is_that_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, adapter: str
) -> None:
    result = DynamicStackGenerator().generate_stack({"app": {"image": "nginx:1.29"}}, adapter, name="demo")
    stack = {
        "name": "demo",
        "services": {"app": {"uses": ["db"], "image": "nginx:1.29"}},
        "databases": {"db": {"adapter": adapter}},
    }
    (tmp_path / "stack.yaml").write_text(yaml.safe_dump(stack, sort_keys=False))
    monkeypatch.chdir(tmp_path)
    assert stackc("compile").exit_code == 0
    trees = [
        yaml.safe_load(one)
        for one in ((tmp_path / "docker-compose.yml").read_text(), text(result, "docker-compose.yml"))
    ]
    assert trees[0] == trees[1]
