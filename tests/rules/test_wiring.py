from __future__ import annotations

import pytest

from tests.stacks import DATABASE, compile_text, entry, findings, only, stack

API = "api: {image: b, ports: ['9000:8000'], expose: ['8001']}"
UNUSED = ("unused-database", "main")


@pytest.mark.parametrize(
    "options",
    [
        "environment: {A: 'postgresql://u@localhost:5432/x'}",
        "environment: ['A=postgresql://u@127.0.0.1:5432/x']",
        "environment: {A: 'jdbc:postgresql://localhost:5432/x?a=b'}",
        "environment: {A: 'jdbc:sqlserver://localhost:5432;databaseName=x'}",
        "environment: {A: 'localhost:5432'}",
        "environment: ['A=localhost:5432,cache:6379']",
        "environment: {A: 'cache:6379,localhost:5432'}",
        "environment: {A: 'u:p@tcp([::1]:5432)/x'}",
        "environment: {A: 'user=u host=localhost port=5432 dbname=x'}",
        "environment: {DB_HOST: localhost, DB_PORT: 5432}",
        "environment: [POSTGRES_SERVER=127.0.0.1, POSTGRES_PORT=5432]",
        "command: [--database, 'postgresql://localhost:5432/x']",
        "environment: {A: 'grpc://localhost:8000'}",
    ],
)
def test_localhost_as_the_host_of_another_container_is_refused(options: str) -> None:
    text = stack(f"app:\n  image: a\n  {options}\n{API}", DATABASE)
    one = only(text)
    assert (one.id, one.severity, one.span.line) == ("localhost", "error", 5)


def test_help_names_the_expression_to_write() -> None:
    one = only(entry("environment: {A: 'redis://localhost:5432'}", DATABASE))
    assert (
        one.message == 'inside service "app" the host of "localhost:5432" is the service itself, not "main"'
    )
    assert one.help == "write ${{ databases.main.url }} or its `host`"


@pytest.mark.parametrize(
    "address", ["http://localhost:9000", "http://localhost:8000/x", "http://localhost:8001"]
)
def test_an_address_for_a_browser_is_only_warned_of(address: str) -> None:
    one = only(stack(f"app: {{image: a, environment: {{ORIGIN: '{address}'}}}}\n{API}"))
    assert (one.id, one.severity) == ("localhost-in-browser", "warning")


@pytest.mark.parametrize(
    "options",
    [
        "{image: a, expose: ['5432'], environment: {A: 'localhost:5432'}}",
        "{image: a, environment: {A: 'localhost:1234'}}",
        "{image: a, environment: {A: 'notlocalhost:5432', B: 'localhost:54321', C: 'localhost'}}",
        "{image: a, network_mode: host, environment: {A: 'localhost:5432'}}",
        "{image: a, healthcheck: {test: 'curl localhost:5432'}}",
    ],
)
def test_a_service_may_speak_of_itself(options: str) -> None:
    assert [found for found in findings(stack(f"app: {options}", DATABASE)) if found != UNUSED] == []


def test_a_cycle_is_shown() -> None:
    text = stack(
        """
        a: {image: a, expose: [1], command: "${{ services.b.url }}"}
        b: {image: b, expose: [2], command: "${{ services.c.url }}"}
        c: {image: c, expose: [3], depends_on: [a]}
        """
    )
    one = only(text)
    assert (one.id, one.message) == ("dependency-cycle", "services wait for one another: a -> b -> c -> a")
    assert one.span.line == 3


@pytest.mark.parametrize(
    "link",
    ["depends_on: [a]", "links: [a]", "volumes_from: [a]", "network_mode: 'service:a'", "pid: 'service:a'"],
)
def test_every_way_to_wait_counts_for_a_cycle(link: str) -> None:
    text = stack(f"a: {{image: a, depends_on: [b]}}\nb: {{image: b, {link}}}")
    assert [code for code, _ in findings(text)] == ["dependency-cycle"]


def test_a_service_cannot_wait_for_itself() -> None:
    assert only(entry("depends_on: [app]")).message == "services wait for one another: app -> app"


def test_long_chains_are_fine() -> None:
    chain = "\n".join(f"s{n}: {{image: a, depends_on: [s{n + 1}]}}" for n in range(400))
    assert findings(stack(f"{chain}\ns400: {{image: a}}")) == []


@pytest.mark.parametrize(
    ("id", "options", "place"),
    [
        ("unknown-service", "depends_on: [b, apq]", "apq"),
        ("unknown-service", "depends_on: {apq: {condition: service_started}}", "apq"),
        ("unknown-service", "links: ['apq:alias']", "'apq:alias'"),
        ("unknown-service", "volumes_from: ['apq:ro']", "'apq:ro'"),
        ("unknown-service", "network_mode: 'service:apq'", "'service:apq'"),
        ("unknown-service", "ipc: 'service:apq'", "'service:apq'"),
        ("unknown-network", "networks: [apq]", "apq"),
        ("unknown-network", "networks: {apq: }", "apq"),
        ("unknown-secret", "secrets: [apq]", "apq"),
        ("unknown-secret", "secrets: [{source: apq}]", "{source: apq}"),
        ("unknown-config", "configs: [apq]", "apq"),
        ("unknown-volume", "volumes: ['apq:/data']", "'apq:/data'"),
        (
            "unknown-volume",
            "volumes: [{type: volume, source: apq, target: /a}]",
            "{type: volume, source: apq, target: /a}",
        ),
        ("unknown-secret", "build: {context: ., secrets: [apq]}", "apq"),
    ],
)
def test_what_is_not_there_is_told_at_its_place(id: str, options: str, place: str) -> None:
    rest = "networks: {n: }\nvolumes: {v2: }\nsecrets: {s: {generate: hex}}\nconfigs: {c: {content: x}}"
    text = stack(f"app:\n  image: a\n  {options}\nb: {{image: b}}", rest)
    assert findings(text) == [(id, place)]


