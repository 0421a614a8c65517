"""The values behind a project: what `.env` holds already, what has to be generated, and what follows from both."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Mapping
from hmac import HMAC

from compiler.model import Connection, Secret, Variable
from compiler.project.connections import references, render_connection
from compiler.project.project import Project
from compiler.report import Report, Span
from compiler.schema.patterns import SlowPattern, is_match
from compiler.targets.dotenv import Dotenv

Entropy = Callable[[int], bytes]
"""Returns that many random bytes."""

# Repeated as often as a byte can tell, so that every character is equally likely; higher bytes stand for none.
_ALPHANUMERIC = 4 * "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def generate(secret: Secret, entropy: Entropy) -> str:
    """Returns a new value: `length` characters, or for hex and base64 that many random bytes written so."""
    if secret.alphabet == "hex":
        return entropy(secret.length).hex()
    if secret.alphabet == "base64":
        return b2a_base64(entropy(secret.length), newline=False).decode()
    text = ""
    while len(text) < secret.length:
        text += "".join(_ALPHANUMERIC[byte : byte + 1] for byte in entropy(secret.length))
    return text[: secret.length]


def fill(
    project: Project, dotenv: Dotenv, entropy: Entropy, given: Mapping[str, str], report: Report
) -> list[tuple[str, str, str]] | None:
    """Returns the key, the value and the comment of every line that `.env` must have; values that are there are kept.

    `given` are values that come from elsewhere, such as the keys of certificates.
    """
    before = report.errors
    values: dict[str, str] = {**dotenv.values, **given}
    for secret in project.secrets:
        if secret.generate and not values.get(secret.key):
            values[secret.key] = generate(secret, entropy)
        _check_value(secret, values.get(secret.key, ""), dotenv, report)
    if report.errors > before:
        return None
    lines = [(one.key, values[one.key], one.owner[:1].upper() + one.owner[1:]) for one in project.secrets]
    lines += [(key, value, "Private key of a server certificate") for key, value in given.items()]
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
    return None if report.errors > before else lines


def derive(variable: Variable, values: Mapping[str, str]) -> str:
    """Returns the value of a line that follows from others: a connection string, or a digest of secrets."""
    if isinstance(variable.value, Connection):
        return render_connection(variable.value, values)
    text = "\0".join(f"{key}={values.get(key, '')}" for key in variable.value.keys)
    secret, told = (one.encode("utf-8", "surrogatepass") for one in (values[variable.value.secret], text))
    return HMAC(secret, told, "sha256").hexdigest()[:32]


def _check_value(secret: Secret, value: str, dotenv: Dotenv, report: Report) -> None:
    key, place = secret.key, dotenv.value(secret.key) or secret.span
    refused = secret.refuse and f"{secret.refuse}\0\n\r"
    found = [character for character in dict.fromkeys(value) if character in refused]
    if not value:
        told = f"{secret.owner} takes its value from {key} in .env, which is not set there"
        report.error("missing-secret", told, secret.span, f"add {key}= to .env")
    elif key in dotenv.entries and dotenv.entries[key].is_interpolated:
        told = f"the value of {key} in .env refers to other variables, which stackc does not follow"
        report.error("env-interpolation", told, place, "put the value in single quotes")
    elif found or not _is_fitting(secret, value, place, report):
        names = ", ".join("a line break" if one in "\n\r\0" else f'"{one}"' for one in found)
        told = f"{secret.owner} cannot take the value of {key} in .env" + (names and f", which holds {names}")
        report.error("unusable-password", told, place, secret.reason or "choose another value")


def _is_fitting(secret: Secret, value: str, place: Span, report: Report) -> bool:
    """Says whether a value has the form that its patterns ask for, or that nobody can say so, which is an error."""
    try:
        return all(is_match(f"^(?:{pattern[1:-1]})$", value) for pattern in secret.patterns)
    except SlowPattern as fault:
        told = (
            f'the pattern "{fault.pattern}" takes too long to compare with the value of {secret.key} in .env'
        )
        report.error(
            "slow-pattern", told, place, "change the pattern in the adapter, or choose another value"
        )
        return True
