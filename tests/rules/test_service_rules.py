from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.compose import config
from tests.stacks import compile_text, entry, findings, only, stack

if TYPE_CHECKING:
    from pathlib import Path

WRONG = [
    ("image: ''", "wrong-format", "''"),
    ("image: UPPER/app", "wrong-format", "UPPER/app"),
    ("image: app:1:2", "wrong-format", "app:1:2"),
    ("image: 'app:'", "wrong-format", "'app:'"),
    ("image: app:-x", "wrong-format", "app:-x"),
    ("image: 'my app'", "wrong-format", "'my app'"),
    ("image: http://host/app", "wrong-format", "http://host/app"),
    ("restart: sometimes", "not-allowed-value", "sometimes"),
    ("restart: always:3", "not-allowed-value", "always:3"),
    ("restart: on-failure:x", "not-allowed-value", "on-failure:x"),
    ("cap_add: [NET_AMDIN]", "not-allowed-value", "NET_AMDIN"),
    ("cap_drop: [all, CAP_NOTHING]", "not-allowed-value", "CAP_NOTHING"),
    ("environment: ['A B=1']", "wrong-format", "'A B=1'"),
    ("environment: ['=1']", "wrong-format", "'=1'"),
    ("environment: {'A=B': x}", "wrong-format", "'A=B'"),
    ("labels: [traefik.enable]", "empty-label", "traefik.enable"),
    ("labels: {com.docker.compose.project: x}", "reserved-name", "com.docker.compose.project"),
    ("deploy: {labels: [com.docker.compose.x=1]}", "reserved-name", "com.docker.compose.x=1"),
    ("volumes: ['v:/data']", "one-letter-volume", "'v:/data'"),
    ("volumes: ['v:/data:ro']", "one-letter-volume", "'v:/data:ro'"),
    ("volumes: ['data:relative']", "wrong-format", "'data:relative'"),
    (
        "volumes: [{type: bind, source: ./a, target: b}]",
        "wrong-format",
        "b",
    ),
    ("volumes: ['data/x:/y']", "wrong-format", "'data/x:/y'"),
    ("tmpfs: tmp", "wrong-format", "tmp"),
    ("tmpfs: [/run, 'tmp:size=1m']", "wrong-format", "'tmp:size=1m'"),
    ("stop_grace_period: '5'", "wrong-format", "'5'"),
    ("stop_grace_period: 5 seconds", "wrong-format", "5 seconds"),
    ("healthcheck: {test: x, interval: '5'}", "wrong-format", "'5'"),
    ("healthcheck: {test: [curl, x]}", "not-allowed-value", "curl"),
    ("healthcheck: {test: [CMD-SHELL, curl, x]}", "health-check-words", "x"),
    ("healthcheck: {test: [CMD, curl -f x]}", "health-check-words", "curl -f x"),
    ("healthcheck: {test: [CMD, curl, x, '||', exit]}", "health-check-without-shell", "'||'"),
    ("healthcheck: {test: x, retries: -1}", "out-of-range", "-1"),
    ("mem_limit: 64Mi", "wrong-format", "64Mi"),
    ("shm_size: lots", "wrong-format", "lots"),
    ("cpus: half", "wrong-format", "half"),
    ("mem_limit: 1m", "memory-too-small", "1m"),
    ("deploy: {resources: {limits: {memory: 5M}}}", "memory-too-small", "5M"),
    ("deploy: {resources: {limits: {memory: 64Mi}}}", "wrong-format", "64Mi"),
    ("deploy: {resources: {limits: {cpus: x}}}", "wrong-format", "x"),
    ("{image: a, mem_limit: 10m, mem_reservation: 20m}", "reservation-above-limit", "20m"),
    (
        "deploy: {resources: {limits: {memory: 1G}, reservations: {memory: 2G}}}",
        "reservation-above-limit",
        "2G",
    ),
    (
        "{image: a, mem_limit: 1G, deploy: {resources: {limits: {memory: 2G}}}}",
        "limit-twice",
        "mem_limit",
    ),
    ("{image: a, cpus: 1, deploy: {resources: {limits: {memory: 2G}}}}", "limit-twice", "cpus"),
    ("{image: a, scale: 2, deploy: {replicas: 3}}", "replicas-twice", "scale"),
    ("{image: a, container_name: app, scale: 2}", "replicas-share-name", "container_name"),
    ("{image: a, ports: ['80:80'], deploy: {replicas: 2}}", "replicas-share-port", "'80:80'"),
    ("deploy: {mode: replicate}", "not-allowed-value", "replicate"),
    ("deploy: {restart_policy: {condition: allways}}", "not-allowed-value", "allways"),
    ("deploy: {restart_policy: {delay: '5'}}", "wrong-format", "'5'"),
    ("ulimits: {nofile: {soft: 200, hard: 100}}", "soft-above-hard", "200"),
    ("container_name: a b", "wrong-format", "a b"),
    ("expose: [http]", "wrong-format", "http"),
    ("{image: a, network_mode: host, networks: [default]}", "network-mode-and-networks", "network_mode"),
    ("{image: a, network_mode: host, ports: ['80:80']}", "ports-without-effect", "ports"),
    ("{image: a, network_mode: 'service:app', ports: ['80:80']}", "ports-of-another-service", "ports"),
    ("command: npm install && npm start", "command-without-shell", "npm install && npm start"),
    ("entrypoint: run > /log", "command-without-shell", "run > /log"),
    ("command: echo 'x", "unclosed-quote", "echo 'x"),
    ("command: echo (x)", "unclosed-quote", "echo (x)"),
    ("command: run ${X && stop", "variable-syntax", "run ${X && stop"),
    ("working_dir: /${A.B}", "variable-syntax", "/${A.B}"),
    ("labels: {'a.${B}': c}", "expression-in-key", "'a.${B}'"),
    ("labels: {'a.${{ stack.name }}': c}", "expression-in-key", "'a.${{ stack.name }}'"),
    ("extra_hosts: [host]", "wrong-format", "host"),
    ("extra_hosts: ['host:1.2.3']", "wrong-format", "'host:1.2.3'"),
    ("extra_hosts: {host: elsewhere}", "wrong-format", "elsewhere"),
    ("develop: {watch: [{path: ., action: sync}]}", "missing-option", "{path: ., action: sync}"),
    ("develop: {watch: [{path: '', action: rebuild}]}", "out-of-range", "''"),
    ("gpus: [{count: 1, device_ids: ['0']}]", "conflicting-options", "device_ids"),
    ("gpus: [{count: some}]", "wrong-format", "some"),
    (
        "deploy: {resources: {reservations: {devices: [{capabilities: [gpu], count: 1, device_ids: [a]}]}}}",
        "conflicting-options",
        "device_ids",
    ),
    ("deploy: {resources: {limits: {pids: many}}}", "wrong-type", "many"),
    ("deploy: {update_config: {delay: soon}}", "wrong-format", "soon"),
    ("deploy: {update_config: {monitor: '5'}}", "wrong-format", "'5'"),
    ("deploy: {update_config: {parallelism: two}}", "wrong-type", "two"),
    ("deploy: {update_config: {parallelism: -1}}", "out-of-range", "-1"),
    ("deploy: {rollback_config: {max_failure_ratio: half}}", "wrong-format", "half"),
    ("deploy: {placement: {max_replicas_per_node: two}}", "wrong-type", "two"),
    ("deploy: {restart_policy: {max_attempts: ever}}", "wrong-type", "ever"),
    ("deploy: {replicas: $(id)}", "wrong-type", "$(id)"),
    ("deploy: {replicas: '${N:--1}'}", "out-of-range", "'${N:--1}'"),
    ("attach: ${A:-x}", "wrong-type", "${A:-x}"),
    ("cpus: ${CPUS-}", "wrong-format", "${CPUS-}"),
    ("mem_limit: $$5m", "wrong-format", "$$5m"),
    ("healthcheck: {test: x, start_period: '${X:-soon}'}", "wrong-format", "'${X:-soon}'"),
    ("healthcheck: {test: ['${X:-curl}', x]}", "not-allowed-value", "'${X:-curl}'"),
    ("restart: ${R:-sometimes}", "not-allowed-value", "${R:-sometimes}"),
    ("ports: ['${PORT:-http}']", "port-syntax", "'${PORT:-http}'"),
    ("ports: ['80:0']", "port-syntax", "'80:0'"),
    ("ports: [0]", "port-syntax", "0"),
    ("pre_start: [{command: a, per_replica: /a}]", "wrong-type", "/a"),
    ("pre_start: [{command: a, mem_limit: lots}]", "wrong-format", "lots"),
    ("post_start: [{command: a, privileged: maybe}]", "wrong-type", "maybe"),
    ("blkio_config: {weight: '500'}", "wrong-type", "'500'"),
    ("blkio_config: {device_read_bps: [{path: /a, rate: fast}]}", "wrong-format", "fast"),
    ("volumes: [{type: tmpfs, target: /a, tmpfs: {mode: rwx}}]", "wrong-format", "rwx"),
    ("volumes: [{type: tmpfs, target: /a, tmpfs: {mode: '${M:-0700}'}}]", "wrong-format", "'${M:-0700}'"),
    ("volumes: [{type: volume, target: /a, volume: {nocopy: maybe}}]", "wrong-type", "maybe"),
    ("devices: [{source: /dev/a}]", "missing-option", "{source: /dev/a}"),
    ("env_file: [{path: a, format: json}]", "not-allowed-value", "json"),
    ("volumes: [{type: volume, source: ./a, target: /a}]", "wrong-format", "./a"),
    ("ports: ['a${A}b']", "port-syntax", "'a${A}b'"),
    ("cpus: 'a${A}'", "wrong-format", "'a${A}'"),
    ("tty: ${A}s", "wrong-type", "${A}s"),
    ("volumes: [{type: bind, target: /a}]", "missing-option", "{type: bind, target: /a}"),
    ("storage_opt: {size: [1G]}", "wrong-type", "[1G]"),
    ("env_file: [{path: ., required: false}]", "wrong-format", "."),
    ("env_file: ['']", "wrong-format", "''"),
    ("label_file: labels/", "wrong-format", "labels/"),
    ("umask: 0o22", "unknown-option", "umask"),
    ("models: [llm]", "unknown-model", "llm"),
    ("pid: null", "wrong-type", "null"),
    ("links: ['']", "out-of-range", "''"),
    ("cpu_percent: '101'", "out-of-range", "'101'"),
    ("{build: {context: ., no_cache: maybe}}", "wrong-type", "maybe"),
    ("{build: {context: ., ulimits: {nofile: '5'}}}", "wrong-type", "'5'"),
    ("{build: {context: ., ssh: [key]}}", "wrong-format", "key"),
    ("{build: {context: ., additional_contexts: [base]}}", "wrong-format", "base"),
    ("{build: {context: ., extra_hosts: [host]}}", "wrong-format", "host"),
    ('cpus: "2\\n"', "wrong-format", '"2\\n"'),
    ('restart: "always\\n"', "not-allowed-value", '"always\\n"'),
]


