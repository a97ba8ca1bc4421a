"""Every connection that the server opens to elsewhere: where to is checked, and nothing else is connected to.

A name is resolved once. All its addresses are checked, and the connection goes to one that was checked, with the name
as it was in Host and SNI; so a name that answers otherwise the next time gains nothing. Proxies, passwords and
authorities of the environment do not count.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urljoin, urlsplit

import httpcore

from dayfill.domain.addresses import Address
from dayfill.domain.public import may_be_reached
from dayfill.domain.reach import Reach
from dayfill.errors import Permanent, Transient, misconfigured
from dayfill.outgoing import authorities

MOST_REDIRECTS = 5
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SAFE = "/%:!$&'()*+,;=~@"
_PORTS = frozenset((80, 443, 8080, 8443))
"""Of public addresses; those of the administrator's own networks are reached on every port."""
_CONNECT_SECONDS, _SILENT_SECONDS = 10.0, 60.0
_MOVED = frozenset((301, 302, 303, 307, 308))
_HOST = re.compile(r"[a-z0-9]([a-z0-9_.-]*[a-z0-9])?\.?", re.ASCII)
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.ASCII)
_HEADERS = (("User-Agent", "dayfill"), ("Accept", "*/*"), ("Accept-Encoding", "identity"))
_BROKEN = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


@dataclass(frozen=True, slots=True)
class Url:
    """An http or https URL, taken apart and checked. target: path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def netloc(self) -> str:
        """Host and port, the usual one left out."""
        return host_and_port(self.host, self.port).removesuffix(f":{_DEFAULT_PORTS[self.scheme]}")

    @property
    def shown(self) -> str:
        """Without the query, which may hold a signature."""
        return f"{self.scheme}://{self.netloc}{self.target.partition('?')[0]}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. chunks: the body as it was sent, of some KB each. retry_after: in seconds, if that was said."""

    status: int
    headers: dict[str, str]
    chunks: Iterator[bytes]
    retry_after: float | None


def is_url(text: str) -> bool:
    """Whether a text wants to be a URL and not a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def parsed(text: str) -> Url:
    """A URL that may be asked for.

    Raises:
        Permanent: cause CONFIG; another scheme, a user or password in it, a host that is not a plain name or address.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise misconfigured("The URL cannot be read: expected https://HOST/PATH.") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise misconfigured("A URL must start with https:// or http://.")
    if not text.isprintable() or "\\" in text or " " in text:
        raise misconfigured("A URL must not hold spaces, backslashes or control characters.")
    if "[" in parts.netloc and ":" not in (parts.hostname or ""):
        raise misconfigured("The host is not an IPv6 address.")
    if "@" in parts.netloc:
        raise misconfigured("A URL must not hold a user or a password.")
    query = f"?{quote(parts.query, safe=_SAFE + '?')}" if parts.query else ""
    target = quote(parts.path or "/", safe=_SAFE) + query
    return Url(parts.scheme, plain_host(parts.hostname or ""), port or _DEFAULT_PORTS[parts.scheme], target)


@contextmanager
def get(
    url: str, reach: Reach, left: Callable[[], float], conditions: Mapping[str, str] | None = None
) -> Iterator[Answer]:
    """Ask for a URL and follow its redirects. left: seconds that remain for all of it. conditions: further headers.

    Raises:
        Permanent: cause CONFIG; it leads to where connections may not go. SOURCE; it redirects too many times.
        Transient: it cannot be reached now.
    """
    wanted = parsed(url)
    for _ in range(MOST_REDIRECTS + 1):
        with _pool(wanted, reach, left) as pool, _asked(pool, wanted, left, conditions or {}) as response:
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            if response.status not in _MOVED or "location" not in headers:
                yield Answer(response.status, headers, _chunks(wanted, response), _retry_after(headers))
                return
            following = parsed(urljoin(f"{wanted.scheme}://{wanted.netloc}{wanted.target}", headers["location"]))
        if (wanted.scheme, following.scheme) == ("https", "http"):
            raise misconfigured(f"{wanted.shown} redirects to a URL without TLS, which is not followed.")
        wanted = following
    raise Permanent("SOURCE", f"{parsed(url).shown} redirects more than {MOST_REDIRECTS} times: name the last URL.")


