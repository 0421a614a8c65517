from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from compiler.model import Raw, Reference, Text
from tests.stacks import (
    DATABASE,
    compile_text,
    entry,
    findings,
    only,
    project_of,
    resolve,
    spec_of,
    stack,
)

if TYPE_CHECKING:
    from pathlib import Path

URL = Reference("MAIN_URL")
DRIVERS = "uses: [{main: {driver: sqlalchemy, as: DB}}]"


def environment(options: str, rest: str = DATABASE) -> Any:
    return spec_of(entry(options, rest))["environment"]


def test_an_expression_reaches_every_scalar() -> None:
    spec = spec_of(
        entry("command: [a, 'x-${{ stack.name }}']\nlabels: {a: '${{ stack.environment }}'}\nuser: u")
    )
    assert spec["command"] == ["a", "x-demo"]
    assert spec["labels"] == {"a": "local"}


def test_what_a_person_writes_keeps_the_syntax_of_compose() -> None:
    found = environment(
        "environment: {A: '$X', B: '${{ databases.main.url }}', C: '$Y ${{ databases.main.url }}'}"
    )
    assert found == {"A": Raw("$X"), "B": URL, "C": Text((Raw("$Y "), URL))}
    assert isinstance(found["A"], Raw)


def test_a_dollar_in_a_value_of_an_expression_is_literal(tmp_path: Path) -> None:
    text = entry("environment: {A: \"$$1 ${{ 'cost $5' }}\", B: \"${{ '${X}' }}\", C: '$${{ kept }}'}")
    found = resolve(text, tmp_path)["services"]["app"]["environment"]
    assert found == {"A": "$1 cost $5", "B": "${X}", "C": "${{ kept }}"}


def test_numbers_of_expressions_are_text_where_compose_wants_text(tmp_path: Path) -> None:
    text = stack(
        """
        app: {image: a, command: [--port, "${{ services.api.port }}"], deploy: {replicas: "${{ 1 + 1 }}"}}
        api: {image: b, expose: [8000]}
        """
    )
    app = resolve(text, tmp_path)["services"]["app"]
    assert (app["command"], app["deploy"]["replicas"]) == (["--port", "8000"], 2)


def test_a_use_by_name_sets_the_url() -> None:
    assert environment("uses: [main]") == {"MAIN_URL": URL}


def test_a_use_names_the_variable_of_the_url() -> None:
    assert environment("uses: [{main: {as: DATABASE_URL}}]") == {"DATABASE_URL": URL}


def test_a_use_takes_the_connection_of_a_driver() -> None:
    compiled, _ = compile_text(entry(DRIVERS, DATABASE))
    assert compiled is not None
    key = compiled.project.services["app"]["environment"]["DB"].key
    assert key in [variable.key for variable in compiled.project.variables]


def test_a_use_gives_its_parts_to_the_variables_that_an_image_reads() -> None:
    found = environment("uses: [{main: {as: {host: H, port: P, user: U, password: W, database: D, url: L}}}]")
    secret = Reference("MAIN_PASSWORD")
    assert found == {"H": "main", "P": "5432", "U": "main", "W": secret, "D": "main", "L": URL}


@pytest.mark.parametrize("own", ["{MAIN_URL: own, A: b}", "[MAIN_URL=own, A=b]"])
def test_a_variable_that_a_use_sets_too_is_never_hidden(own: str) -> None:
    _, found = compile_text(entry(f"environment: {own}\nuses: [main]", DATABASE))
    assert [(one.id, len(one.notes)) for one in found if one.severity == "error"] == [("variable-twice", 1)]


def test_a_list_of_variables_stays_a_list() -> None:
    found = environment("environment: ['A=${X}', B, 'C=${{ databases.main.url }}']\nuses: [main]")
    assert found == [Text(("MAIN_URL=", URL)), "A=${X}", "B", Text((Raw("C="), URL))]


def test_a_pass_through_stays_empty() -> None:
    assert environment("environment: {A: }\nuses: [main]") == {"MAIN_URL": URL, "A": None}


WAITS = {
    "main": {"condition": "service_healthy"},
    "main-init": {"condition": "service_completed_successfully"},
}


