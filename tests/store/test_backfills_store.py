"""What the store answers about backfills, runs and days: whole, in order, of this team, page by page."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from dayfill.domain.backfill import BackfillStatus
from dayfill.domain.days import DayRange, DayState
from dayfill.domain.run import RunStatus, RunType, Trigger
from dayfill.errors import Permanent
from dayfill.store import backfills, days, runs
from dayfill.store.db import instant, micros, moment
from installation import NOON, Installation
from rig import Rig, ago, last


@pytest.fixture
async def rig(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Rig:
    return Rig.create(installation, monkeypatch)


async def settled(rig: Rig) -> None:
    await rig.settle()
    await rig.crash()


async def test_pages_hold_every_backfill_once_newest_first(rig: Rig) -> None:
    transfer = rig.transfer()
    made = []
    for n in range(7):
        made.append(await rig.backfill(transfer, DayRange(ago(n), ago(n))))
        rig.pass_time(seconds=n % 2)  # some are created at the same moment
    seen: list[int] = []
    before: tuple[datetime, int] | None = None
    while page := await backfills.page(rig.db, rig.team_id, before=before, limit=3):
        seen += [one.backfill_id for one in page]
        before = page[-1].created_time, page[-1].backfill_id
    assert seen == made[::-1]


async def test_pages_can_be_chosen(rig: Rig) -> None:
    one, two = rig.transfer(), rig.transfer()
    old = await rig.backfill(one, last(1))
    await rig.verb("cancel", old)
    rig.pass_time(days=1)
    new, other = await rig.backfill(one, last(1)), await rig.backfill(two, last(1))

    async def ids(**choice: object) -> list[int]:
        return [found.backfill_id for found in await backfills.page(rig.db, rig.team_id, **choice)]

    assert await ids() == [other, new, old]
    assert await ids(transfer_id=one) == [new, old]
    assert await ids(statuses=[BackfillStatus.CANCELLED]) == [old]
    assert await ids(statuses=[BackfillStatus.CREATED, BackfillStatus.CANCELLED], transfer_id=one) == [new, old]
    assert await ids(created_from=rig.installation.now) == [other, new]
    assert await ids(created_to=NOON) == [old]
    assert await backfills.page(rig.db, rig.team_id + 1) == []


async def test_the_incomplete_and_the_latest(rig: Rig) -> None:
    transfer = rig.transfer()
    assert await backfills.latest(rig.db, rig.team_id, transfer) is None
    rig.source.on(ago(0), always=Permanent("DATA", "Wrong."))
    failed, done = await rig.backfill(transfer, last(1)), await rig.backfill(rig.transfer(), DayRange(ago(5), ago(5)))
    await settled(rig)
    waiting = await rig.backfill(transfer, last(2))
    found = await backfills.incomplete(rig.db, rig.team_id)
    assert [one.backfill_id for one in found] == [waiting, failed]
    assert done not in [one.backfill_id for one in found]
    latest = await backfills.latest(rig.db, rig.team_id, transfer)
    assert latest is not None and latest.backfill_id == waiting
    for nobody in (await backfills.latest(rig.db, 99, transfer), await backfills.get(rig.db, 99, waiting)):
        assert nobody is None
    assert await backfills.incomplete(rig.db, 99) == []


async def test_the_error_report_can_be_cut(rig: Rig) -> None:
    rig.source.on(*last(5), always=Permanent("DATA", "Wrong."))
    backfill = await rig.backfill(rig.transfer(), last(5))
    await settled(rig)
    assert [one.data_date for one in await backfills.failures(rig.db, backfill, 2)] == [ago(0), ago(1)]
    assert [one.error for one in await backfills.failures(rig.db, backfill)] == ["Wrong."] * 5


async def test_a_run_tells_its_story(rig: Rig) -> None:
    transfer = rig.transfer(tables=("visits", "costs"))
    backfill = await rig.backfill(transfer, last(1))
    rig.pass_time(minutes=1)
    await settled(rig)
    run = await runs.get(rig.db, rig.team_id, 1)
    assert run is not None and await runs.get(rig.db, 99, 1) is None
    assert (run.status, run.run_type, run.trigger) == (RunStatus.COMPLETED, RunType.BACKFILL, Trigger.BACKFILL)
    assert (run.backfill_id, run.data_date, run.attempts, run.rows) == (backfill, ago(0), 1, 4)
    assert [(query.table, query.status, query.rows) for query in run.queries] == [
        ("visits", "COMPLETED", 2),
        ("costs", "COMPLETED", 2),
    ]
    assert NOON < run.created_time <= run.queued_time <= run.started_time <= run.ended_time


SORTS = {
    ("created_time", False): [1, 2, 3, 4],
    ("created_time", True): [4, 3, 2, 1],
    ("data_date", False): [3, 2, 1, 4],
    ("data_date", True): [4, 1, 2, 3],
    ("ended_time", False): [2, 3, 1, 4],
    ("ended_time", True): [1, 3, 2, 4],
}


@pytest.mark.parametrize(("sort", "order"), SORTS.items(), ids=str)
async def test_runs_are_listed_in_any_order(rig: Rig, sort: tuple[runs.SortField, bool], order: list[int]) -> None:
    """Four runs: of three days in a row, made newest first and ended in turns; the fourth has not ended."""
    transfer = rig.transfer()
    await rig.refresh(transfer, ago(1), ago(2), ago(3))
    rig.pass_time(seconds=1)
    await rig.refresh(transfer, ago(0))
    for run_id, ended in ((1, 30), (2, 10), (3, 20)):
        rig.installation.execute(
            "UPDATE runs SET status = 'FAILED', ended_time = :ended WHERE run_id = :id", ended=ended, id=run_id
        )
    field, descending = sort
    period = {"created_from": NOON, "created_to": NOON + timedelta(hours=1), "sort_field": field}

    async def ids(**choice: object) -> list[int]:
        found = await runs.page(rig.db, rig.team_id, transfer, **period, descending=descending, **choice)
        return [run.run_id for run in found]

    assert await ids() == order
    assert await ids(limit=2, offset=1) == order[1:3]
    assert await ids(issues_only=True) == [n for n in order if n != 4]
    assert await runs.page(rig.db, 99, transfer, **period) == []


async def test_a_period_holds_both_its_ends(rig: Rig) -> None:
    transfer = rig.transfer()
    await rig.refresh(transfer, ago(0))
    second = timedelta(seconds=1)
    for start, end, count in ((NOON, NOON, 1), (NOON + second, NOON + 2 * second, 0), (NOON - second, NOON, 1)):
        page = await runs.page(rig.db, rig.team_id, transfer, created_from=start, created_to=end)
        assert len(page) == count


async def test_days_of_a_transfer(rig: Rig) -> None:
    transfer = rig.transfer()
    empty = await days.states(rig.db, rig.team_id, transfer)
    assert empty is not None and (empty.span, empty.states) == (None, [])
    rig.source.on(ago(1), always=Permanent("DATA", "Wrong."))
    await rig.backfill(transfer, last(3))
    await settled(rig)
    await rig.refresh(transfer, ago(4))
    known = await days.states(rig.db, rig.team_id, transfer)
    assert known is not None and known.span == DayRange(ago(4), ago(0))
    assert [state.value for _, state in known.states] == ["q", "l", "f", "l"]
    counts = {state: count for state, count in known.counts().items() if count}
    assert counts == {DayState.QUEUED: 1, DayState.MISSING: 1, DayState.LOADED: 2, DayState.FAILED: 1}
    assert await days.states(rig.db, 99, transfer) is None
    wider = await days.states(rig.db, rig.team_id, transfer, last(30))
    assert wider is not None and wider.counts()[DayState.MISSING] == 26


async def test_every_move_of_a_day_raises_the_version(rig: Rig) -> None:
    transfer = rig.transfer()
    versions = []
    for step in (lambda: rig.backfill(transfer, last(1)), lambda: settled(rig), lambda: outdated(rig, transfer)):
        await step()
        known = await days.states(rig.db, rig.team_id, transfer)
        versions.append(known.version)
    assert versions == sorted(set(versions))
    assert [state for _, state in known.states] == [DayState.STALE]


async def outdated(rig: Rig, transfer: int) -> None:
    async with rig.db.write() as tx:
        await days.outdate(tx, transfer)


def test_time_is_kept_to_the_microsecond() -> None:
    at = NOON + timedelta(microseconds=123_457)
    assert instant(micros(at)) == moment(micros(at)) == at
    assert (micros(None), instant(None)) == (None, None)
