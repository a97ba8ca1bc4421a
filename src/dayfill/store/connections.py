"""Connections: logins at data sources."""

from __future__ import annotations

from datetime import datetime

from dayfill.domain.connection import Connection
from dayfill.store.db import Reader, Row, Tx, instant, micros, moment


async def get(db: Reader, team_id: int, connection_id: int) -> Connection | None:
    row = await db.one("get_connection", team_id=team_id, connection_id=connection_id)
    return None if row is None else _connection(row)


async def list_all(db: Reader, team_id: int, limit: int) -> list[Connection]:
    """Connections of the team, revoked ones too, newest first."""
    return [_connection(row) for row in await db.all("list_connections", team_id=team_id, limit=limit)]


async def in_force(db: Reader, team_id: int, data_source_id: str, limit: int) -> list[Connection]:
    """Connections of the team to a data source that were not revoked, newest first."""
    rows = await db.all("connections_in_force", team_id=team_id, data_source_id=data_source_id, limit=limit)
    return [_connection(row) for row in rows]


async def insert(
    tx: Tx, team_id: int, user_id: int, public_id: str, data_source_id: str, destination_type: str, now: datetime
) -> int:
    """A connection without credentials; returns its id."""
    row = await tx.one(
        "insert_connection",
        public_id=public_id,
        team_id=team_id,
        data_source_id=data_source_id,
        destination_type=destination_type,
        created_time=micros(now),
        user_id=user_id,
    )
    assert row is not None
    return int(row[0])


async def seal(tx: Tx, team_id: int, connection_id: int, sealed: bytes | None) -> None:
    await tx.run("seal_connection", team_id=team_id, connection_id=connection_id, sealed=sealed)


async def revoke(tx: Tx, team_id: int, connection_id: int, now: datetime) -> None:
    """Forget its credentials and let it rest for good; what waits for it need wait no longer."""
    await tx.run("revoke_connection", team_id=team_id, connection_id=connection_id, now=micros(now))


def _connection(row: Row) -> Connection:
    identity, public_id, team_id, source, destination, sealed, parallelism, created, user_id, email, revoked = row
    return Connection(
        connection_id=identity,
        public_id=public_id,
        team_id=team_id,
        data_source_id=source,
        destination_type=destination,
        sealed=sealed,
        parallelism=parallelism,
        created_time=moment(created),
        user_id=user_id,
        user_email=email,
        revoked_time=instant(revoked),
    )