def as_stack(options: str) -> str:
    return f"name: demo\nservices:\n  app: {options}\n" if options.startswith("{") else entry(options)


@pytest.mark.parametrize(("options", "code", "place"), WRONG, ids=[row[0] for row in WRONG])
def test_a_value_that_compose_or_the_engine_refuses_is_found_at_its_place(
    options: str, code: str, place: str
) -> None:
    assert (code, place) in findings(as_stack(options))


# One option a line, each of which Compose and the engine take.
RIGHT = r"""
image: nginx
image: registry.local:5000/a/b__c:v1.2_3
image: Registry.Example.com/app
image: localhost/app
image: a@sha256:0000000000000000000000000000000000000000000000000000000000000000
image: ${REGISTRY}/app:${TAG:-latest}
image: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
restart: no
restart: 'on-failure:5'
restart: ''
restart: ${RESTART:-always}
cap_add: [ALL, net_admin, CAP_SYS_ADMIN]
environment: ['A=b c', B, 'C=']
environment: ['${A:-x y}=1']
labels: [a=, b=c=d]
profiles: [debug, x]
volumes: [/anonymous, 'data:/data:ro', './a:/a', '~/b:/b']
volumes: ['C:\\data:/data', 'c:/data:/data:ro', '${X}:/x', '${X:-./y}:/y']
tmpfs: '/run:size=64m,mode=1777'
stop_grace_period: 1m30s
stop_grace_period: 1.5h
stop_grace_period: '0'
stop_grace_period: 250ms
healthcheck: {test: [NONE]}
healthcheck: {disable: true}
healthcheck: {test: 'a || b'}
healthcheck: {test: [CMD-SHELL, 'a || exit 1'], interval: 1d}
healthcheck: {test: []}
mem_limit: 64MiB
mem_limit: 512m
mem_limit: 0
memswap_limit: -1
shm_size: 1.5g
shm_size: 67108864
cpus: 0.5
cpus: '2'
ulimits: {nproc: 65535, nofile: {soft: 20000, hard: 40000}, core: {soft: 1, hard: -1}}
{image: a, mem_limit: 1G, deploy: {resources: {limits: {memory: 1024M}}}}
{image: a, scale: 2, deploy: {replicas: 2}}
{image: a, mem_limit: 1G, deploy: {resources: {reservations: {cpus: '1'}}}}
{image: a, ports: ['80'], scale: 3}
{image: a, ports: ['8080-8082:80'], scale: 3}
{build: ., scale: 1, container_name: app}
command: sh -c 'a && b > c'
command: echo "a; b" 'c | d'
command: run ${X:-a;b} $$(date)
command: echo a\;b
command: [sh, -c, a && b]
command: ''
command: null
entrypoint: []
expose: ['80-90/udp', 8080]
command: run 'a b' ${{ stack.name }}
{provider: {type: model}}
deploy: {mode: global}
extra_hosts: ['h:host-gateway', 'i=10.0.0.1', 'j:::1', 'k=${X}']
extra_hosts: {h: 10.0.0.1, i: ['::1']}
container_name: my_app.1
working_dir: /${A:-${B:-c}}$$x$1
attach: ${ATTACH:-false}
cpus: ${CPUS:-0.5}
mem_limit: ${MEMORY:-512m}
restart: ${R:-on-failure:3}
mem_limit: ${GIGABYTES:?say how many}g
stop_grace_period: ${A:-${B:-5s}}
ports: ['$IP:${PORT:-8080}:80/${P:-tcp}']
ports: ['${PORT:-8085}', '${HTTP:-8086}:80', '127.0.0.1:${LAST:-8087}:80']
scale: ${N:-2}
healthcheck: {test: x, interval: '${I:-30s}', start_period: '${P:-1m30s}'}
deploy: {update_config: {delay: 10s, monitor: 1m, parallelism: 2, max_failure_ratio: 0.1}}
deploy: {rollback_config: {delay: '${D:-5s}', parallelism: '${N:-1}'}, placement: {max_replicas_per_node: 2}}
deploy: {resources: {reservations: {devices: [{capabilities: [gpu], count: all}]}}}
deploy: {resources: {reservations: {devices: [{capabilities: [gpu], device_ids: ['0']}]}}}
deploy: {resources: {limits: {pids: 100}}, restart_policy: {max_attempts: 3}}
gpus: all
gpus: [{count: 1}]
pre_start: [{command: a, per_replica: 'true', mem_limit: 64m}]
post_start: [{command: a, privileged: false, environment: [A=b]}]
develop: {watch: [{path: ., action: sync, target: /a}, {path: ., action: rebuild}, {path: ., action: restart}]}
blkio_config: {weight: 500, device_read_bps: [{path: /a, rate: 1mb}]}
volumes: [{type: tmpfs, target: /a, tmpfs: {mode: 0o1777, size: 64m}}]
volumes: [{type: bind, source: ., target: /b, bind: {create_host_path: 'false'}}]
devices: [{source: /dev/a, target: /dev/b}, '/dev/a:/dev/b']
pid: host
storage_opt: {size: 1G}
cpu_percent: '50'
ulimits: {nofile: '${FILES:-1024}'}
{build: {context: ., no_cache: true, ssh: [default], ulimits: {nofile: 5}, shm_size: 64m}}
{build: {context: ., additional_contexts: [a=b]}}
{build: {context: ., additional_contexts: {a: b}, extra_hosts: ['h:10.0.0.1']}}
""".strip().splitlines()


