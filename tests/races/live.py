"""The real dispatcher on real threads, a real state file and a real DuckDB file; only the source is made up.

Every reading has a number of its own, which its rows carry, and notes whether two slices work on one day at once.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

import seeds
from dayfill import destinations, sources
from dayfill.destinations import DestinationConfig, LedgerRow
from dayfill.destinations.duckdb import pool
from dayfill.domain.backfill import Backfill
from dayfill.domain.days import DayRange
from dayfill.domain.run import Priority, Trigger
from dayfill.domain.slices import DayResult, Slice
from dayfill.domain.transfer import Configuration, Table
from dayfill.engine import backfills as verbs
from dayfill.engine import dispatch, runs
from dayfill.engine.content_hash import joined_hash
from dayfill.engine.dispatch import Dispatcher
from dayfill.errors import Transient
from dayfill.executors.threads import ThreadsExecutor
from dayfill.roots import placed
from dayfill.sources import SourceConfig
from dayfill.store import backfills, invariants
from dayfill.store.invariants import LedgerDay
from dayfill.store.sqlite import SqliteDatabase
from installation import Installation
from reaching import TEMP, TEMPS
from scripted import Script, ScriptedRead, ScriptedSource, reader, unsealed

SECONDS = 120.0
"""How long a test waits for an event before it fails."""
TABLE = "visits"


@dataclass
class NumberedSource(ScriptedSource):
    """Counts its readings, whichever thread they come from; may refuse now and then.

    read: day -> the number of its newest reading. refuses: chance that a reading fails for now.
    """

    read: dict[date, int] = field(default_factory=dict)
    refuses: float = 0.0
    refusal: Transient = field(default_factory=lambda: Transient("NETWORK", "Lost.", retry_after=0))
    chance: Random = field(default_factory=lambda: Random(24))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def read_days(self, config: SourceConfig, table: Table, days: Sequence[date], deadline: float) -> ScriptedRead:
        with self.lock:
            self.reads.append(list(days))
            number = len(self.reads)
            self.read |= dict.fromkeys(days, number)
            refused, pause = self.chance.random() < self.refuses, self.chance.random() / 500
            scripts = [self.scripts.get(day, Script()) for day in days]
        time.sleep(pause)  # lets the other threads in
        if refused:
            raise self.refusal
        for script in scripts:
            if script.always is not None:
                raise script.always
        return ScriptedRead(reader([day for day in days for _ in range(3)], version=number))


class WatchedExecutor(ThreadsExecutor):
    """Threads, and a note of every day that two slices worked on at once."""

    def __init__(self, slots: int) -> None:
        super().__init__(slots)
        self.lock, self.under_way, self.doubled = threading.Lock(), Counter[tuple[int, date]](), list[date]()

    def submit(self, run: Callable[[Slice], list[DayResult]], job: Slice):  # type: ignore[no-untyped-def,override]
        return super().submit(lambda job: self._watched(run, job), job)

    def _watched(self, run: Callable[[Slice], list[DayResult]], job: Slice) -> list[DayResult]:
        days = [(job.transfer_id, order.data_date) for order in job.days]
        with self.lock:
            self.under_way.update(days)
            self.doubled += [day for transfer_id, day in days if self.under_way[transfer_id, day] > 1]
        try:
            return run(job)
        finally:
            with self.lock:
                self.under_way.subtract(days)


class TalkingDispatcher(Dispatcher):
    """The real one; says when it has made a pass."""

    passed: asyncio.Event
    faults: list[Exception]

    async def _pass(self) -> None:
        try:
            await super()._pass()
        except Exception as error:
            self.faults.append(error)
            raise
        finally:
            self.passed.set()


@dataclass
class Live:
    """One installation whose dispatcher runs. other: a second connection to its state, as another process has one.

    failpoint: called with each step's name in the thread that makes it.
    """

    installation: Installation
    other: SqliteDatabase
    warehouse: Path
    source: NumberedSource = field(default_factory=NumberedSource)
    executor: WatchedExecutor = field(default_factory=lambda: WatchedExecutor(4))
    failpoint: Callable[[str], None] = lambda name: None

    def __post_init__(self) -> None:
        made = self.installation
        self.db, self.team_id, self.user_id = made.db, made.team_id, made.user_id
        self.seams = replace(
            made.server.seams,
            now=lambda: datetime.now(UTC),
            monotonic=time.monotonic,
            failpoint=lambda name: self.failpoint(name),
        )
        self.dispatcher = TalkingDispatcher(
            self.db, self.seams, self.executor, unsealed, "here", self.warehouse.parent / "spool", TEMPS
        )
        self.dispatcher.passed, self.dispatcher.faults = asyncio.Event(), []

    async def transfer(self, name: str) -> int:
        """A transfer of table ``<name>_visits``; returns its id."""
        warehouse = await seeds.destination(self.installation, name=name, path=str(self.warehouse))
        group = await seeds.group(self.installation, f"{name}_{TABLE}", name=name)
        wanted = Configuration("FILES", group.schema_id, warehouse.destination_id, name)
        made = await seeds.create(self.installation, wanted)
        return made.transfer_id

    async def backfill(self, transfer_id: int, span: DayRange, db: SqliteDatabase | None = None) -> int:
        async with (db or self.db).write() as tx:
            made = await verbs.create(tx, self.seams, self.team_id, self.user_id, transfer_id, span, max_days=10_000)
        self.dispatcher.wake()
        return made.backfill_id

    async def verb(self, name: str, backfill_id: int, db: SqliteDatabase | None = None) -> object:
        """cancel, retry, pause or resume, as the owner."""
        who = (self.team_id, self.user_id) if name in ("cancel", "pause") else (self.team_id,)
        async with (db or self.db).write() as tx:
            done = await getattr(verbs, name)(tx, self.seams, *who, backfill_id)
        self.dispatcher.wake()
        return done

    async def refresh(self, transfer_id: int, *days: date, db: SqliteDatabase | None = None) -> runs.Enqueued:
        async with (db or self.db).write() as tx:
            made = await runs.enqueue(
                tx,
                self.seams,
                self.team_id,
                transfer_id,
                days,
                trigger=Trigger.SCHEDULE,
                priority=Priority.SCHEDULE,
            )
        self.dispatcher.wake()
        return made

    async def get(self, backfill_id: int) -> Backfill:
        found = await backfills.get(self.db, self.team_id, backfill_id)
        assert found is not None
        return found

    async def rest(self) -> None:
        """Wait until nothing waits or runs but what is paused."""
        async with asyncio.timeout(SECONDS):
            while self.is_busy():
                self.dispatcher.passed.clear()
                await self.dispatcher.passed.wait()

    def is_busy(self) -> bool:
        waiting = "SELECT 1 FROM runs WHERE status IN ('QUEUED', 'RUNNING')"
        new = "SELECT 1 FROM backfills WHERE status = 'CREATED'"
        return bool(self.rows(f"{waiting} UNION ALL {new} LIMIT 1"))

    def rows(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """Of the state as it is committed."""
        return self.other._reader.execute(query, values).fetchall()

    def ledger(self, transfer_id: int) -> list[LedgerRow]:
        config = DestinationConfig("here", {"path": str(self.warehouse)}, reach=TEMP)
        return destinations.get("DWH_DUCKDB").ledger(config, transfer_id)

    def versions(self, name: str) -> dict[date, list[int]]:
        """Day -> the different readings that its rows come from."""
        with pool.session(placed(str(self.warehouse), TEMP)) as opened:
            found = opened.connection.sql(
                f"SELECT data_date, list(DISTINCT version), count(*) FROM {name}_{TABLE} GROUP BY 1"
            ).fetchall()
        assert {rows for _, _, rows in found} <= {3}
        return {day: numbers for day, numbers, _ in found}

    async def sound(self, *transfers: int) -> None:
        """All invariants in one snapshot; of the ledgers of these transfers too, when nothing is under way."""
        ledgers = {one: [ledger_day(row) for row in self.ledger(one)] for one in transfers}
        async with self.db.write() as tx:
            owner = self.dispatcher._claimer.owner
            found = await invariants.check(tx, owner=owner, now=self.seams.now(), ledgers=ledgers)
        assert found == []
        assert (self.executor.doubled, self.dispatcher.faults) == ([], [])


def ledger_day(row: LedgerRow) -> LedgerDay:
    joined = joined_hash({row.table_name: row.content_hash})
    return LedgerDay(row.data_date, row.token, row.token, row.run_id, row.row_count, joined)


@asynccontextmanager
async def running(made: Installation, folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[Live]:
    """A dispatcher that runs until the block ends."""
    other = SqliteDatabase(made.db._path)
    other._writer.execute("PRAGMA synchronous = OFF")
    live = Live(made, other, folder / "warehouse.duckdb")
    patch.setattr(sources, "get", lambda kind: live.source)
    patch.setattr(dispatch, "AFTER_ERROR_SECONDS", 0.0)
    task = asyncio.create_task(live.dispatcher.run())
    try:
        yield live
    finally:
        live.dispatcher.stop()
        await asyncio.wait_for(task, SECONDS)
        live.executor.close()
        pool.close_all()
        await other.close()
