"""Files in PEM: what they hold, or why they cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from compiler.report import Span


class Unusable(Exception):
    def __init__(self, message: str, span: Span, help: str) -> None:
        super().__init__(message)
        self.span, self.help = span, help


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file in PEM, the place that is to blame for it, and what to do."""

    name: str
    content: bytes
    span: Span
    help: str

    def unusable(self, told: str) -> Unusable:
        return Unusable(f'the file "{self.name}" {told}', self.span, self.help)


def parse_certificate(file: File) -> x509.Certificate:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(file.content)
    except ValueError as fault:
        raise file.unusable("holds no certificate") from fault


def parse_key(file: File) -> PrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(file.content, None)
    except TypeError as fault:
        raise file.unusable("is encrypted") from fault
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise file.unusable("holds no private key") from fault


def check_pair(key_file: File, key: PrivateKeyTypes, file: File, certificate: x509.Certificate) -> None:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        is_pair = key.public_key() == certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise file.unusable("holds a kind of key that is not known") from fault
    if not is_pair:
        raise key_file.unusable(f'is not the key of the certificate "{file.name}"')


def text_of(file: File) -> str:
    """Returns the text with a line break at its end, so that another can follow."""
    try:
        return file.content.decode().rstrip() + "\n"
    except UnicodeDecodeError as fault:
        raise file.unusable("holds more than text") from fault
