"""SQLite files: opened for reading alone; a column has the type that it was declared with, if its values fit."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import quote

import pyarrow as pa

from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.sources.sql import lexicon, rows
from dayfill.sources.sql.file import found
from dayfill.sources.sql.options import Options
from dayfill.sources.sql.statement import Dialect

_STEPS = 10_000
"""Steps of SQLite's machine between two looks at the clock."""
MOST_BYTES = 16 * 1024 * 1024
"""Of a value, a row and a statement: SQLite runs in this process, and takes a gigabyte for each if it may."""
_AFFINITIES: tuple[tuple[tuple[str, ...], pa.DataType], ...] = (
    (("INT", "BOOL"), pa.int64()),
    (("CHAR", "CLOB", "TEXT", "DATE", "TIME", "JSON", "UUID"), pa.string()),
    (("BLOB",), pa.binary()),
    (("REAL", "FLOA", "DOUB", "NUM", "DEC"), pa.float64()),
)
_ALLOWED = frozenset((sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE))
"""What a statement may do: no other file, no setting, nothing that is written."""


class Database:
    """One view of a file, for as long as a reading lasts."""

    dialect = Dialect(lexicon.SQLITE, typed=False, has_zones=False)

    def __init__(self, con: sqlite3.Connection, path: str) -> None:
        self._con, self._path = con, path

    def columns(self, sql: str) -> pa.Schema:
        """The columns of a query, as their tables declare them."""
        with _translated(self._path):
            self._con.set_authorizer(None)  # a view is made of one query, and making it runs nothing
            self._con.execute(f"CREATE TEMP VIEW columns_of AS {sql}")
            found = self._con.execute("SELECT name, type FROM pragma_table_info('columns_of')").fetchall()
            self._con.execute("DROP VIEW columns_of")
            self._con.set_authorizer(_authorised)
        return pa.schema([(str(name), _declared(str(of or "").upper())) for name, of in found])

    @contextmanager
    def rows(self, sql: str, columns: pa.Schema) -> Iterator[pa.RecordBatchReader]:
        """The rows of a query, as they come."""
        with _translated(self._path), closing(self._con.execute(sql)) as cursor:
            yield rows.reader(columns, cursor.fetchmany)


def _declared(said: str) -> pa.DataType:
    """By SQLite's own rules. Dates and times are texts in it; what is not declared can be anything."""
    for words, of in _AFFINITIES:
        if any(word in said for word in words):
            return of
    return pa.null()


@contextmanager
def opened(options: Options, seconds: float) -> Iterator[Database]:
    """The file, in a transaction. seconds: after which its queries are interrupted."""
    file, ends = found(options), time.monotonic() + seconds
    with _translated(file.named):
        name = f"file:{quote(file.path)}?mode=ro"
        with closing(sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=False)) as con:
            file.refuse_another()
            con.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_BYTES)
            con.execute("BEGIN")
            con.set_authorizer(_authorised)
            con.set_progress_handler(lambda: time.monotonic() > ends, _STEPS)
            yield Database(con, file.named)


def _authorised(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _translate(error, path) from None


def _translate(error: sqlite3.Error, path: str) -> ConnectorError:
    name = getattr(error, "sqlite_errorname", None)  # none, where the error is one of Python's driver
    if name == "SQLITE_INTERRUPT":
        return Transient("TIMEOUT", "The query took longer than the deadline allows.")
    if name in ("SQLITE_BUSY", "SQLITE_LOCKED"):
        return Transient("SOURCE", f"{path} is locked by another program.")
    if name in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
        return Permanent("SOURCE", f"{path} is not an SQLite database, or is damaged.", fatal=True)
    if name is None:
        said = str(error).partition(" with text ")[0][:300]
        return Permanent(
            "DATA", f"{path} holds what cannot be read: {said}. Correct it, or cast it to BLOB in a query."
        )
    return Permanent("CONFIG", f"The query fails at {path}: {str(error)[:300]}.")
