"""Rows of a month: counted with the days that commit them; once used up, the team's days wait and nobody else's."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from dayfill.domain.allowance import MOST_ACTIVE, Allowance
from dayfill.domain.days import DayRange
from dayfill.domain.fair import MAX_WEIGHT
from dayfill.engine import allowances as verbs
from dayfill.engine import dispatch
from dayfill.engine.dispatch import Dispatcher
from dayfill.errors import Missing, Permanent, Refused
from dayfill.store import allowances, parking
from installation import NOON
from meeting import meet
from rig import Rig, ago, last
from scripted import NO_SPOOL, unsealed

JULY = datetime(2024, 7, 1, tzinfo=UTC)


async def limit(rig: Rig, rows: int | None) -> None:
    async with rig.db.write() as tx:
        await verbs.change(tx, rig.seams, rig.team_id, {"rows_per_month": rows})


async def counted(rig: Rig) -> int:
    return (await allowances.get(rig.db, rig.team_id, rig.seams.now())).rows


async def test_rows_count_for_the_month_in_which_their_day_was_recorded(rig: Rig) -> None:
    rig.source.on(ago(1), raises=[Permanent("DATA", "Wrong.")])
    first = await rig.backfill(rig.transfer(), last(3))
    await rig.settle()
    assert await counted(rig) == (await rig.get(first)).rows_total > 0
    rig.pass_time(days=30)
    assert await counted(rig) == 0
    second = await rig.backfill(rig.transfer(), last(1))
    await rig.settle()
    months = dict(rig.installation.execute("SELECT month, row_count FROM rows_of_months"))  # type: ignore[arg-type]
    assert months == {
        "2024-06": (await rig.get(first)).rows_total,
        "2024-07": (await rig.get(second)).rows_total,
    }


async def test_days_wait_for_the_next_month_and_then_go_on_by_themselves(rig: Rig) -> None:
    rig.single_days()
    transfer = rig.transfer(parallelism=1)
    await limit(rig, 1)
    backfill = await rig.backfill(transfer, last(3))
    await rig.step()
    assert [status for status, _ in rig.runs(backfill).values()].count("COMPLETED") == 1
    waiting = await parking.waiting(rig.db, rig.team_id, transfer, rig.seams.now())
    assert waiting is not None
    assert (waiting.reason, waiting.until, waiting.cause) == ("rows", JULY, "ROWS")
    await rig.refresh(transfer, ago(0))
    await rig.step()
    assert await counted(rig) == (await rig.get(backfill)).rows_total, "a scheduled day has to wait as well"
    passes = rig.passes
    await rig.settle()
    months = rig.installation.execute("SELECT month FROM rows_of_months ORDER BY month")
    assert months == [("2024-06",), ("2024-07",), ("2024-08",), ("2024-09",)], "a day a month is what one row allows"
    assert set(rig.runs(backfill).values()) == {("COMPLETED", 1)}, "waiting has cost an attempt"
    assert rig.passes - passes <= 12, "it has looked again without a reason"


async def test_rows_that_are_used_up_between_two_looks_hold_up_every_transfer_of_the_team(rig: Rig) -> None:
    """Where very many lanes wait, a claim goes by what an older look has found."""
    rig.single_days()
    made = [rig.transfer(parallelism=1) for _ in range(2)]
    await meet(rig, *made)
    await limit(rig, 1)
    for transfer in made:
        await rig.refresh(transfer, *last(2))

    def goes_by_older_looks(name: str) -> None:
        if name == "claim":
            rig.dispatcher._claimer.look_from = float("inf")

    rig.failpoint = goes_by_older_looks
    await rig.step()
    one_each = [(transfer, "COMPLETED") for transfer in made]
    ended = "SELECT transfer_id, status FROM runs WHERE status <> 'QUEUED' ORDER BY transfer_id"
    assert rig.installation.execute(ended) == one_each
    assert rig.dispatcher._claimer.rows_until == JULY
    rig.failpoint = lambda name: None
    rig.dispatcher._claimer.look_from = 0.0
    await limit(rig, None)
    await rig.step()
    assert rig.installation.execute(ended) == sorted(2 * one_each)


async def test_another_team_goes_on(rig: Rig) -> None:
    await rig.backfill(rig.transfer(), last(1))
    await rig.settle()
    await limit(rig, 1)
    held = rig.transfer()
    await rig.refresh(held, ago(0))
    home, rig.team_id = rig.team_id, await rig.installation.team("Second")
    free = await rig.backfill(rig.transfer(), last(2))
    await rig.step()
    assert (await rig.get(free)).completed == 2
    assert rig.installation.execute("SELECT status FROM runs WHERE transfer_id = :id", id=held) == [("QUEUED",)]
    rig.team_id = home


async def test_a_raised_limit_is_noticed_though_nobody_wakes_the_dispatcher(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if by an operator's command, which is another process."""
    await rig.backfill(rig.transfer(), last(1))
    await rig.settle()
    await rig.crash()
    await limit(rig, 1)
    transfer = rig.transfer()
    await rig.refresh(transfer, ago(0))
    monkeypatch.setattr(dispatch, "LONGEST_SLEEP", 0.01)
    dispatcher = Dispatcher(rig.db, rig.seams, rig.executor, unsealed, "here", NO_SPOOL)
    asleep = asyncio.Event()
    sleep = dispatcher._sleep

    async def falling_asleep() -> None:
        if dispatcher._claimer.rows_until is not None:
            asleep.set()
        await sleep()

    monkeypatch.setattr(dispatcher, "_sleep", falling_asleep)
    running = asyncio.create_task(dispatcher.run())
    async with asyncio.timeout(30):
        await asleep.wait()
        rig.failpoint = lambda name: dispatcher.stop() if name == "after_load" else None
        await limit(rig, 1_000_000)
        await running
    assert rig.agrees(transfer) == [ago(0)]


