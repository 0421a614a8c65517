"""Builds the plan of a stack: every container, secret, connection and certificate that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from compiler.model import Access, Container, Plan, Secret, Variable, env_key
from compiler.project import containers as build
from compiler.project.certificates import build_certificate
from compiler.project.connections import build_access
from compiler.project.entries import named_volume
from compiler.project.faults import AdapterTexts
from compiler.project.scope import NETWORK, build_scope
from compiler.project.services import ServiceBuilder
from compiler.report import Diagnostic, has_errors
from compiler.rules.adapter_rules import check_adapter_rules
from compiler.rules.names import check_names
from compiler.rules.policy import check_policy
from compiler.rules.wiring import check_wiring

if TYPE_CHECKING:
    from compiler.stack.stack import Stack


def build_plan(stack: Stack, today: str, base: str = "") -> tuple[Plan | None, list[Diagnostic]]:
    """Returns the plan of a stack, or None where something is wrong with it, and every finding.

    `today` is an ISO date, `base` the way from the rendered files to the folder of the stack.
    """
    diagnostics = check_names(stack)
    if has_errors(diagnostics):
        return None, diagnostics
    made: list[Container] = []
    secrets: dict[str, Secret] = {secret.key: secret for secret in _stack_secrets(stack)}
    access: dict[str, Access] = {}
    ready: dict[str, dict[str, str]] = {}
    for database in stack.databases.values():
        texts = AdapterTexts(database, build_scope(database))
        diagnostics += check_adapter_rules(texts, stack.document)
        if has_errors(diagnostics + texts.diagnostics):
            diagnostics += texts.diagnostics
            continue
        own, ready[database.key] = _database_containers(texts)
        access[database.key] = build_access(texts)
        made += own
        for secret in build.build_secrets(database, stack.document.key(database.path)):
            known = secrets.get(secret.key)
            secrets[secret.key] = _stricter(known, secret) if known else secret
        diagnostics += texts.diagnostics
    if has_errors(diagnostics):
        return None, diagnostics
    builder = ServiceBuilder(stack, access, ready, base)
    services = [builder.build(key) for key in stack.services]
    made += services
    sections = {kind: builder.section(kind) for kind in ("volumes", "networks", "configs", "secrets")}
    check_wiring(stack, builder, made)
    diagnostics += builder.findings.diagnostics
    if not has_errors(diagnostics):
        diagnostics += check_policy(stack, builder, today)
    if has_errors(diagnostics):
        return None, diagnostics
    gate = _gate(made)
    made += [gate] if gate else []
    plan = Plan(
        name=stack.name,
        environment=stack.environment,
        containers=tuple(made),
        secrets=tuple(secrets.values()),
        variables=tuple(_variables(stack, builder, access)),
        certificates=tuple(
            build_certificate(one, stack.document) for one in stack.databases.values() if one.tls.enabled
        ),
        access=access,
        volumes={**_named_volumes(made), **sections["volumes"]},
        networks={**_networks(stack), **sections["networks"]},
        configs=sections["configs"],
        user_secrets=sections["secrets"],
    )
    return plan, diagnostics


def _database_containers(texts: AdapterTexts) -> tuple[list[Container], dict[str, str]]:
    """Returns the containers of a database and the condition on each that a client waits for."""
    server = build.build_server(texts)
    job = build.build_job(texts)
    ready = {server.name: "service_healthy"}
    if job:
        ready[job.name] = "service_completed_successfully"
    companions = build.build_companions(texts, ready)
    ready |= {container.name: "service_healthy" for container in companions}
    return [server, *([job] if job else []), *companions], ready


def _gate(made: list[Container]) -> Container | None:
    """Returns a container that waits for the jobs for which nothing else waits.

    Without it `docker compose up --wait` takes their exit for a failure.
    """
    jobs = {container.name: container for container in made if container.kind == "job"}
    for container in made:
        for name, rule in (container.spec.get("depends_on") or {}).items():
            if isinstance(rule, Mapping) and rule.get("condition") == "service_completed_successfully":
                jobs.pop(name, None)
    if not jobs:
        return None
    job = next(iter(jobs.values()))
    spec: dict[str, Any] = {
        "image": job.spec["image"],
        "depends_on": {name: {"condition": "service_completed_successfully"} for name in jobs},
        "entrypoint": ["tail", "-f", "/dev/null"],
        "command": [],
        "healthcheck": {"test": ["CMD-SHELL", "true"], "interval": "5s", "timeout": "5s", "retries": 3},
        "network_mode": "none",
        "restart": "unless-stopped",
        "init": True,
        "read_only": True,
        "tmpfs": job.spec["tmpfs"],
        **build.HARDENING,
        "deploy": {"resources": {"limits": {"memory": "32M", "pids": 20}}},
    }
    return Container(name="stackc-ready", kind="gate", spec=spec)


def _stack_secrets(stack: Stack) -> list[Secret]:
    secrets = []
    for name, rule in stack.secrets.items():
        if "file" not in rule:
            alphabet = rule.get("generate", "alphanumeric")
            secrets.append(
                Secret(
                    key=str(rule.get("environment") or env_key(name)),
                    owner=f'secret "{name}"',
                    span=stack.document.key(("secrets", name)),
                    length=rule.get("bytes", 32),
                    alphabet=alphabet,
                    generate="generate" in rule,
                )
            )
    return secrets


def _stricter(known: Secret, other: Secret) -> Secret:
    """Returns a user's secret with the rules of the engine that also takes it."""
    from dataclasses import replace

    return replace(
        known,
        refuse=known.refuse + other.refuse,
        patterns=known.patterns + other.patterns,
        reason=other.reason or known.reason,
    )


def _variables(stack: Stack, builder: ServiceBuilder, access: Mapping[str, Access]) -> list[Variable]:
    variables = []
    for key, database in stack.databases.items():
        url, title = access[key].network["url"], database.adapter.title
        comment = f'Connection of database "{key}" ({title}), from the network of the stack'
        variables.append(Variable(key=env_key(key, "url"), value=url, comment=comment))
        if "url" in access[key].host:
            comment = f'Connection of database "{key}", from this machine'
            variables.append(
                Variable(key=env_key(key, "host_url"), value=access[key].host["url"], comment=comment)
            )
    known = {variable.key for variable in variables}
    for key, (database_key, driver) in builder.references.connections.items():
        if key not in known:
            connection = access[database_key].network[driver]
            comment = f'Connection of database "{database_key}" for {connection.title}'
            variables.append(Variable(key=key, value=connection, comment=comment))
    return variables


def _named_volumes(made: list[Container]) -> dict[str, Any]:
    names = (named_volume(volume) for container in made for volume in container.spec.get("volumes") or ())
    return dict.fromkeys(name for name in names if name)


def _networks(stack: Stack) -> dict[str, Any]:
    return {NETWORK: {"internal": True}} if stack.databases else {}
