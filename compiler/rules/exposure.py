"""Secrets where everybody can read them: in lists of processes and containers, and in the history of an image.

Of literals it tells only what has the form or the name of a secret and is hidden in reports as well.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from compiler.model import Path, Raw, Reference, Text
from compiler.project.project import Project
from compiler.project.values import as_text, inside
from compiler.rules import Service, Tell

_PLACES = (
    ("command",),
    ("entrypoint",),
    ("hostname",),
    ("domainname",),
    ("container_name",),
    ("labels",),
    ("annotations",),
    ("healthcheck", "test"),
    ("build", "args"),
    ("build", "labels"),
)
_NAME = re.compile(
    r"(?:password|passwd|passphrase|passcode|requirepass|masterauth)$"
    r"|(?:^|[^a-z])(?:pass|pwd?|pin|(?<!pull.)(?<!tls.)secret|token|credentials?|apikey"
    r"|(?:api|access|secret|master|signing|encryption|private|account)[._-]?key)$"
)
# A word, and what is given to it: `--name value`, `name=value`, `name: value`.
_GIVEN = re.compile(
    r"""(?<![\w.-])(?P<name>-{0,2}[A-Za-z_][\w.-]{0,60}+)(?=(?P<by>=|:\s|\s{1,9})["']?(?P<value>[^\s"',;&]{1,200}))"""
)
# What is read elsewhere or by a shell, or stands for a value; files; and what is no secret.
_ELSEWHERE = re.compile(
    r"[$`<{*%@/.~-]|\w+:/|(?:file|env|id|src):|(?:id|src)=|(?:true|false|yes|no|on|off|none|null|stdin|prompt)$"
    r"|\S*\.(?:pem|key|crt|txt|json|ya?ml|jks|p12|pfx|env|conf)$",
    re.IGNORECASE,
)
_FORMS = re.compile(
    r"[A-Za-z0-9]://[^\s\"'<>@/:]{0,99}:(?![$<{*])[^\s\"'<>@/]{1,200}@"
    r"|\bAuthorization[:=]\s{0,9}(?:Bearer|Basic)\s{1,9}[^\s\"'$<{`]{6,}"
    r"|\bcurl\s(?:[^|;&]{0,200}\s)?(?:-u|--user)[\s=]{1,9}[\"']?[^\s:\"'$<{]{1,99}:[^\s\"'$<{]+"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[-\w]{35}|\beyJ[\w-]{10,999}\.[\w-]{10,}"
    r"|\b(?:sk|pk|rk|ghp|gho|ghs|github_pat|glpat|xox[a-z]|npm|pypi|hf|whsec)[-_](?=[-\w]{0,99}[a-z])"
    r"(?=[-\w]{0,99}\d)(?=[-\w]{0,99}[A-Z])[-\w]{16,}"
    r"|\$(?:2[aby]|5|6|argon2\w*)\$[^\s\"'{}]{20,}|-----BEGIN [A-Z ]{0,20}PRIVATE KEY"
)
_VARIABLE = re.compile(r"(?<!\$)(?:\$\$){0,9}\$\{?(?P<name>[A-Za-z_]\w*)")


def exposed_secret(project: Project, tell: Tell) -> None:
    known = {*project.connections, *(secret.key for secret in project.secrets)}
    for name, service in project.own_services():
        for place in _PLACES:
            for path, text, value in _texts(service, place):
                if what := _secret(text, value, known):
                    shown, is_build = ".".join(place), place[0] == "build"
                    who = "has the image" if is_build else "sees the container"
                    told = f"`{shown}` shows {what} to everybody who {who}"
                    help = (
                        "give it to the build under `build.secrets:`"
                        if is_build
                        else "mount it under `secrets:`, or give it as a variable under `environment:`"
                    )
                    tell(told, ("services", name, *path), help)


def _texts(service: Service, place: tuple[str, ...]) -> Iterator[tuple[Path, str, Any]]:
    """Yields the path of each value at a place, what is before it there, and the value."""
    found = inside(service, *place)
    if isinstance(found, Mapping):
        for key, value in found.items():
            # The build takes an argument without a value from the variable of this name.
            is_taken = value is None and place == ("build", "args")
            yield (*place, key), f"{key.rpartition('.')[2]}=", Raw(f"${{{key}}}") if is_taken else value
    elif isinstance(found, list):
        for index, value in enumerate(found):
            before = [one for one in found[max(index - 1, 0) : index] if isinstance(one, str)]
            yield (*place, index), " ".join([*before, ""]), value
    else:
        yield place, "", found


def _secret(before: str, value: Any, known: Collection[str]) -> str:
    """Returns what is secret in a value that stands behind a text, in words; nothing where nothing is."""
    parts = value.parts if isinstance(value, Text) else (value,)
    keys = [part.key for part in parts if isinstance(part, Reference)]
    texts = [as_text(part) for part in parts]
    names = [found["name"] for one in texts if isinstance(one, Raw) for found in _VARIABLE.finditer(one)]
    keys = [key for key in keys if key in known] + [one for one in names if one in known or _is_secret(one)]
    if keys:
        return f"the value of {keys[0]}"
    text = before + "".join(one if isinstance(one, str) else "$" for one in texts if one is not None)
    start = len(before)
    for found in _GIVEN.finditer(text):
        is_given = found["name"].startswith("-") or not found["by"].isspace()
        if is_given and found.end("value") > start and _is_secret(found["name"]):
            variable = isinstance(value, Raw) and _VARIABLE.match(text, found.start("value"))
            if variable:
                return f"the value of {variable['name']}"
            if not _ELSEWHERE.match(found["value"]) and _is_hidden(text):
                return "a secret"
    is_formed = any(found.end() > start for found in _FORMS.finditer(text))
    return "a secret" if is_formed and _is_hidden(text) else ""


def _is_hidden(text: str) -> bool:
    # Imported late: in most stacks nothing makes anybody ask.
    from compiler.source.masking import hides

    return hides(text)


def _is_secret(name: str) -> bool:
    return bool(_NAME.search(re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()))