@pytest.mark.parametrize(
    "options",
    [
        "uses: [main]",
        "environment: {A: '${{ databases.main.url }}'}",
        "depends_on: [main]",
        "command: '${{ databases.main.host }}'",
    ],
)
def test_a_reference_to_a_database_implies_order_and_network(options: str) -> None:
    spec = spec_of(entry(options, DATABASE))
    assert spec["depends_on"] == WAITS
    assert spec["networks"] == ["default", "databases"]


def test_a_written_dependency_is_kept_beside_an_implied_one() -> None:
    text = stack(
        "app: {image: a, uses: [main], depends_on: {b: {condition: service_started, restart: true}}}\nb: {image: b}",
        DATABASE,
    )
    assert spec_of(text)["depends_on"] == {"b": {"condition": "service_started", "restart": True}, **WAITS}


def test_a_weaker_wait_for_a_database_is_made_the_right_one() -> None:
    options = "depends_on: {main: {condition: service_started, restart: true}}"
    assert spec_of(entry(options, DATABASE))["depends_on"]["main"] == {
        "condition": "service_healthy",
        "restart": True,
    }


@pytest.mark.parametrize(
    ("networks", "expected"),
    [
        ("[front]", ["front", "databases"]),
        ("[databases]", ["databases"]),
        ("{front: {aliases: [web]}}", {"front": {"aliases": ["web"]}, "databases": None}),
        ("{}", ["default", "databases"]),
        ("[]", ["default", "databases"]),
    ],
)
def test_a_service_keeps_its_own_networks(networks: str, expected: Any) -> None:
    text = entry(f"uses: [main]\nnetworks: {networks}", f"{DATABASE}networks: {{front: }}")
    assert spec_of(text)["networks"] == expected


def test_a_service_in_another_network_mode_cannot_use_a_database() -> None:
    text = entry("uses: [main]\nnetwork_mode: bridge", DATABASE)
    assert findings(text) == [("unreachable-database", "network_mode")]


@pytest.mark.parametrize("name", ["ports", "ulimits", "volumes"])
def test_a_service_may_have_the_name_of_an_option(name: str) -> None:
    text = stack(f"{name}: {{image: a, labels: [a=b]}}")
    assert spec_of(text, name) == {"image": "a", "labels": ["a=b"]}


def test_a_service_without_a_database_is_rendered_as_it_is_written() -> None:
    options = (
        "environment: [A=b]\nnetworks: {front: }\ndepends_on: {b: {condition: service_started}}\ninit: true"
    )
    text = stack(
        "app:\n  image: a\n  " + options.replace("\n", "\n  ") + "\nb: {image: b}", "networks: {front: }"
    )
    assert spec_of(text) == {
        "image": "a",
        "environment": ["A=b"],
        "networks": {"front": None},
        "depends_on": {"b": {"condition": "service_started"}},
        "init": True,
    }


OTHER = "api: {image: b, expose: ['8000'], healthcheck: {http: /}}"


def test_a_service_is_reached_by_host_port_and_url() -> None:
    text = stack(
        "app: {image: a, command: ['${{ services.api.url }}', '${{ services.api.host }}:${{ services.api.port }}']}\n"
        + OTHER
    )
    spec = spec_of(text)
    assert spec["command"] == ["http://api:8000", "api:8000"]
    assert spec["depends_on"] == {"api": {"condition": "service_healthy"}}


def test_a_service_without_a_health_check_is_waited_for_as_started() -> None:
    text = stack("app: {image: a, command: '${{ services.api.host }}'}\napi: {image: b}")
    assert spec_of(text)["depends_on"] == {"api": {"condition": "service_started"}}


def test_a_written_condition_wins_over_an_implied_one() -> None:
    text = stack("app: {image: a, command: '${{ services.api.host }}', depends_on: [api]}\n" + OTHER)
    assert spec_of(text)["depends_on"] == {"api": {"condition": "service_started"}}


def test_a_service_may_name_itself() -> None:
    assert "depends_on" not in spec_of(entry("expose: [80]\nenvironment: {URL: '${{ services.app.url }}'}"))