def test_a_volume_needs_no_declaration_where_none_is_written() -> None:
    assert findings(entry("volumes: ['data:/data']")) == []


def test_a_mistyped_volume_does_not_start_empty() -> None:
    assert only(entry("volumes: ['dtaa:/data']", "volumes: {data: }")).help == 'did you mean "data"?'


@pytest.mark.parametrize("health", ["", ", healthcheck: {disable: true}", ", healthcheck: {test: [NONE]}"])
def test_nobody_waits_for_the_health_of_a_service_that_has_none(health: str) -> None:
    text = stack(
        f"app: {{image: a, depends_on: {{b: {{condition: service_healthy}}}}}}\nb: {{image: b{health}}}"
    )
    assert [code for code, _ in findings(text)] == ["no-health-check"]


@pytest.mark.parametrize(
    "health", ["healthcheck: {test: x}", "healthcheck: {disable: false}", "extends: app2"]
)
def test_a_health_check_may_come_from_the_image_or_another_service(health: str) -> None:
    text = stack(
        "app: {image: a, depends_on: {b: {condition: service_healthy}}}\n"
        f"b: {{image: b, {health}}}\napp2: {{image: c}}"
    )
    assert findings(text) == []


def test_a_dependency_in_a_profile_is_warned_of() -> None:
    text = stack("app: {image: a, depends_on: [b]}\nb: {image: b, profiles: [debug]}")
    assert [code for code, _ in findings(text)] == ["inactive-dependency"]


@pytest.mark.parametrize(
    "app",
    ["profiles: [debug], depends_on: [b]", "depends_on: {b: {condition: service_started, required: false}}"],
)
def test_a_dependency_in_the_same_profile_or_not_required_is_fine(app: str) -> None:
    assert findings(stack(f"app: {{image: a, {app}}}\nb: {{image: b, profiles: [debug, x]}}")) == []


def test_ports_in_internal_networks_publish_nothing() -> None:
    text = entry("networks: [inner]\nports: ['80:80']", "networks: {inner: {internal: true}, outer: }")
    assert findings(text) == [("unpublished-port", "ports")]
    assert findings(text.replace("[inner]", "[inner, outer]")) == []


@pytest.mark.parametrize(
    ("section", "code", "place"),
    [
        ("volumes: {'a b': }", "wrong-format", "'a b'"),
        ("volumes: {data: {name: 'a b'}}", "wrong-format", "'a b'"),
        ("volumes: {data: {external: true, driver: local}}", "conflicting-options", "driver"),
        ("volumes: {data: {labels: {com.docker.compose.x: y}}}", "reserved-name", "com.docker.compose.x"),
        ("networks: {n: {ipam: {config: [{subnet: 172.28.0.0}]}}}", "wrong-format", "172.28.0.0"),
        ("networks: {n: {ipam: {config: [{gateway: nowhere}]}}}", "wrong-format", "nowhere"),
        ("configs: {c: {file: ./a, content: b}}", "conflicting-options", "content"),
        ("configs: {c: {name: x}}", "missing-option", "c"),
    ],
)
def test_a_wrong_top_level_entry_is_told_at_its_place(section: str, code: str, place: str) -> None:
    assert findings(entry("user: u", section)) == [(code, place)]


@pytest.mark.parametrize(
    ("overlay", "codes"),
    [
        ("{privileged: true}", ["privileged-database"]),
        ('{privileged: "true"}', ["privileged-database"]),
        ("{privileged: false}", []),
        ("{cap_drop: null}", ["owned-key"]),
        ("{security_opt: [a]}", ["owned-key"]),
        ("{user: 1000}", ["wrong-type"]),
        ("{labels: x}", ["wrong-type"]),
        ("{labels: {a: [1]}}", ["wrong-type"]),
        ("{labels: null, shm_size: 1g}", []),
        ("{networks: [back]}", ["unknown-network"]),
    ],
)
def test_what_an_overlay_weakens_or_writes_wrong_is_told(overlay: str, codes: list[str]) -> None:
    text = f"name: demo\ndatabases: {{main: {{adapter: postgresql, x-compose: {overlay}}}}}\n"
    assert sorted(one.id for one in compile_text(text)[1]) == sorted(codes)


def test_a_port_of_an_overlay_is_bound_to_loopback() -> None:
    text = "name: demo\ndatabases: {main: {adapter: postgresql, x-compose: {ports: ['5432:5432', '0.0.0.0:1:1']}}}\n"
    compiled, _ = compile_text(text)
    assert compiled is not None
    assert [port["host_ip"] for port in compiled.project.services["main"]["ports"]] == [
        "127.0.0.1",
        "0.0.0.0",
    ]
