"""Runs every rule over a project: each function checks one matter, and each fault it can find has an id of its own.

It needs nothing but the project, so it works on a file that stackc did not make. What is only the form of a value is
JSON Schema and no rule. The page of each id stands in schemas/findings.yaml.
"""

from __future__ import annotations

from compiler.project.project import Project
from compiler.report import Report
from compiler.rules import Place, databases, localhost, services, variables, wiring

_OF_PROJECTS = (
    localhost.check_addresses,
    services.check_host_ports,
    variables.check_syntax,
    wiring.check_container_names,
    wiring.check_cycles,
    wiring.check_volumes,
    wiring.check_waits,
)
_OF_DATABASES = (databases.check_connections, databases.check_overlay, databases.check_version)
_OF_SERVICES = (
    services.check_files,
    services.check_labels,
    services.check_limits,
    services.check_memory,
    services.check_ports,
    services.check_replicas,
    services.check_commands,
    services.check_health,
    wiring.check_entries,
    wiring.check_services,
)


def check_project(project: Project, report: Report) -> None:
    """Adds what every rule finds in a project to the report."""
    for check in _OF_PROJECTS:
        check(project, report)
    for database in project.databases.values():
        for check_database in _OF_DATABASES:
            check_database(database, Place(project, database.path), report)
    for name, service in project.services.items():
        for check_service in _OF_SERVICES:
            check_service(service, Place(project, ("services", name)), report)
