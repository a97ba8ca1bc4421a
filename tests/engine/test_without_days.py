"""Tables without days: a run of their own beside those of the days, under the same rules."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from readings import read

from dayfill.domain.days import WHOLE, DayState
from dayfill.domain.transfer import Partition, Table
from dayfill.engine import budgets, extract, retries, runs
from dayfill.errors import Permanent, Refused
from dayfill.store import boards, days
from rig import LAST, Rig, ago, last
from scripted import SCHEMA

PAGES = Table("pages", partition=Partition.NONE)
BOTH = ("visits", PAGES)


async def now(rig: Rig, transfer: int, **choice: object) -> runs.Enqueued:
    async with rig.db.write() as tx:
        return await runs.run_now(tx, rig.seams, rig.team_id, transfer, **choice)


def settled(rig: Rig, transfer: int) -> dict[date, str]:
    rows = rig.installation.execute("SELECT data_date, settled FROM transfer_days WHERE transfer_id = :id", id=transfer)
    return {date.fromisoformat(str(day)): str(state) for day, state in rows}


async def test_a_refresh_loads_them_apart_from_the_days_and_no_calendar_shows_them(rig: Rig) -> None:
    transfer = rig.transfer(tables=BOTH)
    await rig.backfill(transfer, last(3))
    assert (await now(rig, transfer)).dates == [LAST.replace(day=15), WHOLE]
    await rig.settle()
    assert rig.agrees(transfer) == [WHOLE, *last(3), LAST.replace(day=15)]
    assert [WHOLE] in rig.source.reads and sum(WHOLE in read for read in rig.source.reads) == 1
    kept = {(name, day): kept.rows.column_names for (_, name, day), kept in rig.destination.days.items()}
    assert kept["pages", WHOLE] == ["version", "n"] and ("pages", LAST) not in kept and ("visits", WHOLE) not in kept
    found = await days.states(rig.db, rig.team_id, transfer)
    assert found is not None and found.span is not None and (found.span.start, len(found.states)) == (ago(2), 4)
    tally = await boards.tally(rig.db, transfer)
    assert (tally.total, tally.counts[DayState.LOADED], tally.rows) == (4, 4, 10)


async def test_they_fail_alone_and_are_tried_again_like_a_day(rig: Rig) -> None:
    transfer = rig.transfer(tables=BOTH)
    rig.source.on(WHOLE, always=Permanent("SCHEMA", "No column page."))
    await now(rig, transfer, window=2)
    await rig.settle()
    assert settled(rig, transfer) == {WHOLE: "f", LAST: "l", LAST.replace(day=15): "l"}
    tally = await boards.tally(rig.db, transfer)
    assert (tally.counts[DayState.FAILED], tally.counts[DayState.MISSING]) == (1, 0)
    rig.source.scripts.clear()
    async with rig.db.write() as tx:
        assert (await retries.retry(tx, rig.seams, rig.team_id, transfer)).alone == 1
    await rig.settle()
    assert settled(rig, transfer)[WHOLE] == "l"


async def test_how_large_they_are_says_nothing_of_the_days_and_slices_of_days_leave_them_out(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "MAX_SLICE_BYTES", 2_000)
    transfer = rig.transfer(tables=BOTH, parallelism=1)
    rig.source.on(WHOLE, rows=200)
    await rig.backfill(transfer, last(60))
    await rig.settle()
    before = rig.dispatcher._claimer.sizes[transfer].slice_days()
    assert before > 2
    await now(rig, transfer, window=2)
    await rig.settle()
    assert rig.source.reads[-2:] == [[LAST.replace(day=15), LAST], [WHOLE]]
    assert rig.dispatcher._claimer.sizes[transfer].slice_days() >= before


async def test_what_a_destination_has_lost_of_them_is_stale(rig: Rig) -> None:
    transfer = rig.transfer(tables=BOTH)
    await now(rig, transfer)
    await rig.settle()
    await rig.crash()
    del rig.destination.days[transfer, "pages", WHOLE]
    await rig.step()
    assert settled(rig, transfer) == {WHOLE: "s", LAST.replace(day=15): "l"}


async def test_a_backfill_skips_them_and_needs_a_table_with_days(rig: Rig) -> None:
    transfer = rig.transfer(tables=BOTH)
    backfill = await rig.backfill(transfer, last(2))
    await rig.settle()
    assert rig.runs(backfill) == {ago(0): ("COMPLETED", 1), ago(1): ("COMPLETED", 1)}
    only = rig.transfer(tables=[PAGES])
    for refused in (rig.backfill(only, last(2)), now(rig, only, dates=[LAST])):
        with pytest.raises(Refused, match="No table of this transfer has days"):
            await refused
    assert (await now(rig, only)).dates == [WHOLE]
    await rig.settle()
    found = await days.states(rig.db, rig.team_id, only)
    assert found is not None and (found.span, found.states) == (None, [])
    assert (await boards.tally(rig.db, only)).freshest == WHOLE


def test_a_large_one_waits_in_the_spool_without_its_date(
    source: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def table() -> tuple[str | None, pa.Schema, str]:
        reading = read([WHOLE], [PAGES], spool=tmp_path)[WHOLE]
        assert isinstance(reading, extract.Reading), reading
        (found,) = reading.tables
        return found.date_column, found.rows.schema, found.content_hash

    in_memory = table()
    assert in_memory[:2] == (None, SCHEMA.remove(0))
    monkeypatch.setattr(source, "reads", [])  # rows are stamped with the number of the reading
    monkeypatch.setattr(extract, "MEMORY_BYTES", 1)
    assert table() == in_memory


def test_a_row_of_a_day_is_refused(source: object) -> None:
    source.on(WHOLE, other_dates=[LAST])  # type: ignore[attr-defined]
    error = read([WHOLE], [PAGES])[WHOLE]
    assert isinstance(error, Permanent) and "sent rows of" in error.message
