"""Whom a certificate must come from: the well-known authorities, or one's own in their place."""

from __future__ import annotations

import re
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from textwrap import wrap

import certifi

from dayfill.errors import misconfigured

TLS_MODES = ("verify-full", "verify-ca", "require", "disable")
"""verify-full: certificate and name are checked. verify-ca: the certificate, whatever its name, against authorities of
one's own. require: encrypted, to whomever.
"""
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_CERTIFICATE = re.compile(rf"{_BEGIN}([A-Za-z0-9+/=\s]+){_END}")


def mode(text: str) -> str:
    """A TLS mode; the strictest if none is named.

    Raises:
        Permanent: cause CONFIG; there is no such mode.
    """
    if text not in ("", *TLS_MODES):
        raise misconfigured(f"There is no TLS mode {text[:40]!r}: {', '.join(TLS_MODES)}.")
    return text or TLS_MODES[0]


def own(text: str, tls: str) -> str:
    """Certificates as PEM, from what a person has pasted; empty for the well-known authorities.

    Raises:
        Permanent: cause CONFIG; they cannot be read, or the TLS mode ignores them, or needs them and has none.
    """
    if not text.strip():
        if tls == "verify-ca":
            raise misconfigured(
                "The TLS mode verify-ca needs a CA certificate: a public authority certifies anybody's server."
            )
        return ""
    if tls not in TLS_MODES[:2]:
        raise misconfigured(
            f"A CA certificate is given, but the TLS mode {tls} checks none: use verify-full or verify-ca."
        )
    if "PRIVATE KEY" in text:
        raise misconfigured("The CA certificate holds a private key: remove it, and treat that key as compromised.")
    bodies = ["".join(found[1].split()) for found in _CERTIFICATE.finditer(text)]  # a form may take the ends of lines
    pem = "".join(f"{_BEGIN}\n{chr(10).join(wrap(body, 64))}\n{_END}\n" for body in bodies)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise misconfigured(f"The CA certificate cannot be read: paste it as PEM, from {_BEGIN} to {_END}.") from None
    return pem


@contextmanager
def file(pem: str) -> Iterator[str]:
    """A file with these authorities, or with the well-known ones, for a driver that reads no other form."""
    if not pem:
        yield certifi.where()
        return
    with tempfile.NamedTemporaryFile("w", encoding="ascii", prefix="dayfill-", suffix=".pem") as made:
        made.write(pem)
        made.flush()
        yield made.name


@lru_cache(maxsize=32)
def context(tls: str, pem: str = "") -> ssl.SSLContext | None:
    """What Python's TLS is told; None without TLS. The usual makers of a context look into the environment."""
    if tls == "disable":
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = tls == "verify-full"
    if tls == "require":
        made.verify_mode = ssl.CERT_NONE
    elif pem:
        made.load_verify_locations(cadata=pem)
    else:
        made.load_verify_locations(certifi.where())
    return made
