"""What may be secret in a text, and the text without it.

A value is taken for secret by the key that it stands under, by its own form, or because it stands in `.env`.
Showing too little costs a look into the file; showing too much cannot be taken back.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType

from compiler.report import Diagnostic

MASK = "***"
_WORDS = (
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "credential",
    "credentials",
    "apikey",
)
_NAME = re.compile(
    r"pass(?:word|wd|phrase|code)?(?![a-z])|pwd|secret|token|credential|private|bearer|dsn|cookie|jwt"
    r"|(?:^|[_\W]|api|access|auth|encryption|signing|master|license)key(?![a-z])"
    r"|(?<![a-z])(?:auth|authorization|pin|salt|pat)(?![a-z])",
    re.IGNORECASE,
)
# Names of files, of other things, and of what says how a secret is made.
_HARMLESS = re.compile(
    r"_file$|_path$|_name$|^secrets$|sha256$|public_?key|primary_?key|^private$", re.IGNORECASE
)
_MADE_BY = ("generate", "bytes", "environment", "file")
# What stands under a secret's name and is none: paths, references, and how something is done.
_NO_SECRET = re.compile(
    r"(?i)true|false|yes|no|on|off|none|null|required|optional|disabled?|enabled?|auto|trust|scram[\w-]*|md5"
    r"|[\w.-]*/[\w./-]*|[\w.-]+\.(?:key|pem|crt|cert|p12|jks|conf|json|ya?ml|txt)|/.*|\$.*|%.*"
)
# A key that opens something; others name a column, or a file.
_OPENS = re.compile(r"(?i)(?:api|access|secret|master|encryption|signing|license|root|admin)[_.-]?key$")
_LAST_WORD = re.compile(r"[A-Za-z0-9]+$")
# A longer line is hidden whole.
_LONGEST = 20_000
_KEY = re.compile(
    r"""(?<![\w.$-])(?P<quote>["']?)(?P<name>[A-Za-z_][\w.-]*)(?P=quote)\s*(?::(?=\s|$)|=)\s*"""
)
_FLAG = re.compile(
    r"""(?<![\w-])(?:--?[\w.-]*(?:pass|token|secret|key|auth)[\w.-]*(?:=|["',\s]+)|(?-i:-u)["',\s]+(?=\S+:\S))"""
    r"""(?!--|\$(?!\{\w+:?-[^}]))(?P<value>[^\s"',\]}]+)""",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"""["']?\$(?:\{\{\s*[a-z_]+(?:\.[\w-]+)+[^{}"']*\}\}|\{\w+\}|\w+)["']?(?=[\s,\]}]|$)"""
)
_FORMS = re.compile(
    r"(?<=[A-Za-z0-9]://)[^\s\"'<>@/:]{0,64}:(?!\$)(?P<password>[^\s\"'<>]{1,256})(?=@)"
    r"|\b(?:sk|pk|rk|ghp|gho|ghs|github_pat|glpat|xox[a-z]|npm|pypi|hf|whsec)[-_][-\w]{8,}"
    r"|\b(?:AKIA|ASIA|AIza)[-\w]{8,}"
    r"|\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"  # https://www.rfc-editor.org/rfc/rfc7519
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
    r"|\$(?:2[aby]?|5|6|argon2\w*)\$[^\s\"']+"
)
_SEGMENT = re.compile(r"[A-Za-z0-9]{10,}")
_PEM = re.compile(r"-----(BEGIN|END)[^-]*-----")
_PEM_BODY = re.compile(r"(?<=-----)(?:\\n|\s)?[A-Za-z0-9+/=\\]{16,}(?=-----|$)")
_QUOTED = re.compile(r'"([^"]*)"')


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Says whether a key of this name, or of nearly this name, holds what nobody should see."""
    if _HARMLESS.search(name):
        return False
    spaced = re.sub("([a-z])([A-Z])", r"\1_\2", name)
    parts = [part for part in re.split(r"[^a-z]+", spaced.lower()) if 4 < len(part) < 15]
    near = (get_close_matches(part, _WORDS, n=1, cutoff=0.85) for part in parts[:8])
    return bool(_NAME.search(spaced)) or any(near)


def is_literal_secret(name: str, value: object) -> bool:
    """Says whether a value is a secret by the last word of its name, and is neither a path nor a word of its own."""
    last, text = _LAST_WORD.search(name), "" if isinstance(value, bool) else str(value)
    if not last or not isinstance(value, str | int) or not (is_secret_name(name) and is_secret_name(last[0])):
        return False
    if re.fullmatch(r"(?i).*(?:key|auth|pin|salt|pat|private)", last[0]) and not _OPENS.search(name):
        return False
    # A number may say how many tokens there are, or how long they live.
    is_count = text.isdigit() and not re.search(r"(?i)pass|pwd|secret", last[0])
    return bool(text) and not is_count and not _NO_SECRET.fullmatch(text)


def private_values(values: Mapping[str, str]) -> set[str]:
    """Returns the values of `.env` that are hidden wherever they stand: all but short ones and plain words."""
    return {
        value
        for key, value in values.items()
        if len(value) >= (4 if is_secret_name(key) else 6) and (is_secret_name(key) or not value.isalpha())
    }


def mask(text: str, known: Collection[str] = ()) -> str:
    """Returns a text in which `***` stands for what has the form of a secret, and for every value of `known`."""
    return re.sub(r"\*{4,}", MASK, _by_form(text, known))


def split_lines(text: str) -> list[str]:
    """Returns the lines that YAML readers count; str.splitlines knows more line breaks."""
    return re.split("\r\n|[\n\r\x85\u2028\u2029]", text)


def masked_lines(lines: Iterable[str], known: Collection[str] = ()) -> list[str]:
    """Returns the lines of a YAML or env file, each as long as it was, with `*` for what may be secret."""
    masked: list[str] = []
    around: list[tuple[int, str, bool]] = []
    is_pem = False
    for line in lines:
        bare = line.lstrip(" -")
        indent, start = len(line) - len(bare), len(line) - len(line.lstrip(" "))
        # An item of a list may stand as far left as the key of the list.
        while bare and around and around[-1][0] >= start + line.startswith("-", start):
            around.pop()
        is_inside = bool(around) and around[-1][2]
        mark = _PEM.search(line)
        if is_pem or is_inside or len(line) > _LONGEST:
            shown = _starred(line, [(indent, len(line))])
        else:
            shown = _starred(line, _iter_values(line, len(around) == 1 and around[0][1] == "secrets"))
        masked.append(_by_form(shown, known))
        is_pem = mark[1] == "BEGIN" if mark else is_pem
        if key := _KEY.match(bare):
            around.append((indent, key["name"], is_inside or is_secret_name(key["name"])))
    return masked


def hides(text: str) -> bool:
    """Says whether anything of a text would be hidden by what it says itself."""
    lines = split_lines(text)
    return masked_lines(lines) != lines


def _iter_values(line: str, is_secrets: bool) -> Iterator[tuple[int, int]]:
    """Yields where the values of keys that are named like a secret stand, or those of the names in `secrets:`."""
    for key in _KEY.finditer(line):
        start, name = key.end(), key["name"]
        if name == "secrets" and line.startswith(name):
            is_secrets = True
        elif name not in _MADE_BY and line[start : start + 1] != "{" if is_secrets else is_secret_name(name):
            yield start, _end(line, start)
    yield from (flag.span("value") for flag in _FLAG.finditer(line))


def _end(line: str, start: int) -> int:
    """Returns where a value ends: nowhere after its start where it is a reference."""
    if reference := _REFERENCE.match(line, start):
        return start if line[reference.end() :].strip(" ,]}\"'") == "" or "{" in line[:start] else len(line)
    if line[start : start + 1] in ("'", '"'):
        end = line.find(line[start], start + 1)
        return end + 1 if end > 0 else len(line)
    if line[start : start + 1] not in ("[", "{") and ("{" in line[:start] or "[" in line[:start]):
        return start + len(re.split(r"[,\]}]", line[start:], maxsplit=1)[0])
    return len(line)


def _starred(text: str, spans: Iterable[tuple[int, int]]) -> str:
    shown = list(text)
    for start, end in spans:
        value = text[start:end].rstrip()
        shown[start : start + len(value)] = "*" * len(value)
    return "".join(shown)


def _by_form(text: str, known: Collection[str]) -> str:
    """Returns a text of the same length without what has the form of a secret, and without the known ones."""
    forms = [found.span("password" if found["password"] else 0) for found in _FORMS.finditer(text)]
    bodies = [found.span() for found in _PEM_BODY.finditer(text)]
    random = [found.span() for found in _SEGMENT.finditer(text) if _is_random(found[0])]
    there = [value for value in known if value in text]
    values = [found.span() for value in there for found in re.finditer(re.escape(value), text)]
    return _starred(text, [*forms, *bodies, *random, *values])


def _is_random(word: str) -> bool:
    """Says whether a word is one that a machine has drawn: letters of both cases and digits, or long and mixed."""
    lower, upper, digits = (sum(map(test, word)) for test in (str.islower, str.isupper, str.isdigit))
    return bool(lower and upper and digits) or (len(word) >= 20 and digits >= 4 and bool(lower or upper))


def _shows(text: str, quoted: str) -> bool:
    """Says whether the text of a file holds what is quoted, or each key of a dotted path."""
    return quoted in text or _keys(text) >= {*quoted.split(".")}


@lru_cache(maxsize=8)
def _keys(text: str) -> set[str]:
    return {found["name"] for found in _KEY.finditer(text)}


def redact(
    findings: Iterable[Diagnostic],
    files: Mapping[str, list[str]] = MappingProxyType({}),
    known: Collection[str] = (),
) -> list[Diagnostic]:
    """Returns findings whose words quote nothing that is hidden where it stands in one of the files.

    Of each file these are the lines, as `masked_lines` returns them.
    """
    texts = {path: "\n".join(lines) for path, lines in files.items()}

    def said(text: str, file: str) -> str:
        if file:
            text = _QUOTED.sub(lambda found: found[0] if _shows(file, found[1]) else f'"{MASK}"', text)
        return mask(text, known)

    told = []
    for one in findings:
        path, first, last = one.span.path, one.span.line - 1, max(one.span.line, one.span.end_line)
        is_masked = any("**" in line for line in files.get(path, [])[first:last])
        file = texts[path] if is_masked else ""
        told.append(one._replace(message=said(one.message, file), help=one.help and said(one.help, file)))
    return told
