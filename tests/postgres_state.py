"""States in PostgreSQL for tests: made once, emptied between tests, and what a test does to them past all verbs."""

from __future__ import annotations

import asyncio
import pickle
import threading
import uuid
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import asyncpg

from dayfill.seams import system_seams
from dayfill.store.postgresql import PostgresDatabase
from dayfill.store.postgresql.statements import translated
from postgres_server import AnyServer, sql

Answer = TypeVar("Answer")
NOTHING_OF_IT = ("schema_steps", "dispatching")
"""Tables that hold nothing of an installation."""
TABLES = f"""
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT IN {NOTHING_OF_IT} ORDER BY oid"""
"""Names in the order in which they were made: none refers to a later one."""
SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"
LARGE = 8
"""Pages of a table (8 KB each) from which it is cut off, which costs as much as a hundred rows; smaller ones are wiped.

Below that, PostgreSQL plans for a table that was wiped as for one that is new.
"""
EMPTY = f"""
DO $$ DECLARE one record; names text; BEGIN
  SET LOCAL session_replication_role = replica;
  SELECT string_agg(oid::regclass::text, ', ') INTO names FROM pg_class
  WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'schema_steps'
  HAVING max(pg_relation_size(oid)) >= {LARGE} * current_setting('block_size')::int;
  IF names IS NOT NULL THEN EXECUTE 'TRUNCATE ' || names; END IF;
  FOR one IN SELECT oid::regclass AS name FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'schema_steps'
      AND pg_relation_size(oid) > 0
  LOOP EXECUTE format('DELETE FROM %s', one.name); END LOOP;
  PERFORM setval(format('%I.%I', schemaname, sequencename), start_value, false) FROM pg_sequences
  WHERE schemaname = 'public' AND last_value IS NOT NULL;
END $$"""
"""Wipe all tables of a state and start its ids anew. It comes from a superuser, whom no reference stops."""


class Loop:
    """An event loop in a thread: statements of a test are plain calls, also where its own loop runs."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="postgres-hands", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class PostgresHands:
    """What a test does to a state past all verbs, with ``:named`` values."""

    is_spoiled = False

    def __init__(self, dsn: str, loop: Loop) -> None:
        self._loop = loop
        self._connection: asyncpg.Connection = loop.call(asyncpg.connect(dsn))
        self._told = ""

    def execute(self, statement: str, values: dict[str, object]) -> list[tuple[object, ...]]:
        """Returns what the last of several statements returns."""
        rows: list[tuple[object, ...]] = []
        for piece in statement.split("; "):
            made = translated(piece)
            rows = self._loop.call(self._fetch(made.text, made.arguments(values)))
        return rows

    async def _fetch(self, text: str, arguments: list[object]) -> list[tuple[object, ...]]:
        prepared = await self._connection.prepare(text)
        rows = await prepared.fetch(*arguments)
        self._told = prepared.get_statusmsg()
        return [tuple(row) for row in rows]

    def insert(self, statement: str, values: dict[str, object]) -> int:
        """Returns the first column of the new row, which is its id where it has one."""
        found = self.execute(f"{statement} RETURNING *", values)[0][0]
        return found if isinstance(found, int) else 0

    def copy(self) -> bytes:
        """All that the state holds."""
        return self._loop.call(self._copy())

    async def _copy(self) -> bytes:
        tables = await self._connection.fetch(TABLES)
        rows = {
            name: [tuple(row) for row in await self._connection.fetch(f"SELECT * FROM {name}")] for (name,) in tables
        }
        return pickle.dumps((rows, [tuple(row) for row in await self._connection.fetch(SEQUENCES)]))

    def put_back(self, state: bytes) -> None:
        """The state is what it was when this copy was made."""
        self._loop.call(self._put_back(*pickle.loads(state)))

    async def _put_back(
        self, rows: dict[str, list[tuple[object, ...]]], sequences: list[tuple[str, int | None]]
    ) -> None:
        async with self._connection.transaction():
            await self._connection.execute(f"TRUNCATE {', '.join(rows)} RESTART IDENTITY")
            for table, records in rows.items():
                await self._connection.copy_records_to_table(table, records=records)
            for name, last in sequences:
                if last is not None:
                    await self._connection.execute("SELECT setval($1, $2)", name, last)

    def unguard(self) -> None:
        """Let what follows damage the state as no constraint would let it."""
        self.is_spoiled = True
        self.execute(
            "SET session_replication_role = replica; ALTER TABLE backfills DROP CONSTRAINT backfills_apart", {}
        )

    def changes(self) -> int:
        """How many rows the last statement changed."""
        return int(self._told.rpartition(" ")[2])

    def close(self) -> None:
        self._loop.call(self._connection.close())


class PostgresState:
    """An empty state that one test uses."""

    def __init__(self, dsn: str, loop: Loop) -> None:
        self.dsn, self._loop = dsn, loop
        self._hands: list[PostgresHands] = []

    async def open(self) -> PostgresDatabase:
        return await PostgresDatabase.open(self.dsn, system_seams())

    def hands(self) -> PostgresHands:
        self._hands.append(PostgresHands(self.dsn, self._loop))
        return self._hands[-1]

    @property
    def is_spoiled(self) -> bool:
        return any(one.is_spoiled for one in self._hands)


class PostgresStates:
    """The states of a session: as many databases as were ever in use at once."""

    def __init__(self, server: AnyServer) -> None:
        self._server, self._loop = server, Loop()
        self._free: list[str] = []
        self._made: list[str] = []
        self._empty_one = self._make("template1")
        self._loop.call(self._migrate())

    @contextmanager
    def one(self) -> Iterator[PostgresState]:
        """A state without a row."""
        name = self._free.pop() if self._free else self._make(self._empty_one)
        dsn = self._server.dsn(name)
        state = PostgresState(dsn, self._loop)
        try:
            yield state
        finally:
            if not state.is_spoiled:
                self._loop.call(self._empty(dsn))
                self._free.append(name)

    async def _migrate(self) -> None:
        await (await PostgresDatabase.open(self._server.dsn(self._empty_one), system_seams())).close()

    def _make(self, template: str) -> str:
        name = f"state_{uuid.uuid4().hex}"
        sql(self._server.dsn(), f"CREATE DATABASE {name} TEMPLATE {template}")
        self._made.append(name)
        return name

    async def _empty(self, dsn: str) -> None:
        """Whoever still is connected is left behind by its test, and would hold a table for ever."""
        connection = await asyncpg.connect(dsn)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await connection.execute(EMPTY)
        await connection.close()

    def close(self) -> None:
        for name in self._made:
            sql(self._server.dsn(), f"DROP DATABASE {name} WITH (FORCE)")
        self._loop.close()
