"""The frozen values that pass from one stage to the next."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from compiler.report import Span

Path = tuple[str | int, ...]
"""Where a value stands in a document: mapping keys and list indexes from the root."""


def env_key(*words: str) -> str:
    """Returns the key of `.env` that these names make; no variable begins with a digit."""
    return re.sub(r"^(?=\d)|\W", "_", "_".join(words)).upper()


class Unquoted(str):
    """Text without quotes that a reader of YAML may take for a number, though it does not print as one, as 022 does."""

    __slots__ = ()


class Raw(str):
    """Text in Compose's own syntax: its `$` already means what Compose says it means."""

    __slots__ = ()


# No tuples: as values of a tree they must not pass for lists.
@dataclass(frozen=True, slots=True)
class Reference:
    """A value that is known only in `.env`, by its key there, and the filter that writes it into a connection.

    `default` stands for it in a file where `.env` has nothing, or nothing but an empty value.
    """

    key: str
    filter: str = ""
    default: str | None = None

    def __str__(self) -> str:
        raise TypeError(f"the value of {self.key} is secret and cannot be changed by an expression")


@dataclass(frozen=True, slots=True)
class Text:
    """A string with references in it, in order."""

    parts: tuple[str | Reference, ...]


class Secret(NamedTuple):
    """A generated or user-given value that lives in `.env`.

    `length` counts characters of `alphabet`; `refuse` are characters that the engine cannot take and `patterns` what
    the whole value must match, with the reason.
    """

    key: str
    owner: str
    span: Span
    length: int = 32
    alphabet: str = "alphanumeric"
    generate: bool = True
    refuse: str = ""
    patterns: tuple[str, ...] = ()
    reason: str = ""


class Connection(NamedTuple):
    """How one client reaches one database: the parts of one connection string, not yet joined.

    `form` names the grammar that joins them (`url`, `pairs`, `arguments`); a part may be a Reference. A `text` has one
    part, which is the string itself.
    """

    driver: str
    form: str
    parts: Mapping[str, Any]
    query: Mapping[str, Any] = {}
    code: tuple[str, ...] = ()
    title: str = ""
    documentation: str = ""


class Digest(NamedTuple):
    """A hash over the values of these `.env` keys: what makes Compose recreate a container when one changes.

    Whoever sees it can check a guess only with the value of `secret`, which is a key of `.env` too.
    """

    keys: tuple[str, ...]
    secret: str


class Variable(NamedTuple):
    """A derived line of `.env`: a finished connection string or a digest of secrets."""

    key: str
    value: Connection | Digest
    comment: str = ""


class Artifact(NamedTuple):
    """One rendered file. `path` is relative to the output folder; `mode` is that of the file system.

    `signed` files carry a digest of their own content, so that an edit by hand is seen; the folder of a `closed`
    one is open to its owner alone, so that containers can read it and other users of the machine cannot. A `shared`
    one also holds what a person wrote there. `generated` names the values in it that nobody can make again.
    """

    path: str
    content: bytes
    mode: int = 0o644
    signed: bool = False
    secret: bool = False
    closed: bool = False
    shared: bool = False
    generated: tuple[str, ...] = ()


class OwnFile(NamedTuple):
    """A file of the user's: its path from the folder of the stack, and where the stack names it."""

    path: str
    span: Span


class Certificate(NamedTuple):
    """A server certificate to have: its names on the network, and what the keys of `.env` in `files` hold of it.

    That is the `key`, the `certificate`, or both, one after another.
    `own` are a user's files: certificate, key and authority. Where it is `verified`, clients check its names.
    `algorithm` is that of a key to make: `ecdsa` or `rsa`.
    """

    name: str
    hosts: tuple[str, ...]
    files: Mapping[str, Sequence[str]] = {}
    own: tuple[OwnFile, ...] = ()
    verified: bool = False
    algorithm: str = "ecdsa"


class Access(NamedTuple):
    """How a database is reached: a connection by driver, from the network and, where published, from this machine.

    `ports` are the further ones of its server in the network, by name.
    """

    database: str
    adapter: str
    network: Mapping[str, Connection]
    host: Mapping[str, Connection]
    parts: Mapping[str, Any]
    ports: Mapping[str, int]
    query: str = ""
