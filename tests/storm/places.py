"""Where an arena keeps its state and its data: in files of its folder, or in databases of a PostgreSQL server.

Whoever looks leaves everything as it is: the log of a killed server is for its successor to find.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import apsw
import asyncpg
import duckdb
import pyarrow as pa

from dayfill import destinations
from dayfill.destinations import DestinationConfig, LedgerRow
from dayfill.destinations.duckdb import ledger
from dayfill.domain.addresses import networks
from dayfill.domain.reach import Reach
from dayfill.engine.destinations import Wanted
from dayfill.outgoing import postgresql
from dayfill.outgoing.postgresql import Server
from dayfill.store import invariants
from dayfill.store.invariants import LedgerDay
from dayfill.store.postgresql.writing import PostgresTx
from dayfill.store.queries import QUERIES

Ledgers = Mapping[int, list[LedgerDay]] | None
Row = tuple[Any, ...]
Answer = TypeVar("Answer")
LOOPBACK = "127.0.0.1"
PATIENCE = 60.0
"""Seconds that a look waits for a PostgreSQL that restarts."""


class State(Protocol):
    """The state of an arena, as a stranger sees it."""

    def rows(self, query: str, *values: object) -> list[Row]:
        """The rows of a query, whose values stand at its question marks."""
        ...

    def change(self, statement: str, *values: object) -> None:
        """Change it past all servers."""
        ...

    def violations(self, ledgers: Ledgers) -> list[str]:
        """What breaks a rule in one moment of it, whatever the servers do."""
        ...


class Warehouse(Protocol):
    """What the days are loaded into."""

    wanted: Wanted

    def ledger(self, transfer_id: int) -> list[LedgerRow]: ...

    def table(self, name: str) -> pa.Table | None:
        """All rows by day; None if there is no such table."""
        ...


@dataclass(frozen=True)
class StateFile:
    """A SQLite file."""

    path: Path

    @contextmanager
    def _opened(self) -> Iterator[apsw.Connection]:
        connection = apsw.Connection(str(self.path))
        try:
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            connection.set_busy_timeout(60_000)
            yield connection
        finally:
            connection.close()

    def rows(self, query: str, *values: object) -> list[Row]:
        with self._opened() as connection:
            connection.execute("PRAGMA query_only = ON")
            return connection.execute(query, values).fetchall()

    def change(self, statement: str, *values: object) -> None:
        with self._opened() as connection:
            connection.execute(statement, values)

    def violations(self, ledgers: Ledgers) -> list[str]:
        with self._opened() as connection:
            connection.execute("PRAGMA query_only = ON; BEGIN")
            return asyncio.run(invariants.check(_Moment(connection), ledgers=ledgers))


@dataclass(frozen=True)
class _Moment:
    """The state of one moment, as the store's checks read it."""

    connection: apsw.Connection

    async def all(self, query: str, /, **values: object) -> list[Any]:
        return self.connection.execute(QUERIES[query].text, values).fetchall()

    async def one(self, query: str, /, **values: object) -> Any:
        return self.connection.execute(QUERIES[query].text, values).fetchone()

    async def scan(self, query: str, /, **values: object) -> list[Any]:
        return await self.all(query, **values)


@dataclass(frozen=True)
class StateDatabase:
    """A database of PostgreSQL, which may be restarting while somebody looks."""

    dsn: str

    def rows(self, query: str, *values: object) -> list[Row]:
        pieces = query.split("?")
        text = "".join(piece + f"${number}" for number, piece in enumerate(pieces[:-1], start=1)) + pieces[-1]

        async def read(connection: asyncpg.Connection) -> list[Row]:
            return [tuple(row) for row in await connection.fetch(text, *values)]

        return self._call(read)

    def change(self, statement: str, *values: object) -> None:
        self.rows(statement, *values)

    def violations(self, ledgers: Ledgers) -> list[str]:
        async def read(connection: asyncpg.Connection) -> list[str]:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return await invariants.check(PostgresTx(connection), ledgers=ledgers)

        return self._call(read)

    def _call(self, work: Callable[[asyncpg.Connection], Awaitable[Answer]]) -> Answer:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return asyncio.run(self._connected(work))
            except (OSError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    async def _connected(self, work: Callable[[asyncpg.Connection], Awaitable[Answer]]) -> Answer:
        connection = await asyncpg.connect(self.dsn)
        try:
            return await work(connection)
        finally:
            connection.terminate()


@dataclass(frozen=True)
class WarehouseFile:
    """A DuckDB file. Its server must have ended: it has one owner."""

    path: Path

    @property
    def wanted(self) -> Wanted:
        return Wanted("DWH_DUCKDB", self.path.stem, {"path": str(self.path)})

    def ledger(self, transfer_id: int) -> list[LedgerRow]:
        with self._opened() as con:
            return [] if con is None else ledger.rows(con, "main", transfer_id)

    def table(self, name: str) -> pa.Table | None:
        with self._opened(name) as con:
            return None if con is None else con.sql(f"SELECT * FROM {name} ORDER BY data_date").to_arrow_table()

    @contextmanager
    def _opened(self, table: str = "_dayfill_days") -> Iterator[duckdb.DuckDBPyConnection | None]:
        """None if it has no such table."""
        if not self.path.exists():
            yield None
            return
        with duckdb.connect(str(self.path), read_only=True) as con:
            found = con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [table]).fetchall()
            yield con if found else None


@dataclass(frozen=True)
class WarehouseDatabase:
    """A database of PostgreSQL, by the fields of its form."""

    fields: Mapping[str, str]

    @property
    def wanted(self) -> Wanted:
        return Wanted("DWH_POSTGRESQL", "warehouse", dict(self.fields))

    @property
    def _config(self) -> DestinationConfig:
        return DestinationConfig("here", dict(self.fields), reach=Reach(nets=networks([LOOPBACK])))

    def ledger(self, transfer_id: int) -> list[LedgerRow]:
        return destinations.get("DWH_POSTGRESQL").ledger(self._config, transfer_id)

    def table(self, name: str) -> pa.Table | None:
        server = Server.of(self.fields, None, self._config.reach, "DESTINATION")
        with postgresql.session(server, is_checked=True) as opened:
            if opened.rows("SELECT to_regclass($1)::text", name) == [(None,)]:
                return None
            with opened.connection.cursor() as cursor:
                cursor.execute(f"SELECT * FROM {name} ORDER BY data_date")
                return cursor.fetch_arrow_table()
