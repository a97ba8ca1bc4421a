"""Recording: a result counts once, and only while its token holds the run."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from dayfill.domain.run import Failure, RunType
from dayfill.domain.slices import DayOrder, DayResult, Outcome
from dayfill.engine.record import TOKEN_GAP, record
from dayfill.engine.work import Recorded
from dayfill.errors import Permanent, Transient
from meeting import meet
from rig import Rig, ago, last
from scripted import Kept, reader

LOST = Transient("NETWORK", "The source hung up.")


def loaded(rig: Rig, order: DayOrder) -> DayResult:
    return DayResult(order.run_id, order.token, order.data_date, Outcome.LOADED, rows=99, content_hash="other")


def failed(rig: Rig, order: DayOrder, *, transient: bool = False) -> DayResult:
    failure = Failure("DATA", "Wrong.", transient=transient)
    return DayResult(order.run_id, order.token, order.data_date, Outcome.FAILED, failure=failure)


async def recorded(rig: Rig, *results: DayResult) -> int:
    """How many of the results were taken."""
    async with rig.db.write() as tx:
        return (await record(tx, rig.seams, [(result, None) for result in results])).taken


def everything(rig: Rig) -> list[object]:
    """All state that a result may touch."""
    return [
        rig.installation.execute(f"SELECT * FROM {table}")
        for table in ("runs", "backfills", "transfer_days", "installation")
    ]


@pytest.fixture
async def order(rig: Rig) -> DayOrder:
    """The one day of a backfill, claimed and on its way."""
    rig.single_days()
    rig.gated()
    await rig.backfill(rig.transfer(), last(1))
    await rig.step()
    return rig.executor.gates[0].job.days[0]


RESULTS = {"loaded": loaded, "failed": failed, "lost": lambda rig, order: failed(rig, order, transient=True)}


@pytest.mark.parametrize("outcome", RESULTS)
async def test_a_result_with_another_token_changes_nothing(rig: Rig, order: DayOrder, outcome: str) -> None:
    before = everything(rig)
    for token in (order.token - 1, order.token + 1):
        assert await recorded(rig, RESULTS[outcome](rig, replace(order, token=token))) == 0
    assert everything(rig) == before


@pytest.mark.parametrize("outcome", RESULTS)
@pytest.mark.parametrize("first", RESULTS)
async def test_a_second_result_changes_nothing(rig: Rig, order: DayOrder, first: str, outcome: str) -> None:
    assert await recorded(rig, RESULTS[first](rig, order)) == 1
    before = everything(rig)
    assert await recorded(rig, RESULTS[outcome](rig, order)) == 0
    assert everything(rig)[:3] == before[:3]
    assert await rig.check() == []


@pytest.mark.parametrize("outcome", RESULTS)
@pytest.mark.parametrize("first", RESULTS)
async def test_a_second_result_in_the_same_batch_changes_nothing(
    rig: Rig, order: DayOrder, first: str, outcome: str
) -> None:
    assert await recorded(rig, RESULTS[first](rig, order), RESULTS[outcome](rig, order)) == 1
    assert await rig.check() == []


@pytest.mark.parametrize("outcome", RESULTS)
async def test_a_result_from_before_a_requeue_and_a_new_claim_changes_nothing(
    rig: Rig, order: DayOrder, outcome: str
) -> None:
    await recorded(rig, failed(rig, order, transient=True))
    rig.pass_time(hours=1)
    await rig.step()
    newer = rig.executor.gates[-1].job.days[0]
    assert (newer.run_id, newer.token > order.token) == (order.run_id, True)
    before = everything(rig)
    assert await recorded(rig, RESULTS[outcome](rig, order)) == 0
    assert everything(rig) == before
    assert await recorded(rig, loaded(rig, newer)) == 1
    assert (await rig.get(1)).status == "COMPLETED"


async def test_a_batch_counts_what_is_true_and_drops_the_rest(rig: Rig) -> None:
    rig.single_days()
    executor = rig.gated()
    backfill = await rig.backfill(rig.transfer(), last(4))
    await rig.step()
    a, b, c, d = (gate.job.days[0] for gate in executor.gates)
    results = [loaded(rig, a), failed(rig, b), loaded(rig, replace(c, token=77)), failed(rig, d, transient=True)]
    async with rig.db.write() as tx:
        done = await record(tx, rig.seams, [(one, None) for one in (*results, loaded(rig, c), loaded(rig, a))])
    endings = {(RunType.BACKFILL, "loaded"): 2, (RunType.BACKFILL, "failed"): 1, (RunType.BACKFILL, "again"): 1}
    assert done == Recorded(4, Counter(endings), rows=2 * 99)
    made = await rig.get(backfill)
    assert (made.completed, made.failed, made.running, made.waiting) == (2, 1, 0, 1)


async def test_an_end_never_lies_before_its_start(rig: Rig, order: DayOrder) -> None:
    rig.pass_time(hours=-5)
    await recorded(rig, loaded(rig, order))
    assert rig.installation.execute("SELECT ended_time - started_time FROM runs") == [(0,)]
    made = await rig.get(1)
    assert made.end_time == made.start_time


# -- a destination that is ahead


async def test_a_ledger_that_is_ahead_lifts_the_tokens_and_the_day_loads_on_the_next_try(rig: Rig) -> None:
    transfer = rig.transfer()
    await meet(rig, transfer)
    rig.destination.days[transfer, "visits", ago(0)] = Kept(5_000, 999, reader([]).read_all(), "from later")
    backfill = await rig.backfill(transfer, last(3))
    await rig.settle()
    assert rig.destination.refused == [(ago(0), 1)]
    assert (await rig.get(backfill)).status == "COMPLETED"
    assert rig.runs(backfill)[ago(0)] == ("COMPLETED", 2)
    assert rig.destination.days[transfer, "visits", ago(0)].token > 5_000 + TOKEN_GAP
    assert rig.agrees(transfer) == sorted(last(3))


async def test_tokens_are_never_lowered(rig: Rig, order: DayOrder) -> None:
    rig.installation.execute("UPDATE installation SET last_token = 9000000")
    await recorded(rig, replace(failed(rig, order, transient=True), greatest_token=5))
    assert rig.installation.execute("SELECT last_token FROM installation") == [(9_000_000,)]


# -- runs outside any backfill


async def test_a_failed_refresh_gives_way_to_the_one_that_waits_for_its_day(rig: Rig) -> None:
    """Two cannot wait for one day: the waiting run takes over, the dispatcher goes on."""
    executor = rig.gated()
    transfer = rig.transfer()
    rig.source.on(ago(0), raises=[LOST])
    first = await rig.refresh(transfer, ago(0))
    await rig.step()
    second = await rig.refresh(transfer, ago(0))
    assert first.run_ids != second.run_ids and len(executor.gates) == 1
    await rig.answer()
    await rig.finish()
    statuses = rig.installation.execute("SELECT run_id, status, cause FROM runs ORDER BY run_id")
    assert statuses == [(first.run_ids[0], "CANCELLED", "NETWORK"), (second.run_ids[0], "COMPLETED", None)]
    assert rig.agrees(transfer) == [ago(0)]


async def test_a_lost_refresh_gives_way_too(rig: Rig) -> None:
    rig.gated()
    transfer = rig.transfer()
    await rig.refresh(transfer, ago(0))
    await rig.step()
    await rig.refresh(transfer, ago(0))
    await rig.crash()
    await rig.finish()
    assert [row[0] for row in rig.installation.execute("SELECT status FROM runs")] == ["CANCELLED", "COMPLETED"]
    assert rig.agrees(transfer) == [ago(0)]


async def test_a_refresh_of_a_transfer_that_is_deleted_meanwhile_is_not_tried_again(rig: Rig) -> None:
    rig.gated()
    transfer = rig.transfer()
    rig.source.on(ago(0), raises=[LOST])
    await rig.refresh(transfer, ago(0))
    await rig.step()
    rig.installation.execute("UPDATE transfers SET deleted_time = 1")
    await rig.answer()
    await rig.finish()
    assert rig.installation.execute("SELECT status, attempts FROM runs") == [("CANCELLED", 1)]
    assert len(rig.source.reads) == 1


async def test_a_failed_refresh_marks_its_day_and_the_next_one_heals_it(rig: Rig) -> None:
    transfer = rig.transfer()
    rig.source.on(ago(0), raises=[Permanent("DATA", "Wrong.")])
    await rig.refresh(transfer, ago(0))
    await rig.settle()
    assert rig.installation.execute("SELECT settled FROM transfer_days") == [("f",)]
    await rig.refresh(transfer, ago(0))
    await rig.settle()
    assert rig.agrees(transfer) == [ago(0)]
