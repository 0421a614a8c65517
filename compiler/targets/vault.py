"""The values behind a project: what `.env` holds already, what has to be generated, and what follows from both."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

from compiler.model import Connection, Digest, Secret, Variable
from compiler.project.connections import iter_keys, render_connection

if TYPE_CHECKING:
    from compiler.project.project import Project
    from compiler.report import Report, Span
    from compiler.targets.dotenv import Dotenv

Entropy = Callable[[int], bytes]
"""Returns that many random bytes."""

_ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
Assignment = tuple[str, str, str]


def generate(secret: Secret, entropy: Entropy) -> str:
    """Returns a new value: `length` characters, or for hex and base64 that many random bytes written so."""
    if secret.alphabet == "hex":
        return entropy(secret.length).hex()
    if secret.alphabet == "base64":
        from base64 import b64encode

        return b64encode(entropy(secret.length)).decode()
    limit = 256 - 256 % len(_ALPHANUMERIC)
    text = ""
    while len(text) < secret.length:
        text += "".join(
            _ALPHANUMERIC[byte % len(_ALPHANUMERIC)] for byte in entropy(secret.length) if byte < limit
        )
    return text[: secret.length]


def fill(
    project: Project, dotenv: Dotenv, entropy: Entropy, given: Mapping[str, str], report: Report
) -> list[Assignment] | None:
    """Returns every line that `.env` must have, with its comment; values that are there are kept.

    `given` are values that come from elsewhere, such as the keys of certificates.
    """
    before = report.errors
    values: dict[str, str] = {**dotenv.values, **given}
    lines: list[Assignment] = []
    for secret in project.secrets:
        if not values.get(secret.key):
            if not secret.generate:
                told = f"{secret.owner} takes its value from {secret.key} in .env, which is not set there"
                report.error("missing-secret", told, secret.span, f"add {secret.key}= to .env")
                continue
            values[secret.key] = generate(secret, entropy)
        _check_value(secret, values[secret.key], dotenv, report)
        lines.append((secret.key, values[secret.key], f"{secret.owner[:1].upper()}{secret.owner[1:]}"))
    if report.errors > before:
        return None
    lines += [(key, value, "Private key of a server certificate") for key, value in given.items()]
    for variable in project.variables:
        try:
            values[variable.key] = derive(variable, values)
        except ValueError as fault:
            told, place = f"{variable.key} cannot be made: {fault}", _place(variable, project, dotenv)
            report.error("unusable-password", told, place, "choose another password in .env")
        else:
            lines.append((variable.key, values[variable.key], variable.comment))
    return None if report.errors > before else lines


def derive(variable: Variable, values: Mapping[str, str]) -> str:
    """Returns the value of a line that follows from others: a connection string, or a digest of secrets."""
    if isinstance(variable.value, Connection):
        return render_connection(variable.value, values)
    assert isinstance(variable.value, Digest)
    text = "\0".join(f"{key}={values.get(key, '')}" for key in variable.value.keys)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _place(variable: Variable, project: Project, dotenv: Dotenv) -> Span:
    """Returns the place of the password that a connection string holds."""
    assert isinstance(variable.value, Connection)
    keys = set(iter_keys(variable.value))
    secret = next((secret for secret in project.secrets if secret.key in keys), project.secrets[0])
    return dotenv.value(secret.key) or secret.span


def _check_value(secret: Secret, value: str, dotenv: Dotenv, report: Report) -> None:
    place = dotenv.value(secret.key) or secret.span
    if secret.key in dotenv.interpolated:
        told = f"the value of {secret.key} in .env refers to other variables, which stackc does not follow"
        report.error("env-interpolation", told, place, "put the value in single quotes")
        return
    refused = secret.refuse and f"{secret.refuse}\0\n\r"
    if found := [character for character in dict.fromkeys(value) if character in refused]:
        names = ", ".join("a line break" if one in "\n\r\0" else f'"{one}"' for one in found)
        told = f"{secret.key} in .env holds {names}, which {secret.owner} cannot take"
        report.error("unusable-password", told, place, secret.reason or "choose a value without it")
    elif not all(re.fullmatch(pattern[1:-1], value) for pattern in secret.patterns):
        told = f"{secret.owner} cannot take the value of {secret.key} in .env"
        report.error("unusable-password", told, place, secret.reason or "choose another value")
