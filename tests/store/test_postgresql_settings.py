"""What a role or a database may say of its sessions: what would cut off a server does not count, the rest is told."""

from __future__ import annotations

import pytest

from dayfill.errors import Busy, SetupError
from dayfill.seams import system_seams
from dayfill.store.postgresql import PostgresDatabase
from dayfill.store.postgresql.connecting import connect
from postgres_server import AnyServer, sql

SEAMS = system_seams()


def settle(dsn: str, *settings: str) -> None:
    """Settings of the database, from the next session on."""
    for setting in settings:
        sql(dsn, f"ALTER DATABASE {dsn.partition('?')[0].rpartition('/')[2]} SET {setting}")


async def test_a_time_limit_of_others_cuts_no_statement_and_no_session_off(postgres_database: str) -> None:
    """The session that holds the lock was taken from a server at rest."""
    settle(postgres_database, "statement_timeout = '1ms'", "idle_session_timeout = '1ms'")
    db = await PostgresDatabase.open(postgres_database, SEAMS)
    async with db.leading().write():
        pass
    await db.close()
    connection = await connect(postgres_database)
    for name in ("statement_timeout", "idle_session_timeout"):
        assert await connection.fetchval("SELECT current_setting($1)", name) == "0"
    await connection.close()


async def test_a_database_that_takes_no_changes_says_so(postgres_database: str) -> None:
    """It was told as one that restarts."""
    db = await PostgresDatabase.open(postgres_database, SEAMS)
    settle(postgres_database, "default_transaction_read_only = on")
    with pytest.raises(Busy, match="takes no changes: it is a standby"):
        async with db.write() as tx:
            await tx.one("insert_team", name="a", created_time=1)
    assert await db.scan("list_teams") == []
    await db.close()


async def test_too_many_connections_are_told(postgres: AnyServer, postgres_database: str) -> None:
    """It was told as a server that does not answer."""
    sql(postgres_database, "CREATE ROLE few_of_test LOGIN CONNECTION LIMIT 1")
    try:
        sql(postgres_database, "GRANT ALL ON SCHEMA public TO few_of_test")
        dsn = postgres_database.replace("postgres@", "few_of_test@")
        db = await PostgresDatabase.open(dsn, SEAMS)
        assert await db.scan("list_teams") == []  # its one connection
        with pytest.raises(Busy, match="takes no more connections: change its max_connections"):
            async with db.write():
                pass
        with pytest.raises(SetupError, match="takes no more connections"):
            await PostgresDatabase.open(dsn, SEAMS)
        await db.close()
    finally:
        sql(postgres_database, "DROP OWNED BY few_of_test; DROP ROLE few_of_test")
