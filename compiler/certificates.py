"""A private certificate authority for one stack: made once, kept, and told of before it ends.

The only user of `cryptography`, an optional dependency: import this module where a certificate is wanted.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from compiler.model import Artifact, Certificate
from compiler.report import Report, Span

_is_installed = True
try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:
    _is_installed = False

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    Files = Mapping[str, bytes]

FOLDER = "tls"
_AUTHORITY_DAYS = 3650
# The longest that browsers and Apple's clients accept: https://support.apple.com/en-us/103769
_SERVER_DAYS = 825
_WARNING_DAYS = 30
_THEN = "and run `stackc compile`"


class Issued(NamedTuple):
    """The files of a stack's certificates, and the private keys by their key in `.env`."""

    artifacts: list[Artifact]
    values: dict[str, str]


def issue(
    wanted: Sequence[Certificate], files: Files, now: datetime, place: Span, shown: str, report: Report
) -> Issued:
    """Returns what the certificates need, taking from `files` (by path) whatever is there and fits.

    `now` is in UTC without a zone, `place` is where the stack first asks for TLS, `shown` names the output folder.
    """
    issued = Issued([], {})
    if _is_installed:
        _Workshop(files, now, "" if shown in ("", ".") else f"{shown}/", report, issued).run(wanted)
    else:
        help = 'run `pip install "stackc[tls]"`'
        report.error("missing-extra", "certificates need the package cryptography", place, help)
    return issued


class Pair(NamedTuple):
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def pem(self) -> tuple[bytes, bytes]:
        encoding, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        key = self.key.private_bytes(encoding, kind, serialization.NoEncryption())
        return key, self.certificate.public_bytes(encoding)


def sign(signer: Pair | None, now: datetime, hosts: Sequence[str] = ()) -> Pair:
    """Returns a new key with its certificate; without a signer it is an authority's, which signs it itself."""
    key, ca = ec.generate_private_key(ec.SECP256R1()), signer is None
    signing, days = (signer.key, _SERVER_DAYS) if signer else (key, _AUTHORITY_DAYS)
    # A common name holds 64 characters at most; clients read the alternative names.
    name = "stackc private authority" if ca else hosts[0][:64]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    extensions: dict[x509.ExtensionType, bool] = {
        x509.BasicConstraints(ca=ca, path_length=0 if ca else None): True,
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()): False,
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()): False,
        # A server signs and agrees on keys, an authority signs certificates and lists of revoked ones:
        # https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.3
        x509.KeyUsage(not ca, False, False, False, not ca, ca, ca, False, False): True,
    }
    if hosts:
        names = [*map(x509.DNSName, (*hosts, "localhost")), x509.IPAddress(ip_address("127.0.0.1"))]
        extensions[x509.SubjectAlternativeName(names)] = False
        extensions[x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])] = False
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.certificate.subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
    )
    for extension, critical in extensions.items():
        builder = builder.add_extension(extension, critical)
    return Pair(key, builder.sign(signing, hashes.SHA256()))


class _Unusable(Exception):
    """What is wrong, the place of it, and what to do."""


class _File(NamedTuple):
    """A file in PEM, the place that is to blame for it, and what to do."""

    path: str
    content: bytes
    span: Span
    help: str

    def unusable(self, told: str) -> _Unusable:
        return _Unusable(f'the file "{self.path}" {told}', self.span, self.help)

    def certificate(self) -> x509.Certificate:
        try:
            certificate = x509.load_pem_x509_certificate(self.content)
            certificate.public_key()
        except (ValueError, UnsupportedAlgorithm) as fault:
            raise self.unusable("holds no certificate that can be read") from fault
        return certificate

    def text(self) -> bytes:
        """Returns the text with a line break at its end, so that another can follow."""
        try:
            return self.content.decode().rstrip().encode() + b"\n"
        except UnicodeDecodeError as fault:
            raise self.unusable("holds more than text") from fault


