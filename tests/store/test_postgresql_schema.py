"""The two schemas mean the same, and servers that start at once bring the one in PostgreSQL up to date once."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import apsw
import asyncpg
import pytest

from dayfill.errors import SetupError
from dayfill.seams import system_seams
from dayfill.store.migrations import migrations
from dayfill.store.postgresql import PostgresDatabase
from dayfill.store.postgresql.connecting import connect
from postgres_server import AnyServer, new_database, sql
from postgres_state import PostgresState

ONLY_THERE = {"dispatching", "schema_steps"}
"""Tables that only several servers need."""
STATES = ["postgresql"]
SEAMS = system_seams()
TYPES = {"INTEGER": "bigint", "TEXT": "text", "BLOB": "bytea"}


def of_sqlite() -> dict[str, set[tuple[str, str, bool]]]:
    """Table -> (column, type, whether it is never null)."""
    connection = apsw.Connection(":memory:")
    for step in migrations("sqlite"):
        connection.execute(step.text)
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {
        table: {
            (name, TYPES[kind], bool(not_null or key))
            for _, name, kind, not_null, _, key in connection.execute(f"PRAGMA table_info({table})")
        }
        for table in tables
    }


async def test_both_have_the_same_tables_columns_and_indexes(postgres_database: str) -> None:
    await (await PostgresDatabase.open(postgres_database, SEAMS)).close()
    connection = await asyncpg.connect(postgres_database)
    rows = await connection.fetch(
        "SELECT table_name, column_name, data_type, is_nullable = 'NO' FROM information_schema.columns"
        " WHERE table_schema = 'public'"
    )
    indexes = await connection.fetch("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
    await connection.close()
    found: dict[str, set[tuple[str, str, bool]]] = {}
    for table, *column in rows:
        found.setdefault(table, set()).add(tuple(column))
    assert {table: found[table] for table in found if table not in ONLY_THERE} == of_sqlite()
    named = "\n".join(step.text for step in migrations("sqlite"))
    there = set(re.findall(r"^CREATE (?:UNIQUE )?INDEX (\w+)", named, re.MULTILINE))
    dropped = set(re.findall(r"^DROP INDEX (\w+)", named, re.MULTILINE))
    assert there - dropped <= {row[0] for row in indexes} and dropped.isdisjoint(row[0] for row in indexes)


def test_from_the_first_steps_on_both_have_the_same() -> None:
    mine, theirs = ([one.number for one in migrations(dialect)] for dialect in ("postgresql", "sqlite"))
    assert mine[:2] == [2, 3]
    assert mine[1:] == [number for number in theirs if number >= 3]


async def test_servers_that_start_at_once_make_the_schema_once(postgres_database: str) -> None:
    opened = await asyncio.gather(*(PostgresDatabase.open(postgres_database, SEAMS) for n in range(4)))
    numbers = sql(postgres_database, "SELECT string_agg(number::text, ',' ORDER BY number) FROM schema_steps")
    assert numbers == ",".join(str(one.number) for one in migrations("postgresql"))
    await asyncio.gather(*(one.close() for one in opened))


async def test_a_step_that_breaks_off_leaves_nothing(postgres_database: str) -> None:
    def kill(name: str) -> None:
        raise InterruptedError(name)

    with pytest.raises(InterruptedError, match="migrate"):
        await PostgresDatabase.open(postgres_database, replace(SEAMS, failpoint=kill))
    assert sql(postgres_database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"
    await (await PostgresDatabase.open(postgres_database, SEAMS)).close()


async def test_the_state_of_a_newer_version_is_refused(postgres_database: str) -> None:
    await (await PostgresDatabase.open(postgres_database, SEAMS)).close()
    sql(postgres_database, "INSERT INTO schema_steps (number) VALUES (9999)")
    with pytest.raises(SetupError, match="newer version of dayfill"):
        await PostgresDatabase.open(postgres_database, SEAMS)


async def test_a_user_who_may_make_no_table_is_told(postgres: AnyServer) -> None:
    with new_database(postgres) as dsn:
        sql(dsn, "CREATE ROLE visitor_of_test LOGIN")
        try:
            with pytest.raises(SetupError, match="may make no tables"):
                await PostgresDatabase.open(dsn.replace("postgres@", "visitor_of_test@"), SEAMS)
        finally:
            sql(dsn, "DROP ROLE visitor_of_test")


@pytest.mark.parametrize("there", ["CREATE TABLE teams (id integer)", "CREATE VIEW runs AS SELECT 1 AS id"])
async def test_a_database_of_another_program_is_told(postgres_database: str, there: str) -> None:
    sql(postgres_database, there)
    with pytest.raises(SetupError, match="belongs to another program as well"):
        await PostgresDatabase.open(postgres_database, SEAMS)


async def test_a_user_without_a_schema_is_told(postgres_database: str) -> None:
    database = postgres_database.partition("?")[0].rpartition("/")[2]
    sql(postgres_database, f"ALTER DATABASE {database} SET search_path = nowhere")
    with pytest.raises(SetupError, match="no schema to make tables in"):
        await PostgresDatabase.open(postgres_database, SEAMS)


async def test_the_database_itself_keeps_active_backfills_apart(state: PostgresState) -> None:
    await (await state.open()).close()
    connection = await connect(state.dsn)
    await connection.execute("SET session_replication_role = replica")  # no foreign keys
    add = (
        "INSERT INTO backfills (team_id, transfer_id, range_start, range_end, status, priority, created_time,"
        " created_user_id, total) VALUES (1, $1, $2, $3, $4, 3, 1, 1, 1)"
    )
    await connection.execute(add, 1, "2024-01-01", "2024-01-31", "RUNNING")
    await connection.execute(add, 1, "2024-02-01", "2024-02-29", "RUNNING")
    await connection.execute(add, 2, "2024-01-01", "2024-01-31", "RUNNING")
    await connection.execute(add, 1, "2024-01-31", "2024-02-01", "FAILED")
    with pytest.raises(asyncpg.ExclusionViolationError):
        await connection.execute(add, 1, "2024-01-31", "2024-01-31", "CREATED")
    await connection.close()
