"""Connections: logins at data sources."""

from __future__ import annotations

from datetime import datetime

from dayfill.domain.connection import Connection
from dayfill.store.db import Reader, Row, Tx, micros, moment


async def get(db: Reader, team_id: int, connection_id: int) -> Connection | None:
    row = await db.one("get_connection", team_id=team_id, connection_id=connection_id)
    return None if row is None else _connection(row)


async def newest(db: Reader, team_id: int, data_source_id: str) -> Connection | None:
    """The connection that new transfers of this team and data source use."""
    row = await db.one("newest_connection", team_id=team_id, data_source_id=data_source_id)
    return None if row is None else _connection(row)


async def insert(
    tx: Tx, team_id: int, public_id: str, data_source_id: str, destination_type: str, now: datetime
) -> int:
    """A connection without credentials; returns its id."""
    row = await tx.one(
        "insert_connection",
        public_id=public_id,
        team_id=team_id,
        data_source_id=data_source_id,
        destination_type=destination_type,
        sealed=None,
        created_time=micros(now),
    )
    assert row is not None
    return int(row[0])


def _connection(row: Row) -> Connection:
    identity, public_id, team_id, source, destination, sealed, parallelism, created = row
    return Connection(
        connection_id=identity,
        public_id=public_id,
        team_id=team_id,
        data_source_id=source,
        destination_type=destination,
        sealed=sealed,
        parallelism=parallelism,
        created_time=moment(created),
    )
