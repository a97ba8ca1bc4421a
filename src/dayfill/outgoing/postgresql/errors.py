"""What the driver's errors say: of a connection that is gone, of a statement, and of a server that takes none."""

from __future__ import annotations

import re
from typing import Any

from adbc_driver_manager import Error

from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.outgoing.postgresql.server import Server

_REFUSED = re.compile(
    r"password authentication|authentication failed|no password supplied|does not exist|pg_hba\.conf|permission denied"
    r"|not permitted|SSL|certificate|TLS|not currently accepting",
    re.IGNORECASE,
)
_BUSY = re.compile(r"starting up|shutting down|recovery|too many|connection slots", re.IGNORECASE)


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


def unconnected(server: Server, said: str) -> ConnectorError:
    """What the driver said as no connection could be opened; it may hold what libpq was told."""
    found = re.search(r"failed: (?:FATAL:\s*)?(.+)", said)
    why = found[1][:300] if found else "it gives no reason"
    if _REFUSED.search(said) and not _BUSY.search(said):
        cause = "AUTH" if server.cause == "SOURCE" else server.cause
        return Permanent(cause, f"{server.shown} refuses the connection: {why}.", fatal=True)
    how = "takes no connection now" if "FATAL" in said else "cannot be reached"
    return Transient(server.cause, f"{server.shown} {how}: {why}.")
