"""Certificates of one's own authority, for a managed database or one of the house: trusted in place of all others."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from certificates import Made, authority, server_certificate, tls_front
from dayfill.domain.addresses import networks
from dayfill.domain.reach import Reach
from dayfill.errors import Permanent
from dayfill.outgoing import authorities, postgresql
from dayfill.outgoing.postgresql import Server
from postgres_server import PostgresServer

HERE = Reach(nets=networks(["127.0.0.0/8"]))
OURS, OTHERS = authority("ours"), authority("others")


def server(port: int, tls: str, pem: str = "") -> Server:
    named = {"host": "127.0.0.1", "port": port, "database": "postgres", "user": "postgres", "tls": tls}
    return Server.of({**named, "ca_certificate": pem}, None, HERE, "DESTINATION")


@pytest.fixture(scope="module")
def fronts(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """Ports that lead to PostgreSQL with a certificate of this address, and with one of another."""
    port, folder = int(postgres.address["port"]), tmp_path_factory.mktemp("tls")
    with (
        tls_front(port, server_certificate(OURS), folder) as right,
        tls_front(port, server_certificate(OURS, "192.0.2.1"), folder) as other,
    ):
        yield {"this address": right, "another address": other}


@pytest.mark.parametrize(
    ("tls", "pem", "at", "says"),
    [
        ("verify-full", OURS.pem, "this address", None),
        ("verify-full", OTHERS.pem + OURS.pem, "this address", None),
        ("verify-full", OURS.pem.replace("\n", " "), "this address", None),
        ("verify-ca", OURS.pem, "another address", None),
        ("require", "", "another address", None),
        ("verify-full", "", "this address", "certificate verify failed"),
        ("verify-full", OTHERS.pem, "this address", "certificate verify failed"),
        ("verify-ca", OTHERS.pem, "this address", "certificate verify failed"),
        ("verify-full", OURS.pem, "another address", "does not match host name"),
    ],
)
def test_postgresql_is_believed_by_whom_its_certificate_is_from(
    fronts: dict[str, int], tls: str, pem: str, at: str, says: str | None
) -> None:
    one = server(fronts[at], tls, pem)
    try:
        if says is None:
            with postgresql.session(one) as session:
                assert session.rows("SELECT 1") == [(1,)]
        else:
            with pytest.raises(Permanent, match=says), postgresql.session(one):
                pass
    finally:
        postgresql.forget_idle(one)


def test_no_file_of_an_authority_stays(fronts: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorities.tempfile, "tempdir", str(tmp_path))
    with authorities.file(OURS.pem) as name:
        assert Path(name).parent == tmp_path and Path(name).read_text() == OURS.pem
        assert os.stat(name).st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "tls", "says"),
    [
        ("/etc/ssl/ca.pem", "verify-full", "paste it as PEM"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "verify-full", "paste it as PEM"),
        (OURS.pem + OURS.key_pem, "verify-full", "holds a private key"),
        (OURS.pem, "require", "require checks none: use verify-full or verify-ca"),
        (OURS.pem, "disable", "disable checks none"),
        ("", "verify-ca", "verify-ca needs a CA certificate"),
    ],
)
def test_what_could_not_work_or_would_not_be_checked_is_refused(text: str, tls: str, says: str) -> None:
    with pytest.raises(Permanent, match=says) as refused:
        server(5432, tls, text)
    assert refused.value.cause == "CONFIG"


@pytest.mark.parametrize(
    ("tls", "pem", "made", "is_believed"),
    [
        ("verify-full", OURS.pem, server_certificate(OURS), True),
        ("verify-full", OURS.pem, server_certificate(OURS, "192.0.2.1"), False),
        ("verify-full", OTHERS.pem, server_certificate(OURS), False),
        ("verify-full", "", server_certificate(OURS), False),
        ("verify-ca", OURS.pem, server_certificate(OURS, "192.0.2.1"), True),
        ("verify-ca", OTHERS.pem, server_certificate(OURS), False),
        ("require", "", server_certificate(OURS), True),
    ],
)
def test_drivers_in_python_believe_the_same(tls: str, pem: str, made: Made, is_believed: bool, tmp_path: Path) -> None:
    context = authorities.context(tls, pem)
    assert context is not None and authorities.context("disable") is None
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(*made.files(tmp_path))
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(down, up, server_hostname="127.0.0.1")
    ends = (client, theirs.wrap_bio(up, down, server_side=True))
    if is_believed:
        _shake_hands(*ends)
    else:
        with pytest.raises(ssl.SSLCertVerificationError):
            _shake_hands(*ends)


def _shake_hands(*ends: ssl.SSLObject) -> None:
    done: set[ssl.SSLObject] = set()
    while len(done) < len(ends):
        for end in ends:
            try:
                end.do_handshake()
                done.add(end)
            except ssl.SSLWantReadError:
                continue
