"""What is in the statements of an adapter's job that must not be: what cannot be repeated, and passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator

from compiler.source.masking import is_literal_secret

# What holds data or rights: making it again without it is a loss, and asking IF EXISTS changes nothing of that.
_HOLDS = (
    r"DATABASE|SCHEMA|KEYSPACE|BUCKET|TABLE(?:SPACE)?|COLUMN|COLLECTION|MATERIALIZED\s+VIEW|SEQUENCE|USER|ROLE|LOGIN"
    r"|EXTENSION|TYPE|DOMAIN|OWNED|STREAM"
)
_OTHER = r"(?:UNIQUE\s+)?INDEX|VIEW|TRIGGER|FUNCTION|PROCEDURE|POLICY|CONSTRAINT|RULE|PUBLICATION|SERVER"
_BEGINS = r"(?:^|(?<=;))[\s\"(]*"
# Each with the words in the same statement with which it can be repeated.
_KINDS = (
    (rf"CREATE\s+(?:{_HOLDS}|{_OTHER})\b", r"IF\s+NOT\s+EXISTS"),
    (rf"(?:ALTER\s+TABLE\s[^;]*)?DROP\s+(?:{_HOLDS})\b", "(?!)"),
    (rf"DROP\s+(?:{_OTHER})\b", r"IF\s+EXISTS"),
    (r"TRUNCATE\b(?!\s*\()", "(?!)"),
    (r"DELETE\s+FROM\b", r"\bWHERE\b"),
    (
        r"INSERT\s+(?:INTO\b|(?!IGNORE\b|OR\b)[\w\"`.]+\s*(?:\([^)]*\)\s*)?(?:VALUES|SELECT|SET)\b)",
        r"ON\s+CONFLICT|ON\s+DUPLICATE\s+KEY|NOT\s+EXISTS|\bEXCEPT\b|IS\s+NULL",
    ),
)
# A statement ends with ; or where the next line begins another one.
_END = re.compile(
    r"(?i);|\n\s*(?:CREATE|DROP|ALTER|INSERT|DELETE|UPDATE|TRUNCATE|GRANT|REVOKE|USE|GO|COMMIT)\b"
)
_STATEMENTS = [
    (re.compile(rf"(?im){_BEGINS}({kind})"), re.compile(rf"(?i){guard}")) for kind, guard in _KINDS
]
_QUOTED = re.compile(r"'(?:[^'\\]|''|\\.)*'|--[^\n]*|/\*.*?\*/|^\s*(?:#|//)[^\n]*", re.DOTALL | re.MULTILINE)
# What decides itself whether it does anything: a block of its own, and what stands behind a condition.
_BLOCK = re.compile(
    r"(?is)\bDO\s+(\$\w*\$).*?\1|\bIF\b[^;]*\bTHEN\b.*?\bEND\s+IF\b|^\s*\\if\b.*?^\s*\\endif\b|\bIF\b\s+(?:NOT\s+EXISTS\s*\(|\w*\s*\(|@)[^;]*",
    re.MULTILINE,
)
_LITERAL = re.compile(
    r"""(?i)\b(?:IDENTIFIED\s+(?:WITH\s+\w+\s+)?BY|(?:password|passwd|pwd)(?:["']?:|[ \t]*=|[ \t]))[ \t]*N?"""
    r"""(?P<quote>["'])(?![ \t]*\+)(?P<value>[^"'\\\n\0%$]+)(?P=quote)"""
)
_ASSIGNMENT = re.compile(
    r"""(?:^|(?<=[\s;&|(]))([A-Za-z_]\w*)=(?:'([^'\n]+)'|"([^"$`\n]+)"|([^\s'"$`;&|()<>]+))(?=[\s;&|)]|$)"""
)
_FLAG = re.compile(r"--?([A-Za-z][\w.-]*)(?:=(.+))?")


def iter_unrepeatable(text: str) -> Iterator[tuple[str, str]]:
    """Yields what statements of SQL do again at each run, or destroy: their first words, and how a line begins so."""
    plain = _BLOCK.sub(" ", _QUOTED.sub("''", text))
    for kind, guard in _STATEMENTS:
        for found in kind.finditer(plain):
            end = _END.search(plain, found.end())
            if not guard.search(plain, found.start(1), end.start() if end else len(plain)):
                line = re.match(r"[^\n']*", plain[found.start(1) : end.start() if end else None])
                yield " ".join(found[1].split()), line[0].rstrip() if line else ""


def iter_literals(text: str) -> Iterator[str]:
    """Yields the words before each password that stands in statements as it is."""
    for found in _LITERAL.finditer(text):
        yield found[0][: found.start("quote") - found.start()].strip(" :=\"'")


def iter_assigned(script: str) -> Iterator[str]:
    """Yields each variable of a shell script that is named like a secret and has a literal value."""
    for name, *values in _ASSIGNMENT.findall(script):
        if is_literal_secret(name, "".join(values)):
            yield name


def iter_flagged(words: list[str]) -> Iterator[str]:
    """Yields the name of each argument that is named like a secret and has a literal value."""
    for index, word in enumerate(words):
        found = _FLAG.fullmatch(word)
        following = words[index + 1] if index + 1 < len(words) and word.startswith("-") else ""
        if found and is_literal_secret(
            found[1], found[2] or ("" if following.startswith("-") else following)
        ):
            yield found[1]
