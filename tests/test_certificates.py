"""The private authority of a stack: made once, kept, checked by real clients, and a user's own files in its place."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from compiler.model import Artifact, Certificate, OwnFile
from compiler.report import Diagnostic, Report, Span
from compiler.run.workspace import Outcome, Project
from compiler.targets.certificates import issue, sign
from tests.conftest import TODAY
from tests.findings import has_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2026, 1, 1)
PLACE = Span(path="stack.yaml", line=5)
MAIN = Certificate(
    name="main", hosts=("main",), files={"MAIN_TLS_KEY": ["key"], "MAIN_TLS_BUNDLE": ["certificate", "key"]}
)
STACK = "name: demo\ndatabases:\n  main:\n    adapter: postgresql\n    tls: verify-full\n"
OWN = STACK.replace("verify-full", "{mode: verify-full, certificate: a.crt, key: a.key, ca: ca.crt}")


class Issued(NamedTuple):
    artifacts: list[Artifact]
    values: dict[str, str]
    diagnostics: list[Diagnostic]


def issued_for(*wanted: Certificate, files: Mapping[str, bytes] | None = None, now: datetime = NOW) -> Issued:
    report = Report()
    return Issued(*issue(wanted, files or {}, now, PLACE, ".", report), list(report))


def made(files: Mapping[str, bytes] | None = None, now: datetime = NOW, wanted: Certificate = MAIN) -> Issued:
    return issued_for(wanted, files=files, now=now)


def files_of(issued: Issued) -> dict[str, bytes]:
    return {artifact.path: artifact.content for artifact in issued.artifacts}


def codes(issued: Issued) -> list[tuple[str, str, str]]:
    return [(one.severity, one.id, one.span.path) for one in issued.diagnostics]


# What is made


def test_a_first_run_makes_an_authority_and_a_certificate() -> None:
    names = ["authority.crt", "authority.key", "main.crt", "main.key", "ca.crt", ".gitignore"]
    assert list(files_of(made())) == [f"tls/{name}" for name in names]
    assert made().diagnostics == []


def test_private_keys_are_for_their_owner_alone_and_never_committed() -> None:
    modes = {artifact.path: (artifact.mode, artifact.secret) for artifact in made().artifacts}
    assert {path for path, mode in modes.items() if mode == (0o600, True)} == {
        "tls/authority.key",
        "tls/main.key",
    }
    assert files_of(made())["tls/.gitignore"] == b"*\n"


def test_a_second_run_keeps_everything() -> None:
    first = made()
    second = made(files_of(first), NOW + timedelta(days=300))
    assert (files_of(second), second.values) == (files_of(first), first.values)


def test_the_values_of_env_are_the_key_and_the_bundle() -> None:
    issued = made()
    files = {path: content.decode() for path, content in files_of(issued).items()}
    assert issued.values["MAIN_TLS_KEY"] == files["tls/main.key"]
    assert issued.values["MAIN_TLS_BUNDLE"] == files["tls/main.crt"] + files["tls/main.key"]


@pytest.mark.parametrize("holds", [["key"], ["certificate", "key"]])
def test_a_private_key_that_nothing_mounts_is_no_value_of_env(holds: list[str]) -> None:
    for wanted in (
        Certificate(name="main", hosts=("main",), files={"X": holds}),
        Certificate(name="main", hosts=("main",), files={"X": holds}, own=OWN_FILES),
    ):
        assert list(issued_for(wanted, files=own_files()).values) == ["X"]


def test_a_new_host_makes_a_new_certificate_under_the_same_authority() -> None:
    first = files_of(made())
    more = Certificate(
        name="main", hosts=(*MAIN.hosts, "main-pooler"), files={"K": ["key"], "B": ["certificate", "key"]}
    )
    second = files_of(made(first, wanted=more))
    assert second["tls/main.crt"] != first["tls/main.crt"]
    assert second["tls/ca.crt"] == first["tls/ca.crt"]


@pytest.mark.parametrize("removed", ["main.crt", "main.key"])
def test_a_certificate_whose_file_was_deleted_is_made_anew(removed: str) -> None:
    first = files_of(made())
    second = files_of(made({path: text for path, text in first.items() if path != f"tls/{removed}"}))
    assert second["tls/main.crt"] != first["tls/main.crt"]
    assert second["tls/authority.key"] == first["tls/authority.key"]


def test_a_new_authority_makes_new_certificates() -> None:
    first, other = files_of(made()), files_of(made())
    mixed = {**first, **{path: other[path] for path in ("tls/authority.crt", "tls/authority.key")}}
    assert files_of(made(mixed))["tls/main.crt"] not in (first["tls/main.crt"], other["tls/main.crt"])


def test_a_long_name_is_in_the_alternative_names_whole() -> None:
    wanted = Certificate(
        name="a" * 63, hosts=("a" * 63 + ".example",), files={"K": ["key"], "B": ["certificate", "key"]}
    )
    certificate = x509.load_pem_x509_certificate(files_of(made(wanted=wanted))[f"tls/{'a' * 63}.crt"])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a" * 63 + ".example", "localhost"]


# What clients say


def handshake(issued: Issued, folder: Path, host: str, authority: bytes | None = None) -> str:
    """Returns the name of the protocol that a client and a server agree on, where the client trusts the authority."""
    for name, content in {
        **files_of(issued),
        "tls/ca.crt": authority or files_of(issued)["tls/ca.crt"],
    }.items():
        (folder / Path(name).name).write_bytes(content)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "main.crt", folder / "main.key")
    client = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    near, far = socket.socketpair()
    thread = threading.Thread(target=accept, args=(server, far))
    thread.start()
    try:
        with client.wrap_socket(near, server_hostname=host) as connection:
            return str(connection.version())
    finally:
        near.close()
        thread.join()


def accept(context: ssl.SSLContext, far: socket.socket) -> None:
    try:
        context.wrap_socket(far, server_side=True).close()
    except (ssl.SSLError, OSError):
        far.close()


@pytest.mark.parametrize("host", ["main", "localhost", "127.0.0.1"])
def test_a_client_verifies_the_certificate_for_each_of_its_names(tmp_path: Path, host: str) -> None:
    assert handshake(made(now=datetime.now(UTC).replace(tzinfo=None)), tmp_path, host) == "TLSv1.3"


def test_a_client_refuses_another_name_and_another_authority(tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(made(now=now), tmp_path, "other")
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        handshake(made(now=now), tmp_path, "main", files_of(made(now=now))["tls/ca.crt"])


def test_a_client_refuses_a_certificate_that_has_ended(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(made(now=datetime.now(UTC).replace(tzinfo=None) - timedelta(days=900)), tmp_path, "main")


# The end of a certificate


@pytest.mark.parametrize(
    ("days", "told"), [(790, []), (796, ["tls/main.crt"]), (3649, ["tls/authority.crt", "tls/main.crt"])]
)
def test_a_certificate_that_ends_soon_is_told(days: int, told: list[str]) -> None:
    issued = made(files_of(made()), NOW + timedelta(days=days))
    assert codes(issued) == [("warning", "certificate-ends", path) for path in told]
    assert files_of(issued)["tls/main.crt"]


def test_the_end_is_told_with_its_day_and_what_to_delete() -> None:
    files = files_of(made())
    (soon,), (ended,) = (made(files, NOW + timedelta(days=days)).diagnostics for days in (820, 830))
    assert soon.message == "the certificate ends on 2028-04-05"
    assert ended.message == "the certificate ended on 2028-04-05"
    assert soon.help == "delete tls/main.crt and run `stackc compile`"


# Files of an earlier run


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("main.key", b"", "holds no private key"),
        ("main.key", b"\xff\xfe", "holds no private key"),
        ("main.crt", b"nonsense", "holds no certificate that can be read"),
        (
            "authority.crt",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "holds no certificate that can be read",
        ),
        ("authority.key", sign(None, NOW).pem()[0], "is not the key of the certificate"),
        ("main.key", sign(None, NOW).pem()[0], "is not the key of the certificate"),
    ],
)
def test_a_damaged_file_is_told_at_that_file(name: str, content: bytes, told: str) -> None:
    (one,) = made({**files_of(made()), f"tls/{name}": content}).diagnostics
    assert (one.id, one.span.path) == ("unusable-certificate", f"tls/{name}")
    assert told in one.message
    assert "put it back" in str(one.help)


# A user's own files


OWN_FILES = tuple(OwnFile(path=name, span=Span(path=name)) for name in ("a.crt", "a.key", "ca.crt"))


def own(content: Mapping[str, bytes], verified: bool = True) -> Issued:
    wanted = Certificate(
        name="main",
        hosts=("main",),
        files={"K": ["key"], "B": ["certificate", "key"]},
        own=OWN_FILES,
        verified=verified,
    )
    return issued_for(wanted, files=content)


def own_files(hosts: tuple[str, ...] = ("main",), days: int = 100) -> dict[str, bytes]:
    """Returns the files of another authority; its certificate ends in so many days."""
    root = sign(None, NOW)
    key, certificate = sign(root, NOW - timedelta(days=825 - days), hosts).pem()
    return {"a.crt": certificate, "a.key": key, "ca.crt": root.pem()[1]}


def test_own_files_are_taken_as_they_are() -> None:
    files = own_files()
    issued = own(files)
    assert issued.diagnostics == []
    assert files_of(issued) == {
        "tls/main.crt": files["a.crt"],
        "tls/ca.crt": files["ca.crt"],
        "tls/.gitignore": b"*\n",
    }
    assert issued.values == {"K": files["a.key"].decode(), "B": (files["a.crt"] + files["a.key"]).decode()}


def test_files_without_a_last_line_break_can_be_joined() -> None:
    files = own_files()
    assert own({name: text.rstrip() for name, text in files.items()}).values == own(files).values


def test_a_stack_may_have_own_and_made_certificates() -> None:
    files = own_files()
    wanted = Certificate(name="other", hosts=("other",), files={"OK": ["key"]}, own=OWN_FILES)
    issued = issued_for(wanted, MAIN, files=files)
    made_root = files_of(issued)["tls/authority.crt"]
    assert files_of(issued)["tls/ca.crt"] == made_root + files["ca.crt"]


def test_the_faults_of_several_certificates_are_told_together() -> None:
    other = Certificate(name="other", hosts=("other",), own=OWN_FILES)
    files = {**files_of(made()), "tls/main.crt": b"", **own_files(), "a.key": b""}
    found = issued_for(MAIN, other, files=files).diagnostics
    assert [one.span.path for one in found] == ["a.key", "tls/main.crt"]


def test_a_damaged_authority_is_told_once() -> None:
    files = {**files_of(made()), "tls/authority.crt": b""}
    other = Certificate(name="other", hosts=("other",), files={"K": ["key"]})
    assert [one.span.path for one in issued_for(MAIN, other, files=files).diagnostics] == [
        "tls/authority.crt"
    ]


def rsa_key(*, encrypted: bool) -> bytes:
    how = BestAvailableEncryption(b"x") if encrypted else NoEncryption()
    return rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.crt", b"nonsense", 'the file "a.crt" holds no certificate that can be read'),
        ("ca.crt", b"", 'the file "ca.crt" holds no certificate that can be read'),
        ("a.key", b"nonsense", 'the file "a.key" holds no private key that can be read'),
        ("a.key", rsa_key(encrypted=True), 'the file "a.key" is encrypted'),
        ("a.key", rsa_key(encrypted=False), 'the file "a.key" is not the key of the certificate "a.crt"'),
        ("a.key", own_files()["a.key"], 'the file "a.key" is not the key of the certificate "a.crt"'),
    ],
)
def test_an_own_file_that_cannot_be_used_is_told_where_it_is_named(
    name: str, content: bytes, told: str
) -> None:
    (one,) = own({**own_files(), name: content}).diagnostics
    assert (one.id, one.span.path, one.message) == ("unusable-certificate", name, told)


def test_an_own_file_with_more_than_text_is_refused() -> None:
    files = own_files()
    assert codes(own({**files, "a.key": files["a.key"] + b"\xff"})) == [
        ("error", "unusable-certificate", "a.key")
    ]


def test_an_own_certificate_has_the_name_that_clients_check() -> None:
    (one,) = own(own_files(hosts=("db.example",))).diagnostics
    assert one.message == "the certificate is not for main"
    assert own(own_files(hosts=("db.example",)), verified=False).diagnostics == []


def test_an_own_certificate_that_ends_soon_is_told_where_it_is_named() -> None:
    assert codes(own(own_files(days=29))) == [("warning", "certificate-ends", "a.crt")]


# In a project


def compile_in(folder: Path, stack: str) -> Outcome:
    (folder / "stack.yaml").write_text(stack)
    return Project(folder / "stack.yaml", folder, today=TODAY).compile()


def test_a_compile_writes_the_files_once_with_their_modes(tmp_path: Path) -> None:
    assert not has_errors(compile_in(tmp_path, STACK).diagnostics)
    before = {
        file.name: (file.stat().st_mtime_ns, file.stat().st_mode & 0o777)
        for file in (tmp_path / "tls").iterdir()
    }
    assert {name for name, (_, mode) in before.items() if mode == 0o600} == {"authority.key", "main.key"}
    assert all(change.status == "unchanged" for change in compile_in(tmp_path, STACK).changes)
    assert {file.name: file.stat().st_mtime_ns for file in (tmp_path / "tls").iterdir()} == {
        name: at for name, (at, _) in before.items()
    }


@pytest.mark.parametrize(
    ("adapter", "kinds"),
    [("postgresql, pool: {size: 5}", ["KEY"]), ("mongodb", ["BUNDLE"]), ("redis", ["KEY"])],
)
def test_a_private_key_stands_once_in_env(tmp_path: Path, adapter: str, kinds: list[str]) -> None:
    stack = f"name: demo\ndatabases:\n  main: {{adapter: {adapter}, tls: require}}\n"
    assert not has_errors(compile_in(tmp_path, stack).diagnostics)
    text = (tmp_path / ".env").read_text()
    assert re.findall("^MAIN_TLS_(.*?)=", text, re.MULTILINE) == kinds
    assert text.count("BEGIN PRIVATE KEY") == 1


def test_the_key_of_env_that_a_database_does_not_take_is_free_for_a_secret(tmp_path: Path) -> None:
    secret = "secrets:\n  own: {environment: MAIN_TLS_%s}\n"
    secret += "services:\n  app: {image: 'a:1', uses: [main], secrets: [own]}\n"
    for kind, told in (("KEY", ["key-collision"]), ("BUNDLE", ["missing-secret"])):
        found = compile_in(tmp_path, STACK + secret % kind).diagnostics
        assert [one.id for one in found] == told


def test_no_private_key_is_in_the_compose_file(tmp_path: Path) -> None:
    compile_in(tmp_path, STACK)
    text = (tmp_path / "docker-compose.yml").read_text()
    keys = [(tmp_path / "tls" / name).read_text().splitlines()[1] for name in ("authority.key", "main.key")]
    assert [key for key in keys if key in text] == []


@pytest.mark.parametrize("lacking", ["a.crt", "a.key", "ca.crt"])
def test_an_own_file_that_is_missing_is_told_where_it_is_named(tmp_path: Path, lacking: str) -> None:
    for name, content in own_files().items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / lacking).unlink()
    (one,) = compile_in(tmp_path, OWN).diagnostics
    assert (one.id, one.span.line) == ("unusable-certificate", 5)
    assert one.message == f'there is no file "{lacking}"'


def test_an_own_file_that_is_a_folder_is_told(tmp_path: Path) -> None:
    for name in ("a.crt", "a.key", "ca.crt"):
        (tmp_path / name).mkdir()
    found = compile_in(tmp_path, OWN).diagnostics
    assert [one.message for one in found] == [
        f'"{name}" is a folder, a device or a pipe, expected a file' for name in ("a.crt", "a.key", "ca.crt")
    ]


INSTALL = (
    "install cryptography beside stackc: `pip install cryptography`, or `pipx inject stackc cryptography`"
)
WITHOUT = """
import sys
sys.modules["cryptography"] = None
from pathlib import Path
from compiler.run.workspace import Project
folder = Path(sys.argv[1])
for one in Project(folder / "stack.yaml", folder, today="2026-01-01").compile().diagnostics:
    print(one.id, one.span.line, one.help)
"""


@pytest.mark.parametrize(
    ("stack", "told"),
    [(STACK, f"missing-extra 5 {INSTALL}\n"), (STACK.replace("verify-full", "off"), "")],
)
def test_without_the_package_the_way_to_it_is_named(tmp_path: Path, stack: str, told: str) -> None:
    (tmp_path / "stack.yaml").write_text(stack)
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT, tmp_path], capture_output=True, text=True, check=True
    )
    assert ran.stdout == told
    assert (tmp_path / "docker-compose.yml").exists() == (told == "")
