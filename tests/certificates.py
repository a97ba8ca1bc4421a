"""Authorities and certificates of a test's own, and a TLS front for a PostgreSQL server that has none."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Made:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        plain = serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(serialization.Encoding.PEM, form, plain).decode()

    def files(self, folder: Path) -> tuple[Path, Path]:
        """The certificate and the key in files."""
        paths = folder / "server.pem", folder / "server.key"
        for path, text in zip(paths, (self.pem, self.key_pem), strict=True):
            path.write_text(text)
        return paths


def authority(name: str) -> Made:
    return _made(name, None, x509.BasicConstraints(ca=True, path_length=0))


def server_certificate(of: Made, address: str = "127.0.0.1") -> Made:
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    return _made("server", of, names)


def _made(name: str, of: Made | None, extension: x509.ExtensionType) -> Made:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(of.certificate.subject if of else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(extension, critical=of is None)
    )
    return Made(builder.sign(of.key if of else key, hashes.SHA256()), key)


@contextmanager
def tls_front(port: int, made: Made, folder: Path) -> Iterator[int]:
    """A port at which TLS is spoken as PostgreSQL does, and that leads to another one without."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*made.files(folder))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=_accept, args=(listener, port, context), daemon=True).start()
        yield listener.getsockname()[1]


def _accept(listener: socket.socket, port: int, context: ssl.SSLContext) -> None:
    with suppress(OSError):
        while True:
            stream, _ = listener.accept()
            Thread(target=_serve, args=(stream, port, context), daemon=True).start()


def _serve(stream: socket.socket, port: int, context: ssl.SSLContext) -> None:
    with suppress(OSError), stream:
        assert stream.recv(8, socket.MSG_WAITALL)[4:] == (80877103).to_bytes(4, "big"), "asks for TLS"
        stream.sendall(b"S")
        with (
            context.wrap_socket(stream, server_side=True) as theirs,
            socket.create_connection(("127.0.0.1", port)) as ours,
        ):
            back = Thread(target=_copy, args=(ours, theirs), daemon=True)
            back.start()
            _copy(theirs, ours)
            back.join()


def _copy(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65_536):
            other.sendall(data)
    with suppress(OSError):
        other.shutdown(socket.SHUT_RDWR)