def test_a_reference_into_a_profile_does_not_stop_the_others() -> None:
    text = stack("app: {image: a, command: '${{ services.b.host }}'}\nb: {image: b, profiles: [debug]}")
    assert spec_of(text)["depends_on"] == {"b": {"condition": "service_started", "required": False}}


WRONG = [
    ("command: '${{ databases.mian.url }}'", "unknown-reference", 'did you mean "main"?'),
    ("command: '${{ databases.main.ulr }}'", "unknown-reference", 'did you mean "url"?'),
    ("command: '${{ database.main.url }}'", "unknown-reference", 'did you mean "databases"?'),
    ("command: '${{ databases.main.connections.sqlalchmy }}'", "unknown-reference", 'did you mean "sqlalchemy"?'),
    ("command: '${{ services.ap.host }}'", "unknown-reference", 'did you mean "app"?'),
    ("command: '${{ services.app.url }}'", "missing-port", None),
    ("command: '${{ secrets.file }}'", "secret-is-a-file", "mount it: `secrets: [file]` makes it /run/secrets/file"),
    ("command: '${{ databases.main.connections }}'", "expression", None),
    ("command: '${{ databases.main'", "expression", None),
    ("uses: [mian]", "unknown-reference", 'did you mean "main"?'),
    ("uses: [{main: {driver: sqlalchmy}}]", "unknown-driver", 'did you mean "sqlalchemy"?'),
    ("depends_on: [mian]", "unknown-service", 'did you mean "main"?'),
]  # fmt: skip


@pytest.mark.parametrize(("options", "code", "help"), WRONG, ids=[row[0] for row in WRONG])
def test_a_name_that_is_not_there_is_told_with_the_nearest(options: str, code: str, help: str | None) -> None:
    one = only(entry(options, f"{DATABASE}secrets: {{file: {{file: ./file}}}}"))
    assert one.id == code
    assert help is None or one.help == help


def test_a_group_of_names_is_no_value() -> None:
    one = only(entry("command: '${{ databases.main }}'", DATABASE))
    assert one.message == "the expression names a group and not a single value"
    assert one.help is not None
    assert one.help.startswith("add one of: url, ")


def test_pools_are_counted_for_each_service() -> None:
    text = stack(
        "a: {image: a, uses: [{main: {pool: 50}}]}\nb: {image: b, uses: [main], scale: 30}", DATABASE
    )
    assert [code for code, _ in findings(text)] == ["too-many-connections"]


def test_the_top_level_keeps_the_syntax_of_compose(tmp_path: Path) -> None:
    text = entry(
        "volumes: ['data:/data']\nconfigs: [settings]",
        """
        volumes: {data: {name: "${PREFIX:-p}-data"}}
        configs: {settings: {content: "host ${{ stack.name }} $$x ${Y:-y}"}}
        """,
    )
    found = resolve(text, tmp_path)
    assert found["volumes"]["data"]["name"] == "p-data"
    assert found["configs"]["settings"]["content"] == "host demo $x y"


def test_the_ca_certificate_goes_to_every_service_that_reaches_an_encrypted_database() -> None:
    databases = "databases: {main: {adapter: postgresql, tls: require}}"
    services = project_of(stack("a: {image: a, uses: [main]}\nb: {image: b}", databases)).services
    assert [file["target"] for file in services["a"]["configs"]] == ["/etc/stackc/tls/ca.crt"]
    assert "configs" not in services["b"]


@pytest.mark.parametrize(
    ("written", "mode"), [("0440", 0o440), ("'0440'", 0o440), ("0o440", 0o440), ("288", 288)]
)
def test_the_mode_of_a_file_is_a_number(written: str, mode: int) -> None:
    secrets = "secrets: {s: {generate: hex}}"
    spec = spec_of(entry(f"secrets: [{{source: s, mode: {written}}}]", secrets))
    assert spec["secrets"] == [{"source": "s", "mode": mode}]


