"""A private certificate authority for one stack: made once, kept, and told of before it ends.

The only user of `cryptography`, an optional dependency that is imported when a certificate is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from compiler.certificates.pem import File, Unusable, check_pair, parse_certificate, parse_key, text_of
from compiler.certificates.x509 import certificate_pem, hosts_of, is_signed, key_pem, new_key, sign
from compiler.model import Artifact, Certificate
from compiler.report import Diagnostic, Span, error, warning

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
_LOCAL = ("localhost", "127.0.0.1")
_THEN = "and run `stackc compile`"


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

    `now` is in UTC and without a zone, `place` is where the stack first asks for TLS, and `shown` is how the output
    folder is written in messages.
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
    except Unusable as fault:
        issued.diagnostics.append(error("unusable-certificate", str(fault), fault.span, fault.help))
    return issued


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
            authorities.append(certificate_pem(root))
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
            key = new_key()
            pair = key, sign("stackc private authority", key, key, None, self.now, _AUTHORITY_DAYS, ())
        key, certificate = pair
        self._keep("authority.crt", certificate_pem(certificate))
        self._keep("authority.key", key_pem(key), secret=True)
        self._watch(self._span("authority.crt"), certificate, f"delete {FOLDER}/authority.* {_THEN}")
        return key, certificate

    def _server(self, wanted: Certificate, signer: EllipticCurvePrivateKey, root: x509.Certificate) -> None:
        pair = self._load(wanted.name)
        if (
            pair is None
            or pair[1].issuer != root.subject
            or not set(wanted.hosts) <= hosts_of(pair[1])
            or not is_signed(pair[1], root)
        ):
            key = new_key()
            pair = key, sign(wanted.hosts[0], key, signer, root, self.now, _SERVER_DAYS, wanted.hosts)
        key, certificate = pair
        self._keep(f"{wanted.name}.crt", certificate_pem(certificate))
        self._keep(f"{wanted.name}.key", key_pem(key), secret=True)
        self._watch(
            self._span(f"{wanted.name}.crt"), certificate, f"delete {FOLDER}/{wanted.name}.crt {_THEN}"
        )
        self.issued.values[wanted.key] = key_pem(key).decode()
        self.issued.values[wanted.bundle] = (certificate_pem(certificate) + key_pem(key)).decode()

    def _own(self, wanted: Certificate) -> bytes:
        assert wanted.own is not None
        help = "name a file in PEM, from the folder of the stack"
        for one in wanted.own:
            if one.path not in self.files:
                raise Unusable(f'the file "{one.path}" is not there', one.span, help)
        certificate, key, authority = (
            File(name=one.path, content=self.files[one.path], span=one.span, help=help) for one in wanted.own
        )
        leaf = parse_certificate(certificate)
        parse_certificate(authority)
        check_pair(key, parse_key(key), certificate, leaf)
        lacking = sorted({*wanted.hosts} - {*_LOCAL} - hosts_of(leaf))
        if wanted.verified and lacking:
            help = "issue one with these alternative names, or write `mode: require`"
            raise Unusable(f"the certificate is not for {', '.join(lacking)}", certificate.span, help)
        self._watch(certificate.span, leaf, "replace the file, and its key where that is new")
        self._keep(f"{wanted.name}.crt", text_of(certificate).encode())
        self.issued.values[wanted.key] = text_of(key)
        self.issued.values[wanted.bundle] = text_of(certificate) + text_of(key)
        return text_of(authority).encode()

    def _watch(self, span: Span, certificate: x509.Certificate, help: str) -> None:
        ends = certificate.not_valid_after_utc.replace(tzinfo=None)
        if ends - self.now < timedelta(days=_WARNING_DAYS):
            told = f"the certificate {'ended' if ends < self.now else 'ends'} on {ends.date().isoformat()}"
            self.issued.diagnostics.append(warning("certificate-ends", told, span, help))

    def _load(self, name: str) -> tuple[EllipticCurvePrivateKey, x509.Certificate] | None:
        """Returns the pair of an earlier run."""
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

        files = [self._made(f"{name}.{ending}", f"{name}.*") for ending in ("key", "crt")]
        if files[0] is None or files[1] is None:
            return None
        key, certificate = parse_key(files[0]), parse_certificate(files[1])
        check_pair(files[0], key, files[1], certificate)
        if not isinstance(key, EllipticCurvePrivateKey):
            raise files[0].unusable("holds another kind of key than stackc makes")
        return key, certificate

    def _made(self, name: str, remove: str) -> File | None:
        content = self.files.get(f"{FOLDER}/{name}")
        if content is None:
            return None
        help = f"put it back, or delete {FOLDER}/{remove} {_THEN}"
        return File(name=f"{FOLDER}/{name}", content=content, span=self._span(name), help=help)

    def _span(self, name: str) -> Span:
        path = f"{FOLDER}/{name}"
        return Span(path=path if self.shown in ("", ".") else f"{self.shown}/{path}")
