"""Connections to PostgreSQL servers, by the same rule as all others: to an address that was checked, and to no other.

Opening one takes much longer than a small load, so those that are given back are kept for a while.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Any

from adbc_driver_manager import Error
from adbc_driver_postgresql import dbapi

from dayfill.outgoing import authorities
from dayfill.outgoing.postgresql.errors import detail, is_lost, primary, unconnected
from dayfill.outgoing.postgresql.server import DEFAULT_PORT, Server

__all__ = [
    "DEFAULT_PORT",
    "Server",
    "Session",
    "close",
    "close_all",
    "detail",
    "forget_idle",
    "is_lost",
    "opened",
    "primary",
    "session",
]

_IDLE_SECONDS = 10.0


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


def _taken(server: Server) -> Session | None:
    with _lock:
        sessions = _idle.get(server, [])
        return sessions.pop() if sessions else None


def opened(server: Server) -> Session:
    with authorities.file(server.authorities) as known:
        try:
            return Session(server, dbapi.connect(server.dsn(known), autocommit=True))
        except Error as error:
            raise unconnected(server, str(error)) from None  # the driver's error may hold what it was told


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