@pytest.mark.parametrize("options", RIGHT)
def test_what_compose_takes_is_not_found_wrong(options: str) -> None:
    compiled, diagnostics = compile_text(as_stack(options))
    assert compiled is not None
    assert diagnostics == []


def test_compose_accepts_all_of_them(tmp_path: Path) -> None:
    texts = [as_stack(options).partition("  app:")[2] for options in RIGHT]
    services = "".join(f"  s{number}:{text.rstrip()}\n" for number, text in enumerate(texts))
    compiled, diagnostics = compile_text(f"name: demo\nservices:\n{services}")
    assert compiled is not None, diagnostics
    (tmp_path / "docker-compose.yml").write_bytes(compiled.artifacts[0].content)
    (tmp_path / ".env").write_text("IP=127.0.0.1\nGIGABYTES=1\nX=/x\nCOMPOSE_PROFILES=x\n")
    assert len(config(tmp_path)["services"]) == len(RIGHT)


@pytest.mark.parametrize(
    ("options", "help"),
    [
        ("stop_grace_period: '5'", 'write the unit: "5s"'),
        ("image: Library/App:V1", "write the repository in lower case"),
        ("mem_limit: 64Mi", 'write "64MiB"'),
        ("restart: unless-stoped", 'did you mean "unless-stopped"?'),
        ("cap_add: [CAP_NET_AMDIN]", 'did you mean "NET_ADMIN"?'),
        ("volumes: ['data/x:/y']", 'write "./" before a folder beside the stack'),
        ("healthcheck: {test: [cmd, x]}", "write the whole check as one text, or CMD before its words"),
    ],
)
def test_help_says_what_to_write(options: str, help: str) -> None:
    assert only(entry(options)).help == help


