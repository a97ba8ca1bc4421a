"""What PostgreSQL's errors mean for a load: try again, or not, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from adbc_driver_manager import Error

from dayfill.domain.table_group import RESERVED
from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.outgoing.postgresql import Server, detail, is_lost, primary

FULL_SECONDS = 15
"""How long a full disk is left alone. Stated, so that the destination rests and no day pays for it with an attempt."""
_CONFLICTS = frozenset(("40001", "40P01", "23505", "42701", "42P07"))
"""Serialisation, deadlock, and what somebody else has made meanwhile: a key, column, table."""
_REFUSALS = ("23", "42", "0A", "3F", "44", "54", "55000", "P0")
"""Of data or table, for good: constraints, names and types, what it cannot do, limits, what a trigger raises."""
UNDEFINED = frozenset(("42P01", "3F000"))
"""No such table, no such schema."""


@contextmanager
def translated(server: Server) -> Iterator[None]:
    """Every driver error inside leaves as `Transient` or `Permanent`."""
    try:
        yield
    except (Error, pa.ArrowException) as error:
        raise translate(error, server) from None
    except OSError:  # while rows are coming the driver tells no code
        raise Transient("DESTINATION", f"The connection to {server.shown} broke off.") from None


def translate(error: Exception, server: Server) -> ConnectorError:
    """The error in our words; of the server's only its own sentence."""
    if not isinstance(error, Error):
        return Permanent("SCHEMA", f"{server.shown}: the data do not fit the table: {str(error)[:300]}")
    if error.sqlstate == "55P03":
        return Transient(
            "CONFLICT",
            "The day or its table was locked for too long, by another load or somebody else's session, such as a long"
            " query beside a new column (see pg_locks); it is tried again.",
        )
    if error.sqlstate in _CONFLICTS and not _is_of_data(error):
        return Transient("CONFLICT", "Another load changed the same day or table at the same time; it is tried again.")
    if is_lost(error):
        return Transient("DESTINATION", f"The connection to {server.shown} broke off; nothing is lost by that.")
    return _refused(error.sqlstate or "", f"{server.shown}: {primary(error)}", server)


def _is_of_data(error: Error) -> bool:
    """Whether a key is meant that somebody has given the table: those of ledger and catalogue show a race."""
    table = detail(error, "TABLE_NAME")
    is_elsewhere = table.startswith(RESERVED) or detail(error, "SCHEMA_NAME") == "pg_catalog"
    return error.sqlstate == "23505" and bool(table) and not is_elsewhere


def _refused(state: str, text: str, server: Server) -> ConnectorError:
    if state == "53100":
        message = f"The disk of {server.shown} is full: free some space; nothing was changed."
        return Transient("DESTINATION", message, retry_after=FULL_SECONDS)
    if state == "57014":
        return Transient("TIMEOUT", f"{text} (statement_timeout of the role or the database, or a person).")
    if state == "42501" and "row-level security" in text:
        advice = f"let user {server.user} bypass it (BYPASSRLS), since days are replaced as a whole"
        return Permanent("DESTINATION", f"{text}: {advice}.", fatal=True)
    if state == "42501":
        return Permanent("DESTINATION", f"{text}. Grant it to user {server.user}.", fatal=True)
    if state.startswith("22"):
        return Permanent("DATA", f"{text}.")
    if state.startswith(_REFUSALS):
        return Permanent("SCHEMA", f"PostgreSQL refused the data or the table: {text}.")
    return Transient("DESTINATION", f"{text}.")
