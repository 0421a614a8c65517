"""A private certificate authority for one stack: made once, kept, and told of before it ends.

The only user of `cryptography`, an optional dependency that is imported when a certificate is wanted.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from compiler.diagnostics import Diagnostic, Span, error, warning
from compiler.model import Artifact, Certificate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

FOLDER = "tls"
_AUTHORITY_DAYS = 3650
# The longest that browsers and Apple's clients accept: https://support.apple.com/en-us/103769
_SERVER_DAYS = 825
_WARNING_DAYS = 30
_IGNORE = b"*.key\n"


@dataclass(slots=True)
class Issued:
    """The files of a stack's certificates, the private keys by their key in `.env`, and what is wrong."""

    artifacts: list[Artifact] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)


def issue(
    wanted: tuple[Certificate, ...], files: Mapping[str, bytes], now: datetime, place: Span, shown: str
) -> Issued:
    """Returns what the certificates need, taking from `files` (by path) whatever is there and fits.

    `now` is in UTC and without a zone; `shown` is how the output folder is written in messages.
    """
    issued = Issued()
    try:
        import cryptography  # noqa: F401
    except ImportError:
        help = 'run `pip install "stackc[tls]"`'
        issued.diagnostics.append(
            error("missing-extra", "certificates need the package cryptography", place, help)
        )
        return issued
    workshop = _Workshop(files, now, shown, issued)
    try:
        workshop.run(wanted)
    except _Unreadable as fault:
        help = "put back the file, or delete the folder tls to make new certificates"
        issued.diagnostics.append(error("unusable-certificate", str(fault), place, help))
    return issued


class _Unreadable(Exception):
    pass


@dataclass(slots=True)
class _Workshop:
    files: Mapping[str, bytes]
    now: datetime
    shown: str
    issued: Issued

    def run(self, wanted: tuple[Certificate, ...]) -> None:
        authorities: list[bytes] = []
        made = [certificate for certificate in wanted if certificate.own is None]
        if made:
            key, root = self._authority()
            authorities.append(_pem(root))
            for certificate in made:
                self._server(certificate, key, root)
        for certificate in wanted:
            if certificate.own:
                authorities.append(self._own(certificate))
        self._keep("ca.crt", b"".join(dict.fromkeys(authorities)))
        self._keep(".gitignore", _IGNORE)

    def _keep(self, name: str, content: bytes, secret: bool = False) -> None:
        mode = 0o600 if secret else 0o644
        self.issued.artifacts.append(
            Artifact(path=f"{FOLDER}/{name}", content=content, mode=mode, secret=secret)
        )

    def _authority(self) -> tuple[EllipticCurvePrivateKey, x509.Certificate]:
        pair = self._load("authority")
        if pair is None:
            key = _new_key()
            pair = key, _sign("stackc private authority", key, key, None, self.now, _AUTHORITY_DAYS, ())
        key, certificate = pair
        self._keep("authority.crt", _pem(certificate))
        self._keep("authority.key", _key_pem(key), secret=True)
        self._watch("authority.crt", certificate, "authority.crt and authority.key")
        return key, certificate

    def _server(self, wanted: Certificate, signer: EllipticCurvePrivateKey, root: x509.Certificate) -> None:
        pair = self._load(wanted.name)
        if (
            pair is None
            or pair[1].issuer != root.subject
            or not set(wanted.hosts) <= _hosts(pair[1])
            or not _signed(pair[1], root)
        ):
            key = _new_key()
            pair = key, _sign(wanted.hosts[0], key, signer, root, self.now, _SERVER_DAYS, wanted.hosts)
        key, certificate = pair
        self._keep(f"{wanted.name}.crt", _pem(certificate))
        self._keep(f"{wanted.name}.key", _key_pem(key), secret=True)
        self._watch(f"{wanted.name}.crt", certificate, f"{wanted.name}.crt")
        self._give(wanted, _pem(certificate), _key_pem(key))

    def _own(self, wanted: Certificate) -> bytes:
        assert wanted.own is not None
        certificate, key, authority = (self._read(name) for name in wanted.own)
        _parsed(certificate, wanted.own[0])
        _parsed(authority, wanted.own[2])
        self._keep(f"{wanted.name}.crt", certificate)
        self._give(wanted, certificate, key)
        return authority

    def _read(self, name: str) -> bytes:
        if name not in self.files:
            raise _Unreadable(f'the file "{name}" is not there')
        return self.files[name]

    def _give(self, wanted: Certificate, certificate: bytes, key: bytes) -> None:
        self.issued.values[wanted.key] = key.decode()
        self.issued.values[wanted.bundle] = (certificate + key).decode()

    def _watch(self, name: str, certificate: x509.Certificate, remove: str) -> None:
        ends = certificate.not_valid_after_utc.replace(tzinfo=None)
        if ends - self.now < timedelta(days=_WARNING_DAYS):
            path = f"{FOLDER}/{name}" if self.shown in ("", ".") else f"{self.shown}/{FOLDER}/{name}"
            told = f"the certificate ends on {ends.date().isoformat()}"
            help = f"delete {FOLDER}/{remove} and run `stackc compile`"
            self.issued.diagnostics.append(warning("certificate-ends", told, Span(path=path), help))

    def _load(self, name: str) -> tuple[EllipticCurvePrivateKey, x509.Certificate] | None:
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        files = [self.files.get(f"{FOLDER}/{name}.{ending}") for ending in ("key", "crt")]
        if files[0] is None or files[1] is None:
            return None
        certificate = _parsed(files[1], f"{FOLDER}/{name}.crt")
        try:
            key = load_pem_private_key(files[0], None)
        except (ValueError, TypeError) as fault:
            raise _Unreadable(f'the file "{FOLDER}/{name}.key" holds no private key') from fault
        if not isinstance(key, EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise _Unreadable(
                f'the files "{FOLDER}/{name}.key" and "{FOLDER}/{name}.crt" do not belong together'
            )
        return key, certificate


def _parsed(content: bytes, name: str) -> x509.Certificate:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(content)
    except ValueError as fault:
        raise _Unreadable(f'the file "{name}" holds no certificate') from fault


def _signed(certificate: x509.Certificate, root: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        certificate.verify_directly_issued_by(root)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _hosts(certificate: x509.Certificate) -> set[str]:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in names}


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _pem(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _key_pem(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _sign(
    name: str,
    key: EllipticCurvePrivateKey,
    signer: EllipticCurvePrivateKey,
    root: x509.Certificate | None,
    now: datetime,
    days: int,
    hosts: tuple[str, ...],
) -> x509.Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    # A common name holds 64 characters at most; clients read the alternative names.
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(root.subject if root else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(
            x509.BasicConstraints(ca=root is None, path_length=0 if root is None else None), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(_usage(root is None), critical=True)
    )
    if hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
    return builder.sign(signer, hashes.SHA256())


def _usage(authority: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
