"""The block of `.env` that stackc renders anew at each compile; every line outside of it is a person's.

The block holds what follows from the stack and from the secrets, which stand outside, where a person may change them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from compiler.report import Report, Span
from compiler.targets.dotenv import Dotenv, lay_out, parse_dotenv, update_dotenv

Line = tuple[str, str, str]
"""A key, its value and a comment."""

_BEGIN = "# stackc renders the lines from here on; change the stack or the secrets above. sha256: "
_END = "# stackc renders no more."
_BLOCK = re.compile(
    rf"^{re.escape(_BEGIN)}([0-9a-f]{{64}})\r?\n(.*?)^{re.escape(_END)}\r?(?:\n|\Z)", re.M | re.S
)


class Lines(NamedTuple):
    """The lines that `.env` must have: secrets, which stay as they are, and what is derived from them."""

    secrets: Sequence[Line]
    derived: Sequence[Line]

    @property
    def values(self) -> dict[str, str]:
        return {key: value for key, value, _ in (*self.secrets, *self.derived)}


def update_env(dotenv: Dotenv, lines: Lines, report: Report) -> str | None:
    """Returns the text with every line in it; None where a person's line would be lost or overruled."""
    text, before = dotenv.text, report.errors
    block = _BLOCK.search(text)
    parts = (text[: block.start()], text[block.end() :]) if block else (text, "")
    head, tail = (parse_dotenv(part, dotenv.path, Report()) for part in parts)
    if head is None or tail is None or _BEGIN in "".join(parts):
        return _tell_edited(dotenv, report)
    own = {**head.entries, **tail.entries}
    for key, value, comment in lines.derived:
        if key in own and own[key].value != value:
            told = f'"{key}" of .env would be overruled by what stackc derives ({comment[:1].lower()}{comment[1:]})'
            help = "rename the variable or the database; delete the line if an older stackc made it"
            report.error("env-clash", told, head.value(key) or dotenv.value(key) or Span(dotenv.path), help)
    if report.errors > before:
        return None
    body = lay_out([line for line in lines.derived if line[0] not in own])
    known = block[2].replace("\r\n", "\n") if block else body
    if block and _digest(known) != block[1] and not _is_covered(known, body):
        return _tell_edited(dotenv, report)
    above = update_dotenv(head, [line for line in lines.secrets if line[0] not in tail.entries])
    below = update_dotenv(tail, [line for line in lines.secrets if line[0] in tail.entries])
    if not body:
        return above + below
    newline = "\r\n" if "\r\n" in text else "\n"
    rendered = f"{_BEGIN}{_digest(body)}\n{body}{_END}\n".replace("\n", newline)
    gap = newline if above.strip("\ufeff") and not above.endswith(("\n\n", "\n\r\n")) else ""
    return above + gap + rendered + below


def _is_covered(known: str, body: str) -> bool:
    """Says whether an edited block holds nothing that is not rendered anyway, but for digests.

    So it is where a person has replaced a password in the whole file.
    """
    before, after = (parse_dotenv(text, "", Report()) for text in (known, body))
    if before is None or after is None:
        return False
    notes = {line for line in known.splitlines() if line.startswith("#")} - {*body.splitlines()}
    values = before.values.items() - after.values.items()
    return not notes and all(key in after.values and key.endswith("_SHA256") for key, _ in values)


def _tell_edited(dotenv: Dotenv, report: Report) -> str | None:
    line = dotenv.text.partition(_BEGIN)[0].count("\n") + 1
    told = "the lines that stackc renders in .env were edited by hand"
    help = "move lines of yours above the block and delete the rest of it, which `stackc compile` makes again"
    report.error("env-block", told, Span(dotenv.path, line, 1, line, 2), help)
    return None


def _digest(body: str) -> str:
    return sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