async def test_limits_are_those_of_a_team_that_exists_and_make_sense(rig: Rig) -> None:
    async with rig.db.write() as tx:
        with pytest.raises(Missing, match="Team 99"):
            await verbs.change(tx, rig.seams, 99, {"rows_per_month": 1})
        for wrong in (
            {"rows_per_month": 0},
            {"history_days": 0},
            {"rows_per_month": 10**15 + 1},
            {"history_days": 50_001},
        ):
            with pytest.raises(Refused, match="or none"):
                await verbs.change(tx, rig.seams, rig.team_id, wrong)
        for weight in (0, -1, MAX_WEIGHT + 1, None):
            with pytest.raises(Refused, match="The weight of a team must be 1 to 100"):
                await verbs.change(tx, rig.seams, rig.team_id, {"weight": weight})
        await verbs.change(tx, rig.seams, rig.team_id, {"rows_per_month": 10**15})
        await verbs.change(tx, rig.seams, rig.team_id, {"history_days": 50_000})
    assert await allowances.get(rig.db, rig.team_id, NOON) == Allowance(10**15, 50_000, 0, weight=1)
    async with rig.db.write() as tx:
        await verbs.change(tx, rig.seams, rig.team_id, {"weight": MAX_WEIGHT})
    assert await allowances.get(rig.db, rig.team_id, NOON) == Allowance(10**15, 50_000, 0, MAX_WEIGHT)


async def test_a_retry_counts_as_active_too(rig: Rig) -> None:
    rig.source.on(ago(0), raises=[Permanent("DATA", "Wrong.")])
    failed = await rig.backfill(rig.transfer(), last(1))
    await rig.settle()
    transfer = rig.transfer()
    for day in range(MOST_ACTIVE):
        await rig.backfill(transfer, DayRange(ago(day), ago(day)))
    with pytest.raises(Refused, match="50 backfills of this team are active"):
        await rig.verb("retry", failed)
    with pytest.raises(Refused, match="50 backfills of this team are active"):
        await rig.backfill(rig.transfer(), last(1))
    await rig.verb("cancel", failed + 1)
    await rig.verb("retry", failed)
