"""Runs every rule over a project: one function that finds one thing, with an id and a severity of its own.

It needs nothing but the project, so it works on a file that stackc did not make. What is only the form of a value is
JSON Schema and no rule. The page of each rule stands in schemas/findings.yaml.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from compiler.project.project import Project
from compiler.report import Report
from compiler.rules import Rule, Tell, databases, exposure, services, variables, wiring

OF_PROJECTS = (
    Rule("dependency-cycle", wiring.dependency_cycle),
    Rule("duplicate-container-name", wiring.duplicate_container_name),
    Rule("duplicate-port", services.duplicate_port),
    Rule("env-file-with-secrets", services.env_file_with_secrets, "warning"),
    Rule("exposed-secret", exposure.exposed_secret, "warning"),
    Rule("external-secret", wiring.external_secret, "warning"),
    Rule("inactive-dependency", wiring.inactive_dependency, "warning"),
    Rule("literal-login", wiring.literal_login, "warning"),
    Rule("localhost", partial(wiring.localhost, of_browsers=False)),
    Rule("localhost-in-browser", partial(wiring.localhost, of_browsers=True), "warning"),
    Rule("no-health-check", wiring.no_health_check),
    Rule("unknown-volume", wiring.unknown_volume),
    Rule("unreachable-database", wiring.unreachable_database),
    Rule("unused-database", databases.unused_database, "warning"),
    Rule("variable-syntax", variables.variable_syntax),
)
OF_SERVERS = (
    Rule("end-of-life", databases.end_of_life, "warning"),
    Rule("moving-image", databases.moving_image, "warning"),
    Rule("owned-key", databases.owned_key, "warning"),
    Rule("privileged-database", databases.privileged_database, "warning"),
    Rule("replaced-command", databases.replaced_command, "warning"),
    Rule("scripts-of-image", databases.scripts_of_image, "warning"),
    Rule("too-many-connections", databases.too_many_connections),
)
OF_DATABASES = (
    Rule("application-is-administrator", databases.application_is_administrator, "warning"),
    Rule("shared-names", databases.shared_names),
)
OF_SERVICES = (
    Rule("command-without-shell", services.command_without_shell),
    Rule("empty-label", services.empty_label, "warning"),
    Rule("health-check-without-shell", services.health_check_without_shell, "warning"),
    Rule("health-check-words", services.health_check_words),
    Rule("limit-twice", services.limit_twice),
    Rule("memory-too-small", services.memory_too_small),
    Rule("missing-dollar", variables.missing_dollar, "warning"),
    Rule("port-syntax", services.port_syntax),
    Rule("ports-without-effect", services.ports_without_effect, "warning"),
    Rule("quoted-value", variables.quoted_value, "warning"),
    Rule("replicas-share-name", services.replicas_share_name),
    Rule("replicas-share-port", services.replicas_share_port),
    Rule("replicas-twice", services.replicas_twice),
    Rule("reservation-above-limit", services.reservation_above_limit),
    Rule("soft-above-hard", services.soft_above_hard),
    Rule("unclosed-quote", services.unclosed_quote),
    Rule("unknown-config", partial(wiring.unknown, kind="config")),
    Rule("unknown-model", partial(wiring.unknown, kind="model")),
    Rule("unknown-network", partial(wiring.unknown, kind="network")),
    Rule("unknown-secret", partial(wiring.unknown, kind="secret")),
    Rule("unknown-service", wiring.unknown_service),
    Rule("unpublished-port", services.unpublished_port, "warning"),
)
RULES = (*OF_PROJECTS, *OF_SERVERS, *OF_DATABASES, *OF_SERVICES)


def check_project(project: Project, report: Report) -> None:
    """Adds what every rule finds in a project to the report."""
    databases = project.databases.values()
    servers = [database for database in databases if not database.on]
    for rule in _asked(project, OF_PROJECTS):
        rule.check(project, Tell(project, report, rule))
    for rules, checked in ((OF_SERVERS, servers), (OF_DATABASES, databases)):
        for rule in rules:
            for database in checked:
                rule.check(database, Tell(project, report, rule, database.path))
    for rule in _asked(project, OF_SERVICES):
        for name, service in project.services.items():
            rule.check(service, Tell(project, report, rule, ("services", name)))


def _asked(project: Project, rules: Iterable[Rule]) -> list[Rule]:
    """Returns the rules that can be asked: of what else is there nothing is known where other files are included."""
    return [rule for rule in rules if not (project.include and rule.id.startswith("unknown-"))]
