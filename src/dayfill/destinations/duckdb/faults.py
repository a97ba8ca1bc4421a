"""What DuckDB's errors mean for a load: try again, or not, in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from dayfill.destinations import HELD
from dayfill.errors import ConnectorError, Permanent, Transient

_HOLDER = re.compile(r"\(PID (\d+)\)")
_LOCKED = re.compile(r"Could not set lock|being used by another process", re.IGNORECASE)
_FULL = re.compile(r"No space left|disk full|Disk quota|File too large|not enough space|Could not write", re.IGNORECASE)
# DuckDB takes an SQLite file for one that an extension would open.
_FOREIGN = re.compile(
    r"not a valid DuckDB|external extensions|storage version|newer version|older version|corrupt|checksum",
    re.IGNORECASE,
)
_DENIED = re.compile(r"Permission denied|Read-only file system|Operation not permitted", re.IGNORECASE)
_CONFLICT = re.compile(r"conflict|duplicate key|PRIMARY KEY or UNIQUE|has been altered|has been dropped", re.IGNORECASE)
_TEXT_LIMIT = 500
FULL_SECONDS = 15
"""How long a full disk is left alone. Stated, so that the destination rests and no day pays for it with an attempt."""

_WRONG_SHAPE = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ConversionException,
    duckdb.DependencyException,
    duckdb.InvalidInputException,
    duckdb.NotImplementedException,
    duckdb.OutOfRangeException,
    duckdb.ParserException,
    duckdb.TypeMismatchException,
    pa.ArrowException,
)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Every driver error inside leaves as `Transient` or `Permanent`."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException) as error:
        raise translate(error, path) from error


def translate(error: Exception, path: Path) -> ConnectorError:
    """The error in our words. Driver text is cut; it holds no secret, since a file needs no login."""
    text = str(error).strip().splitlines()[0][:_TEXT_LIMIT] if str(error).strip() else type(error).__name__
    if isinstance(error, duckdb.TransactionException | duckdb.ConstraintException) and _CONFLICT.search(str(error)):
        return Transient("CONFLICT", "Another load changed the same day or table at the same time; it is tried again.")
    if isinstance(error, duckdb.IOException | duckdb.ConnectionException | duckdb.PermissionException):
        return _file_trouble(str(error), text, path)
    if isinstance(error, duckdb.SerializationException):
        return _not_ours(path)
    if isinstance(error, duckdb.OutOfMemoryException):
        return Transient("DESTINATION", f"DuckDB ran out of memory or of room for temporary files at {path}: {text}")
    if isinstance(error, _WRONG_SHAPE):
        return Permanent("SCHEMA", f"DuckDB refused the data or the table in {path}: {text}")
    if _FULL.search(str(error)):
        return _full(path)
    return Transient("DESTINATION", f"DuckDB failed on {path}: {text}")


def _file_trouble(message: str, text: str, path: Path) -> ConnectorError:
    if _LOCKED.search(message):
        holder = _HOLDER.search(message)
        who = f"process {holder[1]}" if holder else "another process"
        return Transient(
            HELD,
            f"The DuckDB file {path} is held by {who}: close it there, since one process only may open it.",
        )
    if _FULL.search(message):
        return _full(path)
    if _DENIED.search(message):
        return Permanent(
            "DESTINATION", f"The server may not read and write {path}: give its user permission.", fatal=True
        )
    if _FOREIGN.search(message):
        return _not_ours(path)
    return Transient("DESTINATION", f"The DuckDB file {path} could not be used: {text}")


def _full(path: Path) -> Transient:
    message = f"The disk that holds {path} is full: free some space; nothing was changed."
    return Transient("DESTINATION", message, retry_after=FULL_SECONDS)


def _not_ours(path: Path) -> Permanent:
    return Permanent(
        "DESTINATION",
        f"{path} is not a DuckDB database that this version can read: choose another path, or move that file away.",
        fatal=True,
    )
