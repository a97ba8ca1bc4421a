"""DuckDB files: opened for reading alone, with no way out of the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

import duckdb
import pyarrow as pa

from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.sources.sql import lexicon
from dayfill.sources.sql.file import found
from dayfill.sources.sql.options import Options
from dayfill.sources.sql.statement import Dialect

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "access_mode": "read_only",
    "allow_community_extensions": False,
    "arrow_lossless_conversion": True,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "enable_external_access": False,
    "lock_configuration": True,
    "memory_limit": "2GB",  # the engine's own measure is most of the machine
    "python_enable_replacements": False,
    "temp_directory": "",  # or a query could fill the disk beside the file
}
_BATCH_ROWS = 16_384


class Database:
    """One view of a file, for as long as a reading lasts."""

    dialect = Dialect(lexicon.DUCKDB)

    def __init__(self, con: duckdb.DuckDBPyConnection, path: str) -> None:
        self._con, self._path = con, path

    def columns(self, sql: str) -> pa.Schema:
        """The columns of a query."""
        with self.rows(sql) as reader:
            return reader.schema

    @contextmanager
    def rows(self, sql: str, columns: pa.Schema | None = None) -> Iterator[pa.RecordBatchReader]:
        """The rows of a query, as they come."""
        with _translated(self._path):
            (statement,) = self._con.extract_statements(sql)
            with self._con.sql(statement).to_arrow_reader(_BATCH_ROWS) as reader:
                yield reader


@contextmanager
def opened(options: Options, seconds: float) -> Iterator[Database]:
    """The file, in a transaction. seconds: after which its queries are interrupted."""
    file = found(options)
    with _translated(file.named):
        con = duckdb.connect(file.path, config=_CONFIG)
        watch = Timer(max(seconds, 0), con.interrupt)
        watch.daemon = True
        try:
            file.refuse_another()
            watch.start()
            con.begin()
            yield Database(con, file.named)
        finally:
            watch.cancel()
            con.close()


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, pa.ArrowException) as error:
        raise _translate(error, path) from None


def _translate(error: Exception, path: str) -> ConnectorError:
    said = str(error).strip().partition("\n")[0][:300]
    if "Interrupt" in said or "INTERRUPT" in said:
        return Transient("TIMEOUT", "The query took longer than the deadline allows.")
    if "Could not set lock" in said or "different configuration" in said:
        return Transient("SOURCE", f"{path} is open for writing at this moment: it is read when that is over.")
    if isinstance(error, duckdb.IOException | duckdb.SerializationException):
        return Permanent("SOURCE", f"{path} is not a DuckDB database that this version can read.", fatal=True)
    if isinstance(error, duckdb.OutOfMemoryException):
        return Transient("SOURCE", f"{path}: the query needs more memory than there is.")
    return Permanent("CONFIG", f"The query fails at {path}: {said}")