def _parse_pair(key_file: _File, file: _File) -> tuple[PrivateKeyTypes, x509.Certificate]:
    certificate = file.certificate()
    try:
        key = serialization.load_pem_private_key(key_file.content, None)
        is_pair = key.public_key() == certificate.public_key()
    except TypeError as fault:
        raise key_file.unusable("is encrypted") from fault
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise key_file.unusable("holds no private key") from fault
    if not is_pair:
        raise key_file.unusable(f'is not the key of the certificate "{file.path}"')
    return key, certificate


class _Workshop(NamedTuple):
    files: Files
    now: datetime
    before: str
    report: Report
    issued: Issued

    def run(self, wanted: Sequence[Certificate]) -> None:
        root: Pair | None = None
        own: list[bytes] = []
        for one in wanted:
            try:
                if one.own:
                    own.append(self._own(one))
                else:
                    root = root or self._pair("authority", "authority.*")
                    self._give(one, *self._pair(one.name, f"{one.name}.crt", one.hosts, root).pem())
            except _Unusable as fault:
                self.report.error("unusable-certificate", *fault.args)
        self._keep("ca.crt", b"".join(dict.fromkeys([root.pem()[1], *own] if root else own)))
        self._keep(".gitignore", b"*.key\n")

    def _keep(self, name: str, content: bytes, secret: bool = False) -> None:
        mode, path = 0o600 if secret else 0o644, f"{FOLDER}/{name}"
        self.issued.artifacts.append(Artifact(path=path, content=content, mode=mode, secret=secret))

    def _give(self, wanted: Certificate, key: bytes, certificate: bytes) -> None:
        values = {wanted.key: key, wanted.bundle: certificate + key}
        self.issued.values.update({name: value.decode() for name, value in values.items() if name})

    def _pair(self, name: str, remove: str, hosts: Sequence[str] = (), root: Pair | None = None) -> Pair:
        """Returns the pair of an earlier run where it still fits, else a new one; either way it is kept."""
        pair = self._load(name)
        if not pair or (root and not _fits(pair.certificate, hosts, root.certificate)):
            pair = sign(root, self.now, hosts)
        key, certificate = pair.pem()
        self._keep(f"{name}.crt", certificate)
        self._keep(f"{name}.key", key, secret=True)
        span = Span(path=f"{self.before}{FOLDER}/{name}.crt")
        self._watch(span, pair.certificate, f"delete {FOLDER}/{remove} {_THEN}")
        return pair

    def _load(self, name: str) -> Pair | None:
        paths = [f"{FOLDER}/{name}.key", f"{FOLDER}/{name}.crt"]
        if not all(path in self.files for path in paths):
            return None
        help = f"put it back, or delete {FOLDER}/{name}.* {_THEN}"
        key_file, file = (self._file(path, Span(path=self.before + path), help) for path in paths)
        key, certificate = _parse_pair(key_file, file)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise key_file.unusable("holds another kind of key than stackc makes")
        return Pair(key, certificate)

    def _file(self, path: str, span: Span, help: str) -> _File:
        if path not in self.files:
            raise _Unusable(f'the file "{path}" is not there', span, help)
        return _File(path, self.files[path], span, help)

    def _own(self, wanted: Certificate) -> bytes:
        """Takes a user's own files as they are, and returns the certificate of their authority."""
        help = "name a file in PEM, from the folder of the stack"
        file, key_file, authority = (self._file(one.path, one.span, help) for one in wanted.own or ())
        _, certificate = _parse_pair(key_file, file)
        authority.certificate()
        lacking = sorted({*wanted.hosts} - _hosts(certificate))
        if wanted.verified and lacking:
            help = "issue one with these alternative names, or write `mode: require`"
            raise _Unusable(f"the certificate is not for {', '.join(lacking)}", file.span, help)
        self._watch(file.span, certificate, "replace the file, and its key where that is new")
        self._keep(f"{wanted.name}.crt", file.text())
        self._give(wanted, key_file.text(), file.text())
        return authority.text()

    def _watch(self, span: Span, certificate: x509.Certificate, help: str) -> None:
        ends = certificate.not_valid_after_utc.replace(tzinfo=None)
        if ends - self.now < timedelta(days=_WARNING_DAYS):
            told = f"the certificate {'ended' if ends < self.now else 'ends'} on {ends.date().isoformat()}"
            self.report.warning("certificate-ends", told, span, help)


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
