"""The values behind a project: what `.env` holds already, what has to be generated, and what follows from both."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hmac import HMAC
from types import MappingProxyType

from compiler.model import Connection, Secret, Variable
from compiler.project.connections import references, render_connection
from compiler.project.project import Project
from compiler.report import Report, Span
from compiler.schema.drawn import Entropy, generate, has_form, holds_refused
from compiler.schema.patterns import SlowPattern
from compiler.targets.dotenv import Dotenv
from compiler.targets.env_block import Line, Lines


def fill(
    project: Project,
    dotenv: Dotenv,
    entropy: Entropy,
    given: Mapping[str, str],
    report: Report,
    shell: Mapping[str, str] = MappingProxyType({}),
) -> Lines | None:
    """Returns every line that `.env` must have; values of secrets that are there are kept.

    `given` are values that come from elsewhere, such as the keys of certificates; what the `shell` holds in the place
    of a line of `.env` is used and not written down.
    """
    before = report.errors
    values: dict[str, str] = {**dotenv.values, **given, **shell}
    for secret in project.secrets:
        if secret.generate and not values.get(secret.key):
            values[secret.key] = generate(secret, entropy)
        _check_value(secret, values.get(secret.key, ""), dotenv, report)
    if report.errors > before:
        return None
    kept = (one for one in project.secrets if one.key not in shell)
    secrets = [(one.key, values[one.key], one.owner[:1].upper() + one.owner[1:]) for one in kept]
    lines: list[Line] = [(key, value, "Private key of a server certificate") for key, value in given.items()]
    for variable in project.variables:
        try:
            values[variable.key] = derive(variable, values)
        except ValueError as fault:
            places = (dotenv.value(one.key) for one in references(variable.value))
            place = next(filter(None, places), Span(dotenv.path))
            told, help = f"{variable.key} cannot be made: {fault}", "choose another password in .env"
            report.error("unusable-password", told, place, help)
        else:
            lines.append((variable.key, values[variable.key], variable.comment))
    return None if report.errors > before else Lines(secrets, lines)


def tell_lost(project: Project, dotenv: Dotenv, made: Collection[str], again: str, report: Report) -> None:
    """Reports the secrets that were `made` on this machine and are gone: new ones open nothing that is there.

    `again` is the command that makes them all the same.
    """
    keys = [one.key for one in project.secrets if one.generate and one.key in made]
    lost = [key for key in keys if not dotenv.values.get(key)]
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        told = f"{dotenv.path} lacks {lost[0]}{more}, made here; a new value opens no volume of the old one"
        help = f"put the file back, or run `{again}`"
        report.error("missing-secrets", told, Span(dotenv.path), help)


def derive(variable: Variable, values: Mapping[str, str]) -> str:
    """Returns the value of a line that follows from others: a connection string, or a digest of secrets."""
    if isinstance(variable.value, Connection):
        return render_connection(variable.value, values)
    text = "\0".join(f"{key}={values.get(key, '')}" for key in variable.value.keys)
    secret, told = (one.encode("utf-8", "surrogatepass") for one in (values[variable.value.secret], text))
    return HMAC(secret, told, "sha256").hexdigest()[:32]


def _check_value(secret: Secret, value: str, dotenv: Dotenv, report: Report) -> None:
    key, place = secret.key, dotenv.value(secret.key) or secret.span
    if not value:
        told = f"{secret.owner} takes its value from {key} in .env, which is not set there"
        line = "write it behind" if key in dotenv.entries else "add it as"
        report.error("missing-secret", told, secret.span, f"{line} {key}= in .env, or set {key} in the shell")
    elif key in dotenv.entries and dotenv.entries[key].is_interpolated:
        told = f"the value of {key} in .env refers to other variables, which stackc does not follow"
        report.error("env-interpolation", told, place, "put the value in single quotes")
    elif fault := _fault(secret, value, place, report):
        told, help = (
            f"{secret.owner} cannot take the value of {key} in .env, which {fault}",
            "choose another value",
        )
        if secret.generate and key not in dotenv.entries:
            told = f"{secret.owner} cannot take what is generated for {key}, which {fault}"
            help = f"let `generate` of the secret make another kind of value, or set {key} in .env"
        report.error("unusable-password", told, place, secret.reason or help)


def _fault(secret: Secret, value: str, place: Span, report: Report) -> str:
    """Returns which rule a value breaks, and nothing of the value; that nobody can say so is an error."""
    if holds_refused(secret, value):
        return "holds a character or a line break that its engine refuses"
    try:
        return "" if has_form(secret, value) else "has not the form that its engine takes"
    except SlowPattern as fault:
        told = (
            f'the pattern "{fault.pattern}" takes too long to compare with the value of {secret.key} in .env'
        )
        help = "change the pattern in the adapter, or choose another value"
        report.error("slow-pattern", told, place, help)
        return ""
