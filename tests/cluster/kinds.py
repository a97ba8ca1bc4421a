"""A source and a destination for tests of a cluster: what they are to do travels in the job."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast

import apsw
import pyarrow as pa
from stamped import note

from dayfill import destinations, sources
from dayfill.destinations import DayOutcome, DestinationConfig, FinishedDay, LedgerRow
from dayfill.domain.transfer import Table, Value
from dayfill.sources import Setting, SourceConfig

SOURCE, DESTINATION = "TRACED", "DWH_SHELF"
SCHEMA = pa.schema([("data_date", pa.date32()), ("version", pa.int64()), ("n", pa.int64())])
ROWS = 3
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_TABLES = """
CREATE TABLE IF NOT EXISTS ledger (transfer_id, day, token, run_id, rows, hash, PRIMARY KEY (transfer_id, day));
CREATE TABLE IF NOT EXISTS days (transfer_id, day, version, n);
"""


@dataclass
class Read:
    """One reading, as `dayfill.sources.DaysRead` describes it."""

    reader: pa.RecordBatchReader
    date_column: str = "data_date"
    stated_rows: int | None = None
    complete: bool = True
    failed_days: Mapping[date, Any] = field(default_factory=dict)


class Traced:
    """Writes down who reads what; kills or holds the process at days that its settings name."""

    kind, title, description, category = SOURCE, "Traced", "", "Other"
    settings = tuple(Setting(name, name) for name in ("trace", "poison", "hang", "gate"))
    has_accounts = lists_accounts = reads_whole = False
    max_days_per_read = 1000

    def check(self, config: SourceConfig, table: Table) -> None: ...

    def read_days(self, config: SourceConfig, table: Table, days: Sequence[date], deadline: float) -> Read:
        told = {name: str(value) for name, value in config.settings.items()}
        version, names = time.time_ns() // 1000, [str(day) for day in days]
        secret = {name: one.reveal() == told["password"] for name, one in config.secrets.items() if "password" in told}
        note(told["trace"], what="read", days=names, version=version, knows=secret)
        if told.get("poison") in names:
            os.kill(os.getpid(), signal.SIGKILL)
        while told.get("hang") in names or (told.get("gate") and not os.path.exists(told["gate"])):
            time.sleep(0.01)
        rows = [(day, version, n) for day in days for n in range(ROWS)]
        columns = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), SCHEMA.types, strict=True)]
        batch = pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
        return Read(pa.RecordBatchReader.from_batches(SCHEMA, [batch]))


class Shelf:
    """A SQLite file that any process of this machine may load into: days and ledger in one transaction."""

    kind, title, fields = DESTINATION, "Shelf", ()

    def location(self, fields: Mapping[str, Value]) -> str:
        return str(fields["path"])

    def check(self, config: DestinationConfig) -> None:
        with opened(config):
            pass

    def replace_days(
        self, config: DestinationConfig, days: Sequence[FinishedDay], before_commit: Callable[[], None]
    ) -> list[DayOutcome]:
        with opened(config) as con, con:
            outcomes = [self._replace(con, day) for day in days]
            before_commit()
        return outcomes

    def _replace(self, con: apsw.Connection, day: FinishedDay) -> DayOutcome:
        key, (table,) = (day.transfer_id, str(day.data_date)), day.tables
        newest = con.execute("SELECT max(token) FROM ledger WHERE (transfer_id, day) = (?, ?)", key).fetchall()[0][0]
        if newest is not None and newest > day.token:
            return DayOutcome.STALE
        told = (*key, day.token, day.run_id, table.rows.num_rows, table.content_hash)
        con.execute("INSERT OR REPLACE INTO ledger VALUES (?, ?, ?, ?, ?, ?)", told)
        con.execute("DELETE FROM days WHERE (transfer_id, day) = (?, ?)", key)
        found = table.rows.to_reader().read_all().to_pylist()
        con.executemany("INSERT INTO days VALUES (?, ?, ?, ?)", [(*key, one["version"], one["n"]) for one in found])
        return DayOutcome.LOADED

    def ledger(self, config: DestinationConfig, transfer_id: int) -> list[LedgerRow]:
        query = "SELECT transfer_id, 'visits', day, token, run_id, rows, hash FROM ledger WHERE transfer_id = ?"
        with opened(config) as con:
            rows = con.execute(query, (transfer_id,)).fetchall()
        return [LedgerRow(row[0], row[1], date.fromisoformat(row[2]), *row[3:], LONG_AGO) for row in rows]

    def greatest_token(self, config: DestinationConfig) -> int:
        with opened(config) as con:
            return int(con.execute("SELECT coalesce(max(token), 0) FROM ledger").fetchall()[0][0])


@contextmanager
def opened(config: DestinationConfig) -> Iterator[apsw.Connection]:
    con = apsw.Connection(str(config.fields["path"]))
    con.set_busy_timeout(10_000)
    con.transaction_mode = "IMMEDIATE"
    con.execute(_TABLES)
    try:
        yield con
    finally:
        con.close()


def register() -> None:
    """Make them kinds of this process."""
    sys.modules["dayfill.sources.traced"] = cast(Any, SimpleNamespace(SOURCE=Traced()))
    sys.modules["dayfill.destinations.shelf"] = cast(Any, SimpleNamespace(DESTINATION=Shelf()))
    sources.KINDS[SOURCE], destinations.KINDS[DESTINATION] = "traced", "shelf"
