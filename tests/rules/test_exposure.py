"""A secret is told where everybody can read it, and nothing else is: not by what only resembles one."""

from __future__ import annotations

import pytest

from compiler.project.build import read_project
from compiler.report import Diagnostic, Report
from compiler.rules.check import check_project
from compiler.source import parse_yaml
from tests.stacks import DATABASE, TODAY, compile_text, entry

REST = "secrets: {pin: {environment: PIN}}\n" + DATABASE
IN_STACKS = [
    ("command: 'run --x ${{ secrets.pin }}'", "PIN"),
    ("command: [run, '${{ databases.main.url }}']", "MAIN_URL"),
    ("command: [run, '-x${{ databases.main.connections.asyncpg }}']", "MAIN_ASYNCPG"),
    ("entrypoint: [run, '${MAIN_URL}']", "MAIN_URL"),
    ("hostname: 'x-${{ secrets.pin }}'", "PIN"),
    ("domainname: '${{ secrets.pin }}'", "PIN"),
    ("container_name: 'x-${{ secrets.pin }}'", "PIN"),
    ("labels: ['x=${{ secrets.pin }}']", "PIN"),
    ("labels: {x: '${{ secrets.pin }}'}", "PIN"),
    ("annotations: {x: '${{ secrets.pin }}'}", "PIN"),
    ("build: {context: ., args: {X: '${{ secrets.pin }}'}}", "PIN"),
    ("build: {context: ., labels: ['x=${{ secrets.pin }}']}", "PIN"),
    ("healthcheck: {test: 'run ${{ secrets.pin }}'}", "PIN"),
    ("healthcheck: {test: [CMD, run, '${{ secrets.pin }}']}", "PIN"),
]
TOLD = [
    "command: redis-server --requirepass hunter2",
    "command: [redis-server, --requirepass, hunter2]",
    "command: [run, --api-key=hunter2]",
    "command: redis-server --requirepass ${REDIS:-hunter2}",
    "command: [redis-server, --requirepass, '${REDIS:-hunter2}']",
    "command: java -Ddb.password=hunter2 -jar a.jar",
    "command: run postgres://app:hunter2@db/app",
    "command: run AKIAIOSFODNN7EXAMPLE",
    "entrypoint: [sh, -c, 'PGPASSWORD=hunter2 psql']",
    "healthcheck: {test: 'curl -u elastic:hunter2 http://localhost'}",
    "healthcheck: {test: [CMD, redis-cli, --pass, '${REDIS_PASSWORD}', ping]}",
    "labels: {app.password: hunter2}",
    "labels: ['auth.users=admin:$$2y$$05$$abcdefghijklmnopqrstuvwxyz0123']",
    "build: {context: ., args: [NPM_TOKEN]}",
    "build: {context: ., args: {NPM_TOKEN: '${NPM_TOKEN}'}}",
    "build: {context: ., args: {NPM_TOKEN: 4711}}",
]
NOT_TOLD = [
    "environment: {PASSWORD: hunter2}",
    "command: [sh, -c, 'redis-server --requirepass \"$$REDIS_PASSWORD\"']",
    "command: 'sh -c \"redis-server --requirepass $$(cat /run/secrets/redis)\"'",
    "command: --default-authentication-plugin=mysql_native_password --log ${LEVEL}",
    "command: mongod --auth --keyFile /etc/mongo.key --authenticationDatabase admin",
    "command: run --password-file /run/secrets/x --token-path=./x --tls-key /a.key --keyspace events",
    "command: [run, --password, /run/secrets/x, --secret, 'true', --private-key, id.pem]",
    "command: run --image app@sha256:8f0c5d1b1f0e4a9d8f0c5d1b1f0e4a9d8f0c5d1b1f0e4a9d8f0c5d1b1f0e4a9d",
    "command: run A1b2C3d4E5f6G7h8 6f1c2b3a-1234-4abc-9def-0123456789ab",
    "command: run http://proxy:8080/path?mail=a@b.c password authentication token",
    "command: awk '{print $$5$$6}' /x",
    "command: [sh, -c, 'pass the tokens: 12 of them; user: 1000:1000']",
    "container_name: npm-proxy-manager-2",
    "hostname: sk-web-server-01",
    "labels: {traefik.http.middlewares.auth.forwardauth.address: 'http://auth:9091'}",
    "labels: {traefik.http.routers.app.middlewares: 'auth@docker', kompose.image-pull-secret: regcred}",
    "build: {context: ., args: {VERSION: 1.2.3, COMMIT: 8f0c5d1b1f0e4a9d8f0c5d1b1f0e4a9d}, secrets: [token]}",
    "healthcheck: {test: 'curl -fsS http://localhost/health?token_type=x'}",
    "healthcheck: {test: 'mysqladmin ping -p$$MYSQL_ROOT_PASSWORD'}",
    "healthcheck: {test: 'psql postgres://app:$$PASSWORD@db'}",
]


def told(found: list[Diagnostic]) -> list[Diagnostic]:
    return [one for one in found if one.id == "exposed-secret"]


def of_compose(options: str) -> list[Diagnostic]:
    text = f"services:\n  app:\n    image: a\n    {options}\nsecrets: {{token: {{file: ./token}}}}\n"
    document, report = parse_yaml(text.encode(), "compose.yaml", Report()), Report()
    assert document is not None
    check_project(read_project(document, TODAY), report)
    return told(list(report))


@pytest.mark.parametrize(("options", "key"), IN_STACKS)
def test_a_reference_to_a_secret_is_told_by_its_key(options: str, key: str) -> None:
    (one,) = told(compile_text(entry(options, REST))[1])
    assert (one.severity, f"the value of {key} " in one.message) == ("warning", True)


@pytest.mark.parametrize("options", TOLD)
def test_a_secret_of_any_compose_file_is_told_without_its_value(options: str) -> None:
    (one,) = of_compose(options)
    assert "hunter2" not in one.message + str(one.help)


@pytest.mark.parametrize("options", NOT_TOLD)
def test_what_is_no_secret_or_not_to_be_seen_is_not_told(options: str) -> None:
    assert of_compose(options) == []


def test_containers_of_databases_and_variables_of_services_are_not_told() -> None:
    text = entry("uses: [main]\nsecrets: [pin]\nenvironment: {P: '${{ secrets.pin }}'}", REST)
    assert compile_text(text)[1] == []
