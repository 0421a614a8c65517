"""The server certificate that a database needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.model import Certificate, OwnFile, env_key

if TYPE_CHECKING:
    from compiler.source import Document
    from compiler.stack.database import Database


def tls_kinds(database: Database) -> list[str]:
    """Returns what the containers of a database with TLS mount: `key`, `bundle` or both."""
    companions = (database.spec.get("companions") or {}).values()
    sections = [one.get("tls") or {} for one in (database.spec, *companions)]
    return [kind for kind in ("key", "bundle") if any(kind in one for one in sections)]


def build_certificate(database: Database, document: Document) -> Certificate:
    tls = database.tls
    files = {"certificate": tls.certificate, "key": tls.key, "ca": tls.ca}
    certificate, key, authority = (
        OwnFile(path=path or "", span=document.value((*database.path, "tls", name)))
        for name, path in files.items()
    )
    companions = [f"{database.key}-{name}" for name in database.spec.get("companions") or {}]
    return Certificate(
        name=database.key,
        hosts=(database.key, *companions),
        **{kind: env_key(database.key, "tls", kind) for kind in tls_kinds(database)},
        own=(certificate, key, authority) if tls.certificate else None,
        verified=tls.mode == "verify-full",
    )
