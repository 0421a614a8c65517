"""The server certificate that a database needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.model import Certificate, OwnFile, env_key

if TYPE_CHECKING:
    from compiler.source import Document
    from compiler.stack.database import Database


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
        hosts=(database.key, *companions, "localhost", "127.0.0.1"),
        key=env_key(database.key, "tls", "key"),
        bundle=env_key(database.key, "tls", "bundle"),
        own=(certificate, key, authority) if tls.certificate else None,
        verified=tls.mode == "verify-full",
    )
