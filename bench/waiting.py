"""Work to measure with: transfers like one that is there, and windows of days that wait, by few statements."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bench.history import statements

NAME = "scale_"
_GROUPS = """
INSERT INTO table_groups (team_id, data_source_id, name, table_prefix, tables, created_time)
SELECT g.team_id, g.data_source_id, '{name}' || n, g.table_prefix, replace(g.tables, '"days"', '"{name}' || n || '"'),
  g.created_time
FROM table_groups g CROSS JOIN {numbers} WHERE g.schema_id = 1"""
_TRANSFERS = """
INSERT INTO transfers (team_id, display_name, data_source_id, schema_id, destination_id, connection_id, state,
  configuration, zone, parallelism, deadline_seconds, created_time, created_user_id)
SELECT t.team_id, g.name, t.data_source_id, g.schema_id, t.destination_id, t.connection_id, t.state,
  replace(replace(t.configuration, '"schema_id":1', '"schema_id":' || g.schema_id), '"Bench"', '"' || g.name || '"'),
  t.zone, t.parallelism, t.deadline_seconds, t.created_time, t.created_user_id
FROM transfers t JOIN table_groups g ON g.name LIKE '{name}%' WHERE t.transfer_id = 1
ORDER BY g.schema_id"""
_TABLES = """
INSERT INTO owned_tables (location, table_name, transfer_id)
SELECT o.location, t.display_name, t.transfer_id
FROM owned_tables o JOIN transfers t ON t.display_name LIKE '{name}%' WHERE o.transfer_id = 1"""
_RUNS = """
INSERT INTO runs (team_id, transfer_id, data_date, run_type, cause_of_start, priority, status, created_time,
  queued_time)
SELECT t.team_id, t.transfer_id, {later}, 'Recurring', 'schedule', 1, 'QUEUED', {now}, {now}
FROM transfers t CROSS JOIN {numbers} WHERE t.display_name LIKE '{name}%'
ORDER BY t.transfer_id, n"""
_DAYS = """
INSERT INTO transfer_days (transfer_id, data_date, queued)
SELECT t.transfer_id, {later}, 1
FROM transfers t CROSS JOIN {numbers} WHERE t.display_name LIKE '{name}%'
ORDER BY t.transfer_id, n"""


async def copies(folder: Path, postgresql: str | None, count: int) -> None:
    """So many more transfers like the first one."""
    async with statements(folder, postgresql) as (execute, dialect):
        numbers = dialect["numbers"].format(low=1, high=count)
        for text in (_GROUPS, _TRANSFERS, _TABLES):
            await execute(text.format(name=NAME, numbers=numbers))


async def windows(folder: Path, postgresql: str | None, first: date, days: int, now: int) -> None:
    """A waiting run of each of so many days for each of the copies. now: microseconds since 1970."""
    async with statements(folder, postgresql) as (execute, dialect):
        numbers, later = dialect["numbers"].format(low=0, high=days - 1), dialect["later"].format(first=first)
        for text in (_RUNS, _DAYS):
            await execute(text.format(name=NAME, numbers=numbers, later=later, now=now))