def test_every_fault_of_a_service_is_told_at_once() -> None:
    codes = [code for code, _ in findings(entry("image: A/b\nrestart: x\nexpose: [y]\nports: [z]\ncpus: w"))]
    assert codes == ["wrong-format", "not-allowed-value", "wrong-format", "port-syntax", "wrong-format"]


NINE = """\
name: demo
services:
  app:
    image: UPPER/app
    restart: sometimes
    ports: ["99999:80"]
    command: run && more
    mem_limit: 1m
    depends_on: [apq]
    stop_grace_period: "5"
databases:
  main: {adapter: postgresql, vector: {dimensions: 9000, method: nope}}
"""


def test_nine_mistakes_are_nine_findings_of_one_run() -> None:
    assert [line for _, line in sorted((one.span.line, one.id) for one in compile_text(NINE)[1])] == [
        "wrong-format",
        "not-allowed-value",
        "port-syntax",
        "command-without-shell",
        "memory-too-small",
        "unknown-service",
        "wrong-format",
        "not-allowed-value",
        "out-of-range",
    ]


def test_a_service_needs_an_image_or_a_build() -> None:
    assert findings("name: demo\nservices:\n  app: {restart: always}\n") == [("missing-option", "app")]


def test_an_image_may_come_from_the_extended_service() -> None:
    text = stack("base: {image: a}\napp: {extends: base, environment: {A: b}}")
    assert findings(text) == []


def test_the_env_file_of_the_stack_holds_its_secrets() -> None:
    assert findings(entry("env_file: [a.env, ./.env]", "secrets: {jwt: {generate: hex}}")) == [
        ("env-file-with-secrets", "./.env")
    ]
    assert findings(entry("env_file: .env")) == []
