"""Runs every rule over a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.rules import files, limits, localhost, ports, shell, variables, versions, wiring
from compiler.rules.rule import RULES, Tell

if TYPE_CHECKING:
    from compiler.project.project import Project
    from compiler.report import Report

MODULES = (files, limits, localhost, ports, shell, variables, versions, wiring)


def check_project(project: Project, report: Report) -> None:
    """Adds what every rule finds in a project to the report."""
    for rule in RULES:
        rule.check(project, Tell(project, report, rule))
