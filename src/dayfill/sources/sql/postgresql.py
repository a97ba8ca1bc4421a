"""PostgreSQL: a query is streamed by binary COPY, in a transaction that may only read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from adbc_driver_manager import Error
from adbc_driver_postgresql import StatementOptions

from dayfill.errors import ConnectorError, Permanent, Transient, misconfigured
from dayfill.outgoing import postgresql
from dayfill.outgoing.postgresql import Server, Session, is_lost, primary
from dayfill.sources.sql import lexicon
from dayfill.sources.sql.options import Options
from dayfill.sources.sql.statement import Dialect

DIALECT = Dialect(lexicon.POSTGRESQL)
_BATCH, _BATCH_BYTES = StatementOptions.BATCH_SIZE_HINT_BYTES.value, str(2 * 1024 * 1024)
"""Eight times less than the driver's own: the first rows are on their way while the others are read."""


class Database:
    """One view of a database, for as long as a reading lasts."""

    dialect = DIALECT

    def __init__(self, con: Session) -> None:
        self._con = con

    def columns(self, sql: str) -> pa.Schema:
        """The columns of a query."""
        with self.rows(sql) as reader:
            return reader.schema

    @contextmanager
    def rows(self, sql: str, columns: pa.Schema | None = None) -> Iterator[pa.RecordBatchReader]:
        """The rows of a query, as they come."""
        with translated(self._con.server), self._con.connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{_BATCH: _BATCH_BYTES})
            cursor.execute(sql)
            with cursor.fetch_record_batch() as reader:
                yield reader


_PASSING = re.compile(
    r"conflict with recovery|lock timeout|deadlock detected|could not serialize|out of (?:shared )?memory|no space left"
    r"|could not (?:open|read|write|extend|resize|map|obtain lock)",
    re.IGNORECASE,
)
"""Of errors without a code: what is no fault of the query or its data."""


@contextmanager
def opened(options: Options, seconds: float) -> Iterator[Database]:
    """A view of the database in which nothing changes. seconds: how long a statement may take."""
    server = Server.of(options.fields, options.password, options.reach, "SOURCE")
    with translated(server), postgresql.session(server, is_checked=True) as con:
        con.begin("ISOLATION LEVEL REPEATABLE READ READ ONLY")
        con.rows(
            "SELECT set_config('statement_timeout', $1, true), set_config('standard_conforming_strings', 'on', true),"
            # A date that a query compares with moments begins in this zone: the role may have any other.
            " set_config('TimeZone', $2, true),"
            # Rows wait while their destination does, for a lock or its disk.
            " set_config('idle_in_transaction_session_timeout', $1, true)",
            f"{max(int(seconds * 1000), 1)}ms",
            options.zone,
        )
        try:
            yield Database(con)
        except Exception:
            _forget(con)
            raise
        _forget(con)


def _forget(con: Session) -> None:
    """End the transaction, and what a query has taken for the session: a lock would be held as long as that is kept."""
    con.roll_back()
    try:
        con.execute("DISCARD ALL")
    except Error:
        con.is_lost = True


@contextmanager
def translated(server: Server) -> Iterator[None]:
    """Every driver error inside leaves as `Transient` or `Permanent`."""
    try:
        yield
    except Error as error:
        raise _translate(error, server) from None
    except (OSError, pa.ArrowException) as error:  # while rows are coming the driver tells no code
        raise _broken_off(str(error), server) from None


def _broken_off(said: str, server: Server) -> ConnectorError:
    found = re.search(r"ERROR:\s*(.+)", said)
    if found is None:
        return Transient("SOURCE", f"The connection to {server.shown} broke off.")
    if _PASSING.search(found[1]):
        return Transient("SOURCE", f"The query was given up by {server.shown}: {found[1][:300]}; it is tried again.")
    if found[1].startswith("canceling statement due to"):
        return _late()
    return Permanent("DATA", f"The query fails at {server.shown}: {found[1][:300]}.")


def _late() -> Transient:
    return Transient("TIMEOUT", "The query took longer than the deadline allows, or was ended by a person.")


def _translate(error: Error, server: Server) -> ConnectorError:
    state, text = error.sqlstate or "", f"{server.shown}: {primary(error)}"
    if state == "57014":
        return _late()
    if is_lost(error):
        return Transient("SOURCE", f"The connection to {server.shown} broke off.")
    if state == "42501":
        return Permanent("AUTH", f"{text}.", fatal=True)
    if state == "25006":
        return misconfigured(f"{text}: a query may only read.")
    if re.match("22|42|0A|3F|54", state):
        return Permanent("DATA" if state.startswith("22") else "CONFIG", f"The query fails at {text}.")
    return Transient("SOURCE", f"{text}.")
