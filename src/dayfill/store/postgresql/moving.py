"""A whole state from a file into PostgreSQL, in one transaction: all of it is there afterwards, or nothing."""

from __future__ import annotations

from contextlib import closing
from graphlib import TopologicalSorter
from pathlib import Path

import apsw
import asyncpg

from dayfill.domain.sql import name, text
from dayfill.errors import SetupError
from dayfill.store import invariants
from dayfill.store.db import Row
from dayfill.store.postgresql.connecting import told
from dayfill.store.postgresql.statements import kept
from dayfill.store.postgresql.writing import TAKE_TURN, PostgresTx

_IDENTITIES = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = current_schema() AND is_identity = 'YES'"""


async def move(path: Path, connection: asyncpg.Connection) -> dict[str, int]:
    """Copy the state in a file, whose schema is up to date, into the empty one behind a connection; rows by table.

    Raises:
        Busy: a server, or another copy, writes to the target.
        SetupError: the target holds a state already, or what has arrived is not what was there, or breaks a rule.
    """
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as source, told(connection):
        source.execute("BEGIN")
        async with connection.transaction():
            await connection.execute(TAKE_TURN)  # a server that starts there now would begin an installation of its own
            if await connection.fetchval("SELECT count(*) FROM installation"):
                raise SetupError(
                    "The target holds a state already, and nothing is written over: name an empty database."
                )
            counts = {table: await _copy(source, connection, table) for table in _tables(source)}
            await _continue_ids(connection)
            violations = await invariants.check(PostgresTx(connection))
            if violations:
                raise SetupError(
                    f"Nothing was copied, for the state breaks rules, the first being: {violations[0]} "
                    "See dayfill doctor."
                )
    return counts


def _tables(source: apsw.Connection) -> list[str]:
    """So that none refers to a later one; their order in the file tells nothing, as where it was made from a dump."""
    rows = source.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    refers = {str(table): {str(row[2]) for row in _foreign_keys(source, table)} - {str(table)} for (table,) in rows}
    return list(TopologicalSorter(refers).static_order())


def _foreign_keys(source: apsw.Connection, table: str) -> list[Row]:
    return source.execute(f"PRAGMA foreign_key_list({name(table)})").fetchall()


async def _copy(source: apsw.Connection, connection: asyncpg.Connection, table: str) -> int:
    columns = [str(row[1]) for row in source.execute(f"PRAGMA table_info({name(table)})")]
    names = ", ".join(map(name, columns))
    rows = source.execute(f"SELECT {names} FROM {name(table)}")
    await connection.copy_records_to_table(table, records=(tuple(map(kept, row)) for row in rows), columns=columns)
    ((wanted,),) = source.execute(f"SELECT count(*) FROM {name(table)}")
    arrived = await connection.fetchval(f"SELECT count(*) FROM {name(table)}")
    if arrived != wanted:
        raise SetupError(f"Nothing was copied: of {wanted} rows of {table}, {arrived} arrived.")
    return int(arrived)


async def _continue_ids(connection: asyncpg.Connection) -> None:
    """The next row of each table gets an id that none has had."""
    for table, column in await connection.fetch(_IDENTITIES):
        sequence = f"pg_get_serial_sequence({text(name(table))}, {text(column)})"
        await connection.execute(f"SELECT setval({sequence}, max({name(column)})) FROM {name(table)}")
