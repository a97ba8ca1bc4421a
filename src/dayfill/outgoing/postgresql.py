"""Connections to PostgreSQL servers, by the same rule as all others: to an address that was checked, and to no other.

Opening one takes much longer than a small load, so those that are given back are kept for a while.
"""

from __future__ import annotations

import atexit
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any

from adbc_driver_manager import Error
from adbc_driver_postgresql import dbapi

from dayfill import outgoing
from dayfill.domain.reach import Reach
from dayfill.domain.secret import Secret
from dayfill.errors import ConnectorError, Permanent, Transient, misconfigured
from dayfill.outgoing import authorities

DEFAULT_PORT = 5432
_PORTS = frozenset((5432, 5433, 6432, 6543, 25060, 25061, 26257))
"""Of public addresses: the server's own, those of poolers, and those that providers give."""
_CONNECT_SECONDS = 10
_IDLE_SECONDS = 10.0
_REFUSED = re.compile(
    r"password authentication|authentication failed|no password supplied|does not exist|pg_hba\.conf|permission denied"
    r"|not permitted|SSL|certificate|TLS|not currently accepting",
    re.IGNORECASE,
)
_BUSY = re.compile(r"starting up|shutting down|recovery|too many|connection slots", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Server:
    """A database and who signs in. cause: of errors, SOURCE or DESTINATION. authorities: PEM, empty: the well-known."""

    host: str
    port: int
    database: str
    user: str
    password: Secret | None
    tls: str
    reach: Reach = field(repr=False)
    cause: str
    authorities: str = field(default="", repr=False)

    @classmethod
    def of(cls, fields: Mapping[str, object], password: Secret | None, reach: Reach, cause: str) -> Server:
        """From the fields of a form: host, port, database, user, tls, ca_certificate.

        Raises:
            Permanent: cause CONFIG; one of them is missing, or impossible.
        """
        text = {name: str(fields.get(name) or "").strip() for name in ("host", "database", "user")}
        for name, value in text.items():
            if not value or "\0" in value:
                raise misconfigured(f"The {name} of the PostgreSQL server is missing or impossible.")
        port, tls = str(fields.get("port") or DEFAULT_PORT), authorities.mode(str(fields.get("tls") or ""))
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
            raise misconfigured("The port must be a number from 1 to 65535.")
        own = authorities.own(str(fields.get("ca_certificate") or ""), tls)
        host = outgoing.plain_host(text["host"].lower())
        return cls(host, int(port), text["database"], text["user"], password, tls, reach, cause, own)

    @property
    def shown(self) -> str:
        return f"PostgreSQL at {outgoing.host_and_port(self.host, self.port)}"

    def dsn(self, known: str) -> str:
        """What libpq is told, so that nothing of the environment or a home counts. known: file of the authorities."""
        addresses = outgoing.checked(self.host, self.port, self.reach, _PORTS, self.shown, self.cause)
        told = {
            "host": ",".join([self.host] * len(addresses)),
            "hostaddr": ",".join(addresses),
            "port": str(self.port),
            "dbname": self.database,
            "user": self.user,
            "password": self.password.reveal() if self.password is not None else "",  # or PGPASSWORD would be sent
            "passfile": "/dev/null/none",
            "sslmode": self.tls,
            "sslrootcert": known if self.tls.startswith("verify") else "",
            "sslcertmode": "disable",
            "gssencmode": "disable",
            "connect_timeout": str(_CONNECT_SECONDS),
            "keepalives_idle": "30",
            "tcp_user_timeout": "60000",
            "client_encoding": "UTF8",
            "application_name": "dayfill",
        }
        return " ".join(f"{name}={_quoted(value)}" for name, value in told.items() if value or name == "password")


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


@dataclass(eq=False, slots=True)
class Session:
    """A connection and the one transaction that may be open on it. is_used: it has served before."""

    server: Server
    connection: Any
    is_used: bool = False
    is_lost: bool = False
    is_open: bool = False
    idle_since: float = 0.0

    def begin(self, mode: str = "") -> None:
        """Begin a transaction. mode: words of BEGIN."""
        try:
            self.execute(f"BEGIN {mode}")
        except Error:
            self.is_lost = True
            raise
        self.is_open = True

    def commit(self) -> None:
        """Commit; after an error here it may have been committed all the same."""
        self.execute("COMMIT")
        self.is_open = False

    def roll_back(self) -> None:
        """Roll back what is open; a connection that cannot is lost, and its server does it."""
        if self.is_open:
            self.is_open = False
            try:
                self.execute("ROLLBACK")
            except Error:
                self.is_lost = True

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query. values: bound to $1, $2, ...; lists are arrays.

        Raises:
            adbc_driver_manager.Error: as the driver says it.
        """
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return list(cursor.fetchall())

    def execute(self, sql: str, *values: object) -> int:
        """A statement without rows; the number of rows changed, -1 where values are bound."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return int(cursor.rowcount)


_lock = Lock()
_idle: dict[Server, list[Session]] = {}
_closer: Thread | None = None
_exiting = Event()


@contextmanager
def session(server: Server, *, is_checked: bool = False) -> Iterator[Session]:
    """A connection of its own; what is open at the end is rolled back, and the connection kept for the next one.

    is_checked: one that was kept is asked first whether it is still alive.

    Raises:
        Transient: the server cannot be reached, or takes no connections now.
        Permanent: it may not be connected to, or refuses the login.
    """
    one = _taken(server)
    if one is not None and is_checked and not _answers(one):
        forget_idle(server)
        one = None
    one = one or opened(server)
    try:
        yield one
        one.roll_back()
    except Exception:
        one.roll_back()
        raise
    except BaseException:
        one.is_lost = True
        raise
    finally:
        if one.is_lost:
            close(one)
        else:
            _give_back(one)


def _answers(one: Session) -> bool:
    try:
        return bool(one.rows("SELECT 1"))
    except Error:
        close(one)
        return False


def close(one: Session) -> None:
    """End a connection; its open transaction is rolled back by that."""
    with suppress(Error, RuntimeError):
        one.connection.close()


def forget_idle(server: Server) -> None:
    """Close what is kept for a server, after it has shown to be dead."""
    while (one := _taken(server)) is not None:
        close(one)


def close_all() -> None:
    """Close every connection that nobody uses at this moment."""
    with _lock:
        kept = [one for sessions in _idle.values() for one in sessions]
        _idle.clear()
    for one in kept:
        close(one)


def is_lost(error: Error) -> bool:
    """Whether the connection is gone: the server said so, or said nothing any more."""
    state = error.sqlstate or ""
    return not state or state.startswith("08") or state in ("57P01", "57P02", "57P03", "25P03")


def primary(error: Error) -> str:
    """The server's own sentence, without the statement and its values."""
    found = re.search(r"(?:ERROR|FATAL):\s*(.+)", str(error))
    return (detail(error, "MESSAGE_PRIMARY") or (found[1] if found else type(error).__name__))[:300]


def detail(error: Error, what: str) -> str:
    """What the server tells beside its sentence, such as TABLE_NAME; empty if it does not."""
    named: dict[Any, bytes] = dict(error.details or ())  # by bytes, whatever the driver's types say
    return bytes(named.get(f"PG_DIAG_{what}".encode(), b"")).decode("utf-8", "replace")


def _taken(server: Server) -> Session | None:
    with _lock:
        sessions = _idle.get(server, [])
        return sessions.pop() if sessions else None


def opened(server: Server) -> Session:
    with authorities.file(server.authorities) as known:
        try:
            return Session(server, dbapi.connect(server.dsn(known), autocommit=True))
        except Error as error:
            raise _unconnected(server, str(error)) from None  # the driver's error may hold what it was told


def _unconnected(server: Server, said: str) -> ConnectorError:
    found = re.search(r"failed: (?:FATAL:\s*)?(.+)", said)
    why = found[1][:300] if found else "it gives no reason"
    if _REFUSED.search(said) and not _BUSY.search(said):
        cause = "AUTH" if server.cause == "SOURCE" else server.cause
        return Permanent(cause, f"{server.shown} refuses the connection: {why}.", fatal=True)
    how = "takes no connection now" if "FATAL" in said else "cannot be reached"
    return Transient(server.cause, f"{server.shown} {how}: {why}.")


def _give_back(one: Session) -> None:
    global _closer
    one.is_used, one.idle_since = True, time.monotonic()
    with _lock:
        _idle.setdefault(one.server, []).append(one)
        if _closer is None:
            _closer = Thread(target=_close_when_idle, name="dayfill-postgresql-closer", daemon=True)
            _closer.start()


def _close_when_idle() -> None:
    while not _exiting.wait(_IDLE_SECONDS / 2):
        if not _look():
            return


def _look() -> bool:
    """Close what was not used for a while; False, and no closer any more, if none is left."""
    global _closer
    latest = time.monotonic() - _IDLE_SECONDS
    with _lock:
        old = [one for sessions in _idle.values() for one in sessions if one.idle_since <= latest]
        young = {server: [one for one in sessions if one.idle_since > latest] for server, sessions in _idle.items()}
        _idle.clear()
        _idle.update({server: sessions for server, sessions in young.items() if sessions})
        _closer = _closer if _idle else None
        is_left = bool(_idle)
    for one in old:
        close(one)
    return is_left


def _shut_down() -> None:
    _exiting.set()
    close_all()


atexit.register(_shut_down)
