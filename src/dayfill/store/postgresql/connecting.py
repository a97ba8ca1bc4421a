"""Connections to the state's PostgreSQL: how they are opened, and what is said of them when they fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

from dayfill.errors import Busy, SetupError

OLDEST = 14
"""The oldest major version that still gets its mistakes mended."""
LOCK_TIMEOUT = "5s"
"""How long a write waits for its turn in all before it answers busy."""
CONNECT_SECONDS = 10.0
_SETTINGS = {
    "application_name": "dayfill",
    "lock_timeout": LOCK_TIMEOUT,
    # A server that was stopped in the middle of a transaction must not hold up the others.
    "idle_in_transaction_session_timeout": "10s",
    # What a role or a database may say for others: it would cut off what takes its time, and the session with the lock.
    "statement_timeout": "0",
    "idle_session_timeout": "0",
    "default_transaction_isolation": "read committed",
    "jit": "off",
}
_AWAY = (
    "The state database does not answer: it restarts, or the network to it is gone. Nothing is lost; try again in a "
    "moment."
)
_FULL = (
    "The state database takes no more connections: change its max_connections, or the limit of its user, so that each "
    "server of dayfill can have 12."
)
_NO_ROOM = "The disk of the state database is full: free some space. Nothing is lost."
_NO_CHANGES = (
    "The state database takes no changes: it is a standby, or default_transaction_read_only is on. Name the primary in "
    "--state or DAYFILL_STATE, or let it take them again; nothing is lost."
)
_POOLER = (
    "The state database is reached through a connection pooler. dayfill holds a lock in its session, which a pooler "
    "gives to others: name PostgreSQL itself in --state or DAYFILL_STATE."
)
_GONE = (
    asyncpg.PostgresConnectionError,  # 08
    asyncpg.OperatorInterventionError,  # 57: it is shutting down, starting, has crashed
    asyncpg.InsufficientResourcesError,  # 53: full, or too many connections
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # it has become a standby
    asyncpg.InternalClientError,  # a connection that broke off in the middle of an answer
    OSError,
    TimeoutError,
)
_TAKEN = (
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionRollbackError,  # 40: a deadlock, of which only another program can be the reason
)


class Session(asyncpg.Connection):  # type: ignore[misc]
    """A connection whose settings nobody changes: the pool need not ask it to forget them after each use."""

    __slots__ = ()

    def get_reset_query(self) -> str:
        return ""


def _options() -> dict[str, Any]:
    return {
        "connection_class": Session,
        "timeout": CONNECT_SECONDS,
        "statement_cache_size": 400,
        "server_settings": _SETTINGS,
    }


async def connect(dsn: str) -> asyncpg.Connection:
    """A connection of its own.

    Raises:
        SetupError: the DSN cannot be read, its user may not connect, or the database is not there.
        Busy: the database cannot be reached now.
    """
    with told(), _told_of_setup():
        return await asyncpg.connect(dsn, **_options())


async def first_connection(dsn: str) -> asyncpg.Connection:
    """The first connection of a program, which cannot go on without it.

    Raises:
        SetupError: as `connect`, also if the database cannot be reached now.
    """
    try:
        return await connect(dsn)
    except Busy as error:
        if isinstance(error.__cause__, asyncpg.TooManyConnectionsError):
            raise SetupError(_FULL) from None
        raise SetupError(
            f"The state database cannot be reached ({error.__cause__.__class__.__name__}): is it running, and are host "
            "and port in --state or DAYFILL_STATE right?"
        ) from None


async def pool(dsn: str, size: int) -> asyncpg.Pool:
    """Connections for reads.

    Raises:
        SetupError, Busy: as `connect`.
    """
    with told(), _told_of_setup():
        return await asyncpg.create_pool(dsn, min_size=0, max_size=size, **_options())


async def check(connection: asyncpg.Connection) -> None:
    """Whether this server can keep a state.

    Raises:
        SetupError: it is too old, or something stands between that mixes sessions.
    """
    version = connection.get_server_version()
    if version.major < OLDEST:
        raise SetupError(
            f"PostgreSQL {version.major}.{version.minor} is too old for the state: dayfill needs {OLDEST} or later."
        )
    if await connection.fetchval("SELECT pg_backend_pid()") != connection.get_server_pid():
        raise SetupError(_POOLER)


def is_gone(error: BaseException) -> bool:
    """Whether the error says that the connection or the server is away, not that a statement is wrong."""
    if isinstance(error, asyncpg.InterfaceError):  # of asyncpg itself
        return "closed" in str(error) or "closing" in str(error)
    return isinstance(error, _GONE)


@contextmanager
def told(of: asyncpg.Connection | None = None) -> Iterator[None]:
    """What fails because the database is away, or another writes, is told as `Busy`.

    of: the connection whose statements are meant, where the block does more: a disk may be full, a name not be found.
    """
    try:
        yield
    except _TAKEN as error:
        raise Busy("Another server is writing to the state database; try again.", retry_after=1) from error
    except Exception as error:
        is_of_block = isinstance(error, OSError | TimeoutError) and of is not None and not of.is_closed()
        if is_gone(error) and not is_of_block:
            raise _busy(error) from error
        raise


def _busy(error: Exception) -> Busy:
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return Busy(_FULL, retry_after=2)
    if isinstance(error, asyncpg.DiskFullError):
        return Busy(_NO_ROOM, retry_after=2)
    if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        return Busy(_NO_CHANGES, retry_after=2)
    return Busy(_AWAY, retry_after=2)


@contextmanager
def _told_of_setup() -> Iterator[None]:
    """What will not pass by itself is told as `SetupError`; the DSN may hold a password and is not repeated."""
    try:
        yield
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError):
        raise SetupError(
            "The state database refuses its user: check user and password in --state or DAYFILL_STATE."
        ) from None
    except asyncpg.InvalidCatalogNameError:
        raise SetupError(
            "The state database does not exist on its server: make it (createdb), or name another in --state or "
            "DAYFILL_STATE."
        ) from None
    except asyncpg.ProtocolViolationError:
        raise SetupError(_POOLER) from None
    except ValueError:
        raise SetupError(
            "The address of the state database cannot be read: it is postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
            "with what is special in user and password written as in URLs."
        ) from None
