"""Table groups of a team: named sets of tables with their columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from dayfill.domain.transfer import Table, TableGroup
from dayfill.store.db import Database, Reader, Row, Tx, micros


async def get(db: Reader, team_id: int, schema_id: int) -> TableGroup | None:
    row = await db.one("get_table_group", team_id=team_id, schema_id=schema_id)
    return None if row is None else _group(row)


async def list_all(db: Database, team_id: int) -> list[TableGroup]:
    """All table groups of a team, by name."""
    return [_group(row) for row in await db.scan("list_table_groups", team_id=team_id)]


async def named(db: Reader, team_id: int, name: str) -> int | None:
    """The schema id of the table group that holds this name, if there is one."""
    row = await db.one("table_group_named", team_id=team_id, name=name)
    return None if row is None else int(row[0])


async def insert(
    tx: Tx, team_id: int, data_source_id: str, name: str, table_prefix: str, tables: Sequence[Table], now: datetime
) -> int:
    """A new table group; table names include the prefix. Returns its schema id."""
    row = await tx.one(
        "insert_table_group",
        team_id=team_id,
        data_source_id=data_source_id,
        name=name,
        table_prefix=table_prefix,
        tables=msgspec.json.encode(tables).decode(),
        created_time=micros(now),
    )
    assert row is not None
    return int(row[0])


def tables_of(text: str) -> tuple[Table, ...]:
    """The tables of a group from their column."""
    return msgspec.json.decode(text, type=tuple[Table, ...])


def _group(row: Row) -> TableGroup:
    schema_id, team_id, data_source_id, name, table_prefix, tables = row
    return TableGroup(schema_id, team_id, data_source_id, name, table_prefix, tables_of(tables))
