"""A private certificate authority for one stack: made once, kept, and told of before it ends.

The only user of `cryptography`, an optional dependency: import this module where a certificate is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import PurePath
from typing import NamedTuple, TypeVar

from compiler.model import Artifact, Certificate, OwnFile
from compiler.report import Report, Span

_is_installed = True
try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:
    _is_installed = False

Files = Mapping[str, bytes]
T = TypeVar("T")

_AUTHORITY_DAYS = 3650
# The longest that browsers and Apple's clients accept: https://support.apple.com/en-us/103769
_SERVER_DAYS = 825
_WARNING_DAYS = 30


def issue(
    wanted: Sequence[Certificate], files: Files, now: datetime, place: Span, shown: str, report: Report
) -> tuple[list[Artifact], dict[str, str]]:
    """Returns the files of the certificates, and their private keys by their key in `.env`.

    What is in `files` (by path) and fits is taken from there.
    `now` is in UTC without a zone, `place` is where the stack first asks for TLS, `shown` names the output folder.
    """
    if not _is_installed:
        help = "install cryptography beside stackc: `pip install cryptography`, or `pipx inject stackc cryptography`"
        report.error("missing-extra", "certificates need the package cryptography", place, help)
        return [], {}
    workshop = _Workshop(files, now, shown, report, [])
    values: dict[str, bytes] = {}
    root: Pair | None = None
    own: list[bytes] = []
    for one in wanted:
        try:
            if one.own:
                key, text, authority = workshop.take(one)
                own.append(authority)
            else:
                root = root or workshop.pair("authority")
                key, text = workshop.pair(one.name, one.hosts, root, one.algorithm).pem()
            parts = {"key": key, "certificate": text}
            values |= {name: b"".join(map(parts.__getitem__, holds)) for name, holds in one.files.items()}
        except _Unusable as fault:
            file, told = fault.args
            again = "put it back, or delete it and run `stackc compile`"
            help = "name a file in PEM, from the folder of the stack" if one.own else again
            report.error("unusable-certificate", f'the file "{file.path}" {told}', file.span, help)
    workshop.keep("ca.crt", b"".join(dict.fromkeys([root.pem()[1], *own] if root else own)))
    workshop.keep(".gitignore", b"*\n")
    return workshop.artifacts, {name: value.decode() for name, value in values.items()}


class Pair(NamedTuple):
    """A certificate that stackc made, and its private key."""

    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    certificate: x509.Certificate

    def pem(self) -> tuple[bytes, bytes]:
        encoding, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        key = self.key.private_bytes(encoding, kind, serialization.NoEncryption())
        return key, self.certificate.public_bytes(encoding)


def sign(signer: Pair | None, now: datetime, hosts: Sequence[str] = (), algorithm: str = "ecdsa") -> Pair:
    """Returns a new key with its certificate; without a signer it is an authority's, which signs it itself."""
    ca, is_rsa = signer is None, algorithm == "rsa"
    key = rsa.generate_private_key(65537, 3072) if is_rsa else ec.generate_private_key(ec.SECP256R1())
    signing, days = (signer.key, _SERVER_DAYS) if signer else (key, _AUTHORITY_DAYS)
    # A common name holds 64 characters at most; clients read the alternative names.
    name = "stackc private authority" if ca else hosts[0][:64]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.certificate.subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), False)
        # A server signs, and agrees on keys or takes them; an authority signs certificates and lists of revoked ones:
        # https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.3
        .add_extension(
            x509.KeyUsage(not ca, False, is_rsa, False, not ca and not is_rsa, ca, ca, False, False), True
        )
    )
    if hosts:
        names = [*map(x509.DNSName, (*hosts, "localhost")), x509.IPAddress(ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    return Pair(key, builder.sign(signing, hashes.SHA256()))


class _Unusable(Exception):
    """A file, and what is wrong with it."""


class _Workshop(NamedTuple):
    """Makes and checks the certificates of one stack; `output` is the name of the folder of its files."""

    files: Files
    now: datetime
    output: str
    report: Report
    artifacts: list[Artifact]

    def keep(self, name: str, content: bytes) -> None:
        secret = name.endswith(".key")
        self.artifacts.append(
            Artifact(f"tls/{name}", content, 0o600 if secret else 0o644, secret=secret, closed=True)
        )

    def pair(
        self, name: str, hosts: Sequence[str] = (), root: Pair | None = None, algorithm: str = "ecdsa"
    ) -> Pair:
        """Returns the pair of an earlier run where it still fits, else a new one; either way it is kept."""
        paths = (f"tls/{name}.crt", f"tls/{name}.key")
        file, key_file = (OwnFile(path=path, span=Span(str(PurePath(self.output, path)))) for path in paths)
        pair: Pair | None = None
        if self.files.keys() >= {*paths}:
            certificate, key = self._read_pair(file, key_file)
            kind = rsa.RSAPrivateKey if algorithm == "rsa" else ec.EllipticCurvePrivateKey
            if not isinstance(key, kind):
                raise _Unusable(key_file, "holds another kind of key than stackc makes")
            pair = Pair(key, certificate)
        if not pair or (root and not _fits(pair.certificate, hosts, root.certificate)):
            pair = sign(root, self.now, hosts, algorithm)
        key_text, text = pair.pem()
        self.keep(f"{name}.crt", text)
        self.keep(f"{name}.key", key_text)
        self._watch(pair.certificate, file.span, f"delete {file.path} and run `stackc compile`")
        return pair

    def take(self, wanted: Certificate) -> tuple[bytes, bytes, bytes]:
        """Returns a user's own key and certificate as they are, and the certificate of their authority."""
        file, key_file, authority = wanted.own
        certificate, _ = self._read_pair(file, key_file)
        self._read(authority, _parse_certificate, "certificate")
        lacking = sorted({*wanted.hosts} - _hosts(certificate))
        if wanted.verified and lacking:
            told = f"the certificate is not for {', '.join(lacking)}"
            help = "issue one with these alternative names, or write `mode: require`"
            self.report.error("unusable-certificate", told, file.span, help)
        self._watch(certificate, file.span, "replace the file, and its key where that is new")
        # With a line break at the end, another can follow.
        text, key_text, authority_text = (self.files[one.path].rstrip() + b"\n" for one in wanted.own)
        self.keep(f"{wanted.name}.crt", text)
        return key_text, text, authority_text

    def _read_pair(self, file: OwnFile, key_file: OwnFile) -> tuple[x509.Certificate, PrivateKeyTypes]:
        certificate = self._read(file, _parse_certificate, "certificate")
        key = self._read(key_file, partial(serialization.load_pem_private_key, password=None), "private key")
        if key.public_key() != certificate.public_key():
            raise _Unusable(key_file, f'is not the key of the certificate "{file.path}"')
        return certificate, key

    def _read(self, file: OwnFile, parse: Callable[[bytes], T], what: str) -> T:
        """Returns what a function makes of a file; _Unusable where it cannot, or where the file is no text."""
        try:
            content = self.files[file.path]
            content.decode()
            return parse(content)
        except KeyError:
            told = "is not there"
        except TypeError:
            # What cryptography raises for a key that has a password.
            told = "is encrypted"
        except (ValueError, UnsupportedAlgorithm):
            told = f"holds no {what} that can be read"
        raise _Unusable(file, told)

    def _watch(self, certificate: x509.Certificate, span: Span, help: str) -> None:
        ends = certificate.not_valid_after_utc.replace(tzinfo=None)
        if ends - self.now < timedelta(days=_WARNING_DAYS):
            told = f"the certificate {'ended' if ends < self.now else 'ends'} on {ends.date().isoformat()}"
            self.report.warning("certificate-ends", told, span, help)


def _parse_certificate(content: bytes) -> x509.Certificate:
    certificate = x509.load_pem_x509_certificate(content)
    # The public key is read no earlier than here.
    certificate.public_key()
    return certificate


def _fits(certificate: x509.Certificate, hosts: Sequence[str], root: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(root)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return {*hosts} <= _hosts(certificate)


def _hosts(certificate: x509.Certificate) -> set[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return set()
    return {str(name.value) for name in names}