def test_what_compose_alone_understands_is_carried_along() -> None:
    options = """
        extends: {file: common.yml, service: base}
        env_file: [{path: a.env, required: false, format: raw}]
        profiles: [debug]
        develop: {watch: [{path: ./src, action: sync, target: /src}]}
        gpus: all
        x-note: kept
        annotations: {a: b}
        blkio_config: {weight: 300}
        post_start: [{command: ./warm-up}]
        pull_policy: always
    """
    spec = spec_of(entry(options.replace("\n        ", "\n")))
    assert spec["extends"] == {"file": "common.yml", "service": "base"}
    assert spec["env_file"] == [{"path": "a.env", "required": False, "format": "raw"}]
    assert spec["x-note"] == "kept"


@pytest.mark.parametrize(
    ("database", "written", "rendered"),
    [
        (
            "postgresql",
            "${{ databases.main.url }}?schema=public",
            "${MAIN_URL:?run stackc compile}&schema=public",
        ),
        (
            "postgresql",
            "${{ databases.main.url }}&schema=public",
            "${MAIN_URL:?run stackc compile}&schema=public",
        ),
        (
            "redis",
            "${{ databases.main.url }}?db=1&x=${X:-1}",
            "${MAIN_URL:?run stackc compile}?db=1&x=${X:-1}",
        ),
        ("redis", "${{ databases.main.url }}&db=1", "${MAIN_URL:?run stackc compile}?db=1"),
        ("redis", "a ${{ databases.main.url }} ?", "a ${MAIN_URL:?run stackc compile} ?"),
        ("rabbitmq", "${{ databases.main.connections.pika }}?x=1", "${MAIN_PIKA:?run stackc compile}&x=1"),
        ("rabbitmq", "${{ databases.main.url }}?x=1", "${MAIN_URL:?run stackc compile}?x=1"),
    ],
)
def test_what_is_written_behind_a_url_goes_on_with_its_query(
    database: str, written: str, rendered: str
) -> None:
    text = f"name: a\nservices: {{app: {{image: 'a:1', environment: {{U: '{written}'}}}}}}\n"
    compiled, found = compile_text(f"{text}databases: {{main: {{adapter: {database}}}}}\n")
    assert compiled and not found
    assert f"U: '{rendered}'" in compiled.artifacts[0].content.decode()


def test_a_read_only_service_gets_its_secrets_as_files() -> None:
    text = (
        "name: a\nservices:\n"
        "  app: {image: 'a:1', read_only: true, secrets: [token, {source: other, target: x}]}\n"
        "  b: {image: 'a:1', secrets: [kept]}\n"
        "secrets: {token: {generate: hex}, other: {environment: OTHER}, kept: {generate: hex}, plain: {file: ./p}}\n"
    )
    compiled, found = compile_text(text)
    assert compiled and not found
    assert compiled.project.secret_files == {
        "secrets/token": Reference("TOKEN"),
        "secrets/other": Reference("OTHER"),
    }
    assert compiled.project.tree["secrets"] == {
        "token": {"file": "./secrets/token"},
        "other": {"file": "./secrets/other"},
        "kept": {"environment": "KEPT"},
        "plain": {"file": "./p"},
    }


@pytest.mark.parametrize("tls, port", [("off", "9000"), ("verify-full", "9440")])
def test_the_native_port_of_clickhouse_is_that_of_its_encryption(tls: str, port: str) -> None:
    text = entry(
        "environment: {P: '${{ databases.main.ports.native }}'}",
        f"databases: {{main: {{adapter: clickhouse, version: '26.7', tls: {tls}}}}}",
    )
    assert spec_of(text)["environment"] == {"P": port}


def test_a_further_port_of_a_database_can_be_named() -> None:
    text = (
        "name: a\nservices: {app: {image: 'a:1', environment: {P: '${{ databases.main.ports.native }}'}}}\n"
    )
    compiled, found = compile_text(f"{text}databases: {{main: {{adapter: clickhouse, version: '26.7'}}}}\n")
    assert compiled and not found
    assert "P: '9000'" in compiled.artifacts[0].content.decode()
    _, found = compile_text(f"{text}databases: {{main: {{adapter: redis}}}}\n")
    assert [one.id for one in found] == ["unknown-reference"]