def addresses_of(host: str, port: int) -> list[str]:
    """What a name stands for now."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def checked(host: str, port: int, reach: Reach, ports: frozenset[int], shown: str, cause: str = "SOURCE") -> list[str]:
    """Every address of a host, all of which may be reached: a bad one among good ones is a trick, or a mistake.

    ports: of public addresses; those of the administrator's own networks are reached on every port.

    Raises:
        Permanent: cause CONFIG; it leads to where connections may not go. Transient: the name does not resolve now.
    """
    try:
        found = list(dict.fromkeys(addresses_of(host, port)))
    except (OSError, UnicodeError):
        raise Transient(cause, f"{shown}: the name {host} does not resolve to an address now.") from None
    for text in found:
        address = _address(text)
        is_ours = address is not None and any(address in network for network in reach.nets)
        if address is None or not may_be_reached(address, reach.nets) or not (is_ours or port in ports):
            listed = ", ".join(str(number) for number in sorted(ports))
            raise misconfigured(
                f"{shown} leads to an address or a port that connections may not go to: public ones on ports {listed}."
                " The administrator can add networks to DAYFILL_ALLOW_NETS."
            )
    return found


class Checked(httpcore.NetworkBackend):
    """Opens connections to addresses that may be reached, and to no other."""

    def __init__(self, wanted: Url, reach: Reach, left: Callable[[], float]) -> None:
        self._wanted, self._reach, self._left, self._plain = wanted, reach, left, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = checked(host, port, self._reach, _PORTS, self._wanted.shown)
        for number, address in enumerate(addresses, 1):
            try:
                stream = self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
                return _Bounded(stream, self._left)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise httpcore.ConnectError(f"{host} has no address")


class _Bounded(httpcore.NetworkStream):
    """A connection that ends with the time for all of it, however slowly and steadily the other side sends."""

    def __init__(self, stream: httpcore.NetworkStream, left: Callable[[], float]) -> None:
        self._stream, self._left = stream, left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._within(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._within(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._within(timeout))
        return _Bounded(stream, self._left)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)

    def _within(self, timeout: float | None) -> float:
        if self._left() <= 0:
            raise httpcore.ReadTimeout("the deadline")
        return min(timeout or _SILENT_SECONDS, self._left())


def _address(text: str) -> Address | None:
    """None for an address of a zone, which is a link of this machine."""
    return None if "%" in text else ipaddress.ip_address(text)


@contextmanager
def _pool(wanted: Url, reach: Reach, left: Callable[[], float]) -> Iterator[httpcore.ConnectionPool]:
    with httpcore.ConnectionPool(
        ssl_context=authorities.context("verify-full"), network_backend=Checked(wanted, reach, left)
    ) as pool:
        yield pool


@contextmanager
def _asked(
    pool: httpcore.ConnectionPool, wanted: Url, left: Callable[[], float], conditions: Mapping[str, str]
) -> Iterator[httpcore.Response]:
    headers: list[tuple[bytes | str, bytes | str]] = [("Host", wanted.netloc), *_HEADERS, *conditions.items()]
    connect, silent = min(_CONNECT_SECONDS, left()), min(_SILENT_SECONDS, left())
    timeouts = {"connect": connect, "read": silent, "write": silent, "pool": connect}
    url = httpcore.URL(scheme=wanted.scheme, host=wanted.host, port=wanted.port, target=wanted.target)
    with _told(wanted), pool.stream("GET", url, headers=headers, extensions={"timeout": timeouts}) as response:
        yield response


def _chunks(wanted: Url, response: httpcore.Response) -> Iterator[bytes]:
    with _told(wanted):
        yield from response.iter_stream()


@contextmanager
def _told(wanted: Url) -> Iterator[None]:
    """What goes wrong on the way, in our words; the library's may hold the query."""
    try:
        yield
    except _BROKEN as error:
        is_late = isinstance(error, httpcore.TimeoutException)
        how = "does not answer" if is_late else "cannot be reached, or breaks off"
        raise Transient("TIMEOUT" if is_late else "SOURCE", f"{wanted.shown} {how} ({type(error).__name__}).") from None


def plain_host(host: str) -> str:
    """A name, or an address in its usual form; other ways to write one are there to deceive."""
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host if "%" not in host else ""))
        except ValueError:
            raise misconfigured("The host is not an address: write an IPv6 address without a zone.") from None
    last = host.rstrip(".").rpartition(".")[2]
    if _NUMBER.fullmatch(last):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise misconfigured("The host is a number but not an address: write it as 192.0.2.1.") from None
    if not _HOST.fullmatch(host) or len(host) > 253:
        raise misconfigured("The host must be a name of letters, digits, dots and hyphens (xn--... for others).")
    return host


def host_and_port(host: str, port: int | str) -> str:
    """As people write both; an IPv6 address in brackets, or its end could be the port."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _retry_after(headers: dict[str, str]) -> float | None:
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return min(float(said[:9]), 86_400.0)
    try:  # a moment, by the clock of the server that says it
        seconds = (parsedate_to_datetime(said) - parsedate_to_datetime(headers["date"])).total_seconds()
    except (KeyError, TypeError, ValueError):
        return None
    return min(max(seconds, 1.0), 86_400.0)
