"""A history to measure with: finished runs of many transfers, and the days that they settled, by few statements."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import apsw
import asyncpg

from dayfill.domain.installation import STATE_FILE

BATCH = 200_000
DAYS_EACH = 500
"""Days of the history of each transfer: a day was loaded as often as it takes to come to so many runs."""
MICROS = 1_000_000
Execute = Callable[[str], Awaitable[list[Any]]]

_RUNS = """
INSERT INTO runs (team_id, transfer_id, backfill_id, data_date, run_type, cause_of_start, priority, status, attempts,
  token, created_time, queued_time, started_time, ended_time, row_count, content_hash)
SELECT t.team_id, t.transfer_id, NULL, {day}, 'Recurring', 'schedule', 1, 'COMPLETED', 1, {first} + n,
  made, made, made + 2000000, made + 5000000, 1000 + n % 777, '0123456789abcdef0123456789abcdef'
FROM (SELECT n, {oldest} + n * {step} AS made, {lowest} + (n / {days}) % {transfers} AS transfer_id FROM {numbers}) h
JOIN transfers t ON t.transfer_id = h.transfer_id"""
_DAYS = """
INSERT INTO transfer_days (transfer_id, data_date, settled, row_count, content_hash, token, run_id, settled_time)
SELECT transfer_id, data_date, 'l', max(row_count), max(content_hash), max(token), max(run_id), max(ended_time)
FROM runs WHERE token > {first} GROUP BY transfer_id, data_date
ON CONFLICT (transfer_id, data_date) DO NOTHING"""
_TOKENS = "UPDATE installation SET last_token = {first} + {count}"
_SQLITE = {
    "numbers": "(WITH RECURSIVE c(n) AS (SELECT {low} UNION ALL SELECT n + 1 FROM c WHERE n < {high}) SELECT n FROM c)",
    "day": "date('2019-12-31', '-' || (n % {days}) || ' days')",
    "later": "date('{first}', n || ' days')",
}
_POSTGRESQL = {
    "numbers": "generate_series(CAST({low} AS BIGINT), {high}) AS c(n)",
    "day": "CAST(DATE '2019-12-31' - CAST(n % {days} AS INTEGER) AS TEXT)",
    "later": "CAST(DATE '{first}' + CAST(n AS INTEGER) AS TEXT)",
}


@asynccontextmanager
async def statements(folder: Path, postgresql: str | None) -> AsyncIterator[tuple[Execute, dict[str, str]]]:
    """Statements to the state, past all verbs, and how this database counts and reckons with days."""
    if postgresql is None:
        with closing(apsw.Connection(str(folder / "data" / STATE_FILE))) as connection:
            connection.execute("PRAGMA busy_timeout = 60000; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000")

            async def in_file(sql: str) -> list[tuple[Any, ...]]:
                return list(connection.execute(sql))

            yield in_file, _SQLITE
        return
    server = await asyncpg.connect(postgresql)
    try:
        yield server.fetch, _POSTGRESQL
    finally:
        await server.close()


async def fill(folder: Path, postgresql: str | None, count: int, year_ends: int) -> None:
    """So many finished runs, spread over all transfers and over the year that ends then (microseconds since 1970).

    The planner learns what is there in any case, also of none: both measurements have statistics, and no rest of the
    writing is left to what is measured afterwards. Years of work leave a state like that.
    """
    async with statements(folder, postgresql) as (execute, dialect):
        if postgresql is None:
            await _fill(execute, dialect, count, year_ends)
            await execute("ANALYZE")
            await execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        # A check for each of millions of rows would take longer than their insert; it is made for all at the end.
        await execute("ALTER TABLE runs DROP CONSTRAINT runs_transfer_id_fkey")
        await _fill(execute, dialect, count, year_ends)
        await execute("ALTER TABLE runs ADD FOREIGN KEY (transfer_id) REFERENCES transfers")
        await execute("VACUUM ANALYZE")
        await execute("CHECKPOINT")


async def _fill(execute: Execute, dialect: dict[str, str], count: int, year_ends: int) -> None:
    (first,) = (await execute("SELECT last_token FROM installation"))[0]
    lowest, transfers = (await execute("SELECT min(transfer_id), count(*) FROM transfers"))[0]
    year = 365 * 86_400 * MICROS
    known = {"first": first, "lowest": lowest, "transfers": transfers, "days": DAYS_EACH}
    known |= {"oldest": year_ends - year, "step": max(1, year // max(1, count))}
    for low in range(1, count + 1, BATCH):
        print(f"{low - 1:,} of {count:,} finished runs", end="\r", file=sys.stderr, flush=True)
        batch = known | {"low": low, "high": min(low + BATCH - 1, count)}
        how = {name: dialect[name].format(**batch) for name in ("numbers", "day")}
        await execute(_RUNS.format(**batch, **how))
    await execute(_DAYS.format(**known))
    await execute(_TOKENS.format(**known, count=count))
